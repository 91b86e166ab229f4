"""Signing in, and going on: access tokens that last ten minutes and refresh tokens that are used once."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from domain.model.ids import UserId
from domain.model.users import EmailAddress
from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import PASSWORD, Caller, Person, Service, presenting, refusal


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org", username="ada")


def oauth(answer: httpx.Response) -> str:
    """The code of a refusal in OAuth's shape (RFC 6749, section 5.2)."""
    body = answer.json()
    assert (answer.status_code, set(body)) == (400, {"error", "error_description"}), answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    code: str = body["error"]
    return code


async def refreshed(caller: Caller, token: str) -> httpx.Response:
    return await caller.token(grant_type="refresh_token", refresh_token=token)


@pytest.mark.parametrize("login", ["ada@example.org", "ADA@Example.ORG", "ada", "Ada"])
async def test_signing_in_takes_an_address_or_a_user_name(service: Service, ada: Person, login: str) -> None:
    answer = await service.anyone.token(grant_type="password", username=login, password=PASSWORD)
    tokens = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert set(tokens) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
    caller = (await service.anyone.send("GET", "/v1/whoami", headers=presenting(tokens["access_token"]))).json()
    assert (caller["kind"], caller["user_id"], caller["key_id"], caller["scopes"]) == ("user", ada.id, None, [])
    assert caller["session_id"]


async def test_every_bad_sign_in_gets_the_same_answer(service: Service, ada: Person) -> None:
    gone = await service.user("gone@example.org")
    await service.deactivate(gone)
    answers = [
        await service.anyone.token(grant_type="password", username=login, password=password)
        for login, password in (
            (ada.email, "wrong horse battery staple"),
            ("nobody@example.org", PASSWORD),
            ("nobody", PASSWORD),
            (gone.email, PASSWORD),
            ("@", PASSWORD),
            (ada.email, "x" * 5000),
            (ada.email, f" {PASSWORD}"),
        )
    ]
    assert {oauth(answer) for answer in answers} == {"invalid_grant"}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "invalid_request"),
        ({"grant_type": "password", "username": "ada"}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "Password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "nonsense"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "hkr_" + "0" * 49}, "invalid_grant"),
    ],
)
async def test_a_bad_form_is_answered_as_oauth_does(service: Service, form: dict[str, str], error: str) -> None:
    assert oauth(await service.anyone.token(**form)) == error


async def test_a_parameter_twice_is_refused_and_a_strange_one_ignored(service: Service, ada: Person) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    twice = b"grant_type=password&grant_type=password&username=ada&password=x"
    assert oauth(await service.anyone.send("POST", "/v1/auth/token", headers=form, content=twice)) == "invalid_request"
    asked = {"grant_type": "password", "username": ada.email, "password": PASSWORD}
    assert (await service.anyone.token(**asked, scope="everything", client_id="me")).status_code == 200


async def test_json_is_no_form(service: Service, ada: Person) -> None:
    answer = await service.anyone.post("/v1/auth/token", grant_type="password", username="ada", password=PASSWORD)
    assert refusal(answer) == (415, "unsupported_media_type")


async def test_an_access_token_lasts_ten_minutes_and_a_minute_of_leeway(service: Service, ada: Person) -> None:
    service.advance(minutes=10, seconds=59)
    assert (await ada.get("/v1/me")).status_code == 200
    service.advance(seconds=1)
    late = await ada.get("/v1/me")
    assert refusal(late) == (401, "invalid_credential")
    assert late.headers["www-authenticate"] == 'Bearer realm="hexkey", error="invalid_token"'


async def test_a_refresh_token_is_spent_for_its_successor(service: Service, ada: Person) -> None:
    first = ada.tokens["refresh_token"]
    answer = await refreshed(service.anyone, first)
    second = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert second["refresh_token"] != first
    assert (await refreshed(service.anyone, second["refresh_token"])).status_code == 200
    before, after = await ada.get("/v1/whoami"), await _whoami(service, second["access_token"])
    assert before.json()["session_id"] == after.json()["session_id"]


async def test_an_honest_retry_gets_the_same_successor(service: Service, ada: Person) -> None:
    first = ada.tokens["refresh_token"]
    second = (await refreshed(service.anyone, first)).json()
    service.advance(seconds=9)
    again = await refreshed(service.anyone, first)
    assert again.status_code == 200
    assert again.json()["refresh_token"] == second["refresh_token"]
    assert again.json()["access_token"] != second["access_token"]
    assert (await refreshed(service.anyone, second["refresh_token"])).status_code == 200


async def test_a_replay_after_the_window_ends_the_session(service: Service, ada: Person) -> None:
    first = ada.tokens["refresh_token"]
    second = (await refreshed(service.anyone, first)).json()
    service.advance(seconds=10)
    assert oauth(await refreshed(service.anyone, first)) == "invalid_grant"
    await _assert_dead(service, ada, second)


async def test_a_retry_once_the_successor_is_used_ends_the_session(service: Service, ada: Person) -> None:
    first = ada.tokens["refresh_token"]
    second = (await refreshed(service.anyone, first)).json()
    third = (await refreshed(service.anyone, second["refresh_token"])).json()
    assert oauth(await refreshed(service.anyone, first)) == "invalid_grant"
    await _assert_dead(service, ada, third)


@pytest.mark.parametrize("other", ["address", "agent"])
async def test_a_retry_from_another_client_ends_the_session(service: Service, ada: Person, other: str) -> None:
    first = ada.tokens["refresh_token"]
    second = (await refreshed(service.anyone, first)).json()
    thief = service.at("198.51.100.9") if other == "address" else service.anyone.saying(user_agent="thief/1.0")
    assert oauth(await refreshed(thief, first)) == "invalid_grant"
    await _assert_dead(service, ada, second)


async def test_an_ipv6_client_may_hop_inside_its_network() -> None:
    service = Service(memory_ports(), address="2001:db8::1")
    ada = await service.user()
    second = (await refreshed(service.anyone, ada.tokens["refresh_token"])).json()
    again = await refreshed(service.at("2001:db8::2"), ada.tokens["refresh_token"])
    assert again.json()["refresh_token"] == second["refresh_token"]


async def test_a_session_ends_when_it_idles_and_at_the_latest_after_90_days(service: Service, ada: Person) -> None:
    token = ada.tokens["refresh_token"]
    for _ in range(6):
        service.advance(days=13)
        token = (await refreshed(service.anyone, token)).json()["refresh_token"]
    service.advance(days=12)
    assert oauth(await refreshed(service.anyone, token)) == "invalid_grant"

    idle = await service.sign_in(ada.email)
    service.advance(days=14)
    assert oauth(await refreshed(service.anyone, idle["refresh_token"])) == "invalid_grant"


async def test_signing_in_twice_makes_two_sessions_that_live_apart(service: Service, ada: Person) -> None:
    phone = await service.sign_in(ada.email)
    await refreshed(service.anyone, ada.tokens["refresh_token"])
    service.advance(minutes=1)
    await refreshed(service.anyone, ada.tokens["refresh_token"])
    assert refusal(await ada.get("/v1/me")) == (401, "invalid_credential")
    assert (await _whoami(service, phone["access_token"])).status_code == 200


async def test_somebody_inactive_is_refused_everywhere(service: Service, ada: Person) -> None:
    robot = await ada.key()
    await service.deactivate(ada)
    assert refusal(await ada.get("/v1/me")) == (401, "invalid_credential")
    assert refusal(await robot.get("/v1/projects")) == (401, "invalid_credential")
    assert oauth(await refreshed(service.anyone, ada.tokens["refresh_token"])) == "invalid_grant"
    signing_in = await service.anyone.token(grant_type="password", username=ada.email, password=PASSWORD)
    assert oauth(signing_in) == "invalid_grant"


async def test_a_refused_refresh_spends_nothing(service: Service, ada: Person) -> None:
    """The user comes back, and so does the token."""
    await service.deactivate(ada)
    assert oauth(await refreshed(service.anyone, ada.tokens["refresh_token"])) == "invalid_grant"
    async with service.ports.uow() as work:
        user = await work.users.get(UserId(UUID(ada.id)))
        await work.users.save(replace(user, is_active=True))
    assert (await refreshed(service.anyone, ada.tokens["refresh_token"])).status_code == 200


async def test_sign_ins_and_their_refusals_are_in_the_trail(service: Service, ada: Person) -> None:
    await service.anyone.token(grant_type="password", username=ada.email, password="x" * 20)
    refused, signed_in, *_ = await service.events()
    assert (refused.action, refused.subject, refused.address) == (
        "user.sign_in_refused",
        f"user:{ada.id}",
        "203.0.113.7",
    )
    assert (signed_in.action, signed_in.subject) == ("user.signed_in", f"user:{ada.id}")


async def test_tokens_last_as_long_as_the_operator_says() -> None:
    rules = replace(NO_LIMITS, access_token=timedelta(minutes=1), refresh_retry_window=timedelta(0))
    service = Service(memory_ports(rules=rules))
    ada = await service.user()
    assert ada.tokens["expires_in"] == 60
    second = (await refreshed(service.anyone, ada.tokens["refresh_token"])).json()
    assert oauth(await refreshed(service.anyone, ada.tokens["refresh_token"])) == "invalid_grant"
    await _assert_dead(service, ada, second)


async def test_an_outdated_hash_is_renewed_at_the_next_sign_in(service: Service, ada: Person) -> None:
    async with service.ports.uow() as work:
        user = await work.users.find_by_email(EmailAddress(ada.email))
        assert user is not None
        await work.users.save(replace(user, password_hash=f"old:{PASSWORD[::-1]}"))
    await service.sign_in(ada.email)
    async with service.ports.uow.reading() as work:
        user = await work.users.find_by_email(EmailAddress(ada.email))
    assert user is not None
    assert user.password_hash == f"reversed:{PASSWORD[::-1]}"


async def test_the_keys_that_verify_our_tokens_are_public(service: Service) -> None:
    answer = await service.anyone.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    (key,) = answer.json()["keys"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert "d" not in key


async def _whoami(service: Service, access_token: str) -> httpx.Response:
    return await service.anyone.send("GET", "/v1/whoami", headers=presenting(access_token))


async def _assert_dead(service: Service, ada: Person, latest: dict[str, str]) -> None:
    """The session takes nothing any more, neither old nor new, and the trail says why."""
    assert oauth(await refreshed(service.anyone, latest["refresh_token"])) == "invalid_grant"
    assert refusal(await _whoami(service, latest["access_token"])) == (401, "invalid_credential")
    assert refusal(await ada.get("/v1/me")) == (401, "invalid_credential")
    assert "session.reuse_detected" in {event.action for event in await service.events()}
