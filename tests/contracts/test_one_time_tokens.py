from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import InvitationNotFound, UserNotFound
from domain.model.invitations import Invitation
from domain.model.one_time_tokens import OneTimeToken, TokenPurpose
from domain.model.users import EmailAddress

from ..support.databases import Storage
from ..support.examples import a_one_time_token, a_user, an_invitation
from ..support.fakes import START

RESET, VERIFICATION = TokenPurpose.PASSWORD_RESET, TokenPurpose.EMAIL_VERIFICATION


@pytest.fixture
async def invitation(storage: Storage) -> Invitation:
    invitation = an_invitation()
    await storage.given(invitation)
    return invitation


async def taken(storage: Storage, *tokens: OneTimeToken) -> list[OneTimeToken | None]:
    async with storage.uow() as work:
        return [await work.one_time_tokens.take(token.digest) for token in tokens]


async def test_take_finds_what_add_was_given(storage: Storage, owner, invitation) -> None:
    of_user = a_one_time_token(
        owner,
        digest=bytes(range(32)),
        purpose=TokenPurpose.EMAIL_CHANGE,
        email=EmailAddress("new@example.org"),
        created_at=START + timedelta(microseconds=1),
        expires_at=START + timedelta(microseconds=2),
    )
    of_invitation, of_nobody = a_one_time_token(invitation, purpose=TokenPurpose.INVITATION), a_one_time_token()
    await storage.given(of_user, of_invitation, of_nobody)

    assert await taken(storage, of_user, of_invitation, of_nobody) == [of_user, of_invitation, of_nobody]


async def test_a_token_is_taken_once(storage: Storage, owner) -> None:
    token = a_one_time_token(owner)
    await storage.given(token)

    async with storage.uow() as work:
        assert await work.one_time_tokens.take(token.digest) == token
        assert await work.one_time_tokens.take(token.digest) is None
    assert await taken(storage, token) == [None]


async def test_a_token_is_taken_by_its_whole_digest(storage: Storage, owner) -> None:
    token = a_one_time_token(owner)
    await storage.given(token)

    async with storage.uow() as work:
        assert await work.one_time_tokens.take(token.digest[:-1]) is None
    assert await taken(storage, token) == [token]


async def test_a_token_that_was_taken_in_vain_is_there_again(storage: Storage, owner) -> None:
    token = a_one_time_token(owner)
    await storage.given(token)

    async def fail() -> None:
        async with storage.uow() as work:
            await work.one_time_tokens.take(token.digest)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await taken(storage, token) == [token]


async def test_a_token_takes_the_place_of_the_others_for_the_same_user(storage: Storage, owner) -> None:
    other = a_user()
    first, second, verifying = (a_one_time_token(owner, purpose=purpose) for purpose in (RESET, RESET, VERIFICATION))
    somebody_elses = a_one_time_token(other)
    await storage.given(other, first, verifying, somebody_elses, second)

    expected = [None, second, verifying, somebody_elses]
    assert await taken(storage, first, second, verifying, somebody_elses) == expected


async def test_a_token_takes_the_place_of_the_others_for_the_same_invitation(storage: Storage, invitation) -> None:
    other = an_invitation()
    first, second = a_one_time_token(invitation), a_one_time_token(invitation)
    verifying, another = a_one_time_token(invitation, purpose=VERIFICATION), a_one_time_token(other)
    await storage.given(other, first, verifying, another, second)

    assert await taken(storage, first, second, verifying, another) == [None, second, verifying, another]


async def test_a_token_of_nobody_takes_no_place(storage: Storage) -> None:
    first, second = a_one_time_token(), a_one_time_token()
    await storage.given(first, second)

    assert await taken(storage, first, second) == [first, second]


async def test_a_digest_is_never_given_twice(storage: Storage, owner) -> None:
    token = a_one_time_token()
    await storage.given(token)

    with pytest.raises(Exception, match=r"."):
        await storage.given(replace(token, user_id=owner.id))
    assert await taken(storage, token) == [token]


async def test_add_refuses_an_unknown_user(storage: Storage) -> None:
    with pytest.raises(UserNotFound):
        async with storage.uow() as work:
            await work.one_time_tokens.add(a_one_time_token(a_user()))


async def test_add_refuses_an_unknown_invitation(storage: Storage) -> None:
    with pytest.raises(InvitationNotFound):
        async with storage.uow() as work:
            await work.one_time_tokens.add(a_one_time_token(an_invitation()))


async def test_what_a_user_has_is_removed(storage: Storage, owner) -> None:
    other = a_user()
    reset, verifying = a_one_time_token(owner), a_one_time_token(owner, purpose=VERIFICATION)
    somebody_elses, nobodys = a_one_time_token(other), a_one_time_token()
    await storage.given(other, reset, verifying, somebody_elses, nobodys)

    async with storage.uow() as work:
        await work.one_time_tokens.remove_of_user(owner.id)
        await work.one_time_tokens.remove_of_user(a_user().id)
    expected = [None, None, somebody_elses, nobodys]
    assert await taken(storage, reset, verifying, somebody_elses, nobodys) == expected


async def test_prune_takes_what_expired_before_then(storage: Storage) -> None:
    old, fresh = a_one_time_token(expires_at=START), a_one_time_token(expires_at=START + timedelta(microseconds=1))
    await storage.given(old, fresh)

    async with storage.uow() as work:
        await work.one_time_tokens.prune(START + timedelta(microseconds=1))
    assert await taken(storage, old, fresh) == [None, fresh]
