import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import IdempotencyInProgress
from domain.model.idempotency import Record
from domain.model.ids import ClaimId

from ..support.databases import Storage
from ..support.examples import a_claim
from ..support.fakes import START

MOMENT = timedelta(microseconds=1)


def answered(record: Record, sealed: bytes = b"\x00sealed\xff") -> Record:
    return record.answered(sealed, is_secret=False, now=START)


async def kept(storage: Storage, record: Record) -> Record | None:
    """What is there under its digest; a probe that finds nothing is taken away again."""
    probe = a_claim(digest=record.digest)
    async with storage.uow() as work:
        found = await work.idempotency.claim(probe)
        await work.idempotency.release(probe)
    return None if found == probe else found


async def saved(storage: Storage, record: Record, claim_id: ClaimId) -> None:
    async with storage.uow() as work:
        await work.idempotency.save(record, claim_id=claim_id)


async def test_the_first_to_claim_is_given_their_own_and_the_next_what_is_kept(storage: Storage) -> None:
    record = a_claim(fingerprint=bytes(range(32)), claimed_until=START + MOMENT)
    async with storage.uow() as work:
        assert await work.idempotency.claim(record) == record
    async with storage.uow() as work:
        assert await work.idempotency.claim(a_claim(digest=record.digest)) == record
        assert await work.idempotency.claim(other := a_claim()) == other


async def test_a_claim_that_was_not_committed_is_nobodys(storage: Storage) -> None:
    record = a_claim()

    async def fail() -> None:
        async with storage.uow() as work:
            await work.idempotency.claim(record)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await kept(storage, record) is None


async def test_of_many_who_claim_at_once_one_is_given_their_own(storage: Storage) -> None:
    for number in range(10):
        digest = bytes([number]) * 32

        async def claimed(digest: bytes = digest) -> tuple[Record, Record]:
            own = a_claim(digest=digest)
            async with storage.uow() as work:
                return own, await work.idempotency.claim(own)

        seen = await asyncio.gather(*(claimed() for _ in range(8)))
        assert len({found.claim_id for _, found in seen}) == 1
        assert [own == found for own, found in seen].count(True) == 1


async def test_what_is_claimed_is_touched_by_nobody_else_before_the_unit_ends(storage: Storage) -> None:
    record = a_claim()
    await storage.given(record)
    order: list[str] = []

    async def answer() -> None:
        async with storage.uow() as work:
            await work.idempotency.save(answered(record), claim_id=record.claim_id)
            order.append("second")

    async with storage.uow() as work:
        assert await work.idempotency.claim(a_claim(digest=record.digest)) == record
        other = asyncio.create_task(answer())
        await asyncio.sleep(0.05)
        await work.idempotency.save(replace(record, claim_id=ClaimId(record.claim_id)), claim_id=record.claim_id)
        order.append("first")
    await other
    assert order == ["first", "second"]


async def test_a_claim_that_waits_for_an_answer_sees_it(storage: Storage) -> None:
    record = a_claim()
    await storage.given(record)
    async with storage.uow() as work:
        await work.idempotency.save(answered(record), claim_id=record.claim_id)
        other = asyncio.create_task(kept(storage, record))
        await asyncio.sleep(0.05)
        assert not other.done()
    assert await other == answered(record)


async def test_save_keeps_everything(storage: Storage) -> None:
    record = a_claim()
    following = replace(
        a_claim(digest=record.digest),
        fingerprint=bytes(range(32)),
        claimed_until=START + MOMENT,
        expires_at=START + 2 * MOMENT,
        sealed=bytes(range(256)) * 256,
        shown_until=START + 3 * MOMENT,
    )
    await storage.given(record)
    await saved(storage, following, record.claim_id)
    assert await kept(storage, record) == following
    await saved(storage, record, following.claim_id)
    assert await kept(storage, record) == record


async def test_save_refuses_who_is_not_or_no_longer_the_one_who_claimed(storage: Storage) -> None:
    record, other = a_claim(), a_claim()
    await storage.given(record)
    with pytest.raises(IdempotencyInProgress):
        async with storage.uow() as work:
            await work.idempotency.save(answered(record), claim_id=other.claim_id)
    with pytest.raises(IdempotencyInProgress):
        async with storage.uow() as work:
            await work.idempotency.save(answered(other), claim_id=other.claim_id)
    assert await kept(storage, record) == record


async def test_of_many_who_take_over_at_once_one_does(storage: Storage) -> None:
    record = a_claim()
    await storage.given(record)
    seen = await asyncio.gather(
        *(saved(storage, a_claim(digest=record.digest), record.claim_id) for _ in range(8)), return_exceptions=True
    )
    assert sorted(map(repr, seen)) == sorted([repr(IdempotencyInProgress())] * 7 + ["None"])


async def test_release_removes_only_what_is_claimed_so_and_has_no_answer(storage: Storage) -> None:
    own, done, others = a_claim(), a_claim(), a_claim()
    await storage.given(own, done, others)
    await saved(storage, answered(done), done.claim_id)
    async with storage.uow() as work:
        for record in (own, own, done, a_claim(digest=others.digest), a_claim()):
            await work.idempotency.release(record)
    assert await kept(storage, own) is None
    assert await kept(storage, done) == answered(done)
    assert await kept(storage, others) == others


async def test_erase_forgets_answers_that_are_shown_no_longer_the_oldest_first(storage: Storage) -> None:
    first, second, third = (a_claim(sealed=b"s", shown_until=START + n * MOMENT) for n in range(3))
    running = a_claim()
    await storage.given(third, second, first, running)
    async with storage.uow() as work:
        assert await work.idempotency.erase(START + MOMENT, 1) == 1
    assert [await kept(storage, record) for record in (first, second)] == [replace(first, sealed=None), second]
    async with storage.uow() as work:
        assert await work.idempotency.erase(START + MOMENT, 5) == 1
        assert await work.idempotency.erase(START + MOMENT, 5) == 0
    assert [await kept(storage, record) for record in (second, third, running)] == [
        replace(second, sealed=None),
        third,
        running,
    ]


async def test_prune_removes_what_has_expired_the_oldest_first(storage: Storage) -> None:
    first, second, third = (a_claim(expires_at=START + n * MOMENT) for n in range(3))
    await storage.given(third, second, first)
    async with storage.uow() as work:
        assert await work.idempotency.prune(START + MOMENT, 1) == 1
    assert [await kept(storage, record) for record in (first, second)] == [None, second]
    async with storage.uow() as work:
        assert await work.idempotency.prune(START + MOMENT, 5) == 1
        assert await work.idempotency.prune(START + MOMENT, 5) == 0
    assert [await kept(storage, record) for record in (second, third)] == [None, third]
