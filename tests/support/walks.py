"""A seeded random walk through the ports: drawn once, played on any storage, told as what a caller could see."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random

from domain.errors import DomainError, EmailTaken, UsernameTaken
from tests.support.databases import Storage
from tests.support.draws import Draw
from tests.support.examples import a_key, a_session
from tests.support.operations import OPERATIONS, Operation

Move = Callable[[Storage], Awaitable[object]]
KEPT = "kept"
_WEIGHTS = [3 if ".add" in name or name == "roles.grant" else 1 for name in OPERATIONS]
_READS = ("get", "find", "list", "has", "count", "payload")
_TAKES = ("hold", "lock", "claim", "take")
_LOOKED_AT = 8
"""How many times each way of looking is used at the end."""


@dataclass(frozen=True, slots=True)
class Step:
    """One unit of work, or one look from outside, as *play* tells it."""

    name: str
    play: Move


class Walk:
    """Say after each step what was seen of it, so that the next ones know what is there."""

    def __init__(self, seed: int) -> None:
        self._draw = Draw(Random(seed))
        self._before = self._draw.lengths()

    def step(self) -> Step:
        random = self._draw.random
        self._before = self._draw.lengths()
        if random.random() < 0.15:
            return self._look(random.choice(list(LOOKS)))
        names = random.choices(list(OPERATIONS), _WEIGHTS, k=random.randint(1, 3))
        unit = random.choices((_kept, _broken, _swallowing, _reading), (16, 2, 1, 2))[0]
        return self._unit(unit, *names)

    def saw(self, seen: object) -> None:
        if not (isinstance(seen, list) and KEPT in seen):
            self._draw.forget_after(self._before)

    def survey(self) -> list[Step]:
        """Everything that the ports can tell of what is kept; what tells only whoever takes it comes last."""
        reads = [self._unit(_reading, name) for name in _named(_READS) for _ in range(_LOOKED_AT)]
        looks = [self._look(name) for name in LOOKS for _ in range(_LOOKED_AT)]
        return [*reads, *looks, *(self._unit(_kept, name) for name in _named(_TAKES) for _ in range(_LOOKED_AT))]

    def _unit(self, unit: "Unit", *names: str) -> Step:
        operations = [OPERATIONS[name](self._draw) for name in names]
        return Step(f"{unit.__name__} {', '.join(names)}", partial(unit, operations))

    def _look(self, name: str) -> Step:
        return Step(name, LOOKS[name](self._draw))


def _named(verbs: tuple[str, ...]) -> list[str]:
    return [name for name in OPERATIONS if name.partition(".")[2].startswith(verbs)]


def _find_key(draw: Draw) -> Move:
    key = draw.one(draw.keys, a_key)
    return lambda storage: storage.directory.find_key(key.id)


def _find_session(draw: Draw) -> Move:
    session = draw.one(draw.sessions, a_session)
    return lambda storage: storage.directory.find_session(session.id)


def _tick(draw: Draw) -> Move:
    span = timedelta(microseconds=draw.random.randint(0, 3))
    draw.now += span

    async def advance(storage: Storage) -> datetime:
        storage.clock.advance(span)
        return storage.clock.now()

    return advance


LOOKS: dict[str, Callable[[Draw], Move]] = {
    "directory.find_key": _find_key,
    "directory.find_session": _find_session,
    "clock": _tick,
}
Unit = Callable[[list[Operation], Storage], Awaitable[list[object]]]


async def _kept(operations: list[Operation], storage: Storage) -> list[object]:
    seen: list[object] = []
    try:
        async with storage.uow() as work:
            for operation in operations:
                seen.append(await operation(work))
        seen.append(KEPT)
    except DomainError as refusal:
        seen.append(_told(refusal))
    return seen


async def _broken(operations: list[Operation], storage: Storage) -> list[object]:
    """As `_kept`, but something else goes wrong at the end."""

    async def fail(_: object) -> None:
        raise LookupError

    try:
        return await _kept([*operations, fail], storage)
    except LookupError:
        return [LookupError]


async def _swallowing(operations: list[Operation], storage: Storage) -> list[object]:
    seen: list[object] = []
    try:
        async with storage.uow() as work:
            try:
                for operation in operations:
                    seen.append(await operation(work))
            except DomainError as refusal:
                seen.append(_told(refusal))
        seen.append(KEPT)
    except RuntimeError as error:
        seen.append(_told(error))
    return seen


async def _reading(operations: list[Operation], storage: Storage) -> list[object]:
    seen: list[object] = []
    try:
        async with storage.uow.reading() as work:
            for operation in operations:
                seen.append(await operation(work))
    except (DomainError, RuntimeError) as refusal:
        seen.append(_told(refusal))
    return seen


def _told(refusal: Exception) -> tuple[type[Exception], str]:
    return type(refusal), str(refusal)


def alike(seen: object) -> object:
    """Where an address and a user name are both taken, a storage may tell either."""
    either = (_told(EmailTaken()), _told(UsernameTaken()))
    return ["taken" if answer in either else answer for answer in seen] if isinstance(seen, list) else seen
