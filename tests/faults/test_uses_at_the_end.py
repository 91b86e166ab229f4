"""How keys were used outlives a server that is told to stop."""

import json
from pathlib import Path

import httpx

from tests.support.process import installation

USES = 40


def test_two_workers_that_stop_write_down_every_use(tmp_path: Path) -> None:
    with installation(tmp_path, "sqlite") as installed:
        installed.migrate()
        with installed.server(workers=2) as server:
            asked = {"name": "robot", "scopes": ["read"]}
            made = httpx.post(f"{server.url}/v1/api-keys", headers=server.signed_in(), json=asked, timeout=10).json()
            for _ in range(USES):
                answer = httpx.get(f"{server.url}/v1/whoami", headers={"x-api-key": made["api_key"]}, timeout=10)
                assert answer.status_code == 200
            assert server.stop() == 0, server.said
        shown = json.loads(installed.run("keys", "show", made["key"]["id"], "--json").stdout)
    assert (shown["use_count"], shown["last_used_ip"]) == (USES, "127.0.0.1")
