"""Real revocations against real workers: how long each went on accepting, and whether any accepted after the receipt.

``python -m benchmarks.revocations [--trials 1000] [--workers 4]``
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from app.composition import Ports, connect
from app.settings import load
from benchmarks.servers import CORES, hexkey
from benchmarks.service import Tenants, postgres_service, sqlite_service
from domain.model.actors import NOWHERE
from domain.model.ids import KeyId, SessionId, UserId
from domain.model.keys import Key, SecretVersion
from domain.model.roles import ADMIN_ID, MEMBER_ID
from domain.model.sessions import Lifetimes, Session, SessionKind
from domain.model.users import EmailAddress, User
from domain.ports.security import AccessClaims

PROMISE = 0.5
BEFORE, AFTER = 0.15, 0.15
"""How long, in seconds, a credential is used before it is revoked, and after the receipt."""
HOUR = timedelta(hours=1)
KINDS = ("key", "session", "user", "role")


@dataclass(frozen=True, slots=True)
class Case:
    """A credential in use at *path*, and the request that takes it away."""

    kind: str
    path: str
    credential: str
    revocation: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """*staleness* is from the commit, or else the answer, to the last request that was accepted, in seconds; *late* are
    the accepted that began at the receipt or after it; *used* is how many were accepted in all.
    """

    kind: str
    staleness: float
    late: int
    used: int
    last_status: int


class Line:
    """One connection that is kept: it stays with the worker that took it."""

    def __init__(self, url: str) -> None:
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, method: str, path: str, credential: str) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {credential}\r\n"
            "Content-Length: 0\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        return int(head[9:12]), await reader.readexactly(int(length or 0))

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


async def outcomes(
    url: str, cases: Iterable[Case], *, at_once: int = 10, lines: int = 8, pause: float = 0.02
) -> list[Outcome]:
    """*at_once* credentials at a time, each used on so many *lines*, on each of them every *pause* seconds."""
    waiting = iter(cases)

    async def runner() -> list[Outcome]:
        own = [Line(url) for _ in range(lines + 1)]
        try:
            return [await _outcome(case, own, pause) for case in waiting]
        finally:
            for line in own:
                line.close()

    return [outcome for some in await asyncio.gather(*(runner() for _ in range(at_once))) for outcome in some]


async def _outcome(case: Case, lines: list[Line], pause: float) -> Outcome:
    accepted, statuses = [0.0], [0]
    end = float("inf")

    async def use(line: Line) -> None:
        while (began := time.time()) < end:
            statuses.append((await line.send("GET", case.path, case.credential))[0])
            if statuses[-1] == 200:
                accepted.append(began)
            await asyncio.sleep(pause)

    users = [asyncio.create_task(use(line)) for line in lines[1:]]
    await asyncio.sleep(BEFORE)
    status, body = await lines[0].send(*case.revocation)
    committed = time.time()
    if status >= 300:
        raise RuntimeError(f"{case.revocation[:2]} answers {status}: {body!r}")
    receipt = committed + PROMISE
    if case.kind == "key":
        receipt = datetime.fromisoformat(json.loads(body)["effective_at"]).timestamp()
        committed = receipt - PROMISE
    end = receipt + AFTER
    await asyncio.gather(*users)
    return Outcome(
        case.kind,
        staleness=max(0.0, max(accepted) - committed),
        late=sum(began >= receipt for began in accepted),
        used=len(accepted) - 1,
        last_status=statuses[-1],
    )


async def cases_in(environ: Mapping[str, str], numbers: Mapping[str, int]) -> list[Case]:
    """So many credentials of each kind, kept in the database that *environ* leads to."""
    ports = connect(load(environ))
    try:
        admin = await _user(ports, ADMIN_ID)
        _, token = await _session(ports, admin)
        return [await _case(ports, kind, token) for kind, number in numbers.items() for _ in range(number)]
    finally:
        await ports.close()


async def _case(ports: Ports, kind: str, admin: str) -> Case:
    user_id = await _user(ports, MEMBER_ID)
    if kind == "session":
        session_id, token = await _session(ports, user_id)
        return Case(kind, "/v1/whoami", token, ("DELETE", f"/v1/me/sessions/{session_id}", token))
    key_id, secret = await _key(ports, user_id)
    path, revocation = {
        "key": ("/v1/whoami", ("POST", f"/v1/api-keys/{key_id}/revoke")),
        "user": ("/v1/whoami", ("DELETE", f"/v1/users/{user_id}")),
        "role": ("/v1/projects", ("DELETE", f"/v1/roles/{MEMBER_ID}/users/{user_id}")),
    }[kind]
    return Case(kind, path, secret, (*revocation, admin))


async def _user(ports: Ports, role_id: UserId | object) -> UserId:
    """One without a password: hashing takes longer than all the rest."""
    user_id, now = UserId(ports.ids.new()), ports.clock.now()
    email = EmailAddress(f"{user_id.hex}@example.org")
    async with ports.uow() as work:
        await work.users.add(User(id=user_id, email=email, password_hash=None, created_at=now, updated_at=now))
        await work.roles.grant(role_id, user_id)  # type: ignore[arg-type]
    return user_id


async def _session(ports: Ports, user_id: UserId) -> tuple[SessionId, str]:
    now, lasting = ports.clock.now(), Lifetimes(idle=HOUR, absolute=HOUR)
    session = Session.begin(
        id=SessionId(ports.ids.new()),
        user_id=user_id,
        kind=SessionKind.TOKEN,
        lifetimes=lasting,
        origin=NOWHERE,
        now=now,
    )
    async with ports.uow() as work:
        await work.sessions.add(session)
    return session.id, ports.access_tokens.sign(AccessClaims(user_id, session.id, now + HOUR))


async def _key(ports: Ports, owner_id: UserId) -> tuple[KeyId, str]:
    key_id, now = KeyId(ports.ids.new()), ports.clock.now()
    minted = ports.key_secrets.mint(key_id)
    secret = SecretVersion(
        version=1, digest=minted.digest, pepper_id=minted.pepper_id, last4=minted.last4, created_at=now
    )
    key = Key(id=key_id, owner_id=owner_id, name="bench", scopes=frozenset({"read"}), secrets=(secret,), created_at=now)
    async with ports.uow() as work:
        await work.keys.add(key, live_at_most=100, now=now)
    return key_id, minted.plain


def told(storage: str, found: list[Outcome]) -> Iterator[str]:
    for kind in KINDS:
        taken = sorted(outcome.staleness * 1000 for outcome in found if outcome.kind == kind)
        if not taken:
            continue
        late = sum(outcome.late for outcome in found if outcome.kind == kind)
        used = sum(outcome.used for outcome in found if outcome.kind == kind)
        last = taken[max(0, int(len(taken) * 0.99) - 1)]
        yield (
            f"{storage}, {len(taken)} of {kind}: staleness p50 {statistics.median(taken):.0f} ms, p99 {last:.0f} ms, "
            f"max {taken[-1]:.0f} ms; {late} accepted after the receipt, of {used} accepted"
        )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.revocations", description=__doc__)
    parser.add_argument("--trials", type=int, default=1000, help="keys; a tenth as many of each other kind")
    parser.add_argument("--workers", type=int, default=4)
    asked = parser.parse_args()
    numbers = {kind: asked.trials if kind == "key" else asked.trials // 10 for kind in KINDS}
    late = 0
    storages: dict[str, Callable[[], AbstractContextManager[Tenants]]]
    storages = {"SQLite": sqlite_service, "PostgreSQL": postgres_service}
    for storage, service in storages.items():
        with service() as tenants, hexkey(tenants.environ, asked.workers, cores=CORES) as server:
            cases = asyncio.run(cases_in({**os.environ, **tenants.environ}, numbers))
            found = asyncio.run(outcomes(server.url, cases))
        late += sum(outcome.late for outcome in found)
        print("\n".join(told(storage, found)), flush=True)
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
