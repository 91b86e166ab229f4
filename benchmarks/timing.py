"""Whether the time of an answer tells who has an account: over a socket, the kinds of asking in no order.

A figure is the AUC: how often, of two answers of two kinds, the one of the first kind took longer. Who knows nothing
is right every other time: 0.5. Each try is the first at its account and comes from an address of its own, so that no
throttle, all of which are on, has a reason to refuse one.
"""

import random
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import sqrt
from statistics import median

from benchmarks.figures import Figure, between
from benchmarks.lines import ANYWHERE, Line, post, post_form
from benchmarks.servers import CORES, hexkey, pinned
from benchmarks.service import PASSWORD, Tenants, crowd, sqlite_service

SIGN_INS, FORGOTTEN, DISCARDED = 500, 1000, 20
"""Tries of a kind, and how many of them only warm up."""
KNOWN = "a wrong password"
TOLD_APART = between(0.45, 0.55)
Ask = Callable[[], bytes]


def figures() -> Iterator[Figure]:
    with sqlite_service() as tenants:
        sign_ins, forgotten = _sign_ins(tenants), _forgotten(tenants)
        with hexkey({**tenants.environ, **ANYWHERE}) as server, pinned(CORES[-1:]):
            taken = _interleaved(Line(server.url), sign_ins, SIGN_INS, 400)
            yield from (_figure("sign-in", kind, taken[kind], taken[KNOWN]) for kind in taken if kind != KNOWN)
            server.rest()
            taken = _interleaved(Line(server.url), forgotten, FORGOTTEN, 202)
            yield _figure("forgotten password", "an unknown address", taken["unknown"], taken["known"])


def _sign_ins(tenants: Tenants) -> dict[str, Ask]:
    """Half of the known ones by address, half by user name."""
    known, inactive = crowd(tenants, SIGN_INS), crowd(tenants, SIGN_INS, is_active=False)
    known_logins = iter([*(user.email for user in known[::2]), *(str(user.username) for user in known[1::2])])
    inactive_logins = iter([*(user.email for user in inactive[::2]), *(str(user.username) for user in inactive[1::2])])
    wrong = PASSWORD[::-1]
    return {
        KNOWN: lambda: _sign_in(next(known_logins), wrong),
        "an unknown user name": lambda: _sign_in(secrets.token_hex(8), wrong),
        "an unknown address": lambda: _sign_in(f"{secrets.token_hex(8)}@example.org", wrong),
        "an inactive account, the password right": lambda: _sign_in(next(inactive_logins), PASSWORD),
    }


def _sign_in(login: str, password: str) -> bytes:
    return post_form("/v1/auth/token", grant_type="password", username=login, password=password)


def _forgotten(tenants: Tenants) -> dict[str, Ask]:
    known = iter([user.email for user in crowd(tenants, FORGOTTEN)])
    return {
        "known": lambda: post("/v1/auth/password/forgot", email=next(known)),
        "unknown": lambda: post("/v1/auth/password/forgot", email=f"{secrets.token_hex(8)}@example.org"),
    }


def _interleaved(line: Line, kinds: Mapping[str, Ask], tries: int, status: int) -> dict[str, list[float]]:
    """The seconds of each try, by its kind."""
    order = [kind for kind in kinds for _ in range(tries)]
    random.shuffle(order)
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    for kind in order:
        answer = line.ask(kinds[kind]())
        if answer.status != status:
            raise RuntimeError(f"{kind} answers {answer.status}")
        taken[kind].append(answer.seconds)
    line.close()
    return {kind: seconds[DISCARDED:] for kind, seconds in taken.items()}


def _figure(door: str, kind: str, seconds: Sequence[float], known: Sequence[float]) -> Figure:
    """Its spread is the interval in which the true one lies with 95 %."""
    found = auc(seconds, known)
    error = 1.96 * _standard_error(found, len(seconds), len(known))
    note = f"median {median(seconds) * 1000:.2f} ms against {median(known) * 1000:.2f}, n = {len(seconds)}"
    rounds = (found - error, found, found + error)
    return Figure(goal="S11", what=f"{door}: {kind}", rounds=rounds, unit="AUC", target=TOLD_APART, note=note)


def auc(some: Sequence[float], others: Sequence[float]) -> float:
    """How often one of *some* is more than one of *others*; a tie counts half."""
    above = sum((a > b) + (a == b) / 2 for a in some for b in others)
    return above / (len(some) * len(others))


def _standard_error(area: float, some: int, others: int) -> float:
    """Of an AUC, after Hanley and McNeil (1982)."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (some - 1) * (q1 - area**2) + (others - 1) * (q2 - area**2)
    return sqrt(variance / (some * others))
