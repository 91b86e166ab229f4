"""What an operator types, and what it answers: printed, on which stream, with which status."""

import json
import sqlite3
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import COMMANDS, main

PASSWORD = "correct horse battery staple"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is not there yet; its odd name must not confuse the address of the database."""
    folder = tmp_path / "new" / "what?x=1"
    monkeypatch.setenv("HEXKEY_DATA_DIR", str(folder))
    return folder


def hexkey(*words: str, text: str = "") -> Result:
    return CliRunner().invoke(main, words, input=text)


@pytest.fixture
def migrated(data: Path) -> Path:
    done = hexkey("database", "upgrade", "--no-prompt")
    assert done.exit_code == 0, done.output
    return data


def test_the_database_is_made_where_the_settings_say_and_for_its_owner_only(migrated: Path) -> None:
    made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (migrated, *migrated.iterdir())}
    assert made[migrated.name] == 0o700
    assert {mode for name, mode in made.items() if name.startswith("hexkey.db")} == {0o600}


def test_production_makes_its_folder_too(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXKEY_ENV", "production")
    monkeypatch.setenv("HEXKEY_PUBLIC_URL", "https://keys.test.org")
    monkeypatch.setenv("HEXKEY_SECRETS", hexkey("secrets", "generate").output.strip())
    assert hexkey("database", "upgrade", "--no-prompt").exit_code == 0
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HEXKEY_SECRETS", hexkey("secrets", "generate").output.strip())
    monkeypatch.setenv("HEXKEY_DATA_DIR", str(tmp_path / "file" / "data"))
    refused = hexkey("database", "upgrade", "--no-prompt")
    assert refused.exit_code == 1
    assert str(tmp_path / "file") in refused.stderr
    assert "Traceback" not in refused.output


def test_a_made_password_is_printed_once_and_signs_in(migrated: Path) -> None:
    made = hexkey("users", "create", "--admin", "--email", "Root@Example.org")
    assert made.exit_code == 0
    assert made.stdout.startswith("Created admin Root@Example.org.\nPassword, shown this once: ")


def test_json_is_the_user_alone_and_a_made_password_goes_the_other_way(migrated: Path) -> None:
    made = hexkey("users", "create", "--email", "ada@example.org", "--json")
    assert json.loads(made.stdout)["email"] == "ada@example.org"
    assert made.stderr.startswith("Password, shown this once: ")


def test_a_given_password_is_not_printed(migrated: Path) -> None:
    made = hexkey("users", "create", "--email", "ada@example.org", "--password-stdin", text=f"{PASSWORD}\r\n")
    assert (made.exit_code, made.output) == (0, "Created user ada@example.org.\n")


def test_a_password_that_is_asked_for_is_asked_twice(migrated: Path) -> None:
    made = hexkey("users", "create", "--email", "ada@example.org", "--prompt", text=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.exit_code == 0
    assert PASSWORD not in made.output


@pytest.mark.parametrize("words", [["--password-stdin"], ["--password-stdin", "--prompt"]])
def test_a_password_that_does_not_come_is_misuse(migrated: Path, words: list[str]) -> None:
    assert hexkey("users", "create", "--email", "ada@example.org", *words).exit_code == 2


def test_if_none_makes_one_admin(migrated: Path) -> None:
    again = [hexkey("users", "create", "--admin", "--if-none", "--email", f"{n}@example.org") for n in range(2)]
    assert [done.exit_code for done in again] == [0, 0]
    assert again[1].output == "There is an admin already.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--email", "nobody"], "email: is not an e-mail address"),
        (["--email", "ada@example.org", "--password-stdin"], "password: has at least 15 characters"),
    ],
)
def test_what_is_refused_is_said_in_a_sentence(migrated: Path, words: list[str], sentence: str) -> None:
    refused = hexkey("users", "create", *words, text="short\n")
    assert (refused.exit_code, refused.stderr) == (1, f"hexkey: {sentence}\n")


def test_access_is_flushed_by_one_more_change_of_everything(migrated: Path) -> None:
    done = [hexkey("access", "flush"), hexkey("access", "flush", "--json")]
    assert [one.exit_code for one in done] == [0, 0]
    assert [one.output for one in done] == ["Every worker reads anew what credentials may do.\n", ""]
    file = sqlite3.connect(migrated / "hexkey.db")
    assert file.execute("SELECT subject FROM access_changes").fetchall() == [("*",)] * 3
    file.close()


def test_without_a_schema_every_command_says_how_to_make_it(data: Path) -> None:
    refused = hexkey("users", "create", "--email", "ada@example.org")
    assert refused.exit_code == 1
    assert "run `hexkey database upgrade`" in refused.stderr


def test_memory_has_nothing_to_migrate(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXKEY_DATABASE_URL", "memory://")
    assert hexkey("database", "upgrade", "--no-prompt").exit_code == 1


def test_production_does_not_drop_its_tables(migrated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXKEY_ENV", "production")
    monkeypatch.setenv("HEXKEY_PUBLIC_URL", "https://keys.test.org")
    monkeypatch.setenv("HEXKEY_SECRETS", hexkey("secrets", "generate").output.strip())
    refused = hexkey("database", "drop-all", "--no-prompt")
    assert (refused.exit_code, refused.stderr) == (1, "hexkey: drop-all is not for production\n")


def test_a_generated_secret_is_new_each_time_and_as_json_on_request() -> None:
    first, second = hexkey("secrets", "generate").output, hexkey("secrets", "generate", "--json").output
    assert len(first.strip()) >= 32
    assert json.loads(second)["secret"] != first.strip()


def test_routes_names_the_door_of_each(data: Path) -> None:
    table = json.loads(hexkey("routes", "--json").output)["data"]
    doors = {(row["method"], row["path"]): (row["door"], row["permissions"]) for row in table}
    assert doors["POST", "/v1/projects"] == ("user or key", ["projects:create"])
    assert doors["POST", "/v1/auth/token"] == ("public", [])
    assert not {row["method"] for row in table} & {"HEAD", "OPTIONS"}
    assert {row["path"]: row["limit"] for row in table}["/v1/projects"] == "600/minute"
    checked = hexkey("routes", "--check")
    assert (checked.exit_code, checked.output) == (0, "")
    lines = hexkey("routes").output.splitlines()
    assert len(lines) == len(table)


SHOP = """
from litestar import get

from app.composition import assemble, connect
from app.http.application import create_app
from app.http.doors import key
from app.http.routes import routes
from app.settings import load


@get("/orders")
async def orders() -> None: ...


def create(**door):
    group = routes("/partner", limit="7/hour", handlers=[orders], **door)
    return create_app(assemble(connect(load({"HEXKEY_DATABASE_URL": "memory://"}))), handlers=[group])


def closed():
    return create(door=key("read"))


open_to_all, made, nonsense = create, closed(), dict
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An application of somebody else's, in a module of its own name."""
    name = f"shop_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(SHOP)
    monkeypatch.syspath_prepend(tmp_path)
    return name


@pytest.mark.parametrize("maker", ["closed", "made"])
def test_routes_knows_those_of_another_application(shop: str, maker: str) -> None:
    table = json.loads(hexkey("--app", f"{shop}:{maker}", "routes", "--json").output)["data"]
    [orders] = [row for row in table if row["path"] == "/partner/orders"]
    assert (orders["door"], orders["limit"], orders["permissions"]) == (
        "key",
        "7/hour",
        ["projects:read", "tasks:read"],
    )


@pytest.mark.parametrize("words", [["--check"], ["--json"], []])
def test_routes_names_what_has_no_door(shop: str, words: list[str]) -> None:
    refused = hexkey("--app", f"{shop}:open_to_all", "routes", *words)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "hexkey: GET /partner/orders: no door\n"


@pytest.mark.parametrize("name", ["no_such_module:create", "{shop}:no_such_name", "{shop}", ":", "{shop}:nonsense"])
def test_an_application_that_is_not_there_is_misuse(shop: str, name: str) -> None:
    assert hexkey("--app", name.format(shop=shop), "routes").exit_code == 2


def test_doctor_notes_what_the_standard_advises_against(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXKEY_SECRETS", hexkey("secrets", "generate").output.strip())
    monkeypatch.setenv("HEXKEY_PUBLIC_URL", "https://keys.test.org")
    examined = hexkey("doctor")
    assert (examined.exit_code, "HEXKEY_PASSWORD_GRANT" in examined.output) == (0, True)
    monkeypatch.setenv("HEXKEY_PASSWORD_GRANT", "off")
    assert "HEXKEY_PASSWORD_GRANT" not in hexkey("doctor").output


def test_doctor_changes_nothing(data: Path) -> None:
    examined = hexkey("doctor")
    assert examined.exit_code == 0
    assert examined.output.endswith("Fit for development, not for production.\n")
    assert not data.exists()


def test_wrong_settings_end_every_command_with_78(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXKEY_NO_SUCH", "1")
    for words in (["doctor"], ["users", "create", "--email", "a@b.org"], ["run"], ["database", "upgrade"], ["routes"]):
        refused = hexkey(*words)
        assert refused.exit_code == 78, words
        assert "HEXKEY_NO_SUCH" in refused.output


def test_every_command_is_there_and_explains_itself() -> None:
    assert "Usage" in hexkey("--help").output
    for name, (_, _, summary) in COMMANDS.items():
        assert summary.rstrip(".") in hexkey(name, "--help").output, name
    assert hexkey("nonsense").exit_code == 2
