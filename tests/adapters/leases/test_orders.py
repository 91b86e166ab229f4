"""In whatever order reads, a change and looks take their steps, nobody accepts after the receipt."""

from itertools import product, repeat
from random import Random

import pytest

from adapters.leases import LeasedDirectory
from tests.support.scenarios import SCENARIOS, orders
from tests.support.worlds import Kind

ORDERS = list(orders(3, 6, 1))
"""Of a read, two looks one after the other, and a change."""
APART = list(orders(3, 3, 3, 1))
"""Of a read, two looks that know nothing of each other, and a change."""
PACES = (0.0625, 0.15625)
"""Seconds between two steps: the receipt falls due at the end, or in the midst of it and reads come too late."""
CLOCKS = ((0.9, 1.1), (1.1, 0.9))
"""How fast the worker's and the revoker's run."""
LARGER = "read read read looks looks change"


@pytest.mark.parametrize("name", SCENARIOS)
async def test_no_order_of_a_read_a_change_and_two_looks_accepts_after_the_receipt(name: str) -> None:
    assert len(ORDERS) == 840
    for order, pace, knows in product(ORDERS, PACES, (False, True)):
        SCENARIOS[name].play(order, paces=repeat(pace), knows=knows)


async def test_nor_does_one_of_looks_that_overlap() -> None:
    assert len(APART) == 16_800
    play_overlapping(every=5)


async def test_nor_do_clocks_that_run_ten_per_cent_apart() -> None:
    play_apart()


async def test_nor_do_longer_orders_at_random_with_readers_that_wait_for_each_other_and_give_up() -> None:
    play_larger(2000)


def play_all(kind: Kind, *, every: int) -> None:
    """A part of each of the above, for a cache that is none."""
    for scenario, order, pace, knows in product(SCENARIOS.values(), ORDERS[::every], PACES, (False, True)):
        scenario.play(order, kind, paces=repeat(pace), knows=knows)
    play_overlapping(kind, every=every)


def play_overlapping(kind: Kind = LeasedDirectory, *, every: int) -> None:
    for order in APART[::every]:
        SCENARIOS["a key that changes twice"].play(order, kind, doing="read look look change", paces=repeat(0.109375))


def play_apart(kind: Kind = LeasedDirectory) -> None:
    for clocks, order, pace in product(CLOCKS, ORDERS[::3], (0.0625, 0.109375)):
        SCENARIOS["a key"].play(order, kind, paces=repeat(pace), clocks=clocks)


def play_larger(times: int, kind: Kind = LeasedDirectory) -> None:
    random, names = Random(20261124), list(SCENARIOS)
    for _ in range(times):
        scenario, steps = SCENARIOS[random.choice(names)], random.randint(8, 24)
        order = random.choices(range(len(LARGER.split())), k=steps)
        paces = [random.choice((0.0, 0.0, 0.03125, 0.125, 0.25)) for _ in range(steps)]
        scenario.play(order, kind, doing=LARGER, paces=paces, knows=random.random() < 0.5)
