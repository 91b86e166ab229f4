"""Signing in at real workers, which share nothing but the database and the secret."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.support.process import PASSWORD, Installation, Server, installation

ADA, ADMIN = "ada@example.org", "admin@example.org"
PUBLIC_URL = "http://127.0.0.1:8000"
WRONG = "wrong horse battery staple"
STALENESS = 0.5  # seconds after which no worker takes what was ended
Form = dict[str, str]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp(request.param)
    with installation(folder, request.param, HEXKEY_PUBLIC_URL=PUBLIC_URL) as made:
        made.migrate()
        command = ("users", "create", "--admin", "--email", ADMIN, "--password-stdin")
        created = made.run(*command, stdin=PASSWORD)
        assert created.returncode == 0, created.stderr
        yield made


@pytest.fixture(scope="module")
def server(installed: Installation) -> Iterator[Server]:
    with installed.server(workers=2) as started:
        started.signed_in(ADA)
        yield started
        assert started.stop() == 0, started.said


@pytest.fixture(scope="module")
def impatient(installed: Installation, server: Server) -> Iterator[Server]:
    """Another of the same installation, as after a restart with another setting."""
    settings = {**installed.settings, "HEXKEY_REFRESH_RETRY_WINDOW": "100ms"}
    with replace(installed, settings=settings).server() as started:
        yield started


def by_password(login: str = ADA, password: str = PASSWORD) -> Form:
    return {"grant_type": "password", "username": login, "password": password}


def by_refresh(tokens: Any) -> Form:
    return {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}


def posted(server: Server, form: Form) -> httpx.Response:
    """On a connection of its own: whichever worker takes it."""
    return httpx.post(f"{server.url}/v1/auth/token", data=form, timeout=20)


async def posted_at_once(server: Server, forms: list[Form]) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=len(forms), max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=server.url, limits=limits, timeout=30) as crowd:
        return await asyncio.gather(*(crowd.post("/v1/auth/token", data=form) for form in forms))


def is_in(server: Server, headers: dict[str, str]) -> bool:
    answers = [httpx.get(f"{server.url}/v1/me", headers=headers, timeout=10) for _ in range(8)]
    [status] = {answer.status_code for answer in answers}
    assert status in {200, 401}
    return status == 200


def is_out_everywhere(server: Server, headers: dict[str, str]) -> bool:
    time.sleep(STALENESS)
    return not is_in(server, headers)


def bearing(tokens: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens['access_token']}"}


def trail(server: Server) -> list[dict[str, Any]]:
    tokens = posted(server, by_password(ADMIN)).json()
    answer = httpx.get(f"{server.url}/v1/audit-events?limit=200", headers=bearing(tokens), timeout=10)
    events: list[dict[str, Any]] = answer.json()["data"]
    return events


async def test_fifty_refreshes_of_one_token_have_one_successor_and_nobody_is_signed_out(server: Server) -> None:
    first = posted(server, by_password()).json()
    answers = await posted_at_once(server, [by_refresh(first)] * 50)
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    tokens = [answer.json() for answer in answers]
    assert len({token["refresh_token"] for token in tokens}) == 1
    assert len({token["access_token"] for token in tokens}) == 50
    assert all(is_in(server, bearing(token)) for token in (first, tokens[0], tokens[-1]))
    assert posted(server, by_refresh(tokens[0])).status_code == 200


def test_a_replay_after_the_window_ends_the_session_everywhere(server: Server, impatient: Server) -> None:
    first = posted(server, by_password()).json()
    second = posted(impatient, by_refresh(first)).json()
    assert is_in(server, bearing(second))
    time.sleep(0.15)
    replayed = posted(impatient, by_refresh(first))
    assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_grant")
    assert is_out_everywhere(server, bearing(second))
    assert posted(server, by_refresh(second)).json()["error"] == "invalid_grant"
    reused = [event for event in trail(server) if event["action"] == "session.reuse_detected"]
    assert [(event["address"], event["request_id"]) for event in reused] == [
        ("127.0.0.1", replayed.headers["x-request-id"])
    ]


def test_a_cookie_is_good_at_every_worker_and_after_a_restart(server: Server, impatient: Server) -> None:
    begun = httpx.post(f"{server.url}/v1/auth/session", json={"login": ADA, "password": PASSWORD}, timeout=20)
    assert begun.status_code == 201, begun.text
    token = begun.cookies["hexkey_csrf"]
    cookies = {"cookie": f"hexkey_session={begun.cookies['hexkey_session']}; hexkey_csrf={token}"}
    changing = {**cookies, "x-csrf-token": token, "origin": PUBLIC_URL}
    for one in (server, impatient):
        assert is_in(one, cookies)
        for name in ("Ada", "Ada Lovelace"):
            renamed = httpx.patch(f"{one.url}/v1/me", headers=changing, json={"name": name}, timeout=10)
            assert renamed.json()["name"] == name
    assert httpx.delete(f"{impatient.url}/v1/auth/session", headers=changing, timeout=10).status_code == 204
    assert is_out_everywhere(server, cookies)


async def test_of_twenty_guesses_at_once_at_two_workers_five_are_looked_at(server: Server) -> None:
    server.signed_in("bob@example.org")
    for login in ("bob@example.org", "nobody@example.org"):
        began = time.monotonic()
        answers = await posted_at_once(server, [by_password(login, WRONG)] * 20)
        statuses = [answer.status_code for answer in answers]
        assert statuses.count(400) == 5 or (statuses.count(400) == 6 and time.monotonic() - began > 2)
        assert statuses.count(429) == 20 - statuses.count(400)


async def test_of_twenty_honest_sign_ins_at_once_nobody_is_refused(server: Server) -> None:
    answers = await posted_at_once(server, [by_password()] * 20)
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
