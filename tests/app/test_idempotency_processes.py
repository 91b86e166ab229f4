"""One `Idempotency-Key` at two workers at once."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.support.process import Server, installation

ROUNDS = 100
AT_ONCE = 6


@pytest.fixture(params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with installation(tmp_path, request.param) as installed:
        installed.migrate()
        with installed.server(workers=2) as started:
            yield started
            assert started.stop() == 0, started.said


async def test_of_many_who_ask_at_once_one_is_served_and_the_others_are_told_so(server: Server) -> None:
    credential = await asyncio.to_thread(server.signed_in)
    seen: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        lines = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=server.url, headers=credential, timeout=20))
            for _ in range(AT_ONCE)
        ]
        for number in range(ROUNDS):
            await one_round(lines, number, seen)
        made = [(await lines[0].get(f"{path}?limit=200")).json() for path in ("/v1/projects", "/v1/api-keys")]
    assert [page["total"] for page in made] == [ROUNDS // 2, ROUNDS // 2]
    assert Counter(one["name"] for page in made for one in page["data"]) == Counter(map(str, range(ROUNDS)))
    assert seen["made"] == ROUNDS
    assert sum(seen.values()) == ROUNDS * AT_ONCE, seen  # how the others divide is a matter of luck


async def one_round(lines: list[httpx.AsyncClient], number: int, seen: Counter[str]) -> None:
    """Of API keys there may be two of a name: nothing but their key keeps a second one away."""
    path = ("/v1/projects", "/v1/api-keys")[number % 2]
    body = {"name": str(number)} if number % 2 == 0 else {"name": str(number), "scopes": ["read"]}
    headers = {"idempotency-key": str(number)}
    answers = await asyncio.gather(*(line.post(path, json=body, headers=headers) for line in lines))
    seen.update(map(what, answers))
    last = await lines[0].post(path, json=body, headers=headers)
    assert what(last) == "replayed"
    assert {answer.content for answer in answers if answer.status_code == 201} == {last.content}


def what(answer: httpx.Response) -> str:
    if answer.status_code == 409:
        assert answer.json()["code"] == "idempotency_in_progress"
        return "in progress"
    assert answer.status_code == 201, answer.text
    return "replayed" if "idempotency-replayed" in answer.headers else "made"
