import re
import threading
import time
from datetime import UTC, datetime
from uuid import RFC_4122, UUID

from adapters.system import SystemClock, Uuid7Generator

NOON = 1_767_268_800_000_000_000


def test_the_clock_says_now_in_utc() -> None:
    before, now, after = datetime.now(UTC), SystemClock().now(), datetime.now(UTC)
    assert before <= now <= after
    assert now.tzinfo is UTC


def test_an_id_is_a_version_7_uuid_of_the_present_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = Uuid7Generator().new()
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= after


def test_the_fraction_of_the_millisecond_follows_it() -> None:
    made = Uuid7Generator(lambda: NOON + 250_000).new()
    assert made.int >> 80 == NOON // 1_000_000
    assert made.int >> 64 & 0xFFF == 4096 // 4


def test_ids_of_one_instant_grow_past_the_fraction_without_repeating() -> None:
    ids = Uuid7Generator(lambda: NOON)
    made = [ids.new() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert {(each.version, each.variant) for each in made} == {(7, RFC_4122)}


def test_ids_grow_when_the_clock_goes_back() -> None:
    times = iter([NOON, NOON - 3_600_000_000_000, NOON + 1_000_000])
    ids = Uuid7Generator(lambda: next(times))
    first, second, third = ids.new(), ids.new(), ids.new()
    assert first < second < third
    assert third.int >> 80 == NOON // 1_000_000 + 1


def test_a_name_is_one_that_a_caller_could_have_sent_and_never_the_same() -> None:
    ids = Uuid7Generator()
    names = {ids.name() for _ in range(1000)}
    assert len(names) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9-]{1,64}", name) for name in names)


def test_the_rest_is_random() -> None:
    made = [Uuid7Generator(lambda: NOON).new().int & (1 << 62) - 1 for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(400 < sum(value >> bit & 1 for value in made) < 600 for bit in range(62))


def test_threads_share_one_order() -> None:
    ids = Uuid7Generator()
    made: list[list[UUID]] = [[] for _ in range(4)]
    threads = [threading.Thread(target=lambda mine=mine: mine.extend(ids.new() for _ in range(2000))) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(mine == sorted(mine) for mine in made)
    assert len({each.int >> 64 for mine in made for each in mine}) == 8000
