"""One delivery at two workers at the same moment, a hundred times: taken once, and what it says in no log."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.process import PASSWORD, installation
from tests.support.races import ROUNDS, Call, StartingLine, statuses

KEY = secrets.token_bytes(32)
GITHUB_KEY = secrets.token_urlsafe(32)
CANARY = secrets.token_hex(16)
ADMIN = "root@example.org"
SETTINGS = {
    "HEXKEY_LOG_LEVEL": "debug",
    "HEXKEY_ADMIN_EMAIL": ADMIN,
    "HEXKEY_ADMIN_PASSWORD": PASSWORD,
    "HEXKEY_WEBHOOK_SECRET__SHOP": "whsec_" + base64.b64encode(KEY).decode(),
    "HEXKEY_WEBHOOK_SECRET__GITHUB": GITHUB_KEY,
}


def by_standard(number: int) -> Call:
    body = {"type": "order.paid", "number": number, "to": CANARY}
    content, at = json.dumps(body).encode(), int(time.time())
    digest = hmac.digest(KEY, f"msg_{number}.{at}.".encode() + content, "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    headers = {"webhook-id": f"msg_{number}", "webhook-timestamp": str(at), "webhook-signature": signature}
    return Call("POST", "/v1/webhooks/shop", headers, body)


def by_github(number: int, delivery: str) -> Call:
    body = {"ref": "refs/heads/main", "number": number, "to": CANARY}
    signature = "sha256=" + hmac.new(GITHUB_KEY.encode(), json.dumps(body).encode(), hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": signature, "x-github-delivery": delivery, "x-github-event": "push"}
    return Call("POST", "/v1/webhooks/github", headers, body)


@pytest.mark.parametrize("storage", ["sqlite", "postgres"])
def test_one_delivery_at_two_workers_is_taken_once(storage: str, tmp_path: Path) -> None:
    with installation(tmp_path, storage, **SETTINGS) as installed:
        installed.migrate()
        with installed.server(workers=2) as server:
            with StartingLine(server, 3) as line:
                for number in range(ROUNDS):
                    assert statuses(line.release([by_standard(number)] * 3)) == [200, 200, 202]
                    captured = [by_github(number, f"{number}-{name}") for name in "abc"]
                    assert statuses(line.release(captured)) == [200, 200, 202]
            forged = by_standard(0)
            headers = {**forged.headers, "content-type": "application/json"}
            refused = httpx.post(f"{server.url}{forged.path}", content=f'"{CANARY}"', headers=headers)
            assert refused.status_code == 401
            admin = server.signed_in(ADMIN)
            for source in ("shop", "github"):
                assert listed(f"{server.url}/v1/webhooks/{source}/deliveries?limit=200", admin) == {"unhandled": ROUNDS}
        said = server.said
    assert "serving" in said
    assert [canary for canary in (CANARY, GITHUB_KEY, base64.b64encode(KEY).decode()) if canary in said] == []


def listed(address: str, credential: dict[str, str]) -> Counter[Any]:
    page = httpx.get(address, headers=credential).json()
    assert page["total"] == len(page["data"])
    return Counter(delivery["status"] for delivery in page["data"])
