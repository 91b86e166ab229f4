"""One random script on two storages: whatever a caller can see is the same."""

import pytest

from domain import errors
from tests.support.databases import Databases, memory_storage
from tests.support.operations import OPERATIONS
from tests.support.promises import methods, promises
from tests.support.walks import KEPT, LOOKS, Walk, alike

STEPS = 250
WALKS = [("sqlite", seed) for seed in range(8)] + [("postgres", seed) for seed in range(8, 11)]


@pytest.mark.parametrize(("name", "seed"), WALKS)
async def test_a_storage_cannot_be_told_from_memory(databases: Databases, name: str, seed: int) -> None:
    walk, memory = Walk(seed), memory_storage()
    async with databases.storage(name) as other:
        for number in range(STEPS):
            step = walk.step()
            seen = await step.play(memory)
            assert alike(await step.play(other)) == alike(seen), f"seed {seed}, step {number}: {step.name}"
            walk.saw(seen)
        for step in walk.survey():
            expected = alike(await step.play(memory))
            assert alike(await step.play(other)) == expected, f"seed {seed}, at the end: {step.name}"


def test_the_walk_knows_every_method_of_the_ports() -> None:
    assert {*OPERATIONS, *LOOKS} == {*methods(), "clock"} - {"uow.reading", "directory.is_current"}


async def test_the_walks_get_somewhere() -> None:
    """Every refusal that a port names is met, and more than a third of the steps keep what they write."""
    refused, kept = set(), 0
    for _, seed in WALKS:
        walk, memory = Walk(seed), memory_storage()
        for _ in range(STEPS):
            walk.saw(seen := await walk.step().play(memory))
            answers = seen if isinstance(seen, list) else []
            refused |= {answer[0].__name__ for answer in answers if isinstance(answer, tuple) and is_refusal(answer)}
            kept += KEPT in answers

    assert refused >= {refusal for _, refusal in promises() if refusal is not None}
    assert kept > STEPS * len(WALKS) / 3


def is_refusal(answer: tuple[object, ...]) -> bool:
    return len(answer) == 2 and isinstance(answer[0], type) and issubclass(answer[0], errors.DomainError | RuntimeError)
