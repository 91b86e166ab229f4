from datetime import timedelta

import pytest

from domain.errors import SessionNotFound
from domain.model.authorizations import AuthorizationRequest

from ..support.databases import Storage
from ..support.examples import a_session, an_authorization
from ..support.fakes import START


async def taken(storage: Storage, *requests: AuthorizationRequest) -> list[AuthorizationRequest | None]:
    async with storage.uow() as work:
        return [await work.authorizations.take(request.digest) for request in requests]


async def test_a_request_is_taken_once_and_as_it_was(storage: Storage, owner) -> None:
    session = a_session(owner)
    linking = an_authorization(provider="campus_2", return_to="/a?b=%20#c", user_id=owner.id, session_id=session.id)
    signing_in = an_authorization(expires_at=START + timedelta(microseconds=1))
    await storage.given(session, linking, signing_in)

    assert await taken(storage, linking, signing_in) == [linking, signing_in]
    assert await taken(storage, linking, signing_in) == [None, None]


async def test_a_request_that_was_taken_in_vain_is_there_again(storage: Storage) -> None:
    request = an_authorization()
    await storage.given(request)

    with pytest.raises(LookupError):
        async with storage.uow() as work:
            await work.authorizations.take(request.digest)
            raise LookupError
    assert await taken(storage, request) == [request]


async def test_add_refuses_to_link_for_an_unknown_session(storage: Storage, owner) -> None:
    with pytest.raises(SessionNotFound):
        async with storage.uow() as work:
            await work.authorizations.add(an_authorization(user_id=owner.id, session_id=a_session(owner).id))


async def test_what_a_session_asked_for_goes_with_it(storage: Storage, owner) -> None:
    session = a_session(owner, ends_at=START)
    request = an_authorization(user_id=owner.id, session_id=session.id)
    await storage.given(session, request)

    async with storage.uow() as work:
        await work.sessions.prune(START + timedelta(days=1), 10)
    assert await taken(storage, request) == [None]


async def test_prune_takes_what_expired_before_then(storage: Storage) -> None:
    old, fresh = an_authorization(expires_at=START), an_authorization(expires_at=START + timedelta(microseconds=1))
    await storage.given(old, fresh)

    async with storage.uow() as work:
        await work.authorizations.prune(START + timedelta(microseconds=1))
    assert await taken(storage, old, fresh) == [None, fresh]
