"""What others ask of a token: that it ends (RFC 7009), what it is worth (RFC 7662), and where to ask (RFC 8414)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.http.application import Exposure
from tests.support.fakes import START
from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import PASSWORD, Caller, Person, Service, presenting, refusal

FORM = {"content-type": "application/x-www-form-urlencoded"}
NOW = int(START.timestamp())
GARBAGE = (
    "nonsense",
    "hkr_" + "0" * 49,
    "hk_" + "0" * 71,
    "hks_" + "0" * 71,
    "eyJhbGciOiJub25lIn0.e30.",
    "…",
    "x" * 10_000,
    "a.b.c",
    " ",
)


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


@pytest.fixture
async def admin(service: Service) -> Person:
    return await service.admin()


def oauth(answer: httpx.Response) -> str:
    body = answer.json()
    assert (answer.status_code, set(body)) == (400, {"error", "error_description"}), answer.text
    assert answer.headers["cache-control"] == "no-store"
    code: str = body["error"]
    return code


async def revoke(caller: Caller, token: str, **hint: str) -> httpx.Response:
    return await caller.send("POST", "/v1/auth/revoke", data={"token": token, **hint})


async def introspect(caller: Caller, token: str, **hint: str) -> httpx.Response:
    return await caller.send("POST", "/v1/auth/introspect", data={"token": token, **hint})


async def refresh(caller: Caller, token: str) -> httpx.Response:
    return await caller.token(grant_type="refresh_token", refresh_token=token)


async def judged(admin: Person, token: str) -> dict[str, Any]:
    answer = await introspect(admin, token)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return body


async def assert_out(service: Service, person: Person) -> None:
    assert refusal(await person.get("/v1/me")) == (401, "invalid_credential")
    assert oauth(await refresh(service.anyone, person.tokens["refresh_token"])) == "invalid_grant"


class TestRevoking:
    @pytest.mark.parametrize("which", ["refresh_token", "access_token"])
    @pytest.mark.parametrize("hint", [{}, {"token_type_hint": "refresh_token"}, {"token_type_hint": "nonsense"}])
    async def test_either_token_ends_the_session(
        self, service: Service, ada: Person, which: str, hint: dict[str, str]
    ) -> None:
        answer = await revoke(service.anyone, ada.tokens[which], **hint)
        assert answer.status_code == 200
        await assert_out(service, ada)
        event = (await service.events())[0]
        assert (event.action, str(event.user_id), event.address) == ("session.ended", ada.id, "203.0.113.7")
        assert event.request_id == answer.headers["x-request-id"]

    async def test_a_spent_token_ends_its_successors(self, service: Service, ada: Person) -> None:
        successor = (await refresh(service.anyone, ada.tokens["refresh_token"])).json()
        assert (await revoke(service.anyone, ada.tokens["refresh_token"])).status_code == 200
        assert oauth(await refresh(service.anyone, successor["refresh_token"])) == "invalid_grant"
        await assert_out(service, ada)

    async def test_nobody_elses_session_ends(self, service: Service, ada: Person) -> None:
        phone = await service.sign_in(ada.email)
        await revoke(service.anyone, phone["refresh_token"])
        assert (await ada.get("/v1/me")).status_code == 200
        assert (await refresh(service.anyone, ada.tokens["refresh_token"])).status_code == 200

    async def test_again_it_changes_nothing(self, service: Service, ada: Person) -> None:
        for token in (ada.tokens["refresh_token"], ada.tokens["refresh_token"], ada.tokens["access_token"]):
            assert (await revoke(service.anyone, token)).status_code == 200
        assert [event.action for event in await service.events()].count("session.ended") == 1

    async def test_what_has_idled_out_is_not_ended_once_more(self, service: Service, ada: Person) -> None:
        service.advance(days=14)
        assert (await revoke(service.anyone, ada.tokens["refresh_token"])).status_code == 200
        assert "session.ended" not in [event.action for event in await service.events()]

    @pytest.mark.parametrize("token", GARBAGE)
    async def test_of_garbage_there_is_nothing_to_end(self, service: Service, token: str) -> None:
        assert (await revoke(service.anyone, token)).status_code == 200

    async def test_a_token_of_a_session_that_is_gone_is_as_good_as_unknown(self, service: Service, ada: Person) -> None:
        """Signed with our secret, of a database that is not this one: restored, or swept out."""
        elsewhere = Service(memory_ports())
        assert (await revoke(elsewhere.anyone, ada.tokens["access_token"])).status_code == 200

    async def test_a_key_and_a_cookie_are_not_ended_here(self, service: Service, ada: Person) -> None:
        robot, browser = await ada.key(), await service.browser(ada)
        for token in (robot.secret, browser.session.partition("=")[2]):
            assert (await revoke(service.anyone, token)).status_code == 200
        assert (await robot.get("/v1/whoami")).status_code == 200
        assert (await browser.get("/v1/whoami")).status_code == 200

    async def test_a_bad_form_is_answered_as_oauth_does(self, service: Service) -> None:
        for content in (b"", b"token=", b"token_type_hint=refresh_token", b"token=a&token=b", b"token=%ff"):
            answer = await service.anyone.send("POST", "/v1/auth/revoke", FORM, content=content)
            assert oauth(answer) == "invalid_request", content
        assert refusal(await service.anyone.post("/v1/auth/revoke", token="x")) == (415, "unsupported_media_type")
        assert oauth(await service.anyone.post("/v1/auth/revoke")) == "invalid_request"

    async def test_a_credential_is_not_asked_for_nor_looked_at(self, service: Service, ada: Person) -> None:
        crowd = service.anyone.saying(authorization="Basic aGV4a2V5Og==", x_api_key="nonsense")
        assert (await revoke(crowd, ada.tokens["refresh_token"])).status_code == 200
        await assert_out(service, ada)


class TestIntrospecting:
    async def test_an_access_token(self, service: Service, ada: Person, admin: Person) -> None:
        caller = (await ada.get("/v1/whoami")).json()
        assert await judged(admin, ada.tokens["access_token"]) == {
            "active": True,
            "token_type": "Bearer",
            "scope": " ".join(caller["permissions"]),
            "client_id": "hexkey",
            "sub": ada.id,
            "sid": caller["session_id"],
            "exp": NOW + 600,
        }

    async def test_a_refresh_token(self, ada: Person, admin: Person) -> None:
        found = await judged(admin, ada.tokens["refresh_token"])
        assert (found["active"], found["token_type"], found["sub"]) == (True, "refresh_token", ada.id)
        assert found["exp"] == NOW + 14 * 86400
        assert "scope" not in found, "there is no empty scope (RFC 6749, 3.3)"

    async def test_an_api_key(self, ada: Person, admin: Person) -> None:
        robot = await ada.key("read", expires_at="2026-02-01T00:00:00Z")
        assert await judged(admin, robot.secret) == {
            "active": True,
            "token_type": "api_key",
            "scope": "read",
            "client_id": robot.id,
            "sub": ada.id,
            "exp": NOW + 31 * 86400,
        }
        assert "exp" not in await judged(admin, (await ada.key()).secret)

    async def test_a_key_may_ask_and_so_may_its_networks_be_elsewhere(self, ada: Person, admin: Person) -> None:
        robot = await ada.key("read", allowed_networks=["198.51.100.0/24"])
        gateway = await admin.key("tokens:introspect")
        assert (await introspect(gateway, robot.secret)).json()["active"] is True

    async def test_of_somebody_who_acts_as_another_both_are_named(self, ada: Person, admin: Person) -> None:
        acted = (await admin.post(f"/v1/users/{ada.id}/impersonate")).json()["access_token"]
        found = await judged(admin, acted)
        assert (found["sub"], found["act"]) == (ada.id, {"sub": admin.id})
        assert found["exp"] == NOW + 900

    async def test_the_hint_is_only_a_hint(self, ada: Person, admin: Person) -> None:
        for hint in ("access_token", "refresh_token", "nonsense"):
            answer = await introspect(admin, ada.tokens["access_token"], token_type_hint=hint)
            assert answer.json()["active"] is True

    @pytest.mark.parametrize("token", GARBAGE)
    async def test_garbage_is_not_active(self, admin: Person, token: str) -> None:
        assert await judged(admin, token) == {"active": False}

    async def test_a_cookie_is_no_token(self, service: Service, ada: Person, admin: Person) -> None:
        browser = await service.browser(ada)
        assert await judged(admin, browser.session.partition("=")[2]) == {"active": False}

    @pytest.mark.parametrize("death", ["signed out", "deactivated", "idle", "password set", "reused", "revoked"])
    async def test_of_a_dead_session_neither_token_is_active(
        self, service: Service, ada: Person, admin: Person, death: str
    ) -> None:
        match death:
            case "signed out":
                await ada.delete("/v1/auth/session")
            case "deactivated":
                await admin.delete(f"/v1/users/{ada.id}")
            case "idle":
                service.advance(days=14)
                admin = await service.admin("asker@example.org")
            case "password set":
                await admin.put(f"/v1/users/{ada.id}/password", new_password="wrong donkey charger paperclip")
            case "reused":
                await refresh(service.anyone, ada.tokens["refresh_token"])
                await refresh(service.at("198.51.100.9"), ada.tokens["refresh_token"])
            case "revoked":
                await revoke(service.anyone, ada.tokens["refresh_token"])
        for token in (ada.tokens["access_token"], ada.tokens["refresh_token"]):
            assert await judged(admin, token) == {"active": False}

    async def test_a_late_access_token_is_not_active_and_its_refresh_token_is(
        self, service: Service, ada: Person
    ) -> None:
        service.advance(minutes=11)
        admin = await service.admin()
        assert await judged(admin, ada.tokens["access_token"]) == {"active": False}
        assert (await judged(admin, ada.tokens["refresh_token"]))["active"] is True

    async def test_a_spent_refresh_token_is_not_active_though_it_may_be_asked_with_again(
        self, service: Service, ada: Person, admin: Person
    ) -> None:
        await refresh(service.anyone, ada.tokens["refresh_token"])
        assert await judged(admin, ada.tokens["refresh_token"]) == {"active": False}
        assert (await judged(admin, ada.tokens["access_token"]))["active"] is True
        assert (await refresh(service.anyone, ada.tokens["refresh_token"])).status_code == 200

    async def test_who_may_no_longer_act_as_somebody_is_not_active(
        self, service: Service, ada: Person, admin: Person
    ) -> None:
        other = await service.admin("other@example.org")
        acted = (await other.post(f"/v1/users/{ada.id}/impersonate")).json()["access_token"]
        assert (await judged(admin, acted))["active"] is True
        await admin.delete(f"/v1/users/{other.id}")
        assert await judged(admin, acted) == {"active": False}

    @pytest.mark.parametrize("member", ["revoked_at", "suspended_at", "expires_at"])
    async def test_a_dead_key_is_not_active(self, service: Service, ada: Person, admin: Person, member: str) -> None:
        robot = await service.given_key(ada, "read", **{member: START + timedelta(seconds=1)})
        service.advance(seconds=1)
        assert await judged(admin, robot.secret) == {"active": False}

    async def test_nor_is_that_of_somebody_inactive(self, service: Service, ada: Person, admin: Person) -> None:
        robot = await ada.key()
        await service.deactivate(ada)
        assert await judged(admin, robot.secret) == {"active": False}

    async def test_a_token_of_another_database_is_not_active(self, ada: Person) -> None:
        """Its secret may be the same; a session or key of ours it is not."""
        robot, elsewhere = await ada.key(), Service(memory_ports())
        admin = await elsewhere.admin()
        for _ in range(5):
            await elsewhere.user()
        for token in (*(ada.tokens[name] for name in ("access_token", "refresh_token")), robot.secret):
            assert await judged(admin, token) == {"active": False}

    async def test_it_is_for_those_who_may(self, service: Service, ada: Person, admin: Person) -> None:
        for caller in (ada, await ada.key("read")):
            answer = await introspect(caller, ada.tokens["access_token"])
            assert refusal(answer) == (403, "permission_denied")
            assert answer.json()["missing_permissions"] == ["tokens:introspect"]
        assert refusal(await introspect(service.anyone, "x")) == (401, "unauthenticated")
        assert refusal(await introspect(service.anyone.saying(**presenting("x")), "x")) == (401, "invalid_credential")

    async def test_a_bad_form_is_answered_as_oauth_does(self, admin: Person) -> None:
        for content in (b"", b"token=", b"token_type_hint=access_token", b"token=a&token=b"):
            answer = await admin.send("POST", "/v1/auth/introspect", FORM, content=content)
            assert oauth(answer) == "invalid_request", content
        assert refusal(await admin.post("/v1/auth/introspect", token="x")) == (415, "unsupported_media_type")

    async def test_asking_is_no_use(self, service: Service, ada: Person, admin: Person) -> None:
        """It spends nothing, and what is asked about does not live longer for it."""
        service.advance(minutes=5)
        await judged(admin, ada.tokens["access_token"])
        assert (await judged(admin, ada.tokens["refresh_token"]))["exp"] == NOW + 14 * 86400
        assert (await refresh(service.anyone, ada.tokens["refresh_token"])).status_code == 200


class TestTheDocument:
    async def test_it_says_where_to_ask(self) -> None:
        service = Service(memory_ports(), Exposure(public_url="https://auth.example.org", allowed_hosts=("127.0.0.1",)))
        answer = await service.anyone.get("/.well-known/oauth-authorization-server")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=300")
        document = answer.json()
        assert document["issuer"] == "https://auth.example.org"
        assert document["token_endpoint"] == "https://auth.example.org/v1/auth/token"
        assert document["revocation_endpoint"] == "https://auth.example.org/v1/auth/revoke"
        assert document["introspection_endpoint"] == "https://auth.example.org/v1/auth/introspect"
        assert document["jwks_uri"] == "https://auth.example.org/.well-known/jwks.json"
        assert document["response_types_supported"] == []
        assert document["grant_types_supported"] == ["password", "refresh_token"]

    async def test_each_place_that_it_names_is_there(self, service: Service) -> None:
        document = (await service.anyone.get("/.well-known/oauth-authorization-server")).json()
        for name, url in document.items():
            if name.endswith(("_endpoint", "_uri")):
                path = httpx.URL(url).path
                assert (await service.anyone.send("OPTIONS", path)).status_code == 204, name

    async def test_without_the_password_grant_it_is_not_named_nor_offered(self) -> None:
        service = Service(memory_ports(rules=replace(NO_LIMITS, password_grant=False)))
        document = (await service.anyone.get("/.well-known/oauth-authorization-server")).json()
        assert document["grant_types_supported"] == ["refresh_token"]
        await service.anyone.post("/v1/auth/register", email="ada@example.org", password=PASSWORD)
        asked = await service.anyone.token(grant_type="password", username="ada@example.org", password=PASSWORD)
        assert oauth(asked) == "unsupported_grant_type"
        assert (await service.stranger().sign_in("ada@example.org")).status_code == 201
