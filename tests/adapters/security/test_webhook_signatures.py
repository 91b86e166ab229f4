"""Signatures of webhooks: the examples that GitHub and Standard Webhooks publish, and what is almost one of them."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.security.webhook_signatures import SIGNATURES_MAX, HmacWebhookSignatures
from domain.errors import Unauthenticated
from domain.model.webhooks import Signed
from tests.support.fakes import ManualClock

SENT_AT = datetime.fromtimestamp(1614265330, UTC)
GITHUB = {
    "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "x-github-event": "push",
}
STANDARD = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
SECRETS = {
    "github": ("It's a Secret to Everybody",),
    "shop": ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
}
BODIES = {"github": b"Hello, World!", "shop": b'{"test": 2432232314}'}
PUSH = Signed("72d3162e-cc78-11e3-81ab-4c9367dc0958", "push", hashlib.sha256(BODIES["github"]).digest())
MESSAGE = Signed("msg_p5jXN8AQM9LWM0D4loKWxJek", None)


def read(source: str, headers: Mapping[str, str], body: bytes | None = None, **given: Any) -> Signed | None:
    clock = ManualClock(given.pop("at", SENT_AT))
    signatures = HmacWebhookSignatures({**SECRETS, **given}, clock=clock)
    return signatures.read(source, headers, BODIES[source] if body is None else body)


def signed(key: bytes, content: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def test_the_published_examples_are_good() -> None:
    assert read("github", GITHUB) == PUSH
    assert read("shop", STANDARD) == MESSAGE


@pytest.mark.parametrize(
    ("source", "headers", "name"), [("github", GITHUB, "x-hub-signature-256"), ("shop", STANDARD, "webhook-signature")]
)
def test_without_a_signature_nothing_is_judged(source: str, headers: dict[str, str], name: str) -> None:
    with pytest.raises(Unauthenticated):
        read(source, {key: value for key, value in headers.items() if key != name})


@pytest.mark.parametrize(("source", "headers"), [("github", GITHUB), ("shop", STANDARD)])
def test_another_body_secret_or_source_is_not_proved(source: str, headers: dict[str, str]) -> None:
    for body in (b"", BODIES[source] + b" ", BODIES[source][:-1], BODIES[source].lower() + b"\x00"):
        assert read(source, headers, body) is None
    assert read(source, headers, **{source: ("another", "and another")}) is None
    assert read(source, headers, **{source: ()}) is None


@pytest.mark.parametrize(("source", "headers"), [("github", GITHUB), ("shop", STANDARD)])
def test_during_a_rotation_either_secret_will_do(source: str, headers: dict[str, str]) -> None:
    [old] = SECRETS[source]
    assert read(source, headers, **{source: ("new", old)}) == read(source, headers)
    assert read(source, headers, **{source: (old, "new")}) == read(source, headers)


@pytest.mark.parametrize(
    "changed",
    [
        {"x-hub-signature-256": GITHUB["x-hub-signature-256"].upper()},
        {"x-hub-signature-256": GITHUB["x-hub-signature-256"].removeprefix("sha256=")},
        {"x-hub-signature-256": GITHUB["x-hub-signature-256"][:-1]},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": "sha256=\xff"},
        {"x-github-delivery": ""},
        {"x-github-delivery": "x" * 256},
        {"x-github-delivery": "two words"},
        {"x-github-event": ""},
    ],
)
def test_what_is_almost_githubs_is_not(changed: dict[str, str]) -> None:
    assert read("github", {**GITHUB, **changed}) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-signature": STANDARD["webhook-signature"].removeprefix("v1,")},
        {"webhook-signature": STANDARD["webhook-signature"].replace("v1,", "v1a,")},
        {"webhook-signature": STANDARD["webhook-signature"].removesuffix("=")},
        {"webhook-signature": ""},
        {"webhook-id": "msg_another"},
        {"webhook-id": ""},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "1614265330.0"},
        {"webhook-timestamp": "-1614265330"},
        {"webhook-timestamp": "٣"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": ""},
    ],
)
def test_what_is_almost_a_standard_one_is_not(changed: dict[str, str]) -> None:
    assert read("shop", {**STANDARD, **changed}) is None


@pytest.mark.parametrize(("seconds", "good"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_a_standard_one_is_good_for_five_minutes_either_way(seconds: int, good: bool) -> None:
    assert (read("shop", STANDARD, at=SENT_AT + timedelta(seconds=seconds)) == MESSAGE) is good


def test_one_of_several_signatures_is_enough_but_not_one_of_a_heap() -> None:
    good, bad = STANDARD["webhook-signature"], "v1," + "A" * 44
    for sent in (f"{bad} {good}", f"{good} {bad}", f"v1a,whatever {good}"):
        assert read("shop", {**STANDARD, "webhook-signature": sent}) == MESSAGE
    heap = " ".join([*[bad] * SIGNATURES_MAX, good])
    assert read("shop", {**STANDARD, "webhook-signature": heap}) is None


def test_an_id_with_a_dot_is_refused_though_it_is_signed() -> None:
    key = base64.b64decode(SECRETS["shop"][0].removeprefix("whsec_"))
    sent = {**STANDARD, "webhook-id": "a.b", "webhook-signature": signed(key, b"a.b.1614265330." + BODIES["shop"])}
    assert read("shop", sent) is None


def test_a_secret_without_its_head_is_taken_as_it_is() -> None:
    content = b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + BODIES["shop"]
    assert read("shop", {**STANDARD, "webhook-signature": signed(b"plain", content)}, shop=("plain",)) == MESSAGE


def test_a_secret_that_is_not_base64_is_told_by_its_source_alone() -> None:
    with pytest.raises(ValueError, match="webhook source shop is") as wrong:
        HmacWebhookSignatures({"shop": ("whsec_%%%",)}, clock=ManualClock(SENT_AT))
    assert "%%%" not in str(wrong.value)


def test_a_source_is_known_by_its_secrets() -> None:
    signatures = HmacWebhookSignatures({**SECRETS, "empty": ()}, clock=ManualClock(SENT_AT))
    assert [signatures.knows(source) for source in ("github", "shop", "empty", "nobody")] == [True, True, False, False]
