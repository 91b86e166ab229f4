"""What a stranger deploys from does what it says, as far as that can be seen without an engine for containers."""

import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from app.settings import parse
from tests.support.dockerfiles import Image, files_kept, stages
from tests.support.process import HEXKEY, free_port

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
STAGES = stages((ROOT / "Dockerfile").read_text())
BELOW = ("/build", "/wheels", "/opt/hexkey", "/var/lib/hexkey")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
UNIT = (DEPLOY / "hexkey.service").read_text()
NO_NETWORK = "no package index answers, and the image is made of what it has"


def test_the_image_runs_as_nobody_checks_itself_and_tells_its_server_to_stop_by_itself() -> None:
    *_, last = STAGES
    words = [instruction.word for instruction in last]
    assert {"USER", "HEALTHCHECK", "ENTRYPOINT", "CMD", "VOLUME"} <= set(words)
    (user,) = [instruction.rest for instruction in last if instruction.word == "USER"]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    for instruction in last:
        if instruction.word in {"ENTRYPOINT", "CMD"}:
            assert instruction.rest.startswith("["), "a shell would keep SIGTERM to itself"
    assert words.index("USER") > max(i for i, word in enumerate(words) if word == "RUN")


def test_nothing_secret_comes_into_the_image() -> None:
    kept = {path.name for path in files_kept(ROOT / ".dockerignore", ROOT)}
    assert kept == {"constraints.txt", "pyproject.toml", "README.md", "src", "tests"}
    copied = {path for stage in STAGES for i in stage if i.word == "COPY" and not i.options for path in i.plain[:-1]}
    assert copied == kept


def test_every_base_is_named_once_and_never_by_latest() -> None:
    bases = {stage[0].rest.split()[0] for stage in STAGES}
    assert bases == {"python:${PYTHON}"}
    (version,) = re.findall(r"^ARG PYTHON=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert re.match(r"3\.\d+-", version)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Every instruction of the Dockerfile, carried out below a folder."""
    image = Image(ROOT, tmp_path_factory.mktemp("image"), BELOW)
    try:
        for stage in STAGES:
            image.build(stage)
    except subprocess.CalledProcessError as failure:
        if "download" in str(failure.cmd):
            pytest.skip(NO_NETWORK)
        raise
    return image


def test_what_is_installed_is_what_serving_needs_and_no_more(image: Image) -> None:
    listed = subprocess.run(
        [image.placed("/opt/hexkey/bin/pip"), "list", "--format=freeze"], capture_output=True, text=True, check=True
    ).stdout
    installed = {line.partition("==")[0].lower() for line in listed.splitlines()}
    assert {"hexkey", "litestar", "uvicorn", "asyncpg"} <= installed
    assert not [*Path(image.placed("/opt/hexkey")).glob("lib/python*/site-packages/hexkey_contracts")]
    assert not installed & {"pytest", "mypy", "ruff", "hypothesis", "schemathesis", "hatchling"}


@pytest.fixture
def serving(image: Image, tmp_path: Path) -> Iterator[int]:
    """The image's own command at another port, without capabilities, where only the volume can be written to."""
    port, secrets_file, volume = free_port(), tmp_path / "root-secrets", image.placed("/var/lib/hexkey")
    secrets_file.write_text(secrets.token_urlsafe(48))
    secrets_file.chmod(0o600)
    os.chown(volume, os.getuid(), os.getgid())
    around = {"HEXKEY_PUBLIC_URL": "https://keys.example.org", "HEXKEY_SECRETS_FILE": str(secrets_file)}
    options: dict[str, Any] = {"env": image.variables(around), "cwd": image.placed(image.folder)}
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
    program = [*powerless, image.placed("/opt/hexkey/bin/hexkey")]
    subprocess.run(["chmod", "-R", "a-w", image.placed("/opt/hexkey")], check=True)
    try:
        subprocess.run([*program, "database", "upgrade", "--no-prompt"], check=True, **options)
        command = [str(port) if word == "8000" else word for word in image.command]
        with subprocess.Popen([*program, *command], **options) as process:
            yield port
            process.terminate()
            assert process.wait(15) == 0
    finally:
        subprocess.run(["chmod", "-R", "u+w", image.placed("/opt/hexkey")], check=True)


def test_its_command_serves_and_its_health_check_sees_it(image: Image, serving: int) -> None:
    check = [word.replace(":8000", f":{serving}") for word in image.health]
    check[0] = image.placed("/opt/hexkey/bin/python")
    deadline = time.monotonic() + 15
    while subprocess.run(check, capture_output=True, check=False).returncode:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    answer = httpx.get(f"http://127.0.0.1:{serving}/v1/me", headers={"host": "keys.example.org"})
    assert answer.status_code == 401


@pytest.fixture
def composed(tmp_path: Path) -> dict[str, str]:
    """The environment of a service of compose.yaml, with the secrets that the guide has one make."""
    (tmp_path / "secrets").mkdir()
    values = {
        "root-secrets": secrets.token_urlsafe(48),
        "database-url": "postgresql://hexkey:a-password-that-nobody-knows@/hexkey?host=/run/postgresql",
        "database-password": "a-password-that-nobody-knows",
        "metrics-token": secrets.token_urlsafe(32),
    }
    for name, definition in COMPOSE["secrets"].items():
        file = tmp_path / definition["file"]
        file.write_text(values[name])
        file.chmod(0o600)
    environment = COMPOSE["services"]["hexkey"]["environment"]
    given = {"HEXKEY_PUBLIC_URL": "https://keys.example.org"}
    return {"HEXKEY_ENV": "production"} | {
        name: _filled(text, given).replace("/run/secrets", str(tmp_path / "secrets"))
        for name, text in environment.items()
    }


def _filled(text: str, given: dict[str, str]) -> str:
    """``${NAME:?why}`` and ``${NAME:-default}``."""
    match = re.fullmatch(r"\$\{([A-Z_]+):([?-])(.*)\}", text)
    if match is None:
        return text
    return given[match[1]] if match[2] == "?" else given.get(match[1], match[3])


def test_production_starts_with_what_is_composed(composed: dict[str, str]) -> None:
    settings = parse(composed)
    assert settings.warnings == ()
    assert settings.database.kind == "postgresql"
    assert settings.redis_url is not None
    assert settings.metrics_token is not None


def test_what_is_composed_hangs_together() -> None:
    services = COMPOSE["services"]
    for name, service in services.items():
        for other in service.get("depends_on", {}):
            assert other in services, (name, other)
        for secret in service.get("secrets", []):
            assert secret in COMPOSE["secrets"], (name, secret)
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in COMPOSE["volumes"], (name, volume)
    hexkey = services["hexkey"]
    assert hexkey["read_only"] is True
    assert hexkey["cap_drop"] == ["ALL"]
    assert hexkey["command"][-2:] == ["--workers", "2"]
    assert (DEPLOY / hexkey["build"]).resolve() == ROOT
    assert all(port.startswith("127.0.0.1:") for port in hexkey["ports"])
    assert "ports" not in services["postgresql"]
    assert "ports" not in services["redis"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_understands_the_unit_and_finds_it_well_shut_in(tmp_path: Path) -> None:
    program = tmp_path / "hexkey"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "hexkey.service"
    unit.write_text(UNIT.replace("/opt/hexkey/bin/hexkey", str(program)))
    said = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    safe = ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit]
    assert subprocess.run(safe, capture_output=True, check=False).returncode == 0


def test_the_unit_starts_what_there_is() -> None:
    lines = re.findall(r"^ExecStart(?:Pre)?=/opt/hexkey/bin/hexkey (.*)$", UNIT, re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        assert subprocess.run([HEXKEY, line.split()[0], "--help"], capture_output=True, check=False).returncode == 0
