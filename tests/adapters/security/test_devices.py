import hmac
import re
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.base62 import encode
from adapters.security.devices import SignedDevices
from adapters.security.roots import RootSecrets
from domain.model.attempts import UNKNOWN_DEVICE
from domain.model.ids import UserId
from domain.ports.security import Devices
from tests.support.fakes import START, ManualClock

OLD, NEW = "the first root secret, 32 bytes or more", "the second root secret, 32 bytes or more"
ADA, BOB, EVE = (UserId(UUID(int=number)) for number in (0xADA, 0xB0B, 0xE5E))
USERS = [UserId(UUID(int=number)) for number in range(8)]
SHAPE = re.compile(r"hkd_[0-9A-Za-z]{22}(\.[0-9A-Za-z]{28}){1,5}")
HALF_A_YEAR = timedelta(days=180)
SECOND = timedelta(seconds=1)


def devices(*secrets: str, clock: ManualClock | None = None) -> Devices:
    return SignedDevices(RootSecrets(secrets or (OLD,)), clock=clock or ManualClock())


DEVICES = devices()
COOKIE = DEVICES.mark(None, ADA)


def device_of(cookie: str) -> str:
    return cookie.partition(".")[0].removeprefix("hkd_")


def entries_of(cookie: str) -> list[str]:
    return cookie.split(".")[1:]


def made_of(device: str, *entries: str) -> str:
    return ".".join((f"hkd_{device}", *entries))


def derived(purpose: str) -> bytes:
    extracted = hmac.digest(bytes(32), OLD.encode(), "sha256")
    return hmac.digest(extracted, f"hexkey/{purpose}/v1\x01".encode(), "sha256")


def test_an_entry_is_its_second_and_an_hmac_over_device_second_and_user_under_the_derived_key() -> None:
    device, second = device_of(COOKIE), encode(int(START.timestamp()), 6)
    proof = hmac.digest(derived("device"), f"{device}{second}".encode() + ADA.bytes, "sha256")[:16]
    assert f"hkd_{device}.{second}{encode(int.from_bytes(proof, 'big'), 22)}" == COOKIE


def test_who_signed_in_on_a_device_is_recognised_on_it_and_nobody_else() -> None:
    assert DEVICES.recognise(COOKIE, ADA) == device_of(COOKIE)
    assert DEVICES.recognise(COOKIE, BOB) is None
    assert DEVICES.recognise(None, ADA) is None


def test_every_device_has_a_name_of_its_own_that_is_not_the_unknown_ones() -> None:
    names = {device_of(DEVICES.mark(None, ADA)) for _ in range(100)}
    assert len(names) == 100
    assert UNKNOWN_DEVICE not in names


def test_a_device_keeps_its_name_and_whoever_else_signed_in_on_it() -> None:
    both = DEVICES.mark(COOKIE, BOB)
    assert DEVICES.recognise(both, ADA) == DEVICES.recognise(both, BOB) == device_of(COOKIE)
    assert entries_of(both)[1:] == entries_of(COOKIE)


def test_a_user_has_one_entry_and_it_is_the_newest() -> None:
    clock = ManualClock()
    ours = devices(clock=clock)
    both = ours.mark(ours.mark(None, ADA), BOB)
    clock.advance(SECOND)
    again = ours.mark(both, ADA)
    assert len(entries_of(again)) == 2
    assert entries_of(again)[1] == entries_of(both)[0]
    assert entries_of(again)[0] > entries_of(both)[1]


def test_of_more_than_five_users_the_oldest_is_forgotten_and_the_cookie_stays_short() -> None:
    cookie = COOKIE
    for user in USERS[:5]:
        cookie = DEVICES.mark(cookie, user)
    assert SHAPE.fullmatch(cookie)
    assert len(cookie) == 171
    assert [user for user in (ADA, *USERS) if DEVICES.recognise(cookie, user)] == USERS[:5]


def test_an_entry_is_good_for_180_days() -> None:
    clock = ManualClock()
    ours = devices(clock=clock)
    clock.advance(HALF_A_YEAR - SECOND)
    assert ours.recognise(COOKIE, ADA) == device_of(COOKIE)
    clock.advance(SECOND)
    assert ours.recognise(COOKIE, ADA) is None


def test_signing_in_again_prolongs_ones_own_entry_and_nobody_elses() -> None:
    clock = ManualClock()
    ours = devices(clock=clock)
    both = ours.mark(COOKIE, BOB)
    clock.advance(HALF_A_YEAR - SECOND)
    prolonged = ours.mark(both, BOB)
    clock.advance(SECOND)
    assert ours.recognise(prolonged, ADA) is None
    assert ours.recognise(prolonged, BOB) == device_of(COOKIE)
    assert len(entries_of(ours.mark(prolonged, EVE))) == 2


def test_a_device_on_which_every_entry_is_stale_is_a_new_one() -> None:
    marked = devices(clock=ManualClock(START + HALF_A_YEAR)).mark(COOKIE, ADA)
    assert device_of(marked) != device_of(COOKIE)
    assert len(entries_of(marked)) == 1


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 100)), max_size=25))
def test_it_agrees_with_a_list_of_everybody_who_signed_in(signed_in: list[tuple[int, int]]) -> None:
    clock = ManualClock()
    ours = devices(clock=clock)
    cookie = None
    ages: list[tuple[UserId, int]] = []
    for number, days in signed_in:
        clock.advance(timedelta(days=days))
        cookie = ours.mark(cookie, USERS[number])
        others = [(user, age + days) for user, age in ages if user != USERS[number] and age + days < 180]
        ages = [(USERS[number], 0), *others[:4]]
        known = {user for user in USERS if ours.recognise(cookie, user) == device_of(cookie)}
        assert known == {user for user, _ in ages}


def test_every_changed_or_lost_character_is_noticed() -> None:
    for place, character in enumerate(COOKIE):
        for other in {"0", "A", "z", ".", "-", "_", "é", "\ud800", "\n", ""} - {character}:
            assert DEVICES.recognise(COOKIE[:place] + other + COOKIE[place + 1 :], ADA) is None


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "hkd_",
        "hkd_" + "0" * 22,
        made_of("0" * 22, ""),
        made_of("0" * 22, "0" * 27),
        made_of("0" * 22, *["0" * 28] * 6),
        "٣" * 51,
        "\ud800",
        COOKIE + "\n",
        " " + COOKIE,
        COOKIE + ".",
        "A" * 100_000,
    ],
    ids=count(),
)
def test_a_garbled_cookie_recognises_nobody_and_gives_way_to_a_new_device(cookie: str) -> None:
    assert DEVICES.recognise(cookie, ADA) is None
    marked = DEVICES.mark(cookie, ADA)
    assert SHAPE.fullmatch(marked)
    assert DEVICES.recognise(marked, ADA) == device_of(marked)
    assert len(entries_of(marked)) == 1


@given(st.text(max_size=60))
def test_no_text_makes_reading_fail(text: str) -> None:
    assert DEVICES.recognise(text, ADA) is None
    assert DEVICES.recognise(f"{COOKIE}.{text}", ADA) is None
    assert SHAPE.fullmatch(DEVICES.mark(f"{COOKIE}.{text}", ADA))


def test_an_entry_proves_nothing_on_another_device() -> None:
    eves = DEVICES.mark(None, EVE)
    moved = made_of(device_of(eves), *entries_of(COOKIE), *entries_of(eves))
    assert DEVICES.recognise(moved, ADA) is None
    assert DEVICES.recognise(DEVICES.mark(moved, EVE), ADA) is None


def test_who_plants_the_name_of_a_device_is_known_on_it_as_themselves_only() -> None:
    planted = made_of(device_of(COOKIE), "0" * 6 + "z" * 22, encode(int(START.timestamp()), 6) + "0" * 22)
    marked = DEVICES.mark(planted, EVE)
    assert DEVICES.recognise(marked, EVE) == device_of(COOKIE)
    assert DEVICES.recognise(marked, ADA) is None


def test_marking_changes_no_entry_of_anybody_else() -> None:
    for times in range(1, 4):
        cookie = COOKIE
        for _ in range(times):
            cookie = DEVICES.mark(cookie, EVE)
        assert entries_of(cookie)[1:] == entries_of(COOKIE)


def test_an_entry_with_another_second_is_forged() -> None:
    (entry,) = entries_of(COOKIE)
    later = encode(int(START.timestamp()) + 1, 6) + entry[6:]
    assert DEVICES.recognise(made_of(device_of(COOKIE), later), ADA) is None


def test_a_new_root_secret_is_appended_moved_to_the_front_and_the_old_one_dropped() -> None:
    for secrets in ([OLD, NEW], [NEW, OLD]):
        assert devices(*secrets).recognise(COOKIE, ADA) == device_of(COOKIE)
    moved = devices(NEW, OLD).mark(COOKIE, ADA)
    assert len(entries_of(moved)) == 1
    assert devices(NEW).recognise(moved, ADA) == device_of(COOKIE)
    assert devices(NEW).recognise(COOKIE, ADA) is None


def test_an_account_of_nobody_is_a_keyed_digest_of_what_was_typed() -> None:
    expected = hmac.digest(derived("sign-in"), b"nobody@example.org", "sha256").hex()[:32]
    assert DEVICES.account_of_nobody("nobody@example.org") == f"login:{expected}"
    assert devices(NEW).account_of_nobody("nobody@example.org") != f"login:{expected}"


@given(st.text(st.characters(), max_size=40), st.text(st.characters(), max_size=40))
def test_each_text_has_an_account_of_its_own(one: str, other: str) -> None:
    accounts = {DEVICES.account_of_nobody(text) for text in (one, other)}
    assert len(accounts) == len({one, other})
    assert all(re.fullmatch(r"login:[0-9a-f]{32}", account) for account in accounts)


def test_nothing_secret_is_shown() -> None:
    assert OLD not in repr((DEVICES, vars(DEVICES)))
