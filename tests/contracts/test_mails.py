from datetime import timedelta

import pytest

from domain.errors import InvitationNotFound, UserNotFound
from domain.model.mails import Mail, MailKind
from domain.model.users import EmailAddress

from ..support.databases import Storage
from ..support.examples import a_mail, a_user, an_invitation
from ..support.fakes import START

MINUTE, INSTANT = timedelta(minutes=1), timedelta(microseconds=1)
NEVER = START + timedelta(days=36_500)


async def waiting(storage: Storage) -> tuple[Mail, ...]:
    """Every mail as it would next be tried, the longest due first."""
    async with storage.uow() as work:
        return await work.mails.claim(1000, now=NEVER)


def tried(*mails: Mail) -> tuple[Mail, ...]:
    return tuple(mail.attempted(now=NEVER) for mail in mails)


async def test_claim_finds_what_add_was_given(storage: Storage, owner) -> None:
    invitation = an_invitation()
    plain = a_mail()
    to_user = a_mail(owner, kind=MailKind.SESSION_REUSED, due_at=START + INSTANT, attempts=3)
    to_guest = a_mail(
        invitation,
        kind=MailKind.INVITATION,
        to=EmailAddress("guest@example.org"),
        created_at=START - INSTANT,
        due_at=START + 2 * INSTANT,
    )
    await storage.given(invitation)
    async with storage.uow() as work:
        await work.mails.add(plain)
        await work.mails.add(to_user)
        await work.mails.add(to_guest)

    assert await waiting(storage) == tried(plain, to_user, to_guest)


async def test_add_refuses_an_unknown_user(storage: Storage) -> None:
    with pytest.raises(UserNotFound):
        async with storage.uow() as work:
            await work.mails.add(a_mail(a_user()))


async def test_add_refuses_an_unknown_invitation(storage: Storage) -> None:
    with pytest.raises(InvitationNotFound):
        async with storage.uow() as work:
            await work.mails.add(a_mail(an_invitation()))


async def test_only_what_is_due_is_claimed(storage: Storage) -> None:
    due, early = a_mail(due_at=START), a_mail(due_at=START + INSTANT)
    await storage.given(early, due)

    async with storage.uow() as work:
        assert await work.mails.claim(10, now=START - INSTANT) == ()
        assert await work.mails.claim(10, now=START) == (due.attempted(now=START),)


async def test_the_longest_due_come_first_and_no_more_than_asked(storage: Storage) -> None:
    mails = [a_mail(due_at=START - INSTANT * after) for after in (0, 0, 1, 2)]
    first, second, third, fourth = (mail.attempted(now=START) for mail in (mails[3], mails[2], mails[0], mails[1]))
    await storage.given(*mails)

    async with storage.uow() as work:
        assert await work.mails.claim(1, now=START) == (first,)
        assert await work.mails.claim(2, now=START) == (second, third)
        assert await work.mails.claim(9, now=START) == (fourth,)


async def test_a_claimed_mail_waits_longer_each_time(storage: Storage) -> None:
    await storage.given(a_mail())
    now, pauses = START, []
    for _ in range(9):
        async with storage.uow() as work:
            [mail] = await work.mails.claim(1, now=now)
            assert await work.mails.claim(1, now=mail.due_at - INSTANT) == ()
        pauses.append(mail.due_at - now)
        now = mail.due_at

    assert mail.attempts == 9
    assert pauses == [MINUTE * minutes for minutes in (1, 2, 4, 8, 16, 32, 60, 60, 60)]


async def test_a_claim_that_was_undone_leaves_the_mail_due(storage: Storage) -> None:
    mail = a_mail()
    await storage.given(mail)

    async def fail() -> None:
        async with storage.uow() as work:
            await work.mails.claim(1, now=START)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await waiting(storage) == tried(mail)


async def test_a_removed_mail_is_never_sent(storage: Storage) -> None:
    gone, other = a_mail(), a_mail()
    await storage.given(gone, other)

    for _ in range(2):
        async with storage.uow() as work:
            await work.mails.remove(gone.id)
    assert await waiting(storage) == tried(other)


async def test_a_mail_shares_the_fate_of_its_cause(storage: Storage) -> None:
    async def fail() -> None:
        async with storage.uow() as work:
            await work.mails.add(a_mail())
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await waiting(storage) == ()


async def test_those_that_wait_are_counted_whether_they_are_due_or_not(storage: Storage) -> None:
    gone = a_mail()
    await storage.given(gone, a_mail(due_at=NEVER), a_mail(attempts=3))
    async with storage.uow() as work:
        await work.mails.remove(gone.id)
        assert await work.mails.count() == 2
    async with storage.uow.reading() as work:
        assert await work.mails.count() == 2
