"""What has had its time is swept out of every storage, and nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import SessionNotFound
from domain.services.housekeeping import Housekeeping

from ..support.databases import Storage
from ..support.examples import a_claim, a_one_time_token, a_session, an_authorization, attempts
from ..support.fakes import START

FAR_AND_NEAR = (START + timedelta(days=9), START + timedelta(days=1))


async def test_a_sweep_takes_what_has_had_its_time(storage: Storage, owner) -> None:
    housekeeping = Housekeeping(uow=storage.uow, changes=storage.changes, clock=storage.clock)
    session, lasting = a_session(owner, ends_at=START + timedelta(hours=1)), a_session(owner)
    token = a_one_time_token(expires_at=START + timedelta(hours=1))
    guesses = attempts(failures=3)
    claims = [
        a_claim(sealed=b"secret", shown_until=START + timedelta(minutes=10), expires_at=at) for at in FAR_AND_NEAR
    ]
    on_the_way = an_authorization()
    await storage.given(session, lasting, token, on_the_way, *claims)
    async with storage.uow() as work:
        await work.attempts.save(guesses)

    assert await housekeeping.sweep() is False
    async with storage.uow.reading() as work:
        assert await work.sessions.get(session.id) == session

    storage.clock.advance(timedelta(days=8))
    await housekeeping.sweep()
    async with storage.uow() as work:
        assert await work.one_time_tokens.take(token.digest) is None
        assert await work.authorizations.take(on_the_way.digest) is None
        kept = await work.attempts.lock(guesses.account, guesses.device, now=storage.clock.now())
        assert kept.failures == 0
        assert await work.sessions.get(lasting.id) == lasting
        far, near = [await work.idempotency.claim(a_claim(digest=claim.digest)) for claim in claims]
        assert far == replace(claims[0], sealed=None)
        assert near.claim_id != claims[1].claim_id
    async with storage.uow.reading() as work:
        with pytest.raises(SessionNotFound):
            await work.sessions.get(session.id)
