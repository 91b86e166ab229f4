"""How the workers of one run tell each other what they count: a file for each, in a folder that ends with the run.

A worker takes a place that nobody holds, goes on with the counts of whoever had it before, and writes all it has once
a second; whoever is asked reads the files of the others. So no count falls when a worker dies, and there are never
more files than workers were alive at once.

*Why not the multi-process mode of prometheus_client.* It is chosen by the environment before the first import, knows
neither collectors nor what is worked out when somebody asks, and takes a lock and two writes into a shared file for
every observation.
"""

import os
import time
from collections.abc import Callable, Collection
from operator import add
from pathlib import Path

import msgspec

from app.readings import Numbers

PERIOD = 1.0
FRESH = 5.0
"""Seconds after which a worker is taken for gone: what it counted stays, what it was like does not."""

Family = dict[tuple[str, ...], Numbers]
"""By the values of the labels."""
Figures = dict[str, Family]
"""By name."""


class Told(msgspec.Struct, frozen=True):
    """What one worker had at *at*, by the clock of the machine: all it *counted*, and what *is* so at that moment."""

    at: float
    counted: Figures
    states: Figures


_decoded = msgspec.msgpack.Decoder(Told).decode


class Place:
    """The place of this worker in *folder*; it is taken with the first `tell` and left when the process ends."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._held: int | None = None
        self._file = folder
        self._before: Figures = {}

    def tell(self, counted: Figures, states: Figures) -> Told:
        """Returns what was told: *counted* with what was counted here before."""
        if self._held is None:
            self._held = self._take()
        os.utime(self._held)  # so that nobody who clears away what is old takes it for old
        told = Told(self._clock(), merged(self._before, counted), states)
        draft = self._file.with_suffix(".draft")
        draft.write_bytes(msgspec.msgpack.encode(told))
        draft.replace(self._file)
        return told

    def others(self) -> list[Told]:
        """What the other places hold. Who is gone has no states."""
        found = [_decoded(file.read_bytes()) for file in self._folder.glob("*.told") if file != self._file]
        oldest = self._clock() - FRESH
        return [told if told.at >= oldest else msgspec.structs.replace(told, states={}) for told in found]

    def _take(self) -> int:
        number = 0
        while (held := _held(self._folder / f"{number}.place")) is None:
            number += 1
        self._file = self._folder / f"{number}.told"
        if self._file.exists():
            self._before = _decoded(self._file.read_bytes()).counted
        return held


def _held(path: Path) -> int | None:
    """Its descriptor, locked until this process ends; None where another process holds it."""
    import fcntl

    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def merged(some: Figures, more: Figures, *, peaks: Collection[str] = ()) -> Figures:
    """All of both; what is in both is added, and of *peaks* the highest counts."""
    whole = {name: dict(family) for name, family in some.items()}
    for name, family in more.items():
        for labels, numbers in family.items():
            put(whole.setdefault(name, {}), labels, numbers, max if name in peaks else add)
    return whole


def put(
    family: Family, labels: tuple[str, ...], numbers: Numbers, merge: Callable[[float, float], float] = add
) -> None:
    """*numbers* besides what *family* has under *labels*, one by one as *merge* makes it."""
    family[labels] = list(map(merge, family[labels], numbers)) if labels in family else numbers
