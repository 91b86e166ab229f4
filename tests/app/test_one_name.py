"""Callers who want the same name at the same moment, at two workers: one gets it, the others are told that it is taken.

A name may be taken by a new project, by renaming one and by replacing one; whichever comes first, there is one winner
and never an error of ours.
"""

from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.support.process import Server, installation
from tests.support.races import ROUNDS, Call, StartingLine, statuses

PATH = "/v1/projects"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with installation(tmp_path_factory.mktemp(request.param), request.param) as installed:
        installed.migrate()
        with installed.server(workers=2) as started:
            yield started
            assert started.stop() == 0, started.said


def kept(owner: httpx.Client) -> dict[str, str]:
    """The name of each of their projects, by its id."""
    answer = owner.get(f"{PATH}?limit=200")
    assert answer.status_code == 200, answer.text
    return {project["id"]: project["name"] for project in answer.json()["data"]}


def test_of_two_who_create_one_name_one_creates_it(server: Server) -> None:
    ada, made, won = server.signed_in(), {}, Counter[int]()
    with StartingLine(server, 2) as line, httpx.Client(base_url=server.url, headers=ada, timeout=10) as http:
        for number in range(ROUNDS):
            answers = line.release([Call("POST", PATH, ada, {"name": f"p{number}"})] * 2)
            assert statuses(answers) == [201, 409], [answer.content for answer in answers]
            winner, loser = sorted(answers, key=lambda answer: answer.status)
            assert loser.json()["code"] == "project_name_taken"
            made[winner.json()["id"]] = f"p{number}"
            won[answers.index(winner)] += 1
        assert kept(http) == made
    assert set(won) == {0, 1}, f"no race: the same worker was first in all of {ROUNDS} rounds"


def test_of_who_create_rename_and_replace_to_one_name_one_has_it(server: Server) -> None:
    bob = server.signed_in("bob@example.org")
    with StartingLine(server, 3) as line, httpx.Client(base_url=server.url, headers=bob, timeout=10) as http:
        first, second = (http.post(PATH, json={"name": f"own {n}"}).json()["id"] for n in range(2))
        for number in range(ROUNDS):
            wanted = {"name": f"p{number}"}
            calls = [
                Call("POST", PATH, bob, wanted),
                Call("PATCH", f"{PATH}/{first}", bob, wanted),
                Call("PUT", f"{PATH}/{second}", bob, wanted),
            ]
            answers = line.release(calls)
            assert sum(answer.status in (200, 201) for answer in answers) == 1, [a.content for a in answers]
            assert {a.json()["code"] for a in answers if a.status >= 400} == {"project_name_taken"}
            assert list(kept(http).values()).count(wanted["name"]) == 1
