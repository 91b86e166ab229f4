"""One's own sessions: what is seen of them, and how each is ended."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.support.service import Browser, Caller, Person, Service, presenting, refusal, set_cookies

ABSENT = "019b76da-a800-7000-8000-00000000ffff"
DEAD = (401, "invalid_credential")


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


async def listed(caller: Caller) -> list[dict[str, Any]]:
    answer = await caller.get("/v1/me/sessions")
    assert answer.status_code == 200, answer.text
    sessions: list[dict[str, Any]] = answer.json()["data"]
    return sessions


async def own_id(caller: Caller) -> str:
    session_id: str = (await caller.get("/v1/whoami")).json()["session_id"]
    return session_id


async def another(service: Service, person: Person) -> Person:
    """The same person, signed in once more."""
    tokens = await service.sign_in(person.email)
    return replace(person, headers=presenting(tokens["access_token"]), tokens=tokens)


async def refreshed(service: Service, person: Person) -> httpx.Response:
    return await service.anyone.token(grant_type="refresh_token", refresh_token=person.tokens["refresh_token"])


async def test_they_are_listed_with_the_newest_first(service: Service, ada: Person) -> None:
    service.advance(minutes=1)
    browser = service.stranger("198.51.100.9").saying(user_agent="firefox")
    await browser.sign_in(ada.email)
    service.advance(minutes=1)
    newest, oldest = await listed(browser)
    assert (newest["kind"], newest["device"], newest["address"]) == ("cookie", "firefox", "198.51.100.9")
    assert (newest["created_at"], newest["last_seen_at"]) == ("2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z")
    assert newest["expires_at"] == "2026-01-01T01:02:00Z"
    assert (oldest["kind"], oldest["address"]) == ("token", "203.0.113.7")
    assert oldest["expires_at"] == "2026-01-15T00:00:00Z"
    assert (newest["current"], oldest["current"]) == (True, False)
    assert [session["current"] for session in await listed(ada)] == [False, True]


async def test_a_refresh_is_a_use(service: Service, ada: Person) -> None:
    service.advance(minutes=5)
    phone = service.at("198.51.100.9").saying(user_agent="phone")
    await phone.token(grant_type="refresh_token", refresh_token=ada.tokens["refresh_token"])
    (session,) = await listed(ada)
    assert (session["last_seen_at"], session["device"]) == ("2026-01-01T00:05:00Z", "phone")
    assert session["address"] == "198.51.100.9"


async def test_nothing_of_somebody_elses_is_seen_or_ended(service: Service, ada: Person) -> None:
    mallory = await service.user("mallory@example.org")
    theirs = await own_id(ada)
    assert theirs not in [session["id"] for session in await listed(mallory)]
    assert refusal(await mallory.delete(f"/v1/me/sessions/{theirs}")) == (404, "not_found")
    assert (await mallory.delete("/v1/me/sessions")).status_code == 204
    assert await own_id(ada) == theirs


async def test_ending_one_ends_its_tokens_at_once(service: Service, ada: Person) -> None:
    lost = await another(service, ada)
    answer = await ada.delete(f"/v1/me/sessions/{await own_id(lost)}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert refusal(await lost.get("/v1/me")) == DEAD
    assert (await refreshed(service, lost)).json()["error"] == "invalid_grant"
    assert len(await listed(ada)) == 1
    event = (await service.events())[0]
    assert (event.action, event.user_id, event.address) == ("session.ended", event.user_id, "203.0.113.7")
    assert (str(event.user_id), event.request_id) == (ada.id, answer.headers["x-request-id"])


async def test_one_may_end_the_session_that_one_is_in(ada: Person) -> None:
    assert (await ada.delete(f"/v1/me/sessions/{await own_id(ada)}")).status_code == 204
    assert refusal(await ada.get("/v1/me")) == DEAD


async def test_a_dead_or_unknown_one_is_not_found(service: Service, ada: Person) -> None:
    ended, idle = await another(service, ada), await service.browser(ada)
    ended_id, idle_id = await own_id(ended), await own_id(idle)
    assert (await ended.delete("/v1/auth/session")).status_code == 204
    service.advance(hours=1)
    ada = await another(service, ada)
    for session_id in (ended_id, idle_id, ABSENT, "nonsense", ABSENT.upper().replace("-", "")):
        assert refusal(await ada.delete(f"/v1/me/sessions/{session_id}")) == (404, "not_found")
    assert {ended_id, idle_id}.isdisjoint(session["id"] for session in await listed(ada))


async def test_all_the_others_end_at_once(service: Service, ada: Person) -> None:
    phone, browser = await another(service, ada), await service.browser(ada)
    answer = await browser.delete("/v1/me/sessions")
    assert (answer.status_code, answer.content) == (204, b"")
    assert [session["current"] for session in await listed(browser)] == [True]
    for gone in (ada, phone):
        assert refusal(await gone.get("/v1/me")) == DEAD
        assert (await refreshed(service, gone)).json()["error"] == "invalid_grant"
    event = (await service.events())[0]
    assert (event.action, dict(event.changes)) == ("user.sessions_ended", {"count": 2})
    assert event.request_id == answer.headers["x-request-id"]


async def test_of_more_than_twenty_the_oldest_ends(service: Service, ada: Person) -> None:
    people = [ada]
    for _ in range(20):
        service.advance(seconds=1)
        people.append(await another(service, ada))
    assert refusal(await ada.get("/v1/me")) == DEAD
    assert (await refreshed(service, ada)).json()["error"] == "invalid_grant"
    assert len(await listed(people[1])) == 20
    signed_in, ended, *_ = await service.events()
    assert (signed_in.action, ended.action, ended.address) == ("user.signed_in", "session.ended", "203.0.113.7")
    assert (await service.browser(ada)).session
    assert refusal(await people[1].get("/v1/me")) == DEAD


async def test_dead_ones_take_up_no_room(service: Service, ada: Person) -> None:
    for _ in range(30):
        browser = await service.browser(ada)
        assert (await browser.delete("/v1/auth/session")).status_code == 204
    assert [session["current"] for session in await listed(ada)] == [True]


async def test_signing_out_with_a_token_ends_its_refresh_token_too(service: Service, ada: Person) -> None:
    other = await another(service, ada)
    answer = await ada.delete("/v1/auth/session")
    assert (answer.status_code, answer.content) == (204, b"")
    assert refusal(await ada.get("/v1/me")) == DEAD
    assert (await refreshed(service, ada)).json()["error"] == "invalid_grant"
    assert (await other.get("/v1/me")).status_code == 200
    event = (await service.events())[0]
    assert (event.action, event.subject) == ("session.ended", f"session:{event.session_id}")
    assert event.request_id == answer.headers["x-request-id"]


async def test_a_token_that_was_refreshed_meanwhile_ends_with_the_rest(service: Service, ada: Person) -> None:
    successor = (await refreshed(service, ada)).json()
    assert (await ada.delete("/v1/auth/session")).status_code == 204
    gone = replace(ada, tokens=successor, headers=presenting(successor["access_token"]))
    assert refusal(await gone.get("/v1/me")) == DEAD
    assert (await refreshed(service, gone)).json()["error"] == "invalid_grant"


async def test_a_key_has_no_sessions(service: Service, ada: Person) -> None:
    robot = await ada.key()
    for method, path in (
        ("GET", "/v1/me/sessions"),
        ("DELETE", "/v1/me/sessions"),
        ("DELETE", f"/v1/me/sessions/{await own_id(ada)}"),
        ("DELETE", "/v1/auth/session"),
    ):
        assert refusal(await robot.send(method, path)) == (403, "credential_kind_not_allowed")
    assert (await ada.get("/v1/me")).status_code == 200


async def test_who_acts_as_somebody_ends_only_that(service: Service, ada: Person) -> None:
    admin = await service.admin()
    acted = await admin.post(f"/v1/users/{ada.id}/impersonate")
    admin_as_ada = service.anyone.saying(**presenting(acted.json()["access_token"]))
    for path in ("/v1/me/sessions", f"/v1/me/sessions/{await own_id(ada)}"):
        assert refusal(await admin_as_ada.delete(path)) == (403, "forbidden_in_impersonation")
    assert [session["kind"] for session in await listed(ada)] == ["impersonation", "token"]
    assert (await admin_as_ada.delete("/v1/auth/session")).status_code == 204
    assert refusal(await admin_as_ada.get("/v1/me")) == DEAD
    assert (await ada.get("/v1/me")).status_code == 200


async def test_who_must_change_their_password_may_leave_and_no_more(service: Service, ada: Person) -> None:
    admin = await service.admin()
    await admin.put(f"/v1/users/{ada.id}/password", new_password="wrong donkey charger paperclip")
    tokens = await service.sign_in(ada.email, "wrong donkey charger paperclip")
    restricted = service.anyone.saying(**presenting(tokens["access_token"]))
    for method, path in (("GET", "/v1/me/sessions"), ("DELETE", "/v1/me/sessions")):
        assert refusal(await restricted.send(method, path)) == (403, "password_change_required")
    assert (await restricted.delete("/v1/auth/session")).status_code == 204


async def test_the_cookies_are_taken_at_sign_out_only(service: Service, ada: Person) -> None:
    browser: Browser = await service.browser(ada)
    assert set_cookies(await browser.delete("/v1/me/sessions")) == {}
    assert set(set_cookies(await browser.delete("/v1/auth/session"))) == {"hexkey_session", "hexkey_csrf"}
