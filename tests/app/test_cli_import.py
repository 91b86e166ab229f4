"""`hexkey keys import`: whatever stands in the file, each line that is refused is named, and nothing is lost."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from tests.support.foreign_keys import CHEAP, CHEAP_ARGON2, OF_KWIK, PEPPER, ForeignKey


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEXKEY_DATA_DIR", str(tmp_path / "data"))
    for words in (("database", "upgrade", "--no-prompt"), ("users", "create", "--admin", "--email", "a@example.org")):
        assert CliRunner().invoke(main, words).exit_code == 0
    (tmp_path / "pepper").write_text(f"{PEPPER}\n")
    return tmp_path


def line(key: ForeignKey, **members: Any) -> bytes:
    given = {"scheme": key.scheme, "digest": key.digest, "name": "robot", "scopes": ["read"], "owner": "a@example.org"}
    if key.key_id is not None:
        given["key_id"] = key.key_id
    return json.dumps({**given, **members}).encode()


def imported(folder: Path, *lines: bytes, words: tuple[str, ...] = ()) -> Result:
    file = folder / "keys.jsonl"
    file.write_bytes(b"\n".join(lines))
    return CliRunner().invoke(main, ["keys", "import", str(file), "--pepper-file", str(folder / "pepper"), *words])


def listed() -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = json.loads(CliRunner().invoke(main, ["keys", "list", "--json"]).stdout)["data"]
    return keys


def verified(plain: str) -> Any:
    return json.loads(CliRunner().invoke(main, ["keys", "verify", "--json"], input=plain).stdout)


def test_a_file_is_imported_once_and_its_keys_are_good(folder: Path) -> None:
    lines = [line(key, last4=key.plain[-4:], metadata={"from": "there"}) for key in CHEAP]
    done = imported(folder, *lines)
    assert (done.exit_code, done.stdout) == (0, "Imported 5 keys; 0 were there; 0 are refused.\n")
    again = imported(folder, *lines, words=("--json",))
    assert again.exit_code == 0
    assert {name: len(found) for name, found in json.loads(again.stdout).items() if name != "dry_run"} == {
        "imported": 0,
        "present": 5,
        "refused": 0,
    }
    assert {key["last4"] for key in listed()} == {key.plain[-4:] for key in CHEAP}
    for key in CHEAP:
        for _ in range(2):
            assert verified(key.plain)["code"] == "valid"
        assert verified(key.wrong)["code"] == "unknown"


def test_a_dry_run_says_what_would_be_done_and_does_nothing(folder: Path) -> None:
    done = imported(folder, line(OF_KWIK), words=("--dry-run",))
    assert (done.exit_code, done.stdout) == (0, "Would import 1 keys; 0 were there; 0 are refused.\n")
    assert listed() == []


REFUSED = {
    "not JSON": b"{",
    "not UTF-8": b'{"name": "\xff"}',
    "no object": b"[]",
    "deep": b'{"metadata": ' + b"[" * 5000,
    "long": b'{"name": "' + b"a" * 20_000 + b'"}',
    "another member": line(OF_KWIK, secret="x"),
    "another scheme": line(OF_KWIK, scheme="md5"),
    "a short digest": line(OF_KWIK, digest="ab"),
    "a scope that is none": line(OF_KWIK, scopes=["nonsense"]),
    "no scope": line(OF_KWIK, scopes=[]),
    "nobody": line(OF_KWIK, owner="nobody@example.org"),
    "no address": line(OF_KWIK, owner="nobody"),
    "the past": line(OF_KWIK, expires_at="2020-01-01T00:00:00Z"),
    "a naive time": line(OF_KWIK, expires_at="2090-01-01T00:00:00"),
    "no name": line(OF_KWIK, name=" "),
    "too much metadata": line(OF_KWIK, metadata={"a": "x" * 5000}),
    "too dear": line(CHEAP_ARGON2, digest=CHEAP_ARGON2.digest.replace("m=1024", "m=999999")),
}


def test_every_refused_line_is_named_and_nothing_is_imported_unless_one_says_so(folder: Path) -> None:
    lines = [line(CHEAP_ARGON2), b"", *REFUSED.values()]
    done = imported(folder, *lines, words=("--json",))
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert ([refused["line"] for refused in report["refused"]], report["imported"]) == (list(range(3, 20)), [])
    assert listed() == []
    done = imported(folder, *lines, words=("--skip-refused",))
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "Imported 1 keys; 0 were there; 17 are refused."
    assert [text.partition(":")[0] for text in done.stdout.splitlines()[:-1]] == [f"line {n}" for n in range(3, 20)]
    assert len(listed()) == 1


def test_keys_of_keyshield_need_their_pepper(folder: Path) -> None:
    file = folder / "keys.jsonl"
    file.write_bytes(line(CHEAP_ARGON2))
    done = CliRunner().invoke(main, ["keys", "import", str(file)])
    assert (done.exit_code, "line 1: scheme: needs the pepper" in done.stdout) == (1, True)
