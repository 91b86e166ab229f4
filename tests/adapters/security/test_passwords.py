import asyncio
import hmac
import re
from base64 import b64decode, b64encode
from typing import Any

import pytest
from argon2.low_level import Type, hash_secret_raw
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.security import passwords
from adapters.security.passwords import Argon2Passwords, Cost
from adapters.security.roots import RootSecrets
from domain.model.passwords import Password, normalised

OLD, NEW = "the first root secret, 32 bytes or more", "the second root secret, 32 bytes or more"
PASSWORD = Password("correct horse battery staple")
CHEAP = Cost(memory_kib=8, passes=1, lanes=1)


class Hashers:
    """Makes cheap hashers, and closes them."""

    def __init__(self) -> None:
        self._made: list[Argon2Passwords] = []

    def __call__(self, *secrets: str, cost: Cost = CHEAP, **settings: Any) -> Argon2Passwords:
        self._made.append(Argon2Passwords(RootSecrets(secrets or (OLD,)), cost=cost, threads=1, **settings))
        return self._made[-1]

    def close(self) -> None:
        for hasher in self._made:
            hasher.close()


@pytest.fixture
def hashers() -> Any:
    made = Hashers()
    yield made
    made.close()


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> list[Cost]:
    """What each call of argon2 was asked to spend."""
    seen: list[Cost] = []
    real = passwords.hash_secret_raw

    def counted(secret: bytes, salt: bytes, passes: int, memory: int, lanes: int, *rest: Any) -> bytes:
        seen.append(Cost(memory, passes, lanes))
        return real(secret, salt, passes, memory, lanes, *rest)

    monkeypatch.setattr(passwords, "hash_secret_raw", counted)
    return seen


def part(kept: str, place: int) -> bytes:
    text = kept.split("$")[place]
    return b64decode(text + "=" * (-len(text) % 4))


async def test_what_was_hashed_is_verified_and_nothing_else_is(hashers: Hashers) -> None:
    hasher = hashers()
    kept = await hasher.hash(PASSWORD)
    assert await hasher.verify(kept, PASSWORD)
    for other in ("", PASSWORD[:-1], PASSWORD + " ", PASSWORD.upper(), " " + PASSWORD):
        assert not await hasher.verify(kept, Password(other))


async def test_the_default_is_owasps_minimum() -> None:
    hasher = Argon2Passwords(RootSecrets([OLD]))
    kept = await hasher.hash(PASSWORD)
    assert re.fullmatch(r"[0-9a-f]{8}\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}", kept)
    assert await hasher.verify(kept, PASSWORD)
    hasher.close()


async def test_the_kept_digest_is_an_hmac_of_argon2s_under_the_derived_pepper(hashers: Hashers) -> None:
    kept = await hashers(cost=Cost(64, 3, 2)).hash(PASSWORD)
    raw = hash_secret_raw(PASSWORD.encode(), part(kept, 4), 3, 64, 2, 32, Type.ID)
    extracted = hmac.digest(bytes(32), OLD.encode(), "sha256")
    pepper = hmac.digest(extracted, b"hexkey/password/v1\x01", "sha256")
    assert part(kept, 5) == hmac.digest(pepper, raw, "sha256")
    assert kept.startswith(RootSecrets([OLD]).ids[0] + "$argon2id$v=19$m=64,t=3,p=2$")


async def test_the_same_password_is_never_kept_twice_the_same_way(hashers: Hashers) -> None:
    hasher = hashers()
    assert await hasher.hash(PASSWORD) != await hasher.hash(PASSWORD)


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=100))
def test_every_password_that_the_model_lets_through_works(text: str) -> None:
    async def hashed_and_verified() -> bool:
        hasher = Argon2Passwords(RootSecrets([OLD]), cost=CHEAP, threads=1)
        verified = await hasher.verify(await hasher.hash(normalised(text)), normalised(text))
        hasher.close()
        return verified

    assert asyncio.run(hashed_and_verified())


async def test_nobodys_password_costs_as_much_and_is_wrong(hashers: Hashers, costs: list[Cost]) -> None:
    hasher = hashers()
    assert not await hasher.verify(None, PASSWORD)
    assert costs == [CHEAP]


@pytest.mark.parametrize(
    "change",
    [
        ("m=8,", "m=262145,"),
        ("m=8,", "m=7,"),
        ("m=8,", "m=0,"),
        ("t=1,", "t=11,"),
        ("t=1,", "t=0,"),
        ("p=1$", "p=9$"),
        ("p=1$", "p=0$"),
        ("p=1$", "p=2$"),
        ("m=8,", "m=99999999999999999999,"),
        ("argon2id", "argon2i"),
        ("v=19", "v=16"),
        ("$m=", "m="),
    ],
)
async def test_a_hash_that_asks_for_too_much_or_is_not_ours_is_wrong_at_todays_cost(
    hashers: Hashers, costs: list[Cost], change: tuple[str, str]
) -> None:
    hasher = hashers()
    changed = (await hasher.hash(PASSWORD)).replace(*change)
    costs.clear()
    assert not await hasher.verify(changed, PASSWORD)
    assert costs == [CHEAP]
    assert hasher.is_outdated(changed)


@pytest.mark.parametrize("kept", ["", "$", "x" * 5000, "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaA", "\0", "é"])
async def test_garbage_is_wrong_and_outdated(hashers: Hashers, kept: str) -> None:
    hasher = hashers()
    assert not await hasher.verify(kept, PASSWORD)
    assert hasher.is_outdated(kept)


async def test_a_hash_with_a_changed_salt_or_digest_is_wrong(hashers: Hashers) -> None:
    hasher = hashers()
    kept = await hasher.hash(PASSWORD)
    for place in (4, 5):
        parts = kept.split("$")
        damaged = part(kept, place)
        parts[place] = b64encode(bytes([damaged[0] ^ 1]) + damaged[1:]).decode().rstrip("=")
        assert not await hasher.verify("$".join(parts), PASSWORD)


@pytest.mark.parametrize("cost", [Cost(16, 1, 1), Cost(8, 2, 1), Cost(16, 1, 2)])
async def test_another_cost_still_verifies_and_is_outdated(hashers: Hashers, cost: Cost) -> None:
    kept = await hashers(cost=cost).hash(PASSWORD)
    today = hashers()
    assert await today.verify(kept, PASSWORD)
    assert today.is_outdated(kept)
    assert not today.is_outdated(await today.hash(PASSWORD))


async def test_a_new_root_secret_is_appended_moved_to_the_front_and_the_old_one_dropped(hashers: Hashers) -> None:
    kept = await hashers(OLD).hash(PASSWORD)
    appended, moved, dropped = hashers(OLD, NEW), hashers(NEW, OLD), hashers(NEW)
    assert await appended.verify(kept, PASSWORD)
    assert not appended.is_outdated(kept)
    assert await moved.verify(kept, PASSWORD)
    assert moved.is_outdated(kept)
    assert not await dropped.verify(kept, PASSWORD)
    assert await dropped.verify(await moved.hash(PASSWORD), PASSWORD)


@pytest.mark.parametrize(
    "cost", [Cost(7), Cost(16, 1, 3), Cost(262_145), Cost(passes=0), Cost(passes=11), Cost(lanes=9)]
)
def test_a_cost_out_of_bounds_is_refused(cost: Cost) -> None:
    with pytest.raises(ValueError, match="argon2"):
        Argon2Passwords(RootSecrets([OLD]), cost=cost)


async def test_nothing_secret_is_shown(hashers: Hashers) -> None:
    hasher = hashers()
    kept = await hasher.hash(PASSWORD)
    assert OLD not in repr(hasher)
    assert kept.split("$")[5] not in repr(passwords._Kept.read(kept))
    assert repr(part(kept, 5)) not in repr(passwords._Kept.read(kept))
