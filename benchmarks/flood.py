"""What a caller with a key feels while two hundred people sign in at once, at one worker.

A burst is one try of each: half of them know their password. The next one begins when the last of them is answered.
No throttle, all of which are on, is in the way: everybody comes from an address of their own, and nobody is wrong five
times in a row. What is left is the queue before the threads that hash, which is short.
"""

import selectors
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from heapq import heappop, heappush
from itertools import cycle
from statistics import median

from benchmarks.figures import Figure, at_most, paired
from benchmarks.lines import ANYWHERE, Line, field_of, get, post_form, status_of
from benchmarks.servers import CORES, Server, hexkey, pinned
from benchmarks.service import PASSWORD, Tenants, crowd, sqlite_service
from domain.model.users import User

AT_ONCE, ROUNDS, SECONDS, PACE = 200, 5, 4.0, 0.005
STRANGERS = 2000
HASH, SLACK = 19.0, 32.0
"""MiB: what one Argon2 takes, and what two hundred requests may."""
Answers = Counter[str]


def figures() -> Iterator[Figure]:
    with sqlite_service() as tenants:
        bursts = _bursts(crowd(tenants, AT_ONCE // 2), crowd(tenants, STRANGERS))
        with hexkey({**tenants.environ, **ANYWHERE}) as server, pinned(CORES[-1:]):
            yield from _measured(server, tenants, bursts)


def _bursts(people: Sequence[User], strangers: Sequence[User]) -> Iterator[list[bytes]]:
    """What each of a burst sends; a stranger comes back after the others have come."""
    coming = cycle(strangers)
    while True:
        right = [_sign_in(user, PASSWORD) for user in people]
        wrong = [_sign_in(user, PASSWORD[::-1]) for user, _ in zip(coming, people, strict=False)]
        yield [request for both in zip(right, wrong, strict=True) for request in both]


def _sign_in(user: User, password: str) -> bytes:
    return post_form("/v1/auth/token", grant_type="password", username=user.email, password=password)


def _measured(server: Server, tenants: Tenants, bursts: Iterator[list[bytes]]) -> Iterator[Figure]:
    answers = Answers()
    with ProcessPoolExecutor(1) as others:  # a thread would hold up who measures
        others.submit(flood, server.url, [], 0.0).result()

        def once() -> float:
            return _p99_during(server, tenants, others.submit(rush, server.url, next(bursts)), answers)

        def again_and_again() -> float:
            coming = [next(bursts) for _ in range(int(SECONDS * 3))]
            return _p99_during(server, tenants, others.submit(flood, server.url, coming, SECONDS), answers)

        quiet_p99(server, tenants)
        before = server.megabytes()
        cases = {"once, and back when told": once, "again and again": again_and_again}
        for what, case in cases.items():
            yield _ratio(what, paired(ROUNDS, lambda: quiet_p99(server, tenants), case))
    grown, unsaid = server.megabytes_at_most() - before, answers["without Retry-After"]
    told = ", ".join(f"{answers[status]} × {status}" for status in sorted(answers) if status.isdigit())
    yield Figure(goal="S12", what="503 without Retry-After", rounds=[unsaid], unit="", target=at_most(0), note=told)
    yield Figure(goal="S12", what="memory, at most", rounds=[grown], unit="MiB", target=at_most(HASH + SLACK))


def _ratio(what: str, pairs: Sequence[tuple[float, float]]) -> Figure:
    note = f"{median(p99 for p99, _ in pairs):.1f} ms against {median(by for _, by in pairs):.1f}"
    ratios = [p99 / by for p99, by in pairs]
    what = f"whoami p99, 200 sign-ins at once ÷ none: {what}"
    return Figure(goal="S12", what=what, rounds=ratios, target=at_most(3), note=note)


def quiet_p99(server: Server, tenants: Tenants) -> float:
    end = time.perf_counter() + SECONDS
    return _p99(_readings(server, tenants, lambda: time.perf_counter() < end))


def _p99_during(server: Server, tenants: Tenants, coming: "Future[Answers]", answers: Answers) -> float:
    seconds = _readings(server, tenants, lambda: not coming.done())
    answers.update(coming.result())
    server.rest()
    return _p99(seconds)


def _readings(server: Server, tenants: Tenants, goes_on: Callable[[], bool]) -> list[float]:
    """Seconds of each answer, asked for at a steady pace: who had to wait with asking has waited too."""
    line, request = Line(server.url), get("/v1/whoami", {"x-api-key": tenants.key})
    seconds: list[float] = []
    due = time.perf_counter()
    while goes_on():
        late = time.perf_counter() - due
        if late < 0:
            time.sleep(-late)
        answer = line.ask(request)
        if answer.status != 200:
            raise RuntimeError(f"whoami answers {answer.status}")
        seconds.append(answer.seconds + max(late, 0.0))
        due += PACE
    line.close()
    return seconds


def _p99(seconds: Sequence[float]) -> float:
    """In milliseconds."""
    return sorted(seconds)[len(seconds) * 99 // 100] * 1000


def flood(url: str, bursts: Sequence[Sequence[bytes]], seconds: float) -> Answers:
    """How many were answered with which status. The next burst comes when the one before it is answered."""
    end, answers = time.perf_counter() + seconds, Answers()
    lines = [Line(url) for _ in range(AT_ONCE if bursts else 0)]
    for burst in bursts:
        if time.perf_counter() > end:
            break
        answers.update(_answered(lines, burst, comes_back=False))
    for line in lines:
        line.close()
    return answers


def rush(url: str, burst: Sequence[bytes]) -> Answers:
    """The same, once; whoever is told to comes back, until everybody has been judged."""
    lines = [Line(url) for _ in burst]
    answers = _answered(lines, burst, comes_back=True)
    for line in lines:
        line.close()
    return answers


def _answered(lines: Sequence[Line], burst: Sequence[bytes], *, comes_back: bool) -> Answers:
    answers = Answers()
    due = [(0.0, place) for place in range(len(lines))]
    with selectors.DefaultSelector() as asked:
        while due or asked.get_map():
            while due and due[0][0] <= time.perf_counter():
                _, place = heappop(due)
                lines[place].send(burst[place])
                asked.register(lines[place].fileno(), selectors.EVENT_READ, place)
            for key, _ in asked.select(max(due[0][0] - time.perf_counter(), 0.0) if due else None):
                asked.unregister(key.fileobj)
                head = lines[key.data].receive()
                status, told = status_of(head), field_of(head, b"retry-after")
                answers[str(status)] += 1
                if status == 503 and told is None:
                    answers["without Retry-After"] += 1
                elif status == 503 and told is not None and comes_back:
                    heappush(due, (time.perf_counter() + int(told), key.data))
    return answers
