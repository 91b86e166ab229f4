"""The fixtures where nothing else of ours is: in somebody's project that has installed the package."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = re.compile("HEXKEY_(?!TEST_)|PYTEST_|PYTHON")
USES_THE_FIXTURES = """
import hexkey_pytest

async def test_a_key_that_may_only_read_makes_no_project(api_key_client):
    assert hexkey_pytest.__file__.startswith({place!r})
    robot = await api_key_client("read")
    assert (await robot.get("/v1/projects")).json()["total"] == 0
    assert (await robot.post("/v1/projects", json={{"name": "Warehouse"}})).status_code == 403
"""


def run(*command: str | Path, folder: Path) -> str:
    """What it prints; it must go well. Neither our folder nor any setting is within its reach."""
    around = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    done = subprocess.run(command, cwd=folder, env=around, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tried(folder: Path, text: str, *options: str, python: str | Path = sys.executable) -> str:
    """What pytest says of a project whose one test file is *text*."""
    (folder / "test_it.py").write_text(text)
    return run(python, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:schemathesis", *options, folder=folder)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with a wheel of ours in it; what we depend on it takes from this one."""
    tmp_path = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    run(
        *pip,
        "wheel",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "-w",
        tmp_path / "wheels",
        ROOT,
        folder=tmp_path,
    )
    [wheel] = (tmp_path / "wheels").iterdir()
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", folder=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel, folder=tmp_path)
    [packages] = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python


def test_a_folder_with_nothing_but_a_test_uses_them_after_pip_install(installed: Path, tmp_path: Path) -> None:
    text = USES_THE_FIXTURES.format(place=str(installed.parents[1]))
    assert "1 passed" in tried(tmp_path, text, python=installed)


STORAGE = """
import pytest
from hexkey_contracts.suites.test_users import *
from hexkey_contracts.suites.test_unit_of_work import *
from hexkey_contracts.support.databases import memory_storage
from hexkey_contracts.support.given import *

@pytest.fixture
def storage():
    return memory_storage()
"""
FAULT = """
from adapters.memory.users import MemoryUserRepository

async def save(self, user):
    self._users.writing.put(user.id, user)
    return user

@pytest.fixture(autouse=True)
def _overwrites(monkeypatch):
    monkeypatch.setattr(MemoryUserRepository, "save", save)
"""


def test_a_storage_of_somebody_elses_runs_our_suites(installed: Path, tmp_path: Path) -> None:
    assert re.search(r"\b[1-9]\d+ passed", said := tried(tmp_path, STORAGE, python=installed)), said


def test_one_that_overwrites_what_others_have_changed_is_found_out(installed: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="EditConflict"):
        tried(tmp_path, STORAGE + FAULT, python=installed)


def test_a_limiter_of_somebody_elses_runs_our_suite(installed: Path, tmp_path: Path) -> None:
    adapter = ROOT / "examples" / "memcached_limits"
    (tmp_path / "limiter.py").write_text((adapter / "limiter.py").read_text())
    text = (adapter / "tests" / "test_limiter.py").read_text().replace("examples.memcached_limits.limiter", "limiter")
    said = tried(tmp_path, text, python=installed)
    assert re.search(r"\b[1-9]\d+ (passed|skipped)", said), said


MAILDIR = """
import mailbox
import shutil
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from domain.errors import Unavailable
from domain.model.mails import Message
from hexkey_contracts.suites.test_mail_senders import *
from hexkey_contracts.support.posting import Post

class MaildirSender:
    def __init__(self, folder, refused):
        self.folder, self.refused = folder, refused

    async def send(self, message):
        if not self.folder.exists():
            raise Unavailable("the mail folder is away")
        if self.refused:
            return self.refused.pop()
        letter = EmailMessage()
        letter["To"], letter["Subject"] = message.to, message.subject
        letter.set_content(message.text, cte="base64")
        mailbox.Maildir(self.folder).add(letter)
        return True

def read(raw):
    letter = message_from_bytes(raw, policy=policy.default)
    return Message(letter["To"], letter["Subject"], letter.get_content())

@pytest.fixture
def post(tmp_path):
    folder, refused = tmp_path / "mail", []
    box = mailbox.Maildir(folder)

    async def close():
        shutil.rmtree(folder)

    arrived = lambda: [read(box.get_bytes(key)) for key in box.keys()]
    return Post(MaildirSender(folder, refused), arrived, lambda: refused.append(False), close)
"""


def test_a_mail_sender_of_somebody_elses_runs_our_suite(installed: Path, tmp_path: Path) -> None:
    assert "8 passed" in tried(tmp_path, MAILDIR, python=installed)


TYPED = """
from app.composition import Ports, connect
from app.settings import load

ports: Ports = connect(load({"HEXKEY_DATABASE_URL": "memory://"}))
"""


def test_whoever_uses_the_package_is_told_of_wrong_types(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(TYPED)
    (tmp_path / "wrong.py").write_text(TYPED + "connect(7, worker=ports.clock.new())\n")
    mypy = (installed, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache")
    run(*mypy, "right.py", folder=tmp_path)
    with pytest.raises(AssertionError, match=r'"Clock" has no attribute "new"'):
        run(*mypy, "wrong.py", folder=tmp_path)


def test_a_project_with_an_app_and_a_domain_of_its_own_is_left_alone(tmp_path: Path) -> None:
    for room in ("app", "domain"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text(f"name = 'my {room}'")
    text = "import app, domain\n\ndef test_mine():\n    assert (app.name, domain.name) == ('my app', 'my domain')"
    assert "1 passed" in tried(tmp_path, text)


def test_an_async_test_needs_no_marker(tmp_path: Path) -> None:
    assert "1 passed" in tried(tmp_path, "async def test_unmarked():\n    pass")


@pytest.mark.parametrize("said", ["command line", "file"])
def test_a_mode_that_the_user_has_chosen_stays(tmp_path: Path, said: str) -> None:
    if said == "file":
        (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = strict\n")
    text = "import pytest\n\n@pytest.mark.xfail(strict=True)\nasync def test_unmarked():\n    pass"
    assert "1 xfailed" in tried(tmp_path, text, *(["--asyncio-mode=strict"] if said == "command line" else []))


def test_whoever_marks_their_tests_has_the_fixtures_all_the_same(tmp_path: Path) -> None:
    text = "import pytest\n\n@pytest.mark.asyncio\nasync def test_marked(normal_user_client):\n"
    text += "    assert (await normal_user_client.get('/v1/me')).status_code == 200"
    assert "1 passed" in tried(tmp_path, text, "-o", "asyncio_mode=strict")


def test_a_project_in_which_every_warning_is_an_error_has_them_too(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    text = "async def test_live(client):\n    assert (await client.get('/health/live')).status_code == 200"
    assert "1 passed" in tried(tmp_path, text, "-o", "asyncio_default_fixture_loop_scope=function")
