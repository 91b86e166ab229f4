"""The certified OpenID provider in ``tests/oidc_provider``, as a process of its own.

It needs Node.js, and what ``make test`` installs there. Without them its tests are skipped, unless
``HEXKEY_TEST_REQUIRE`` names ``oidc``: then they fail.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from select import select
from subprocess import PIPE
from tempfile import TemporaryFile
from typing import IO, Any

import httpx
import pytest

from tests.support.databases import REQUIRED
from tests.support.process import START_SECONDS

FOLDER = Path(__file__).parents[1] / "oidc_provider"
CLIENT = "hexkey"
SECRET = "a secret that both of them know"


@dataclass(frozen=True)
class CertifiedProvider:
    issuer: str

    def rotate(self, algorithm: str) -> None:
        """From now on it signs with new keys by *algorithm*, and knows the old ones no more."""
        httpx.post(f"{self.issuer}/test/rotate", params={"algorithm": algorithm}, timeout=10).raise_for_status()


@contextmanager
def certified_provider(base_url: str, name: str) -> Iterator[CertifiedProvider]:
    """With the service at *base_url* as its client, where it is called *name*; it listens when the block begins."""
    lacking = _lacking()
    if lacking and "oidc" in REQUIRED:
        pytest.fail(lacking)
    if lacking:
        pytest.skip(lacking)
    command = ["node", "server.js", json.dumps(_client(base_url, name))]
    with (
        TemporaryFile("w+") as complaints,
        subprocess.Popen(command, cwd=FOLDER, stdout=PIPE, stderr=complaints, text=True) as process,
    ):
        try:
            yield CertifiedProvider(_issuer_of(process, complaints))
        finally:
            process.kill()


def _lacking() -> str | None:
    if shutil.which("node") is None:
        return "Node.js is not installed"
    if not (FOLDER / "node_modules" / "oidc-provider").is_dir():
        return "oidc-provider is not installed: make test does it, where there is npm"
    return None


def _client(base_url: str, name: str) -> dict[str, Any]:
    return {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "redirect_uris": [f"{base_url}/v1/auth/oidc/{name}/callback"],
        "post_logout_redirect_uris": [f"{base_url}/"],
        "backchannel_logout_uri": f"{base_url}/v1/auth/oidc/{name}/backchannel-logout",
        "backchannel_logout_session_required": True,
    }


def _issuer_of(process: "subprocess.Popen[str]", complaints: IO[str]) -> str:
    """What it writes when it listens; an end of it is a line as well, an empty one."""
    assert process.stdout is not None
    written, _, _ = select([process.stdout], [], [], START_SECONDS)
    issuer = process.stdout.readline().strip() if written else ""
    complaints.seek(0)
    assert issuer, f"the provider did not start: {complaints.read()}"
    return issuer
