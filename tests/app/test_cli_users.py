"""`hexkey users`: what an operator does with people, in a terminal, in a pipe and in a script."""

import asyncio
import json
import os
import pty
import select
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from click.testing import CliRunner, Result

from adapters.sql import open_database
from app.cli import main
from domain.model.events import Event
from domain.model.roles import Role
from domain.model.users import EmailAddress, User, Username
from tests.support.databases import Storage, sql_storage
from tests.support.examples import a_role, a_user
from tests.support.process import Installation

PASSWORD, OTHER_PASSWORD = "correct horse battery staple", "another horse battery staple"
T = TypeVar("T")
EVIL = "\x1b[2J\u202eevil"


def hexkey(*words: str, text: str | bytes = "") -> Result:
    return CliRunner().invoke(main, words, input=text)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "data"
    folder.mkdir(mode=0o700)
    Installation(folder).migrate()
    return folder


@pytest.fixture
def data(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    shutil.copytree(template, folder)
    monkeypatch.setenv("HEXKEY_DATA_DIR", str(folder))
    return folder


def past_services(data: Path, act: Callable[[Storage], Awaitable[T]]) -> T:
    """*act* on the storage that the commands work on."""

    async def run() -> T:
        database = open_database(data / "hexkey.db")
        try:
            return await act(sql_storage(database))
        finally:
            await database.close()

    return asyncio.run(run())


def given(data: Path, *values: User | Role) -> None:
    past_services(data, lambda storage: storage.given(*values))


def ada_in(data: Path) -> User:
    async def find(storage: Storage) -> User:
        async with storage.uow.reading() as work:
            user = await work.users.find_by_email(EmailAddress("ada@example.org"))
        assert user is not None
        return user

    return past_services(data, find)


def test_users_are_listed_as_cells_between_tabs(data: Path) -> None:
    given(data, a_user(email="ada@example.org", username="ada"), a_user(email="bob@example.org", is_active=False))
    listed = hexkey("users", "list")
    assert listed.exit_code == 0
    assert sorted(listed.stdout.splitlines()) == [
        "ada@example.org\tada\tactive, unverified\t2026-01-01",
        "bob@example.org\t\tinactive\t2026-01-01",
    ]
    assert listed.stderr == "2 of 2\n"
    page = hexkey("users", "list", "--limit", "1", "--offset", "1")
    assert (len(page.stdout.splitlines()), page.stderr) == (1, "1 of 2\n")


def test_json_is_the_body_of_the_answer_and_nothing_else(data: Path) -> None:
    given(data, a_user(email="ada@example.org"))
    listed = hexkey("users", "list", "--json")
    assert listed.stderr == ""
    body = json.loads(listed.stdout)
    assert set(body) == {"total", "data", "limit", "offset", "next"}
    assert set(body["data"][0]) == {
        "id",
        "email",
        "username",
        "name",
        "is_active",
        "email_verified",
        "created_at",
        "updated_at",
    }
    made = hexkey("users", "create", "--email", "bob@example.org", "--password-stdin", "--json", text=f"{PASSWORD}\n")
    assert (made.exit_code, made.stderr, json.loads(made.stdout)["email"]) == (0, "", "bob@example.org")


def test_where_the_answer_has_no_body_json_prints_nothing(data: Path) -> None:
    given(data, a_user(email="ada@example.org"), a_role(name="auditor"))
    for words in (
        ("grant", "ada@example.org", "auditor"),
        ("grant", "ada@example.org", "admin"),
        ("create", "--admin", "--if-none", "--email", "bob@example.org"),
        ("set-password", "ada@example.org", "--password-stdin"),
    ):
        done = hexkey("users", *words, "--json", text=f"{OTHER_PASSWORD}\n")
        assert (done.exit_code, done.output) == (0, ""), words


def test_a_role_is_given_by_its_name(data: Path) -> None:
    user, role = a_user(email="ada@example.org"), a_role(name="auditor")
    given(data, user, role)
    for _ in range(2):
        done = hexkey("users", "grant", "ADA@example.org", "auditor")
        assert (done.exit_code, done.output) == (0, "Gave auditor to ADA@example.org.\n")

    async def look(storage: Storage) -> tuple[tuple[Role, ...], tuple[Event, ...]]:
        async with storage.uow.reading() as work:
            return await work.roles.list_by_user(user.id), await work.events.list(10)

    held, [event] = past_services(data, look)
    assert held == (role,)
    assert (event.action, event.actor_kind, event.user_id) == ("role.granted", "system", None)


def test_a_password_that_is_set_must_be_changed(data: Path) -> None:
    given(data, a_user(email="ada@example.org"))
    done = hexkey("users", "set-password", "ada@example.org", "--password-stdin", text=f"{PASSWORD}\n")
    assert (done.exit_code, done.output) == (0, "Set the password of ada@example.org.\n")
    first = ada_in(data)
    assert (first.password_change_required, first.password_hash != "x") == (True, True)
    asked = hexkey("users", "set-password", "ada@example.org", text=f"{OTHER_PASSWORD}\n{OTHER_PASSWORD}\n")
    assert asked.exit_code == 0
    assert OTHER_PASSWORD not in asked.output
    assert ada_in(data).password_hash != first.password_hash


def test_who_is_deactivated_is_so_again(data: Path) -> None:
    given(data, a_user(email="ada@example.org"))
    for _ in range(2):
        done = hexkey("users", "deactivate", "ada@example.org")
        assert (done.exit_code, done.output) == (0, "Deactivated ada@example.org.\n")
    assert ada_in(data).is_active is False


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["grant", "nobody@example.org", "admin"], "there is no user 'nobody@example.org'"),
        (["grant", "ada@example.org", "nonsense"], "there is no role 'nonsense'"),
        (["grant", "ada@example.org", "Admin"], "there is no role 'Admin'"),
        (["grant", "ada@example.org", EVIL], "there is no role '\\x1b[2J\\u202eevil'"),
        (["grant", "nonsense", "admin"], "email: is not an e-mail address"),
        (["deactivate", "nobody@example.org"], "there is no user 'nobody@example.org'"),
        (["deactivate", "root@example.org"], "this would leave no active admin"),
        (["set-password", "nobody@example.org", "--password-stdin"], "there is no user 'nobody@example.org'"),
        (["create", "--email", "ada@example.org"], "this e-mail address is already registered"),
        (["create", "--email", "ADA@example.org", "--json"], "this e-mail address is already registered"),
    ],
)
def test_what_is_refused_is_said_in_a_sentence(data: Path, words: list[str], sentence: str) -> None:
    root = a_user(email="root@example.org")
    given(data, a_user(email="ada@example.org"), root)
    assert hexkey("users", "grant", "root@example.org", "admin").exit_code == 0
    refused = hexkey("users", *words, text=f"{PASSWORD}\n")
    assert (refused.exit_code, refused.stdout, refused.stderr) == (1, "", f"hexkey: {sentence}\n")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["create"], ""),
        (["create", "--email"], ""),
        (["create", "--email", "a@example.org", "--password", PASSWORD], ""),
        (["create", "--email", "a@example.org", "--password-stdin"], ""),
        (["create", "--email", "a@example.org", "--password-stdin"], "\n"),
        (["create", "--email", "a@example.org", "--password-stdin"], b"\xff\xfe\xfd-not-text-at-all\n"),
        (["set-password", "a@example.org", "--password-stdin"], ""),
        (["set-password", "a@example.org", PASSWORD], ""),
        (["grant", "a@example.org"], ""),
        (["list", "--limit", "0"], ""),
        (["list", "--limit", "201"], ""),
        (["list", "--offset", "-1"], ""),
        (["nonsense"], ""),
    ],
)
def test_misuse_is_2_and_changes_nothing(data: Path, words: list[str], text: str | bytes) -> None:
    misused = hexkey("users", *words, text=text)
    assert misused.exit_code == 2, misused.output
    assert misused.stdout == ""
    assert hexkey("users", "list").stdout == ""


def test_no_option_takes_a_password() -> None:
    group = main.get_command(None, "users")  # type: ignore[arg-type]
    options = {option for command in group.commands.values() for param in command.params for option in param.opts}  # type: ignore[union-attr]
    assert {option for option in options if "password" in option} == {"--password-stdin"}


def test_what_a_name_holds_is_never_obeyed_by_a_terminal(data: Path) -> None:
    given(data, a_user(email="ada@example.org", username=Username(EVIL + "\t")), a_role(name="\u202eevil"))
    for shown in (hexkey("users", "list"), hexkey("users", "grant", "ada@example.org", "\u202eevil")):
        assert shown.exit_code == 0
        assert not {"\x1b", "\u202e"} & set(shown.output)
        assert "\\u202eevil" in shown.output
    assert len(hexkey("users", "list").stdout.strip().split("\t")) == 4


class Terminal:
    """A terminal of 80 columns with a process in it."""

    def __init__(self, data: Path) -> None:
        self._installation = Installation(data)

    def run(self, *words: str, typing: tuple[str, ...] = ()) -> tuple[int, str]:
        """Each of *typing* is typed once more is asked for; the exit status, and what was to be seen."""
        (ours, theirs), lines = pty.openpty(), list(typing)
        with self._installation.begin(*words, stdin=theirs, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            seen, answered = b"", 0
            while select.select([ours], [], [], 15)[0]:
                try:
                    seen += os.read(ours, 65536)
                except OSError:  # the process is gone
                    break
                if seen[answered:].endswith(b": "):
                    os.write(ours, f"{lines.pop(0)}\n".encode())
                    answered = len(seen)
            else:
                process.kill()
            status = process.wait()
        os.close(ours)
        return status, seen.decode().replace("\r\n", "\n")


def test_in_a_terminal_there_is_a_table_and_long_addresses_are_whole(data: Path) -> None:
    long = f"{'a' * 64}@{'b' * 60}.org"
    given(data, a_user(email=long, username=Username(EVIL)), a_user(email="ada@example.org", username="ada"))
    status, seen = Terminal(data).run("users", "list")
    assert status == 0
    lines = seen.splitlines()
    assert [word in lines[0] for word in ("E-mail", "User name", "State", "Created")] == [True] * 4
    assert "\x1b[2J" not in seen
    assert "\u202e" not in seen
    cells = "".join(line.split(" ")[0] for line in lines)
    assert long in cells.replace("ada@example.org", "")
    assert lines[-1] == "2 of 2"


def test_a_password_is_asked_for_without_being_seen(data: Path) -> None:
    given(data, a_user(email="ada@example.org"))
    asked = ("users", "set-password", "ada@example.org")
    status, seen = Terminal(data).run(*asked, typing=(PASSWORD, PASSWORD))
    assert (status, PASSWORD in seen) == (0, False)
    assert seen.endswith("Set the password of ada@example.org.\n")
    assert ada_in(data).password_change_required
