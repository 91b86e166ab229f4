import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from adapters.security.devices import SignedDevices
from adapters.security.one_time_secrets import OpaqueOneTimeSecrets
from adapters.security.refresh_tokens import SealedRefreshTokens
from adapters.security.roots import RootSecrets
from adapters.security.session_cookies import OpaqueSessionCookies
from app.logs import ConsoleLines, JsonLines, Masking, logging_config, masked, server_options
from domain.model.ids import SessionId, UserId
from tests.support.fakes import ManualClock

ID, KEY_TAIL = "0" * 10 + "aZ3bY6cX9dW2", "Q7" * 24 + "x"
API_KEY = f"hk_{ID}_{KEY_TAIL}"
SESSION_COOKIE = f"hks_{ID}{KEY_TAIL}"
DEVICE_COOKIE = f"hkd_{ID}" + ".0vLk3Z" + "x4Q7" * 5 + "aB" + ".0vLk2Y" + "d8W1" * 5 + "cD"
MAILED = f"hko_{KEY_TAIL}"
JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----"


def record(event: str, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("app.test", logging.WARNING, __file__, 1, event, args, None)
    made.created = 1_700_000_000.25
    made.__dict__.update(extra)
    return made


def line(made: logging.LogRecord) -> dict[str, str]:
    Masking().filter(made)
    return msgspec.json.decode(JsonLines().format(made), type=dict[str, str])


def failure(message: str) -> logging.LogRecord:
    made = record("it failed")
    try:
        raise RuntimeError(message)
    except RuntimeError:
        made.exc_info = sys.exc_info()
    return made


def test_a_line_for_machines_is_one_object() -> None:
    assert line(record("%d keys", 3, request_id="r-1", color_message="\x1b[1m3")) == {
        "ts": "2023-11-14T22:13:20.250Z",
        "level": "warning",
        "event": "3 keys",
        "logger": "app.test",
        "request_id": "r-1",
    }


def test_an_exception_stands_under_error() -> None:
    assert line(failure("no disk"))["error"].endswith("RuntimeError: no disk")


def test_line_breaks_and_broken_text_stay_inside_their_line() -> None:
    made = record("a\nb\u2028c\udcff")
    assert "\n" not in JsonLines().format(made)
    assert line(made)["event"] == "a\nb\u2028c\\udcff"


def test_nobody_forges_a_line_on_the_console() -> None:
    shown = ConsoleLines().format(record("a\n2023-11-14 forged\x1b[2J", request_id="x\ny"))
    assert shown == "2023-11-14T22:13:20.250Z WARNING  app.test: a\\n2023-11-14 forged\\x1b[2J request_id=x\\ny"


def test_a_traceback_on_the_console_is_indented() -> None:
    made = failure("first\nsecond")
    Masking().filter(made)
    head, *below = ConsoleLines().format(made).splitlines()
    assert head.endswith("it failed")
    assert below[-1] == "    second"
    assert all(text.startswith("    ") for text in below)


def test_arguments_that_do_not_fit_still_make_a_line() -> None:
    assert line(record("%d keys of %s", "many"))["event"] == "%d keys of %s ('many',)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key {API_KEY}!", f"key hk_{ID}_***!"),
        (f"?k=acme9_{ID}_{KEY_TAIL}", f"?k=acme9_{ID}_***"),
        (f"cut {API_KEY[:40]}", f"cut hk_{ID}_***"),
        ("token=hkr_" + "a1B2" * 12, "token=hkr_***"),
        (f"hexkey_session={SESSION_COOKIE}; Path=/", "hexkey_session=hks_***; Path=/"),
        (f"__Host-hexkey_device={DEVICE_COOKIE}; Secure", "__Host-hexkey_device=hkd_***; Secure"),
        (f"cut {DEVICE_COOKIE[:60]}", "cut hkd_***"),
        (f"<https://hexkey.example/reset?token={MAILED}>.", "<https://hexkey.example/reset?token=hko_***>."),
        (f"{SESSION_COOKIE},{API_KEY},{DEVICE_COOKIE}.", f"hks_***,hk_{ID}_***,hkd_***."),
        ("hk_ hko_short hkd_ and shks_ stay", "hk_ hko_short hkd_ and shks_ stay"),
        (f"Bearer {JWT}.", "Bearer ***.jwt."),
        (f"x{PEM}y", "x***.pemy"),
        (PEM[:50], "***.pem"),
        ("snake_case_names and eyJ stay", "snake_case_names and eyJ stay"),
    ],
)
def test_secrets_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_what_is_really_minted_is_masked() -> None:
    roots = RootSecrets(["the first root secret, 32 bytes or more"])
    devices = SignedDevices(roots, clock=ManualClock())
    marked = devices.mark(devices.mark(None, UserId(UUID(int=1))), UserId(UUID(int=2)))
    secrets = {
        "hkr_***": SealedRefreshTokens(roots).mint().plain,
        "hks_***": OpaqueSessionCookies(roots).mint(SessionId(UUID(int=1))).plain,
        "hko_***": OpaqueOneTimeSecrets().mint().plain,
        "hkd_***": marked,
    }
    assert {masked(plain): plain for plain in secrets.values()} == secrets


def test_a_secret_is_masked_wherever_a_record_carries_it() -> None:
    made = failure(f"refused {API_KEY} and {DEVICE_COOKIE}")
    made.msg, made.args = "%s, %s and %s", (JWT, PEM, SESSION_COOKIE)
    made.request_id = API_KEY
    shown = str(line(made))
    assert KEY_TAIL not in shown
    assert "x4Q7" not in shown
    assert "eyJ" not in shown
    assert "MC4C" not in shown


def test_the_server_gets_a_configuration_that_can_travel_and_no_access_log() -> None:
    options = server_options("info", "json")
    assert options["access_log"] is False
    assert json.loads(json.dumps(options["log_config"])) == logging_config("info", "json")


SERVED = """
import contextlib, logging, threading, warnings
import uvicorn
from app.logs import configure, server_options

configure("info", "json")

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        warnings.warn("careless")
        raise RuntimeError("no schema")

config = uvicorn.Config(app, lifespan="on", port=0, **server_options("info", "json"))
with contextlib.suppress(SystemExit):
    uvicorn.Server(config).run()
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise SystemError("the end")
"""


def test_every_line_on_both_streams_is_an_object_the_servers_own_and_last_words_included() -> None:
    environ = {**os.environ, "PYTHONPATH": str(Path("src").resolve())}
    ended = subprocess.run([sys.executable, "-c", SERVED], env=environ, capture_output=True, text=True, check=False)
    lines = [msgspec.json.decode(text, type=dict[str, str]) for text in (ended.stdout + ended.stderr).splitlines()]
    assert {"uvicorn.error", "py.warnings", "app"} <= {said["logger"] for said in lines}
    assert "SystemError: the end" in lines[-1]["error"]
    assert any("ZeroDivisionError" in said.get("error", "") for said in lines)
    assert all(said["level"] in {"info", "warning", "error", "critical"} for said in lines)
