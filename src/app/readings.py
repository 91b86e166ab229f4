"""What can be read of a running worker, and where: figures cost nothing until somebody asks for them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["counter", "gauge", "peak", "histogram"]
"""How workers are taken together: they are added, but of a *peak* the highest counts. The numbers of a *histogram* are
those of its buckets, the one without an end included, and then the sum of what was observed.
"""
Numbers = list[float]
Samples = Mapping[tuple[str, ...], Numbers]
"""By the values of the labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One figure of this worker. *read* is called whenever it is told; *labels* name what its keys are about."""

    name: str
    help: str
    kind: Kind
    read: Callable[[], Samples]
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Of a histogram: where its buckets end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One figure that all workers share, such as what the database holds: it is asked for only where it is told."""

    name: str
    help: str
    ask: Callable[[], Awaitable[Samples]]
    labels: tuple[str, ...] = ()


class Leased(Protocol):
    misses: int
    evictions: int
    lag: float

    @property
    def age(self) -> float: ...
    @property
    def size(self) -> int: ...


class Asked(Protocol):
    lookups: int


class Threads(Protocol):
    busy: int

    @property
    def waiting(self) -> int: ...


class Deciding(Protocol):
    admitted: int
    refused: int


class Replaceable(Protocol):
    fallbacks: int

    @property
    def is_away(self) -> bool: ...


class Connecting(Protocol):
    def connections(self) -> tuple[int, int, int]:
        """Used, open, and how many there may be."""


def figure(name: str, help: str, kind: Kind, read: Callable[[], float]) -> Reading:
    """One without labels."""
    return Reading(name=name, help=help, kind=kind, read=lambda: {(): [read()]})


def of_directory(directory: Leased) -> tuple[Reading, ...]:
    return (
        figure(
            "hexkey_directory_misses",
            "Lookups of a credential that had to read the database.",
            "counter",
            lambda: directory.misses,
        ),
        figure(
            "hexkey_directory_evictions",
            "Credentials that were forgotten to make room for another.",
            "counter",
            lambda: directory.evictions,
        ),
        figure("hexkey_directory_entries", "Credentials that are remembered.", "gauge", lambda: directory.size),
        figure(
            "hexkey_lease_age_seconds",
            "Since the last look at what was revoked, in the worker where it is longest ago.",
            "peak",
            lambda: directory.age,
        ),
        figure(
            "hexkey_tail_lag_seconds",
            "Between the last two looks at what was revoked, in the worker where it is longest.",
            "peak",
            lambda: directory.lag,
        ),
    )


def of_lookups(directory: Asked) -> tuple[Reading, ...]:
    return (figure("hexkey_directory_lookups", "Lookups of a credential.", "counter", lambda: directory.lookups),)


def of_passwords(pool: Threads) -> tuple[Reading, ...]:
    return (
        figure("hexkey_password_threads_busy", "Threads that hash a password.", "gauge", lambda: pool.busy),
        figure("hexkey_password_queue", "Passwords that wait for a thread.", "gauge", lambda: pool.waiting),
    )


def of_limiter(limiter: Deciding) -> tuple[Reading, ...]:
    def read() -> Samples:
        return {("admitted",): [limiter.admitted], ("refused",): [limiter.refused]}

    decisions = Reading(
        name="hexkey_limiter_decisions",
        help="Calls that a rate limit let in or refused.",
        kind="counter",
        labels=("outcome",),
        read=read,
    )
    return (decisions,)


def of_fallback(limiter: Replaceable) -> tuple[Reading, ...]:
    return (
        figure(
            "hexkey_limiter_fallbacks",
            "Decisions that a worker made by itself, because Redis was away.",
            "counter",
            lambda: limiter.fallbacks,
        ),
        figure(
            "hexkey_limiter_away",
            "Workers that count limits by themselves, because Redis is away.",
            "gauge",
            lambda: limiter.is_away,
        ),
    )


def of_databases(**databases: Connecting) -> tuple[Reading, ...]:
    """By the name of what each is for."""

    def read() -> Samples:
        return {
            (name, state): [number]
            for name, database in databases.items()
            for state, number in zip(("used", "open", "limit"), database.connections(), strict=True)
        }

    connections = Reading(
        name="hexkey_sql_connections",
        help="Connections to the database, by what they are for.",
        kind="gauge",
        labels=("pool", "state"),
        read=read,
    )
    return (connections,)
