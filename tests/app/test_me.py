"""What people do with their own account: their names, and their password."""

from collections.abc import Iterator

import httpx
import pytest

from app.http.doors import Door
from tests.support.ports import memory_ports
from tests.support.service import PASSWORD, Caller, Person, Service, pointers, presenting, refusal

NEW = "a different horse altogether"
SOME_ID = "019b76da-a800-7000-8000-000000000fff"
SAMPLE = Service(memory_ports())
STILL_OPEN = {("PUT", "/v1/me/password"), ("DELETE", "/v1/auth/session")}


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org", username="ada", name="Ada")


async def changed(caller: Caller, new: str = NEW, current: str = PASSWORD) -> httpx.Response:
    return await caller.put("/v1/me/password", current_password=current, new_password=new)


async def signed_in(service: Service, password: str = PASSWORD) -> Caller:
    """Ada, once more."""
    tokens = await service.sign_in("ada@example.org", password)
    return service.anyone.saying(**presenting(tokens["access_token"]))


class TestNames:
    async def test_what_is_absent_stays_and_null_clears(self, ada: Person) -> None:
        me = (await ada.patch("/v1/me", name=" Countess ")).json()
        assert (me["name"], me["username"]) == ("Countess", "ada")
        me = (await ada.patch("/v1/me", username="\uff23ountess")).json()
        assert (me["name"], me["username"]) == ("Countess", "countess")
        me = (await ada.patch("/v1/me", name=None, username=None)).json()
        assert (me["name"], me["username"]) == (None, None)
        assert [role["name"] for role in me["roles"]] == ["member"]
        assert (await ada.get("/v1/me")).json() == me

    async def test_the_answer_is_the_user_under_a_new_version(self, service: Service, ada: Person) -> None:
        before = await ada.get("/v1/me")
        service.advance(hours=1)
        ada = Person(ada.http, (await signed_in(service)).headers, id=ada.id, email=ada.email, tokens=ada.tokens)
        after = await ada.patch("/v1/me", name="Countess")
        assert (before.headers["etag"], after.headers["etag"]) == ('"1"', '"2"')
        assert after.json() == {**before.json(), "name": "Countess", "updated_at": "2026-01-01T01:00:00Z"}

    @pytest.mark.parametrize("body", [{}, {"is_active": False}, {"email": "b@example.org"}, {"roles": []}, {"id": "x"}])
    async def test_nothing_else_is_writable_here(self, ada: Person, body: dict[str, object]) -> None:
        before = (await ada.get("/v1/me")).json()
        assert pointers(await ada.patch("/v1/me", **body)) == [""]
        assert pointers(await ada.patch("/v1/me", name="Eve", **{"email_verified": True, **body})) == [""]
        assert (await ada.get("/v1/me")).json() == before

    @pytest.mark.parametrize(
        ("body", "at_fault"),
        [
            ({"name": ""}, "/name"),
            ({"name": "\u202e"}, "/name"),
            ({"name": "x" * 129}, "/name"),
            ({"name": 1}, "/name"),
            ({"username": ""}, "/username"),
            ({"username": "a"}, "/username"),
            ({"username": "\u0430da"}, "/username"),
            ({"username": "ada@example.org"}, "/username"),
        ],
    )
    async def test_what_cannot_be_a_name_is_refused(self, ada: Person, body: dict[str, object], at_fault: str) -> None:
        assert pointers(await ada.patch("/v1/me", **body)) == [at_fault]

    async def test_a_user_name_belongs_to_one(self, service: Service, ada: Person) -> None:
        bob = await service.user(username="bob")
        assert refusal(await ada.patch("/v1/me", username="BOB", name="Eve")) == (409, "username_taken")
        assert (await ada.get("/v1/me")).json()["name"] == "Ada"
        assert (await bob.patch("/v1/me", username=None)).status_code == 200
        assert (await ada.patch("/v1/me", username="bob")).status_code == 200
        assert (await ada.patch("/v1/me", username="Bob")).json()["username"] == "bob"

    async def test_who_read_an_older_version_changes_nothing(self, ada: Person) -> None:
        assert (await ada.saying(if_match='"1"').patch("/v1/me", name="Countess")).status_code == 200
        stale = await ada.saying(if_match='"1"').patch("/v1/me", name="Eve")
        assert refusal(stale) == (412, "precondition_failed")
        assert (await ada.get("/v1/me")).json()["name"] == "Countess"
        assert (await ada.saying(if_match="*").patch("/v1/me", name="Ada")).status_code == 200

    async def test_an_edit_that_changes_nothing_is_none(self, service: Service, ada: Person) -> None:
        before = await ada.get("/v1/me")
        again = await ada.patch("/v1/me", name="Ada", username="ADA")
        assert (again.json(), again.headers["etag"]) == (before.json(), before.headers["etag"])
        assert "user.updated" not in {event.action for event in await service.events()}

    async def test_what_changed_is_in_the_trail(self, service: Service, ada: Person) -> None:
        await ada.patch("/v1/me", name=None)
        updated = next(event for event in await service.events() if event.action == "user.updated")
        assert (updated.subject, updated.changes) == (f"user:{ada.id}", {"name": {"before": "Ada", "after": None}})

    async def test_who_acts_as_another_changes_nothing_of_theirs(self, service: Service, ada: Person) -> None:
        admin = await service.admin()
        acting = (await admin.post(f"/v1/users/{ada.id}/impersonate")).json()["access_token"]
        other = service.anyone.saying(**presenting(acting))
        assert (await other.get("/v1/me")).json()["id"] == ada.id
        for answer in (
            await other.patch("/v1/me", name="Eve"),
            await changed(other),
            await other.put("/v1/me/email", email="eve@example.org", current_password=PASSWORD),
            await other.post("/v1/auth/email/verification"),
        ):
            assert refusal(answer) == (403, "forbidden_in_impersonation")


class TestPassword:
    async def test_the_other_sessions_end_and_this_one_goes_on(self, service: Service, ada: Person) -> None:
        other = await signed_in(service)
        robot = await ada.key()
        answer = await changed(ada)
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await ada.get("/v1/me")).status_code == 200
        assert refusal(await other.get("/v1/me")) == (401, "invalid_credential")
        assert (await robot.get("/v1/projects")).status_code == 200
        assert (await service.sign_in("ada", NEW))["access_token"]
        old = await service.anyone.token(grant_type="password", username="ada", password=PASSWORD)
        assert old.json()["error"] == "invalid_grant"
        refreshed = await ada.token(grant_type="refresh_token", refresh_token=ada.tokens["refresh_token"])
        assert refreshed.status_code == 200

    async def test_it_is_in_the_trail_and_told_by_mail(self, service: Service, ada: Person) -> None:
        await service.deliver()
        await signed_in(service)
        await changed(ada)
        event = next(event for event in await service.events() if event.action == "user.password_changed")
        assert (event.subject, event.changes) == (f"user:{ada.id}", {"sessions_ended": 1})
        (mail,) = await service.deliver()
        assert (mail.to, mail.subject) == (ada.email, "Your password for 127.0.0.1:8000 was changed")
        assert not {PASSWORD, NEW} & set(mail.text.split("\n"))

    async def test_a_wrong_one_changes_nothing_and_is_in_the_trail(self, service: Service, ada: Person) -> None:
        other = await signed_in(service)
        assert refusal(await changed(ada, current="wrong")) == (403, "wrong_password")
        assert (await other.get("/v1/me")).status_code == 200
        refused = next(event for event in await service.events() if event.action == "user.password_refused")
        assert (refused.subject, str(refused.user_id)) == (f"user:{ada.id}", ada.id)

    @pytest.mark.parametrize("current", ["", f" {PASSWORD}", PASSWORD.upper(), "x" * 5000, "\x00", NEW], ids=ascii)
    async def test_only_the_whole_current_one_is_right(self, ada: Person, current: str) -> None:
        assert refusal(await changed(ada, current=current)) in {(403, "wrong_password"), (400, "malformed_request")}
        assert (await changed(ada)).status_code == 204

    @pytest.mark.parametrize(
        "new",
        ["short", "x" * 129, "abababababababab", "ada@example.org.1815", "abcdefghijklmnop", "a bell\x07 in here.."],
    )
    async def test_one_that_is_not_accepted_is_pointed_at(self, ada: Person, new: str) -> None:
        assert pointers(await changed(ada, new)) == ["/new_password"]
        assert (await changed(ada)).status_code == 204

    @pytest.mark.parametrize(
        "new", [PASSWORD, PASSWORD.replace("c", "\uff43"), PASSWORD.replace(" ", "\u00a0")], ids=ascii
    )
    async def test_the_one_that_they_have_is_no_new_one_however_it_is_spelled(
        self, service: Service, ada: Person, new: str
    ) -> None:
        other = await signed_in(service)
        assert pointers(await changed(ada, new)) == ["/new_password"]
        assert (await other.get("/v1/me")).status_code == 200

    async def test_a_link_that_was_mailed_before_is_dead(self, service: Service, ada: Person) -> None:
        await service.anyone.post("/v1/auth/password/forgot", email=ada.email)
        token = await service.mailed_token(ada.email)
        await changed(ada)
        reset = await service.anyone.post("/v1/auth/password/reset", token=token, password="yet another horse")
        assert pointers(reset) == ["/token"]

    async def test_guessing_the_current_one_is_slowed_and_a_right_one_then_too(
        self, service: Service, ada: Person
    ) -> None:
        answers = [await changed(ada, current=f"guess {n}") for n in range(12)]
        assert [refusal(answer) for answer in answers] == [(403, "wrong_password")] * 10 + [(429, "quota_exceeded")] * 2
        assert refusal(await changed(ada)) == (429, "quota_exceeded")
        assert (await ada.get("/v1/me")).status_code == 200
        service.advance(minutes=1)
        assert (await changed(ada)).status_code == 204

    async def test_who_guesses_in_a_session_slows_nobody_who_signs_in(self, service: Service, ada: Person) -> None:
        for n in range(12):
            await changed(ada, current=f"guess {n}")
        assert await service.sign_in("ada")

    async def test_a_key_has_no_password(self, ada: Person) -> None:
        assert refusal(await changed(await ada.key())) == (403, "credential_kind_not_allowed")


def routes(*doors: Door) -> Iterator[tuple[str, str]]:
    """Method and path of every route behind one of *doors*, the path filled in."""
    for route in SAMPLE.app.routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if handler.opt.get("door") in doors:
                parts = (SOME_ID if part.startswith("{") else part for part in route.path_format.split("/"))
                yield method, "/".join(parts)


class TestAPasswordThatSomebodyElseHasSet:
    @pytest.fixture
    async def admin(self, service: Service) -> Person:
        return await service.admin()

    @pytest.fixture
    async def set_back(self, ada: Person, admin: Person) -> Person:
        """Ada, whose password is `NEW` now."""
        answer = await admin.put(f"/v1/users/{ada.id}/password", new_password=NEW)
        assert answer.status_code == 204, answer.text
        return ada

    async def test_all_their_sessions_end_and_their_keys_go_on(
        self, service: Service, ada: Person, admin: Person
    ) -> None:
        robot = await ada.key()
        await admin.put(f"/v1/users/{ada.id}/password", new_password=NEW)
        assert refusal(await ada.get("/v1/me")) == (401, "invalid_credential")
        assert (await robot.get("/v1/projects")).status_code == 200
        await signed_in(service, NEW)
        assert (await robot.get("/v1/projects")).status_code == 200

    @pytest.mark.parametrize(("method", "path"), sorted({*routes(Door.USER, Door.USER_OR_KEY)} - STILL_OPEN))
    async def test_until_they_change_it_every_other_route_says_so(
        self, service: Service, set_back: Person, method: str, path: str
    ) -> None:
        restricted = await signed_in(service, NEW)
        assert refusal(await restricted.send(method, path)) == (403, "password_change_required")

    @pytest.mark.parametrize(("method", "path"), sorted(routes(Door.SESSION, Door.USER, Door.USER_OR_KEY)))
    async def test_a_cookie_gets_no_further_than_a_token(
        self, service: Service, set_back: Person, method: str, path: str
    ) -> None:
        browser = await browsing(service, NEW)
        answer = await browser.send(method, path)
        if (method, path) in STILL_OPEN:
            assert answer.status_code in {204, 422}
        else:
            assert refusal(answer) == (403, "password_change_required")

    async def test_they_may_sign_out(self, service: Service, set_back: Person) -> None:
        restricted = await signed_in(service, NEW)
        assert (await restricted.delete("/v1/auth/session")).status_code == 204
        assert refusal(await restricted.delete("/v1/auth/session")) == (401, "invalid_credential")

    async def test_once_they_have_changed_it_all_is_as_before(self, service: Service, set_back: Person) -> None:
        restricted = await signed_in(service, NEW)
        assert pointers(await changed(restricted, NEW, NEW)) == ["/new_password"]
        assert pointers(await changed(restricted, NEW.replace("a", "\uff41"), NEW)) == ["/new_password"]
        assert refusal(await restricted.get("/v1/me")) == (403, "password_change_required")
        assert (await changed(restricted, "their own at last, truly", NEW)).status_code == 204
        assert (await restricted.get("/v1/me")).json()["id"] == set_back.id
        assert (await (await signed_in(service, "their own at last, truly")).get("/v1/me")).status_code == 200

    async def test_a_mailed_link_frees_them_too(self, service: Service, set_back: Person) -> None:
        await service.anyone.post("/v1/auth/password/forgot", email=set_back.email)
        token = await service.mailed_token(set_back.email)
        reset = await service.anyone.post("/v1/auth/password/reset", token=token, password="their own at last, truly")
        assert reset.status_code == 204
        assert (await (await signed_in(service, "their own at last, truly")).get("/v1/me")).status_code == 200


async def browsing(service: Service, password: str) -> Caller:
    """Ada in a browser of her own, on a page of ours."""
    browser = service.stranger("203.0.113.8")
    answer = await browser.sign_in("ada", password)
    assert answer.status_code == 201, answer.text
    return browser
