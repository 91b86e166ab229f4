from datetime import timedelta

import pytest

from domain.errors import InvitationNotFound
from domain.model.invitations import Invitation
from domain.model.queries import Page, Query, Sort
from domain.model.roles import ADMIN_ID, MEMBER_ID
from domain.model.users import EmailAddress

from ..support.databases import Storage
from ..support.examples import a_mail, a_one_time_token, a_user, an_invitation
from ..support.fakes import START

ADA = EmailAddress("ada@example.org")
BY_EMAIL = Query(sorting=(Sort("email"),))


async def listed(storage: Storage) -> tuple[Invitation, ...]:
    async with storage.uow.reading() as work:
        return (await work.invitations.list(BY_EMAIL)).items


async def test_get_finds_what_add_was_given(storage: Storage, owner) -> None:
    plain = an_invitation()
    full = an_invitation(
        role_ids=frozenset({MEMBER_ID, ADMIN_ID}),
        invited_by=owner.id,
        created_at=START + timedelta(microseconds=1),
        expires_at=START + timedelta(microseconds=2),
    )
    async with storage.uow() as work:
        await work.invitations.add(plain)
        await work.invitations.add(full)

    async with storage.uow.reading() as work:
        assert await work.invitations.get(plain.id) == plain
        assert await work.invitations.get(full.id) == full


async def test_get_refuses_an_unknown_invitation(storage: Storage) -> None:
    async with storage.uow.reading() as work:
        with pytest.raises(InvitationNotFound):
            await work.invitations.get(an_invitation().id)


async def test_neither_who_invited_nor_what_is_promised_has_to_be_there(storage: Storage) -> None:
    invitation = an_invitation(invited_by=a_user().id, role_ids=frozenset({an_invitation().id}))
    await storage.given(invitation)

    assert await listed(storage) == (invitation,)


async def test_to_invite_again_takes_the_place_of_the_earlier_invitation(storage: Storage) -> None:
    first, second, other = an_invitation(email=ADA), an_invitation(email=ADA), an_invitation()
    await storage.given(first, other)

    async with storage.uow() as work:
        await work.invitations.add(second)

    assert await listed(storage) == (second, other)
    async with storage.uow.reading() as work:
        with pytest.raises(InvitationNotFound):
            await work.invitations.get(first.id)


async def test_one_may_be_invited_twice_at_one_go(storage: Storage) -> None:
    first, second = an_invitation(email=ADA), an_invitation(email=ADA)
    await storage.given(first, second)

    assert await listed(storage) == (second,)


async def test_delete_removes_one(storage: Storage) -> None:
    gone, other = an_invitation(), an_invitation()
    await storage.given(gone, other)

    async with storage.uow() as work:
        await work.invitations.delete(gone.id)

    assert await listed(storage) == (other,)


async def test_delete_refuses_an_unknown_invitation(storage: Storage) -> None:
    with pytest.raises(InvitationNotFound):
        async with storage.uow() as work:
            await work.invitations.delete(an_invitation().id)


@pytest.mark.parametrize("again", [False, True])
async def test_tokens_and_mails_go_with_their_invitation(storage: Storage, again: bool) -> None:
    gone, other = an_invitation(email=ADA), an_invitation()
    token, others_token = a_one_time_token(gone), a_one_time_token(other)
    mail, others_mail = a_mail(gone), a_mail(other)
    await storage.given(gone, other, token, others_token, mail, others_mail)

    async with storage.uow() as work:
        if again:
            await work.invitations.add(an_invitation(email=ADA))
        else:
            await work.invitations.delete(gone.id)

    async with storage.uow() as work:
        assert await work.one_time_tokens.take(token.digest) is None
        assert await work.one_time_tokens.take(others_token.digest) == others_token
        assert await work.mails.claim(10, now=START) == (others_mail.attempted(now=START),)


async def test_expired_ones_are_listed_too(storage: Storage) -> None:
    expired, live = an_invitation(expires_at=START - timedelta(days=365)), an_invitation()
    await storage.given(expired, live)

    async with storage.uow.reading() as work:
        assert await work.invitations.list(Query()) == Page((live, expired), 2)
