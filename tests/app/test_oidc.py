"""Signing in through a provider of identities, whatever stands behind the port."""

from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest

from app.composition import Rules
from domain.model.events import Event
from domain.services.registration import Registration
from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import Browser, Service, refusal, set_cookies

OIDC = "/v1/auth/oidc/corp"
CALLBACK = f"{OIDC}/callback"


async def sent_away(browser: Browser, way: str = "login", return_to: str = "/") -> str:
    answer = await browser.get(f"{OIDC}/{way}?return_to={quote(return_to)}")
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def signed_in(service: Service, browser: Browser, subject: str = "ada", **claims: object) -> httpx.Response:
    url = await sent_away(browser)
    return await browser.get(service.provider.approve(url, subject, **{"email": "ada@example.org", **claims}))


async def me(browser: Browser) -> dict[str, object]:
    answer = await browser.get("/v1/me")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def actions(service: Service) -> list[str]:
    return [event.action for event in await service.events()]


def with_rules(**rules: object) -> Service:
    fields = {name: getattr(NO_LIMITS, name) for name in NO_LIMITS.__slots__}
    return Service(memory_ports(rules=Rules(**{**fields, **rules})))


async def test_the_providers_are_listed(service: Service) -> None:
    answer = await service.anyone.get("/v1/auth/oidc")
    assert answer.json() == {"data": [{"provider": "corp", "issuer": "https://login.example.org"}]}


class TestSigningIn:
    async def test_a_first_sign_in_makes_the_user_and_a_second_finds_them(self, service: Service) -> None:
        browser = service.stranger()
        answer = await signed_in(service, browser, email_verified=True, name="Ada L.")
        assert (answer.status_code, answer.headers["location"]) == (302, "/")
        first = await me(browser)
        assert (first["email"], first["email_verified"], first["name"]) == ("ada@example.org", True, "Ada L.")

        another = service.stranger()
        await signed_in(service, another, email="moved@example.org")
        assert (await me(another))["id"] == first["id"]
        assert (await me(another))["email"] == "ada@example.org"

    async def test_it_leads_to_where_one_wanted_to_go(self, service: Service) -> None:
        browser = service.stranger()
        url = await sent_away(browser, return_to="/projects?page=2&a=%20#top")
        answer = await browser.get(service.provider.approve(url, email="ada@example.org"))
        assert answer.headers["location"] == "/projects?page=2&a=%20#top"

    async def test_the_browser_gets_a_session_of_its_own_with_its_csrf_token(self, service: Service) -> None:
        browser = service.stranger()
        cookies = set_cookies(await signed_in(service, browser))
        assert {"hexkey_session", "hexkey_csrf", "hexkey_device"} <= cookies.keys()
        assert cookies["hexkey_session"]["httponly"]
        [session] = (await browser.get("/v1/me/sessions")).json()["data"]
        assert (session["kind"], session["current"]) == ("cookie", True)
        assert (await browser.post("/v1/projects", name="Warehouse")).status_code == 201

    async def test_the_session_that_there_was_ends(self, service: Service) -> None:
        eve = await service.user("eve@example.org")
        browser = await service.browser(eve)
        before = browser.session
        await signed_in(service, browser)
        assert (await me(browser))["email"] == "ada@example.org"
        assert refusal(await service.anyone.saying(cookie=before).get("/v1/me")) == (401, "invalid_credential")

    async def test_to_register_asks_the_provider_for_an_account(self, service: Service) -> None:
        browser = service.stranger()
        url = await sent_away(browser, "register")
        assert dict(parse_qsl(urlsplit(url).query))["prompt"] == "create"
        await browser.get(service.provider.approve(url, email="new@example.org"))
        assert (await me(browser))["email"] == "new@example.org"

    async def test_an_address_that_the_provider_did_not_verify_is_verified_by_mail(self, service: Service) -> None:
        browser = service.stranger()
        await signed_in(service, browser)
        assert (await me(browser))["email_verified"] is False
        token = await service.mailed_token("ada@example.org")
        await service.anyone.post("/v1/auth/email/verify", token=token)
        assert (await me(browser))["email_verified"] is True

    async def test_it_is_in_the_trail(self, service: Service) -> None:
        await signed_in(service, service.stranger())
        events = await service.events()
        assert {event.action for event in events} == {"user.registered", "role.granted", "user.signed_in"}
        [event] = [event for event in events if event.action == "user.signed_in"]
        assert (event.changes or {})["provider"] == "corp"

    async def test_two_tabs_go_two_ways(self, service: Service) -> None:
        browser = service.stranger()
        first, second = await sent_away(browser, return_to="/1"), await sent_away(browser, return_to="/2")
        for url, to in ((first, "/1"), (second, "/2")):
            answer = await browser.get(service.provider.approve(url, email="ada@example.org"))
            assert (answer.status_code, answer.headers["location"]) == (302, to)

    @pytest.mark.parametrize("email", [None, "", "no address", "a@b@c", "x" * 300])
    async def test_without_an_address_nobody_is_made(self, service: Service, email: str | None) -> None:
        browser = service.stranger()
        assert refusal(await signed_in(service, browser, email=email)) == (400, "oidc_refused")
        assert await actions(service) == []

    async def test_a_name_that_cannot_be_one_here_is_left_out(self, service: Service) -> None:
        browser = service.stranger()
        await signed_in(service, browser, name="\u202e" * 9)
        assert (await me(browser))["name"] is None


class TestWhoseAccountItIs:
    async def test_an_account_with_that_verified_address_is_not_taken(self, service: Service) -> None:
        ada = await service.user("ada@example.org")
        await service.anyone.post("/v1/auth/email/verify", token=await service.mailed_token(ada.email))
        for verified in (True, False):
            browser = service.stranger()
            answer = await signed_in(service, browser, email_verified=verified)
            assert refusal(answer) == (409, "identity_not_linked")
            assert refusal(await browser.get("/v1/me")) == (401, "unauthenticated")

    async def test_an_address_that_nobody_proved_goes_to_who_did(self, service: Service) -> None:
        squatter = await service.user("ada@example.org")
        browser = service.stranger()
        await signed_in(service, browser, email_verified=True)
        assert (await me(browser))["id"] != squatter.id
        assert (await squatter.get("/v1/me")).json()["email"] != "ada@example.org"

    async def test_an_address_that_neither_proved_stays(self, service: Service) -> None:
        await service.user("ada@example.org")
        assert refusal(await signed_in(service, service.stranger())) == (409, "identity_not_linked")

    @pytest.mark.parametrize("registration", [Registration.CLOSED, Registration.INVITE])
    async def test_without_open_registration_only_who_is_linked_comes_in(self, registration: Registration) -> None:
        service = with_rules(registration=registration)
        admin = await service.admin()
        await service.identity(admin, "boss")
        assert refusal(await signed_in(service, service.stranger(), "stranger")) == (403, "registration_closed")
        browser = service.stranger()
        assert (await signed_in(service, browser, "boss")).status_code == 302
        assert (await me(browser))["id"] == admin.id

    async def test_closed_registration_tells_nobody_which_addresses_there_are(self) -> None:
        service = with_rules(registration=Registration.CLOSED)
        admin = await service.admin()
        answers = [await signed_in(service, service.stranger(), email=email) for email in (admin.email, "no@body.org")]
        assert [refusal(answer) for answer in answers] == [(403, "registration_closed")] * 2

    async def test_an_inactive_user_is_refused(self, service: Service) -> None:
        admin, ada = await service.admin(), await service.user("ada@example.org")
        await service.identity(ada, "ada")
        await admin.patch(f"/v1/users/{ada.id}", is_active=False)
        browser = service.stranger()
        assert refusal(await signed_in(service, browser)) == (401, "invalid_credential")
        assert refusal(await browser.get("/v1/me")) == (401, "unauthenticated")

    async def test_the_same_subject_of_another_issuer_is_somebody_else(self, service: Service) -> None:
        first, second = service.stranger(), service.stranger()
        await signed_in(service, first)
        await signed_in(service, second, issuer="https://login.example.org/", email="other@example.org")
        assert (await me(first))["id"] != (await me(second))["id"]


class TestLinking:
    async def test_an_identity_is_linked_by_who_is_signed_in(self, service: Service) -> None:
        ada = await service.user("ada@example.org")
        identity_id = await service.identity(ada, "elsewhere", email="ada@corp.example", given_name="Ada")
        [identity] = (await ada.get("/v1/me/identities")).json()["data"]
        assert (identity["id"], identity["provider"], identity["subject"]) == (identity_id, "corp", "elsewhere")
        assert (identity["email"], identity["given_name"]) == ("ada@corp.example", "Ada")
        browser = service.stranger()
        await signed_in(service, browser, "elsewhere")
        assert (await me(browser))["id"] == ada.id

    async def test_its_owner_hears_of_it_and_it_is_in_the_trail(self, service: Service) -> None:
        ada = await service.user("ada@example.org")
        await service.deliver()
        identity_id = await service.identity(ada)
        [linked] = await service.deliver()
        assert (linked.to, "Another way to sign in" in linked.subject) == (ada.email, True)
        await ada.delete(f"/v1/me/identities/{identity_id}")
        [removed] = await service.deliver()
        assert (removed.to, "One way less" in removed.subject) == (ada.email, True)
        assert {"identity.linked", "identity.removed"} <= {*await actions(service)}

    async def test_the_session_goes_on(self, service: Service) -> None:
        ada = await service.user("ada@example.org")
        browser = await service.browser(ada)
        before = browser.session
        url = await sent_away(browser, "link", "/settings")
        answer = await browser.get(service.provider.approve(url))
        assert (answer.status_code, answer.headers["location"], browser.session) == (302, "/settings", before)

    async def test_an_identity_of_somebody_else_is_not_linked(self, service: Service) -> None:
        ada, eve = await service.user("ada@example.org"), await service.user("eve@example.org")
        await service.identity(ada, "ada")
        browser = await service.browser(eve)
        url = await sent_away(browser, "link")
        assert refusal(await browser.get(service.provider.approve(url, "ada"))) == (409, "identity_taken")
        assert (await eve.get("/v1/me/identities")).json()["data"] == []

    async def test_to_link_the_same_again_changes_nothing(self, service: Service) -> None:
        ada = await service.user("ada@example.org")
        assert await service.identity(ada, "ada") == await service.identity(ada, "ada")
        assert (await actions(service)).count("identity.linked") == 1

    async def test_only_a_page_of_ours_begins_it(self, service: Service) -> None:
        browser = await service.browser(await service.user())
        for site in ("cross-site", "same-site", "none"):
            answer = await browser.saying(sec_fetch_site=site).get(f"{OIDC}/link")
            assert refusal(answer) == (403, "csrf_failed"), site

    async def test_only_a_session_of_a_browser_begins_it(self, service: Service) -> None:
        ada = await service.user()
        assert refusal(await service.anyone.get(f"{OIDC}/link")) == (401, "unauthenticated")
        for caller in (ada, await ada.key()):
            assert refusal(await caller.get(f"{OIDC}/link")) == (403, "credential_kind_not_allowed")

    async def test_it_does_not_outlive_the_session_that_asked(self, service: Service) -> None:
        ada = await service.user("ada@example.org")
        browser = await service.browser(ada)
        url = await sent_away(browser, "link")
        await ada.delete("/v1/me/sessions")
        assert refusal(await browser.get(service.provider.approve(url))) == (400, "oidc_refused")
        assert (await ada.get("/v1/me/identities")).json()["data"] == []


class TestRemoving:
    async def test_a_removed_identity_signs_nobody_in(self, service: Service) -> None:
        ada = await service.user("ada@example.org")
        await service.anyone.post("/v1/auth/email/verify", token=await service.mailed_token(ada.email))
        identity_id = await service.identity(ada, "ada")
        assert (await ada.delete(f"/v1/me/identities/{identity_id}")).status_code == 204
        answer = await signed_in(service, service.stranger(), email_verified=True)
        assert refusal(answer) == (409, "identity_not_linked")
        assert refusal(await ada.delete(f"/v1/me/identities/{identity_id}")) == (404, "not_found")

    async def test_the_last_way_to_sign_in_stays(self, service: Service) -> None:
        browser = service.stranger()
        await signed_in(service, browser)
        [identity] = (await browser.get("/v1/me/identities")).json()["data"]
        where = f"/v1/me/identities/{identity['id']}"
        assert refusal(await browser.delete(where)) == (409, "last_sign_in_method")
        url = await sent_away(browser, "link")
        await browser.get(service.provider.approve(url, "another"))
        assert (await browser.delete(where)).status_code == 204
        [last] = (await browser.get("/v1/me/identities")).json()["data"]
        assert refusal(await browser.delete(f"/v1/me/identities/{last['id']}")) == (409, "last_sign_in_method")

    async def test_nobody_removes_that_of_somebody_else(self, service: Service) -> None:
        ada, eve = await service.user("ada@example.org"), await service.user("eve@example.org")
        identity_id = await service.identity(ada)
        assert refusal(await eve.delete(f"/v1/me/identities/{identity_id}")) == (404, "not_found")


class TestWithoutAPassword:
    """Who signs in elsewhere only proves themselves by having just done so."""

    CHANGE = {"current_password": "", "new_password": "correct horse battery staple"}
    MOVE = {"current_password": "", "email": "moved@example.org"}

    async def test_a_fresh_sign_in_sets_a_password(self, service: Service) -> None:
        browser = service.stranger()
        await signed_in(service, browser, email_verified=True)
        service.advance(minutes=5)
        assert (await browser.put("/v1/me/password", **self.CHANGE)).status_code == 204
        assert (await service.stranger().sign_in("ada@example.org")).status_code == 201

    async def test_one_that_is_older_does_not_nor_changes_the_address(self, service: Service) -> None:
        browser = service.stranger()
        await signed_in(service, browser)
        service.advance(minutes=5, seconds=1)
        assert refusal(await browser.put("/v1/me/password", **self.CHANGE)) == (403, "wrong_password")
        assert refusal(await browser.put("/v1/me/email", **self.MOVE)) == (403, "wrong_password")
        await signed_in(service, browser)
        assert (await browser.put("/v1/me/email", **self.MOVE)).status_code == 202

    async def test_it_is_no_way_round_a_password_that_is_there(self, service: Service) -> None:
        ada = await service.user("ada@example.org")
        await service.identity(ada, "ada")
        browser = service.stranger()
        await signed_in(service, browser)
        for path, body in (("password", self.CHANGE), ("email", self.MOVE)):
            assert refusal(await browser.put(f"/v1/me/{path}", **body)) == (403, "wrong_password")


class TestWhatComesBack:
    @pytest.mark.parametrize(
        "query", ["", "code=x", "state=x", "state=&code=x", "state=x&code=x", "error=access_denied"]
    )
    async def test_without_a_state_of_ours_it_is_refused(self, service: Service, query: str) -> None:
        assert refusal(await service.stranger().get(f"{CALLBACK}?{query}")) == (400, "oidc_refused")

    async def test_a_state_is_good_once(self, service: Service) -> None:
        browser = service.stranger()
        back = service.provider.approve(await sent_away(browser), email="ada@example.org")
        cookie = browser.cookie
        assert (await browser.get(back)).status_code == 302
        again = service.stranger().saying(cookie=cookie)
        assert refusal(await again.get(back)) == (400, "oidc_refused")

    async def test_a_stolen_answer_is_nothing_in_another_browser_and_the_owner_still_arrives(
        self, service: Service
    ) -> None:
        owner, thief = service.stranger(), service.stranger()
        back = service.provider.approve(await sent_away(owner), email="ada@example.org")
        await sent_away(thief)
        assert refusal(await thief.get(back)) == (400, "oidc_refused")
        assert (await owner.get(back)).status_code == 302

    async def test_nobody_is_signed_in_as_somebody_else_by_an_answer_that_is_slipped_to_them(
        self, service: Service
    ) -> None:
        """Login CSRF: the attacker's own code and state, in the browser of the victim."""
        attacker, victim = service.stranger(), service.stranger()
        back = service.provider.approve(await sent_away(attacker), "attacker", email="attacker@example.org")
        await sent_away(victim)
        assert refusal(await victim.get(back)) == (400, "oidc_refused")
        assert refusal(await victim.get("/v1/me")) == (401, "unauthenticated")

    async def test_a_code_that_was_made_for_another_way_is_refused(self, service: Service) -> None:
        """Code injection: the victim's code, in the attacker's own way."""
        attacker, victim = service.stranger(), service.stranger()
        stolen = service.provider.approve(await sent_away(victim), email="victim@example.org")
        code = dict(parse_qsl(urlsplit(stolen).query))["code"]
        own = dict(parse_qsl(urlsplit(await sent_away(attacker)).query))["state"]
        assert refusal(await attacker.get(f"{CALLBACK}?code={code}&state={own}")) == (400, "oidc_refused")

    async def test_a_late_answer_is_refused(self, service: Service) -> None:
        browser = service.stranger()
        back = service.provider.approve(await sent_away(browser), email="ada@example.org")
        service.advance(minutes=10)
        assert refusal(await browser.get(back)) == (400, "oidc_refused")

    async def test_another_issuer_beside_the_code_is_refused(self, service: Service) -> None:
        browser = service.stranger()
        back = service.provider.approve(await sent_away(browser), email="ada@example.org")
        assert refusal(await browser.get(back.rpartition("&iss=")[0] + "&iss=https://evil.example")) == (
            400,
            "oidc_refused",
        )

    async def test_an_answer_to_one_provider_is_none_to_another(self, service: Service) -> None:
        """Mix-up: the way was to one provider, and the answer comes to the address of another."""
        ports = memory_ports()
        two = {"corp": ports.identity_providers["corp"], "other": ports.identity_providers["corp"]}
        service = Service(memory_ports(identity_providers=two))
        browser = service.stranger()
        back = service.provider.approve(await sent_away(browser), email="ada@example.org")
        assert refusal(await browser.get(back.replace("/corp/", "/other/"))) == (400, "oidc_refused")
        assert refusal(await browser.get(back)) == (400, "oidc_refused"), "and it is spent"

    async def test_a_refusal_of_the_provider_is_one_here_and_spends_the_state(self, service: Service) -> None:
        browser = service.stranger()
        url = await sent_away(browser)
        state = dict(parse_qsl(urlsplit(url).query))["state"]
        answer = await browser.get(f"{CALLBACK}?state={state}&error=access_denied&error_description=%3Cb%3Eevil")
        assert refusal(answer) == (400, "oidc_refused")
        assert "evil" not in answer.text
        assert refusal(await browser.get(service.provider.approve(url))) == (400, "oidc_refused")

    async def test_an_unknown_provider_is_not_found(self, service: Service) -> None:
        browser = await service.browser(await service.user())
        for way in ("login", "register", "link", "callback"):
            assert refusal(await browser.get(f"/v1/auth/oidc/nobody/{way}")) == (404, "not_found"), way
        assert refusal(await browser.post("/v1/auth/oidc/nobody/logout")) == (404, "not_found")

    async def test_while_the_provider_is_away_it_is_503_and_all_else_goes_on(self, service: Service) -> None:
        ada = await service.user("ada@example.org")
        browser = service.stranger()
        url = await sent_away(browser)
        back = service.provider.approve(url, email="ada@example.org")
        service.provider.away = True
        for answer in (await browser.get(f"{OIDC}/login"), await browser.get(back)):
            assert refusal(answer) == (503, "unavailable")
            assert answer.headers["retry-after"]
        assert (await ada.get("/v1/me")).status_code == 200

    async def test_too_many_ways_from_one_address_are_stopped(self) -> None:
        service = with_rules(sign_in_limit=Rules().sign_in_limit)
        browser = service.stranger()
        for _ in range(20):
            await sent_away(browser)
        assert refusal(await browser.get(f"{OIDC}/login")) == (429, "quota_exceeded")


ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/%2Fevil.example",
    "/%5Cevil.example",
    "%2F%2Fevil.example",
    "/%252Fevil.example",
    "/%25252Fevil.example",
    "/\tevil.example",
    "/%09/evil.example",
    "/\n/evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    " //evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "https:evil.example",
    "http:///evil.example",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "",
    "/..//evil.example",
    "/./%2e%2e//evil.example",
    "/a/../..//evil.example",
    "/%E3%80%82evil.example\u3002",
    "/" + "a" * 1024,
    "/%" + "25" * 12 + "2Fevil.example",
    "/%ff",
    "?x=1",
    "#x",
]


@pytest.mark.parametrize("return_to", ELSEWHERE)
@pytest.mark.parametrize("way", ["login", "register", "link"])
async def test_nobody_is_sent_elsewhere(service: Service, way: str, return_to: str) -> None:
    browser = await service.browser(await service.user())
    answer = await browser.get(f"{OIDC}/{way}?return_to={quote(return_to, safe='')}")
    assert refusal(answer) == (422, "invalid_input"), answer.headers.get("location")
    assert [problem["pointer"] for problem in answer.json()["errors"]] == ["/return_to"]


@pytest.mark.parametrize(
    "return_to", ["/", "/a", "/a/b.c?d=e&f=https://other.example//x#g", "/%C3%A9", "/a%20b", "/?next=%2Fa", "/~u/@b:c"]
)
async def test_a_path_of_ours_is_gone_back_to_as_it_was_written(service: Service, return_to: str) -> None:
    browser = service.stranger()
    answer = await browser.get(f"{OIDC}/login?return_to={quote(return_to, safe='')}")
    back = await browser.get(service.provider.approve(answer.headers["location"], email="ada@example.org"))
    assert back.headers["location"] == return_to


class TestSigningOut:
    async def test_it_ends_the_session_and_tells_where_the_provider_ends_its_own(self, service: Service) -> None:
        browser = service.stranger()
        await signed_in(service, browser)
        session = browser.session
        answer = await browser.post(f"{OIDC}/logout")
        assert answer.status_code == 200
        home = quote("http://127.0.0.1:8000/", safe="")
        assert answer.json() == {"redirect_to": f"https://login.example.org/logout?post_logout_redirect_uri={home}"}
        assert "hexkey_session" not in browser.jar
        assert refusal(await service.anyone.saying(cookie=session).get("/v1/me")) == (401, "invalid_credential")

    async def test_a_provider_that_is_away_keeps_nobody_signed_in(self, service: Service) -> None:
        browser = service.stranger()
        await signed_in(service, browser)
        session = browser.session
        service.provider.away = True
        answer = await browser.post(f"{OIDC}/logout")
        assert (answer.status_code, answer.json()) == (200, {"redirect_to": "http://127.0.0.1:8000/"})
        assert refusal(await service.anyone.saying(cookie=session).get("/v1/me")) == (401, "invalid_credential")

    async def test_it_needs_the_csrf_token(self, service: Service) -> None:
        browser = service.stranger()
        await signed_in(service, browser)
        answer = await browser.saying(x_csrf_token="no").post(f"{OIDC}/logout")
        assert refusal(answer) == (403, "csrf_failed")


async def told(service: Service, **claims: object) -> httpx.Response:
    """The provider says that somebody signed out there."""
    token = service.provider.logout_token(**claims)
    return await service.anyone.send("POST", f"{OIDC}/backchannel-logout", data={"logout_token": token})


async def is_in(browser: Browser) -> bool:
    return (await browser.get("/v1/me")).status_code == 200


class TestSigningOutThere:
    @pytest.fixture
    async def browsers(self, service: Service) -> tuple[Browser, Browser, Browser, Browser]:
        """Ada in two sign-ins of the provider's, Bob in one, and Ada by her password."""
        one, two, bob, own = (service.stranger() for _ in range(4))
        await signed_in(service, one, session="1")
        await signed_in(service, two, session="2")
        await signed_in(service, bob, "bob", session="3", email="bob@example.org")
        admin = await service.admin()
        await own.sign_in(admin.email)
        return one, two, bob, own

    async def test_one_sign_in_ends(self, service: Service, browsers) -> None:
        assert (await told(service, session="1")).status_code == 200
        assert [await is_in(browser) for browser in browsers] == [False, True, True, True]

    async def test_all_of_somebody_end(self, service: Service, browsers) -> None:
        assert (await told(service, subject="ada")).status_code == 200
        assert [await is_in(browser) for browser in browsers] == [False, False, True, True]

    async def test_both_must_fit_where_both_are_told(self, service: Service, browsers) -> None:
        await told(service, subject="ada", session="3")
        await told(service, subject="bob", session="3")
        assert [await is_in(browser) for browser in browsers] == [True, True, False, True]

    async def test_another_issuer_ends_nothing(self, service: Service, browsers) -> None:
        await told(service, subject="ada", issuer="https://evil.example")
        assert [await is_in(browser) for browser in browsers] == [True] * 4

    async def test_what_began_after_it_goes_on(self, service: Service, browsers) -> None:
        token = service.provider.logout_token(subject="ada")
        service.advance(minutes=2)
        later = service.stranger()
        await signed_in(service, later)
        for _ in range(2):
            await service.anyone.send("POST", f"{OIDC}/backchannel-logout", data={"logout_token": token})
        assert [await is_in(browser) for browser in (*browsers, later)] == [False, False, True, True, True]

    async def test_one_that_is_not_the_providers_is_refused(self, service: Service, browsers) -> None:
        answer = await service.anyone.send("POST", f"{OIDC}/backchannel-logout", data={"logout_token": "forged"})
        assert refusal(answer) == (400, "oidc_refused")
        assert [await is_in(browser) for browser in browsers] == [True] * 4

    async def test_it_is_a_form_with_a_token(self, service: Service) -> None:
        where = f"{OIDC}/backchannel-logout"
        assert refusal(await service.anyone.send("POST", where, data={"a": "b"})) == (422, "invalid_input")
        assert refusal(await service.anyone.post(where, logout_token="x")) == (415, "unsupported_media_type")

    async def test_however_many_a_provider_sends_none_is_turned_away(self) -> None:
        service = Service(memory_ports(rules=Rules(anonymous_limit=Rules().anonymous_limit)))
        answers = [await told(service, subject="nobody") for _ in range(70)]
        assert {answer.status_code for answer in answers} == {200}


async def test_nothing_of_the_way_is_in_the_trail(service: Service) -> None:
    browser = service.stranger()
    await signed_in(service, browser)
    kept: list[Event] = await service.events()
    assert kept
    assert not [event for event in kept if "state" in str(event.changes)]


async def test_who_came_so_is_a_person_like_any_other(service: Service) -> None:
    browser = service.stranger()
    await signed_in(service, browser)
    answer = await browser.post("/v1/api-keys", name="robot", scopes=["read"])
    assert answer.status_code == 201
    held = (await browser.get("/v1/me/export")).json()
    assert [(one["provider"], one["subject"]) for one in held["identities"]] == [("corp", "ada")]


def test_an_identity_is_no_secret_and_a_way_is() -> None:
    """What stands in logs where somebody writes a value into one."""
    from adapters.security.handshakes import HmacHandshakes

    handshake = HmacHandshakes().begin()
    assert handshake.cookie not in repr(handshake)
    assert handshake.verifier not in repr(handshake)
