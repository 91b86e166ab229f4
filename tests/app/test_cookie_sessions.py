"""Signing in with a browser: what the cookies are, how long they are good, and what ends them."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from app.http.application import Exposure
from domain.model.ids import SessionId
from domain.model.sessions import Lifetimes
from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import PASSWORD, Browser, Person, Service, presenting, refusal, set_cookies

HTTPS = Exposure(public_url="https://auth.example.org", allowed_hosts=("127.0.0.1",))
NEW_PASSWORD = "wrong donkey charger paperclip"
DEVICE_SECONDS = 180 * 24 * 3600


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org", username="ada")


@pytest.fixture
async def browser(service: Service, ada: Person) -> Browser:
    return await service.browser(ada)


async def is_in(browser: Browser) -> bool:
    answer = await browser.get("/v1/me")
    assert answer.status_code == 200 or refusal(answer) == (401, "invalid_credential")
    return answer.status_code == 200


@pytest.mark.parametrize("login", ["ada@example.org", "ADA@Example.ORG", "ada"])
async def test_signing_in_makes_a_session_and_shows_it(service: Service, ada: Person, login: str) -> None:
    browser = service.stranger()
    answer = await browser.saying(user_agent="firefox").sign_in(login)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    session = answer.json()
    assert (session["kind"], session["device"], session["address"]) == ("cookie", "firefox", "203.0.113.7")
    assert session["current"] is True
    caller = (await browser.get("/v1/whoami")).json()
    assert (caller["kind"], caller["user_id"], caller["session_id"]) == ("user", ada.id, session["id"])
    assert (await browser.get("/v1/me/export")).status_code == 200


async def test_on_http_the_cookies_are_plain_ones(service: Service, ada: Person) -> None:
    cookies = set_cookies(await service.stranger().sign_in("ada"))
    assert set(cookies) == {"hexkey_session", "hexkey_csrf", "hexkey_device"}
    assert {(morsel["path"], morsel["samesite"].lower(), morsel["domain"]) for morsel in cookies.values()} == {
        ("/", "lax", "")
    }
    assert [name for name, morsel in cookies.items() if morsel["httponly"]] == ["hexkey_session", "hexkey_device"]
    assert not any(morsel["secure"] or morsel["expires"] for morsel in cookies.values())
    assert {name: morsel["max-age"] for name, morsel in cookies.items()} == {
        "hexkey_session": "",
        "hexkey_csrf": "",
        "hexkey_device": str(DEVICE_SECONDS),
    }


async def test_on_https_they_belong_to_this_host_and_to_tls() -> None:
    service = Service(memory_ports(), HTTPS)
    ada = await service.user()
    browser = service.stranger()
    cookies = set_cookies(await browser.sign_in(ada.email))
    assert set(cookies) == {"__Host-hexkey_session", "__Host-hexkey_csrf", "hexkey_device"}
    assert all(morsel["secure"] and morsel["path"] == "/" and not morsel["domain"] for morsel in cookies.values())
    assert [name for name, morsel in cookies.items() if not morsel["httponly"]] == ["__Host-hexkey_csrf"]
    assert await is_in(browser)
    unprefixed = service.anyone.saying(cookie=browser.session.removeprefix("__Host-"))
    assert refusal(await unprefixed.get("/v1/me")) == (401, "unauthenticated")
    gone = set_cookies(await browser.delete("/v1/auth/session"))
    assert {(morsel.value, morsel["max-age"], bool(morsel["secure"])) for morsel in gone.values()} == {("", "0", True)}


async def test_every_bad_sign_in_gets_the_same_answer(service: Service, ada: Person) -> None:
    gone = await service.user("gone@example.org")
    await service.deactivate(gone)
    told = set()
    for login, password in (
        (ada.email, "wrong horse battery staple"),
        ("nobody@example.org", PASSWORD),
        ("nobody", PASSWORD),
        (gone.email, PASSWORD),
        ("@", PASSWORD),
        ("", ""),
        (ada.email, "x" * 5000),
        (ada.email, f" {PASSWORD}"),
        (ada.email, PASSWORD.upper()),
    ):
        answer = await service.stranger().saying(x_request_id="one").sign_in(login, password)
        assert refusal(answer) == (401, "invalid_credential")
        assert "set-cookie" not in answer.headers
        told.add((answer.content, answer.headers["www-authenticate"]))
    assert len(told) == 1


async def test_a_session_idles_out(service: Service, browser: Browser) -> None:
    service.advance(minutes=59, seconds=59)
    assert await is_in(browser)
    service.advance(minutes=60)
    assert not await is_in(browser)
    service.advance(hours=-1)
    assert await is_in(browser), "the clock alone decides"


async def test_use_keeps_it_alive_until_its_absolute_end(service: Service, browser: Browser) -> None:
    for _ in range(26):
        service.advance(minutes=55)
        assert await is_in(browser)
    service.advance(minutes=9, seconds=59)
    assert await is_in(browser)
    service.advance(seconds=1)
    assert not await is_in(browser)


async def test_how_long_they_live_is_the_operators_choice() -> None:
    lifetimes = Lifetimes(idle=timedelta(seconds=2), absolute=timedelta(seconds=5))
    service = Service(memory_ports(rules=replace(NO_LIMITS, cookie=lifetimes)))
    browser = await service.browser(await service.user())
    for _ in range(3):
        service.advance(seconds=1.6)
        assert await is_in(browser)
    service.advance(seconds=0.2)
    assert not await is_in(browser)


async def test_where_it_was_last_seen_is_kept_once_a_minute(service: Service, browser: Browser) -> None:
    async def seen() -> tuple[str, str, str]:
        (session,) = [one for one in (await browser.get("/v1/me/sessions")).json()["data"] if one["current"]]
        return session["last_seen_at"], session["device"], session["address"]

    browser = browser.saying(user_agent="first")
    begun = await seen()
    service.advance(seconds=59)
    assert await seen() == begun
    service.advance(seconds=1)
    elsewhere = replace(browser, http=service.at("198.51.100.9").http).saying(user_agent="second")
    assert (await elsewhere.get("/v1/me")).status_code == 200
    assert await seen() == ("2026-01-01T00:01:00Z", "second", "198.51.100.9")


async def test_signing_out_ends_it_and_takes_the_cookies(service: Service, browser: Browser) -> None:
    copy = replace(browser, jar=dict(browser.jar))
    answer = await browser.delete("/v1/auth/session")
    assert (answer.status_code, answer.content) == (204, b"")
    assert set(set_cookies(answer)) == {"hexkey_session", "hexkey_csrf"}
    assert set(browser.jar) == {"hexkey_device"}, "the device is still a known one"
    assert not await is_in(copy)
    assert refusal(await copy.delete("/v1/auth/session")) == (401, "invalid_credential")
    event = (await service.events())[0]
    assert (event.action, event.address) == ("session.ended", "203.0.113.7")
    assert event.request_id == answer.headers["x-request-id"]


async def test_a_changed_password_ends_the_others_and_keeps_this_one(
    service: Service, ada: Person, browser: Browser
) -> None:
    other = await service.browser(ada)
    changed = await browser.put("/v1/me/password", current_password=PASSWORD, new_password=NEW_PASSWORD)
    assert changed.status_code == 204
    assert await is_in(browser)
    assert not await is_in(other)
    assert refusal(await ada.get("/v1/me")) == (401, "invalid_credential")


async def test_whoever_is_deactivated_is_out_and_stays_out(service: Service, ada: Person, browser: Browser) -> None:
    admin = await service.admin()
    assert (await admin.patch(f"/v1/users/{ada.id}", is_active=False)).status_code == 200
    assert not await is_in(browser)
    assert refusal(await service.stranger().sign_in("ada")) == (401, "invalid_credential")
    assert (await admin.patch(f"/v1/users/{ada.id}", is_active=True)).status_code == 200
    assert not await is_in(browser)


async def test_a_password_set_by_somebody_else_ends_them_all(service: Service, ada: Person, browser: Browser) -> None:
    admin = await service.admin()
    assert (await admin.put(f"/v1/users/{ada.id}/password", new_password=NEW_PASSWORD)).status_code == 204
    assert not await is_in(browser)
    assert (await browser.sign_in("ada", NEW_PASSWORD)).status_code == 201
    assert refusal(await browser.get("/v1/me")) == (403, "password_change_required")
    changed = await browser.put("/v1/me/password", current_password=NEW_PASSWORD, new_password=PASSWORD)
    assert changed.status_code == 204
    assert await is_in(browser)


async def test_each_sign_in_has_a_new_id_and_the_one_before_ends(service: Service, browser: Browser) -> None:
    before = replace(browser, jar=dict(browser.jar))
    again = await browser.sign_in("ada")
    assert again.status_code == 201
    assert browser.session != before.session
    assert browser.csrf != before.csrf
    assert await is_in(browser)
    assert not await is_in(before)
    signed_in, ended, *_ = await service.events()
    assert (signed_in.action, ended.action) == ("user.signed_in", "session.ended")
    assert ended.request_id == again.headers["x-request-id"]


async def test_a_failed_sign_in_ends_nothing(browser: Browser) -> None:
    assert refusal(await browser.sign_in("ada", NEW_PASSWORD)) == (401, "invalid_credential")
    assert await is_in(browser)


async def test_a_planted_cookie_is_never_worth_anything(service: Service, ada: Person) -> None:
    """Whatever somebody knew before the sign-in: their own session, another's id, a made-up one."""
    mallory = await service.browser(await service.user("mallory@example.org"))
    for planted in (mallory.session, "hexkey_session=chosen", f"hexkey_session=hks_{'0' * 71}"):
        victim = service.stranger()
        answer = await victim.saying(cookie=planted).sign_in("ada")
        assert answer.status_code == 201
        assert victim.session != planted
        thief = service.anyone.saying(cookie=planted)
        assert refusal(await thief.get("/v1/me")) == (401, "invalid_credential")
        assert (await victim.get("/v1/me")).json()["id"] == ada.id


async def test_an_id_without_its_secret_opens_and_ends_nothing(service: Service, browser: Browser) -> None:
    """The id is no secret: it is in lists and in the trail."""
    session_id = (await browser.get("/v1/whoami")).json()["session_id"]
    forged = service.ports.cookies.mint(SessionId(UUID(session_id))).plain
    thief = service.stranger().saying(cookie=f"hexkey_session={forged}")
    assert refusal(await thief.get("/v1/me")) == (401, "invalid_credential")
    assert (await thief.sign_in("ada")).status_code == 201
    assert await is_in(browser)


async def test_the_cookie_of_a_token_session_does_not_exist(service: Service, ada: Person) -> None:
    session_id = (await ada.get("/v1/whoami")).json()["session_id"]
    forged = service.ports.cookies.mint(SessionId(UUID(session_id))).plain
    thief = service.anyone.saying(cookie=f"hexkey_session={forged}")
    assert refusal(await thief.get("/v1/me")) == (401, "invalid_credential")


async def test_a_browser_presents_one_credential(service: Service, ada: Person, browser: Browser) -> None:
    robot = await ada.key()
    for more in (presenting(ada.tokens["access_token"]), presenting("nonsense"), {"x-api-key": robot.secret}):
        assert refusal(await browser.send("GET", "/v1/me", more)) == (400, "multiple_credentials")
    other = await service.browser(ada)
    twice = {"cookie": f"{browser.session}; {other.session}"}
    assert refusal(await browser.send("GET", "/v1/me", twice)) == (400, "multiple_credentials")
    lines = [("cookie", browser.session), ("cookie", other.session)]
    answer = await service.anyone.http.request("GET", "/v1/me", headers=lines)
    assert refusal(answer) == (400, "multiple_credentials")
    parted = [("cookie", "theme=dark"), ("cookie", browser.session)]
    assert (await service.anyone.http.request("GET", "/v1/me", headers=parted)).status_code == 200


@pytest.mark.parametrize(
    "garbled",
    [
        "",
        '""',
        "hks_",
        "hks_" + "0" * 71,
        "x" * 4000,
        "é",
        "a=b=c",
        "%00",
    ],
)
async def test_a_garbled_cookie_is_no_credential(service: Service, garbled: str) -> None:
    sent = [("cookie", f"hexkey_session={garbled}".encode())]
    answer = await service.anyone.http.request("GET", "/v1/me", headers=sent)
    assert refusal(answer) == (401, "invalid_credential")


async def test_a_cookie_that_is_cut_or_changed_anywhere_is_no_credential(service: Service, browser: Browser) -> None:
    name, value = browser.session.split("=")
    for place in range(0, len(value), 5):
        other = "1" if value[place] == "0" else "0"
        for garbled in (value[:place], value[:place] + other + value[place + 1 :], f"{value} x", value.lower()):
            caller = service.anyone.saying(cookie=f"{name}={garbled}")
            assert refusal(await caller.get("/v1/me")) == (401, "invalid_credential")


async def test_other_cookies_mean_nothing(service: Service, browser: Browser) -> None:
    for cookie in ("theme=dark", "HEXKEY_SESSION=x", "hexkey_session2=x", "hexkey_csrf=x", ";;;", "="):
        assert refusal(await service.anyone.saying(cookie=cookie).get("/v1/me")) == (401, "unauthenticated")
        beside = service.anyone.saying(cookie=f"{cookie}; {browser.session}")
        assert (await beside.get("/v1/me")).status_code == 200


async def test_a_public_route_does_not_look_at_the_cookie(service: Service, ada: Person, browser: Browser) -> None:
    for cookie in (browser.session, "hexkey_session=garbled", f"{browser.session}; {browser.session}"):
        caller = service.anyone.saying(cookie=cookie, authorization="Bearer nonsense")
        assert (await caller.get("/")).status_code == 200
        assert (await caller.get("/.well-known/jwks.json")).status_code == 200
        assert (await caller.token(grant_type="password", username="ada", password=PASSWORD)).status_code == 200
    assert await is_in(browser)


async def test_the_door_of_sessions_takes_no_token_and_no_key(service: Service, ada: Person) -> None:
    robot = await ada.key()
    for caller in (ada, robot, service.anyone.saying(x_api_key=robot.secret)):
        assert refusal(await caller.get("/v1/me/export")) == (403, "credential_kind_not_allowed")
    assert refusal(await service.anyone.get("/v1/me/export")) == (401, "unauthenticated")


async def test_a_cookie_opens_no_door_of_keys(browser: Browser) -> None:
    assert refusal(await browser.get("/v1/api-keys/self")) == (403, "credential_kind_not_allowed")


async def test_what_is_signed_in_is_in_the_trail(service: Service, ada: Person) -> None:
    answer = await service.stranger("198.51.100.9").sign_in("ada")
    event = (await service.events())[0]
    assert (event.action, event.subject, event.address) == ("user.signed_in", f"user:{ada.id}", "198.51.100.9")
    assert event.request_id == answer.headers["x-request-id"]
    assert event.changes == {"session_id": answer.json()["id"]}
    refused = await service.stranger("198.51.100.9").sign_in("ada", NEW_PASSWORD)
    event = (await service.events())[0]
    assert (event.action, event.subject, event.address) == ("user.sign_in_refused", f"user:{ada.id}", "198.51.100.9")
    assert event.request_id == refused.headers["x-request-id"]
