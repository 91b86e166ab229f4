"""`hexkey keys`: what an operator types about keys, and what it answers."""

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from app.cli import main

SECRET = re.compile(r"hk_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}")


def hexkey(*words: str, text: str = "") -> Result:
    return CliRunner().invoke(main, words, input=text)


def answered(*words: str, text: str = "") -> Any:
    """What a command prints as JSON and nothing else."""
    done = hexkey(*words, "--json", text=text)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXKEY_DATA_DIR", str(tmp_path / "data"))
    assert hexkey("database", "upgrade", "--no-prompt").exit_code == 0


@pytest.fixture
def admin(migrated: None) -> str:
    user: dict[str, str] = answered("users", "create", "--admin", "--email", "root@example.org")
    return user["id"]


def made(*words: str) -> tuple[str, str]:
    """The id and the secret of a new key."""
    body = answered("keys", "create", "--scope", "read", "--name", "Warehouse sync", *words)
    return body["key"]["id"], body["api_key"]


def test_a_key_is_made_for_the_oldest_admin_and_shown_once(admin: str) -> None:
    answered("users", "create", "--admin", "--email", "second@example.org")
    done = hexkey("keys", "create", "--scope", "read", "--scope", "tasks:create", "--name", "Warehouse sync")
    assert done.exit_code == 0
    first, second = done.stdout.splitlines()
    assert first.startswith("Created key Warehouse sync (")
    secret = second.removeprefix("Key, shown this once: ")
    assert SECRET.fullmatch(secret)
    [listed] = answered("keys", "list")["data"]
    assert (listed["owner_id"], listed["scopes"]) == (admin, ["read", "tasks:create"])
    assert secret not in hexkey("keys", "show", listed["id"]).output


def test_an_inactive_admin_owns_nothing_new(admin: str) -> None:
    second = answered("users", "create", "--admin", "--email", "second@example.org")
    assert hexkey("users", "deactivate", "root@example.org").exit_code == 0
    key_id, _ = made()
    assert answered("keys", "show", key_id)["owner_id"] == second["id"]


def test_a_key_is_made_for_whom_one_names(admin: str) -> None:
    ada = answered("users", "create", "--email", "ada@example.org")
    words = ("--owner", "ADA@example.org", "--expires", "90d", "--metadata", "line=3", "--metadata", "a=b=c")
    key_id, _ = made(*words, "--description", "d")
    key = answered("keys", "show", key_id)
    assert (key["owner_id"], key["metadata"], key["description"]) == (ada["id"], {"line": "3", "a": "b=c"}, "d")
    assert key["expires_at"] is not None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "there is no active admin; name an owner with --owner"),
        (["--owner", "nobody@example.org"], "there is no user 'nobody@example.org'"),
        (["--owner", "nobody"], "email: is not an e-mail address"),
    ],
)
def test_without_an_owner_there_is_no_key(migrated: None, words: list[str], sentence: str) -> None:
    refused = hexkey("keys", "create", "--scope", "read", "--name", "x", *words)
    assert (refused.exit_code, refused.stderr) == (1, f"hexkey: {sentence}\n")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["create", "--name", "x"], 2),
        (["create", "--scope", "read"], 2),
        (["create", "--scope", "read", "--name", "x", "--metadata", "novalue"], 2),
        (["create", "--scope", "no:such", "--name", "x"], 1),
        (["create", "--scope", "read", "--name", "x", "--expires", "soon"], 1),
        (["list", "--expiring", "soon"], 2),
        (["show", "not-an-id"], 2),
        (["show", str(uuid4())], 1),
        (["rotate", str(uuid4())], 1),
        (["revoke", str(uuid4())], 1),
        (["verify"], 2),
        (["scan", "/no/such/path"], 2),
        (["nonsense"], 2),
    ],
)
def test_a_refusal_is_1_and_misuse_is_2(admin: str, words: list[str], status: int) -> None:
    refused = hexkey("keys", *words)
    assert (refused.exit_code, refused.stdout if status == 1 else "") == (status, "")


def test_a_key_is_turned_and_verified_along_its_life(admin: str) -> None:
    key_id, secret = made()

    def verdict(credential: str, *words: str) -> tuple[int, str]:
        done = hexkey("keys", "verify", "--json", *words, text=f"{credential}\n")
        return done.exit_code, json.loads(done.stdout)["code"]

    assert verdict(secret) == (0, "valid")
    assert verdict(secret, "--permission", "users:read") == (1, "missing_permission")
    assert verdict("nonsense") == (1, "unknown")
    assert hexkey("keys", "verify", text=secret).output == f"valid: {key_id}\n"
    assert hexkey("keys", "verify", text="nonsense").output == "unknown\n"

    rotated = answered("keys", "rotate", key_id, "--grace-period", "24h")
    assert set(rotated) == {"key", "api_key", "effective_at"}
    assert verdict(secret) == verdict(rotated["api_key"]) == (0, "valid")
    again = hexkey("keys", "rotate", key_id)
    assert SECRET.search(again.stdout)
    assert verdict(secret) == (1, "unknown")

    for verb, status in (("suspend", "suspended"), ("resume", "active"), ("revoke", "revoked")):
        assert answered("keys", verb, key_id)["key"]["status"] == status
        assert hexkey("keys", verb, key_id).stdout.startswith(f"Key Warehouse sync is {status}, everywhere from ")
    ended = hexkey("keys", "resume", key_id)
    assert (ended.exit_code, ended.stderr) == (
        1,
        "hexkey: the key was revoked or has expired, and does not come back\n",
    )


def test_what_the_command_line_verifies_is_a_use_too(admin: str) -> None:
    key_id, secret = made()
    hexkey("keys", "verify", text=secret)
    assert answered("keys", "show", key_id)["use_count"] == 1


def test_keys_are_listed_by_scope_and_by_their_end(admin: str) -> None:
    late, soon, never = made("--expires", "20d")[0], made("--expires", "5d")[0], made("--scope", "tasks:create")[0]
    revoked, _ = made("--expires", "1d")
    hexkey("keys", "revoke", revoked)

    def ids(*words: str) -> list[str]:
        return [key["id"] for key in answered("keys", "list", *words)["data"]]

    assert ids() == [revoked, never, soon, late]
    assert ids("--limit", "1", "--offset", "1") == [never]
    assert ids("--scope", "tasks:create") == [never]
    assert ids("--expiring", "30d") == [soon, late]
    assert ids("--expiring", "30d", "--scope", "tasks:create") == []
    assert ids("--expiring", "10d") == [soon]
    body = answered("keys", "list", "--expiring", "30d", "--limit", "1")
    assert (body["total"], body["limit"], body["offset"], len(body["data"])) == (2, 1, 0, 1)
    printed = hexkey("keys", "list", "--scope", "tasks:create")
    assert printed.stdout.split("\t")[:4] == [never, "Warehouse sync", "read tasks:create", "active"]
    assert printed.stderr == "1 of 1\n"


def test_a_key_is_shown_member_by_member(admin: str) -> None:
    key_id, secret = made("--metadata", "line=3")
    shown = dict(line.split("\t") for line in hexkey("keys", "show", key_id).stdout.splitlines())
    assert (shown["id"], shown["prefix"], shown["metadata"]) == (key_id, secret[:25], '{"line":"3"}')
    assert shown["expires_at"] == "null"


# -- scopes


def test_scopes_are_defined_listed_and_deleted(admin: str) -> None:
    defined = answered("scopes", "set", "ops", "--permission", "tasks:read", "--permission", "projects:read")
    assert defined == {
        "name": "ops",
        "description": None,
        "permissions": ["projects:read", "tasks:read"],
        "built_in": False,
    }
    assert hexkey("scopes", "set", "ops", "--permission", "tasks:read").output == "Scope ops allows tasks:read.\n"
    key_id, secret = made("--scope", "ops")
    verdict = hexkey("keys", "verify", "--permission", "tasks:read", text=secret)
    assert verdict.output == f"valid: {key_id}\n"
    assert [scope["name"] for scope in answered("scopes", "list")["data"]] == ["ops", "read", "writer"]
    assert "ops\t\ttasks:read\n" in hexkey("scopes", "list").stdout
    refused = hexkey("scopes", "delete", "ops")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "hexkey: keys hold this scope; take it from them first, or force it\n",
    )
    assert hexkey("scopes", "delete", "ops", "--force").output == "Deleted scope ops.\n"
    assert hexkey("scopes", "delete", "ops").exit_code == 1
    assert hexkey("scopes", "set", "read", "--permission", "tasks:read").exit_code == 1
    assert hexkey("scopes", "set", "ops").exit_code == 2


# -- scanning


@pytest.fixture
def leaked(admin: str, tmp_path: Path) -> tuple[Path, str, str]:
    folder = tmp_path / "repository"
    (folder / "b").mkdir(parents=True)
    key_id, secret = made()
    (folder / "b" / "settings.py").write_text(f"# one\n# two\nKEY = '{secret}'\n")
    (folder / "a.txt").write_text(f"no key: {secret[:-1]}x\n{secret}{'y'}\nkey={secret};\n")
    return folder, key_id, secret


def test_a_key_in_a_file_is_found_by_its_checksum_and_never_shown(leaked: tuple[Path, str, str]) -> None:
    folder, key_id, secret = leaked
    found = hexkey("keys", "scan", str(folder))
    assert found.exit_code == 1
    assert found.stdout.splitlines() == [
        f"{folder}/a.txt:3: {secret[:25]} is the key {key_id}",
        f"{folder}/b/settings.py:3: {secret[:25]} is the key {key_id}",
    ]
    assert secret[26:] not in found.output
    as_json = hexkey("keys", "scan", "--json", str(folder / "a.txt"))
    assert (as_json.exit_code, json.loads(as_json.stdout)) == (
        1,
        {"data": [{"file": f"{folder}/a.txt", "line": 3, "prefix": secret[:25], "key_id": key_id}]},
    )


def test_where_no_key_is_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").touch()
    clean = hexkey("keys", "scan", str(tmp_path))
    assert (clean.exit_code, clean.output) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_prefix_of_ones_own_is_looked_for(leaked: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _, _ = leaked
    assert hexkey("keys", "scan", str(folder), "--prefix", "acme").exit_code == 0
    assert hexkey("keys", "scan", str(folder), "--prefix", "A-Z").exit_code == 2
    monkeypatch.setenv("HEXKEY_KEY_PREFIX", "acme")
    assert hexkey("keys", "scan", str(folder)).exit_code == 0
    monkeypatch.setenv("HEXKEY_KEY_PREFIX", "!")
    assert hexkey("keys", "scan", str(folder)).exit_code == 78


def test_what_nobody_wrote_is_passed_over(leaked: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _, secret = leaked
    (folder / "program").write_bytes(b"\x7fELF\0" + secret.encode())
    (folder / "link").symlink_to(folder / "a.txt")
    (folder / "loop").symlink_to(folder)
    assert len(hexkey("keys", "scan", str(folder)).stdout.splitlines()) == 2
    monkeypatch.setattr("app.cli.keys.leaks.LARGEST", 150)
    found = hexkey("keys", "scan", str(folder))
    assert [line.split(":")[0] for line in found.stdout.splitlines()] == [f"{folder}/b/settings.py"]
    assert found.stderr == f"hexkey: {folder}/a.txt is passed over: 0 MiB are more than somebody wrote\n"
