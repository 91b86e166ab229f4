from datetime import timedelta

import pytest

from domain.model.attempts import STRANGER, UNKNOWN_DEVICE, Attempts

from ..support.databases import Storage
from ..support.examples import HOSTILE_TEXTS, attempts
from ..support.fakes import START

LATER = START + timedelta(seconds=1)
ACCOUNT = "user:01900000-0000-7000-8000-000000000001"


async def locked(storage: Storage, kept: Attempts) -> Attempts:
    """What is there in the place of *kept*."""
    async with storage.uow() as work:
        return await work.attempts.lock(kept.account, kept.device, now=LATER)


async def is_kept(storage: Storage, kept: Attempts) -> bool:
    return await locked(storage, kept) == kept


async def test_there_are_none_before_the_first(storage: Storage) -> None:
    none = Attempts(account=ACCOUNT, device=UNKNOWN_DEVICE, failures=0, last_at=LATER)
    async with storage.uow() as work:
        assert await work.attempts.lock(ACCOUNT, UNKNOWN_DEVICE, now=LATER) == none


async def test_to_have_locked_what_is_not_there_changes_nothing(storage: Storage) -> None:
    for now in (START, LATER, START):
        async with storage.uow() as work:
            none = Attempts(account=ACCOUNT, device=UNKNOWN_DEVICE, failures=0, last_at=now)
            assert await work.attempts.lock(ACCOUNT, UNKNOWN_DEVICE, now=now) == none
            assert await work.attempts.lock(ACCOUNT, UNKNOWN_DEVICE, now=now) == none


async def test_lock_finds_what_save_was_given(storage: Storage) -> None:
    first = attempts(failures=3, last_at=START + timedelta(microseconds=1))
    await storage.given(first)
    assert await is_kept(storage, first)

    again = first.reserve(now=LATER)
    async with storage.uow() as work:
        await work.attempts.save(again)
        assert await work.attempts.lock(again.account, again.device, now=LATER) == again
    assert await is_kept(storage, again)


async def test_attempts_that_were_all_forgiven_are_as_good_as_none(storage: Storage) -> None:
    forgiven = attempts(failures=0, last_at=START)
    await storage.given(forgiven)

    assert (await locked(storage, forgiven)).last_at == LATER


async def test_an_account_is_counted_by_its_devices(storage: Storage) -> None:
    stranger, phone = attempts(account=ACCOUNT), attempts(account=ACCOUNT, device="phone", failures=2)
    other = attempts(account=ACCOUNT.upper(), failures=7)
    await storage.given(stranger, phone, other)

    for kept in (stranger, phone, other):
        assert await is_kept(storage, kept)


@pytest.mark.parametrize("account", [text for text in HOSTILE_TEXTS if len(text) <= 128])
async def test_a_name_is_taken_code_point_by_code_point(storage: Storage, account: str) -> None:
    kept = attempts(account=account)
    await storage.given(kept, attempts(account="%"), attempts(account=f"{account} "[:128]))

    assert await is_kept(storage, kept)


async def test_forget_takes_one_device_or_all(storage: Storage) -> None:
    stranger, phone, laptop = (attempts(account=ACCOUNT, device=device) for device in (UNKNOWN_DEVICE, "phone", "mac"))
    other = attempts(device="phone")
    await storage.given(stranger, phone, laptop, other)

    async with storage.uow() as work:
        await work.attempts.forget(ACCOUNT, "phone")
        await work.attempts.forget(ACCOUNT, "phone")
    assert [await is_kept(storage, kept) for kept in (stranger, phone, laptop, other)] == [True, False, True, True]

    async with storage.uow() as work:
        await work.attempts.forget(ACCOUNT)
    assert [await is_kept(storage, kept) for kept in (stranger, phone, laptop, other)] == [False, False, False, True]


async def test_prune_takes_what_is_old(storage: Storage) -> None:
    old, fresh = attempts(last_at=START), attempts(last_at=START + timedelta(microseconds=1))
    await storage.given(old, fresh)

    async with storage.uow() as work:
        await work.attempts.prune(START + timedelta(microseconds=1))
    assert [await is_kept(storage, kept) for kept in (old, fresh)] == [False, True]


async def test_prune_leaves_a_user_whose_password_is_refused_for_good(storage: Storage) -> None:
    for_good, more = attempts(failures=STRANGER.most), attempts(failures=STRANGER.most + 1)
    nearly, known = attempts(failures=STRANGER.most - 1), attempts(failures=STRANGER.most, device="phone")
    nobody, shouting = (attempts(account=account, failures=STRANGER.most) for account in ("3f9a", "USER:1"))
    await storage.given(for_good, more, nearly, known, nobody, shouting)

    async with storage.uow() as work:
        await work.attempts.prune(LATER)
    assert [await is_kept(storage, kept) for kept in (for_good, more)] == [True, True]
    assert [await is_kept(storage, kept) for kept in (nearly, known, nobody, shouting)] == [False] * 4


async def test_attempts_share_the_fate_of_their_unit(storage: Storage) -> None:
    kept = attempts(failures=2)
    await storage.given(kept)

    async def fail() -> None:
        async with storage.uow() as work:
            await work.attempts.save(kept.reserve(now=LATER))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await is_kept(storage, kept)
