"""Many at once, one winner: what a unique name, a version and a one-time token are for."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from domain.errors import DomainError, LastAdmin, NotFound
from domain.model.attempts import UNKNOWN_DEVICE
from domain.model.queries import Query
from domain.model.roles import ADMIN_ID, MEMBER, MEMBER_ID
from domain.model.users import EmailAddress, User
from tests.support.databases import Storage
from tests.support.examples import (
    a_mail,
    a_one_time_token,
    a_project,
    a_refresh_token,
    a_role,
    a_session,
    a_user,
    an_invitation,
)
from tests.support.fakes import START

CALLERS = 10


async def outcomes(attempt: Callable[[int], Awaitable[object]]) -> Counter[str]:
    """How many callers were told what; whoever is not refused is `won`."""

    async def one(caller: int) -> str:
        try:
            await attempt(caller)
        except DomainError as refusal:
            return refusal.code
        return "won"

    return Counter(await asyncio.gather(*map(one, range(CALLERS))))


async def test_one_gets_the_name(storage: Storage, owner) -> None:
    async def take(caller: int) -> None:
        async with storage.uow() as work:
            await work.projects.add(a_project(owner, name="wanted"), at_most=100)

    assert await outcomes(take) == {"won": 1, "project_name_taken": CALLERS - 1}


async def test_one_gets_the_address(storage: Storage) -> None:
    async def register(caller: int) -> None:
        async with storage.uow() as work:
            await work.users.add(a_user(email=EmailAddress("wanted@example.org")))

    assert await outcomes(register) == {"won": 1, "email_taken": CALLERS - 1}


async def test_one_changes_the_version_that_all_have_read(storage: Storage, project) -> None:
    async def rename(caller: int) -> None:
        async with storage.uow() as work:
            await work.projects.save(replace(project, name=f"name {caller}"))

    assert await outcomes(rename) == {"won": 1, "edit_conflict": CALLERS - 1}
    async with storage.uow.reading() as work:
        assert (await work.projects.get(project.id)).version == 2


async def test_nobody_overwrites_what_they_did_not_read(storage: Storage, project) -> None:
    async def append(caller: int) -> None:
        async with storage.uow() as work:
            seen = await work.projects.get(project.id)
            await asyncio.sleep(0)
            await work.projects.save(replace(seen, description=f"{seen.description or ''}{caller},"))

    told = await outcomes(append)

    async with storage.uow.reading() as work:
        kept = await work.projects.get(project.id)
    assert kept.version == 1 + told["won"] > 1
    assert kept.description.count(",") == told["won"]
    assert set(told) <= {"won", "edit_conflict"}


async def test_who_has_locked_the_user_is_waited_for(storage: Storage, owner) -> None:
    async def rename(caller: int) -> None:
        async with storage.uow() as work:
            seen = await work.users.lock(owner.id)
            await asyncio.sleep(0)
            await work.users.save(replace(seen, name=f"{seen.name or ''}{caller},"))

    assert await outcomes(rename) == {"won": CALLERS}
    async with storage.uow.reading() as work:
        kept = await work.users.get(owner.id)
    assert (kept.version, kept.name.count(",")) == (1 + CALLERS, CALLERS)


async def test_a_project_is_deleted_once(storage: Storage, project) -> None:
    async def delete(caller: int) -> None:
        async with storage.uow() as work:
            await work.projects.delete(project)

    assert await outcomes(delete) == {"won": 1, "not_found": CALLERS - 1}


async def test_a_refresh_token_has_one_successor(storage: Storage, owner) -> None:
    session = a_session(owner)
    token = a_refresh_token(session)
    await storage.given(session, token)

    async def refresh(caller: int) -> bool:
        following = a_refresh_token(session)
        spent = replace(token, spent_at=START, successor_digest=following.digest)
        async with storage.uow() as work:
            if await work.sessions.spend_refresh_token(spent):
                await work.sessions.add_refresh_token(following)
                return True
            return False

    assert Counter(await asyncio.gather(*map(refresh, range(CALLERS)))) == {True: 1, False: CALLERS - 1}
    async with storage.uow.reading() as work:
        kept = await work.sessions.find_refresh_token(token.digest)
        assert await work.sessions.find_refresh_token(kept.successor_digest) is not None


async def test_a_role_is_granted_to_one_user_by_many(storage: Storage, owner) -> None:
    async def grant(caller: int) -> None:
        async with storage.uow() as work:
            await work.roles.grant(MEMBER_ID, owner.id)

    assert await outcomes(grant) == {"won": CALLERS}
    async with storage.uow.reading() as work:
        assert await work.roles.list_by_user(owner.id) == (MEMBER,)


async def test_writers_of_different_rows_all_win(storage: Storage, owner) -> None:
    async def create(caller: int) -> None:
        async with storage.uow() as work:
            await work.projects.add(a_project(owner), at_most=100)

    assert await outcomes(create) == {"won": CALLERS}


async def test_one_takes_the_token(storage: Storage, owner) -> None:
    token = a_one_time_token(owner)
    await storage.given(token)

    async def take(caller: int) -> bool:
        async with storage.uow() as work:
            taken = await work.one_time_tokens.take(token.digest)
            await asyncio.sleep(0)
            return taken == token

    assert Counter(await asyncio.gather(*map(take, range(CALLERS)))) == {True: 1, False: CALLERS - 1}


@pytest.mark.parametrize("of_user", [True, False])
async def test_of_the_tokens_that_are_asked_for_at_once_one_is_good(storage: Storage, owner, of_user: bool) -> None:
    invitation = an_invitation()
    await storage.given(invitation)
    tokens = [a_one_time_token(owner if of_user else invitation) for _ in range(CALLERS)]

    async def ask(caller: int) -> None:
        async with storage.uow() as work:
            await work.one_time_tokens.add(tokens[caller])

    assert await outcomes(ask) == {"won": CALLERS}
    async with storage.uow() as work:
        good = [await work.one_time_tokens.take(token.digest) for token in tokens]
    assert len([token for token in good if token is not None]) == 1


async def test_of_the_invitations_to_one_address_one_is_open(storage: Storage) -> None:
    await storage.given(an_invitation(email=EmailAddress("ada@example.org")))

    async def invite(caller: int) -> None:
        invitation = an_invitation(email=EmailAddress("ada@example.org"))
        async with storage.uow() as work:
            await work.invitations.add(invitation)
            await work.mails.add(a_mail(invitation))

    assert await outcomes(invite) == {"won": CALLERS}
    async with storage.uow() as work:
        [left] = (await work.invitations.list(Query())).items
        assert [mail.invitation_id for mail in await work.mails.claim(CALLERS, now=START)] == [left.id]


async def test_each_mail_is_claimed_by_one(storage: Storage) -> None:
    mails = [a_mail() for _ in range(3 * CALLERS)]
    await storage.given(*mails)

    async def claim(caller: int) -> list[str]:
        async with storage.uow() as work:
            claimed = await work.mails.claim(5, now=START)
            await asyncio.sleep(0)
            return [str(mail.id) for mail in claimed]

    rounds = [await asyncio.gather(*map(claim, range(CALLERS))) for _ in range(3)]
    assert Counter(mail for claims in rounds for claim in claims for mail in claim) == {
        str(mail.id): 1 for mail in mails
    }


async def given_admins(storage: Storage, number: int) -> list[User]:
    admins = [a_user() for _ in range(number)]
    await storage.given(*admins)
    async with storage.uow() as work:
        for admin in admins:
            await work.roles.grant(ADMIN_ID, admin.id)
    return admins


async def test_of_admins_who_all_deactivate_each_other_one_is_left(storage: Storage) -> None:
    admins = await given_admins(storage, CALLERS)

    async def deactivate(caller: int) -> None:
        async with storage.uow() as work:
            if await work.roles.count_active_members(ADMIN_ID) < 2:
                raise LastAdmin
            await asyncio.sleep(0)
            await work.users.save(replace(admins[caller], is_active=False))

    assert await outcomes(deactivate) == {"won": CALLERS - 1, "last_admin": 1}
    async with storage.uow.reading() as work:
        assert await work.roles.count_active_members(ADMIN_ID) == 1


async def test_who_counts_the_members_of_one_role_holds_up_no_other(storage: Storage, owner) -> None:
    """A grant of the same role goes on as well."""

    async def count_and_grant(caller: int) -> None:
        async with storage.uow() as work:
            await work.roles.count_active_members(ADMIN_ID if caller % 2 else MEMBER_ID)
            await work.roles.grant(ADMIN_ID, owner.id)

    assert await outcomes(count_and_grant) == {"won": CALLERS}


async def test_a_role_that_is_deleted_while_it_is_granted_is_held_by_nobody(storage: Storage, owner) -> None:
    """And nobody is told that it is the user who is not there."""
    role = a_role()
    await storage.given(role)

    async def change(caller: int) -> str:
        try:
            async with storage.uow() as work:
                await (work.roles.grant(role.id, owner.id) if caller % 3 else work.roles.delete(role))
        except NotFound as refusal:
            return type(refusal).__name__
        return "won"

    assert set(await asyncio.gather(*map(change, range(CALLERS)))) == {"won", "RoleNotFound"}
    async with storage.uow.reading() as work:
        assert not await work.roles.has_member(role.id)
        with pytest.raises(NotFound):
            await work.roles.get(role.id)


@pytest.mark.parametrize("device", [UNKNOWN_DEVICE, "phone"])
async def test_no_attempt_goes_uncounted(storage: Storage, device: str) -> None:
    async def guess(caller: int) -> None:
        async with storage.uow() as work:
            seen = await work.attempts.lock("user:1", device, now=START)
            await asyncio.sleep(0)
            await work.attempts.save(seen.reserve(now=START))

    await asyncio.gather(*map(guess, range(50)))
    async with storage.uow() as work:
        assert (await work.attempts.lock("user:1", device, now=START)).failures == 50


async def test_an_attempt_is_counted_while_others_are_forgotten(storage: Storage) -> None:
    """Whoever locks what has just been forgotten begins anew."""

    async def guess_or_forget(caller: int) -> None:
        async with storage.uow() as work:
            seen = await work.attempts.lock("user:1", UNKNOWN_DEVICE, now=START)
            if caller % 3 == 2:
                await work.attempts.forget("user:1")
            else:
                await work.attempts.save(seen.reserve(now=START))

    for _ in range(3):
        assert await outcomes(guess_or_forget) == {"won": CALLERS}


async def test_a_session_that_is_touched_by_many_is_ended_once(storage: Storage, owner) -> None:
    session = a_session(owner)
    await storage.given(session)
    ended = []

    async def change(caller: int) -> None:
        async with storage.uow() as work:
            if caller % 2:
                ended.append(await work.sessions.end_all(owner.id, now=START))
            else:
                await work.sessions.touch(session)

    assert await outcomes(change) == {"won": CALLERS}
    assert sorted(ended) == [0, 0, 0, 0, 1]
