"""Signing in through the certified provider, and through one that cheats, at two real workers."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.support.certified import CLIENT, SECRET, CertifiedProvider, certified_provider
from tests.support.openid import MISSING, OpenIdProvider, hs256, jws, listening, redirect, said, signing_key
from tests.support.process import PASSWORD, Installation, Server, free_port, installation

STALENESS = 0.5  # seconds after which no worker takes what was ended
HOUR_AGO = int(time.time()) - 3600
FRESH = httpx.Limits(max_keepalive_connections=0)
"""Each request on a connection of its own: whichever worker takes it."""


@dataclass(frozen=True)
class World:
    """A service with three providers: *certified* is called ``real``, *cheat* ``fake``, and nobody is at ``away``."""

    installed: Installation
    server: Server
    certified: CertifiedProvider
    cheat: OpenIdProvider
    away_port: int


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    port, away_port, folder = free_port(), free_port(), tmp_path_factory.mktemp(request.param)
    public_url = f"http://127.0.0.1:{port}"
    with (
        certified_provider(public_url, "real") as certified,
        listening(OpenIdProvider(client_id="fake-client", client_secret=None)) as cheat,
        installation(
            folder,
            request.param,
            HEXKEY_PUBLIC_URL=public_url,
            HEXKEY_OIDC__REAL__ISSUER=certified.issuer,
            HEXKEY_OIDC__REAL__CLIENT_ID=CLIENT,
            HEXKEY_OIDC__REAL__CLIENT_SECRET=SECRET,
            HEXKEY_OIDC__FAKE__ISSUER=cheat.issuer,
            HEXKEY_OIDC__FAKE__CLIENT_ID="fake-client",
            HEXKEY_OIDC__AWAY__ISSUER=f"http://127.0.0.1:{away_port}",
            HEXKEY_OIDC__AWAY__CLIENT_ID="away-client",
        ) as installed,
    ):
        installed.migrate()
        with installed.server(workers=2, port=port) as server:
            yield World(installed, server, certified, cheat, away_port)
            assert server.stop() == 0, server.said


@pytest.fixture
def cheat(world: World) -> Iterator[OpenIdProvider]:
    """Honest again when the test is over."""
    honest = replace(world.cheat)
    yield world.cheat
    for name in ("keys", "person", "discovery", "header", "claims", "granted", "replies"):
        setattr(world.cheat, name, getattr(honest, name))


class Browser:
    """One that keeps cookies, goes where it is told, and fills in the provider's form."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.home = world.server.url
        self.client = httpx.Client(base_url=self.home, limits=FRESH, timeout=20)

    def depart(self, provider: str = "real", way: str = "login", **query: str) -> str:
        """The address at the provider to which it is sent."""
        answer = self.client.get(f"/v1/auth/oidc/{provider}/{way}", params=query)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def at_provider(self, url: str, person: str) -> str:
        """The address to which *person*, signed in there, is sent back."""
        while not url.startswith(self.home):
            answer = self.client.get(url)
            if answer.status_code == 200:
                self.asked = re.search("<title>(.*)</title>", answer.text)[1]  # type: ignore[index]
                answer = self.client.post(url, data={"name": person})
            assert answer.status_code in {302, 303}, answer.text
            url = str(answer.url.join(answer.headers["location"]))
        return url

    def sign_in(self, person: str, provider: str = "real", way: str = "login", **query: str) -> httpx.Response:
        return self.client.get(self.at_provider(self.depart(provider, way, **query), person))

    @property
    def is_in(self) -> bool:
        """At whichever worker."""
        [status] = {self.client.get("/v1/me").status_code for _ in range(8)}
        assert status in {200, 401}
        return status == 200

    def me(self) -> Any:
        return self.client.get("/v1/me").json()

    def post(self, path: str) -> httpx.Response:
        return self.client.post(path, headers={"x-csrf-token": self.client.cookies["hexkey_csrf"]})


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world)


@pytest.fixture
def other(world: World) -> Browser:
    return Browser(world)


def refused(answer: httpx.Response) -> str:
    """The sentence; nobody was signed in."""
    assert (answer.status_code, answer.json()["code"]) == (400, "oidc_refused"), answer.text
    assert "hexkey_session" not in answer.headers.get("set-cookie", "")
    detail: str = answer.json()["detail"]
    return detail


class TestTheCertifiedProvider:
    def test_whoever_registers_there_has_an_account_here(self, world: World, browser: Browser) -> None:
        arrived = browser.sign_in("hedy", way="register", return_to="/projects?page=2")
        assert browser.asked == "create"
        assert (arrived.status_code, arrived.headers["location"]) == (302, "/projects?page=2")
        me = browser.me()
        assert (me["email"], me["email_verified"], me["name"]) == ("hedy@example.org", True, "Hedy of the provider")
        (identity,) = browser.client.get("/v1/me/identities").json()["data"]
        assert (identity["provider"], identity["issuer"], identity["subject"]) == (
            "real",
            world.certified.issuer,
            "hedy",
        )

    def test_whoever_comes_again_is_the_same_in_a_session_of_their_own(self, browser: Browser, other: Browser) -> None:
        assert browser.sign_in("ada").headers["location"] == "/"
        assert browser.asked == "login"
        other.sign_in("ada")
        assert browser.me()["id"] == other.me()["id"]
        assert browser.client.cookies["hexkey_session"] != other.client.cookies["hexkey_session"]
        sessions = browser.client.get("/v1/me/sessions").json()["data"]
        assert len(sessions) >= 2
        assert [session["current"] for session in sessions].count(True) == 1

    def test_who_is_signed_in_there_already_is_asked_nothing(self, browser: Browser) -> None:
        browser.sign_in("ada")
        first = browser.client.cookies["hexkey_session"]
        browser.sign_in("nobody is asked")
        assert browser.me()["email"] == "ada@example.org"
        assert browser.client.cookies["hexkey_session"] != first

    def test_whoever_says_no_there_is_not_signed_in(self, browser: Browser) -> None:
        assert "did not sign you in" in refused(browser.sign_in("somebody unknown"))
        assert not browser.is_in

    def test_a_session_outlives_the_process(self, world: World, browser: Browser) -> None:
        browser.sign_in("ada")
        with world.installed.server() as restarted:
            cookie = {"hexkey_session": browser.client.cookies["hexkey_session"]}
            answer = httpx.get(f"{restarted.url}/v1/me", cookies=cookie, timeout=10)
            assert answer.json()["email"] == "ada@example.org"

    def test_many_at_once_all_arrive(self, world: World) -> None:
        people = [f"person{number}" for number in range(8)]
        with ThreadPoolExecutor(8) as crowd:
            answers = list(crowd.map(lambda person: Browser(world).sign_in(person, way="register"), people))
        assert [answer.status_code for answer in answers] == [302] * 8


class TestTheWayBack:
    @pytest.mark.parametrize(
        "change",
        [
            {"state": "A" * 43},
            {"state": ""},
            {"state": None},
            {"code": "A" * 43},
            {"code": None},
            {"iss": "https://evil.example.org"},
            {"iss": None},
            {"error": "access_denied"},
        ],
        ids=str,
    )
    def test_what_was_changed_on_the_way_is_refused(self, browser: Browser, change: dict[str, str | None]) -> None:
        back = browser.at_provider(browser.depart(), "ada")
        brought = dict(parse_qsl(urlsplit(back).query)) | change
        query = {name: value for name, value in brought.items() if value is not None}
        refused(browser.client.get(urlsplit(back).path, params=query))
        assert not browser.is_in

    def test_a_state_is_good_once(self, browser: Browser) -> None:
        back = browser.at_provider(browser.depart(), "ada")
        cookies = dict(browser.client.cookies)
        assert browser.client.get(back).status_code == 302
        replaying = httpx.Client(cookies=cookies, limits=FRESH, timeout=20)
        refused(replaying.get(back))

    def test_of_many_at_once_one_arrives(self, browser: Browser) -> None:
        back = browser.at_provider(browser.depart(), "ada")
        cookies = dict(browser.client.cookies)

        def arrive(_: int) -> httpx.Response:
            return httpx.get(back, cookies=cookies, timeout=20)

        with ThreadPoolExecutor(8) as crowd:
            answers = list(crowd.map(arrive, range(8)))
        assert sorted(answer.status_code for answer in answers) == [302] + [400] * 7

    def test_a_stolen_answer_is_nothing_in_another_browser(self, browser: Browser, other: Browser) -> None:
        back = browser.at_provider(browser.depart(), "ada")
        refused(other.client.get(back))
        other.depart()
        refused(other.client.get(back))
        assert not other.is_in
        assert browser.client.get(back).status_code == 302
        assert browser.is_in

    def test_a_stolen_code_is_nothing_on_another_way(self, browser: Browser, other: Browser) -> None:
        """Code injection: the state and the cookie are the thief's own, and so are the challenge and the nonce."""
        stolen = dict(parse_qsl(urlsplit(browser.at_provider(browser.depart(), "ada")).query))["code"]
        mine = other.at_provider(other.depart(), "grace")
        own = dict(parse_qsl(urlsplit(mine).query)) | {"code": stolen}
        assert refused(other.client.get(urlsplit(mine).path, params=own)) == "the provider does not accept the code"
        assert not other.is_in

    def test_an_answer_of_one_provider_is_none_at_another(self, browser: Browser) -> None:
        """Mix-up: neither has the other's code."""
        back = browser.at_provider(browser.depart(), "ada")
        refused(browser.client.get(back.replace("/oidc/real/", "/oidc/fake/")))
        assert browser.world.cheat.asked("/token") == 0
        assert not browser.is_in


class TestAProviderThatCheats:
    def test_while_it_does_not_it_signs_people_in(self, browser: Browser, cheat: OpenIdProvider) -> None:
        cheat.person = {"sub": "honest", "email": "honest@example.org", "email_verified": True}
        assert browser.sign_in("", "fake").status_code == 302
        assert browser.me()["email"] == "honest@example.org"

    @pytest.mark.parametrize(
        ("lie", "detail"),
        [
            ({"claims": {"exp": HOUR_AGO}}, "the ID token has expired"),
            ({"claims": {"iat": HOUR_AGO}}, "the ID token has expired"),
            ({"claims": {"iat": HOUR_AGO + 7200}}, "the ID token is not valid yet"),
            ({"claims": {"iss": "https://evil.example.org"}}, "the ID token is from another issuer"),
            ({"claims": {"aud": "other"}}, "the ID token was made for another client"),
            ({"claims": {"azp": "other"}}, "the ID token was made for another client"),
            ({"claims": {"nonce": "other"}}, "the ID token belongs to another sign-in"),
            ({"claims": {"nonce": MISSING}}, "the ID token does not say what it must"),
            ({"claims": {"sub": ""}}, "the ID token does not say what it must"),
            ({"claims": {"at_hash": "other"}}, "the ID token belongs to another access token"),
            ({"header": {"alg": "none"}}, "the ID token is signed in a way that is not accepted"),
            ({"header": {"alg": "HS256"}}, "the ID token is signed in a way that is not accepted"),
            ({"header": {"jku": "https://evil.example.org"}}, "the ID token brings its own key or its own rules"),
            ({"header": {"typ": "logout+jwt"}}, "the ID token is a token of another kind"),
            ({"granted": {"id_token": "a.b.c"}}, "the ID token cannot be read"),
        ],
        ids=lambda value: value if isinstance(value, str) else " ".join(next(iter(value.values()))),
    )
    def test_its_tokens_sign_nobody_in(
        self, browser: Browser, cheat: OpenIdProvider, lie: dict[str, Any], detail: str
    ) -> None:
        for name, value in lie.items():
            setattr(cheat, name, value)
        assert refused(browser.sign_in("", "fake")) == detail
        assert not browser.is_in

    def test_nor_does_one_that_somebody_else_signed(self, browser: Browser, cheat: OpenIdProvider) -> None:
        claims = {"iss": cheat.issuer, "aud": "fake-client", "sub": "ada", "iat": int(time.time()), "nonce": "x"}
        claims["exp"] = int(time.time()) + 60
        stranger, key = signing_key("ES256", "stranger"), cheat.keys[0]
        for token in (
            jws({"alg": "ES256", "kid": key.kid}, claims, stranger.sign),
            jws({"alg": "HS256", "kid": key.kid}, claims, hs256(key.pem)),
            jws({"alg": "none"}, claims, lambda _: b""),
        ):
            cheat.granted = {"id_token": token}
            refused(browser.sign_in("", "fake"))
        assert not browser.is_in

    @pytest.mark.parametrize(
        "reply", [said({}, 500), redirect("http://127.0.0.1:1/"), said([]), replace(said({}), body=b" " * 300_000)]
    )
    def test_what_is_no_answer_is_503(self, browser: Browser, cheat: OpenIdProvider, reply: Any) -> None:
        cheat.replies = {"/token": reply}
        answer = browser.sign_in("", "fake")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert not browser.is_in

    def test_one_that_is_slow_is_given_five_seconds(self, browser: Browser, cheat: OpenIdProvider) -> None:
        cheat.replies = {"/token": replace(said({}), after=7)}
        began = time.monotonic()
        assert browser.sign_in("", "fake").status_code == 503
        assert 4.5 < time.monotonic() - began < 6.5


class TestAProviderThatIsAway:
    def test_it_is_503_until_it_is_back(self, world: World, browser: Browser) -> None:
        for way in ("login", "register"):
            answer = browser.client.get(f"/v1/auth/oidc/away/{way}")
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert int(answer.headers["retry-after"]) >= 1
        assert httpx.get(f"{world.server.url}/health/ready", timeout=5).status_code == 200
        back = OpenIdProvider(client_id="away-client", client_secret=None)
        back.person = {"sub": "late", "email": "late@example.org", "email_verified": True}
        with listening(back, port=world.away_port):
            assert browser.sign_in("", "away").status_code == 302
            assert browser.me()["email"] == "late@example.org"

    def test_one_that_goes_away_on_the_way_is_503_too(self, browser: Browser, cheat: OpenIdProvider) -> None:
        back = browser.at_provider(browser.depart("fake"), "")
        cheat.replies = {"/token": said({}, 503)}
        assert browser.client.get(back).status_code == 503
        assert not browser.is_in


class TestSigningOut:
    def test_it_ends_here_and_then_there(self, world: World, browser: Browser) -> None:
        browser.sign_in("ada")
        answer = browser.post("/v1/auth/oidc/real/logout")
        assert answer.status_code == 200, answer.text
        time.sleep(STALENESS)
        assert not browser.is_in
        assert confirmed(browser, answer.json()["redirect_to"]) == f"{world.server.url}/"
        browser.sign_in("grace")
        assert browser.asked == "login"
        assert browser.me()["email"] == "grace@example.org"

    def test_without_the_token_against_forged_requests_nothing_ends(self, browser: Browser) -> None:
        browser.sign_in("ada")
        assert browser.client.post("/v1/auth/oidc/real/logout").status_code == 403
        assert browser.is_in

    def test_what_ends_there_ends_here(self, world: World, browser: Browser, other: Browser) -> None:
        """Back-channel: nobody's browser tells us."""
        browser.sign_in("ada")
        other.sign_in("ada")
        confirmed(browser, f"{world.certified.issuer}/session/end?client_id={CLIENT}")
        time.sleep(STALENESS)
        assert not browser.is_in
        assert other.is_in

    def test_what_a_stranger_says_of_it_ends_nothing(self, browser: Browser, cheat: OpenIdProvider) -> None:
        cheat.person = {"sub": "target", "email": "target@example.org", "email_verified": True, "sid": "sid-1"}
        browser.sign_in("", "fake")
        good = cheat.logout_token()
        claims = {"iss": cheat.issuer, "aud": "fake-client", "sub": "target", "iat": int(time.time()), "jti": "1"}
        for token in (
            jws({"alg": "none"}, claims, lambda _: b""),
            jws({"alg": "HS256", "kid": "first"}, claims, hs256(cheat.keys[0].pem)),
            jws({"alg": "ES256", "kid": "first"}, claims, signing_key("ES256", "stranger").sign),
            cheat.logout_token(iss="https://evil.example.org"),
            cheat.logout_token(aud="other"),
            cheat.logout_token(iat=HOUR_AGO),
            cheat.logout_token(exp=HOUR_AGO),
            cheat.logout_token(nonce="x"),
            cheat.logout_token(events={}),
            cheat.logout_token(sub=MISSING, sid=MISSING),
            good[:-4],
            "",
        ):
            assert 400 <= told(browser, "fake", token).status_code < 500
        time.sleep(STALENESS)
        assert browser.is_in
        assert told(browser, "fake", good).status_code == 200
        time.sleep(STALENESS)
        assert not browser.is_in


def confirmed(browser: Browser, url: str) -> str:
    """Where the provider sends *browser* when its person has said yes to signing out there."""
    page = browser.client.get(url)
    assert page.status_code == 200, page.text
    token = re.search('name="xsrf" value="([^"]+)"', page.text)
    assert token is not None, page.text
    confirmation = page.url.join("/session/end/confirm")
    answer = browser.client.post(confirmation, data={"xsrf": token[1], "logout": "yes"})
    assert answer.status_code in {302, 303}, answer.text
    return answer.headers["location"]


def told(browser: Browser, provider: str, token: str) -> httpx.Response:
    """What the service answers to whoever says that somebody signed out at *provider*."""
    path = f"/v1/auth/oidc/{provider}/backchannel-logout"
    return httpx.post(f"{browser.home}{path}", data={"logout_token": token}, timeout=20)


def test_keys_are_rotated_and_every_worker_goes_on(world: World) -> None:
    """The last that is asked of this provider: for a minute nobody asks it for new keys again."""
    for _ in range(4):
        assert Browser(world).sign_in("ada").status_code == 302
    world.certified.rotate("RS256")
    browsers = [Browser(world) for _ in range(6)]
    assert {browser.sign_in("ada").status_code for browser in browsers} == {302}
    confirmed(browsers[0], f"{world.certified.issuer}/session/end?client_id={CLIENT}")
    time.sleep(STALENESS)
    assert [browser.is_in for browser in browsers] == [False] + [True] * 5


def test_nobody_signs_out_at_one_provider_who_signed_in_at_another(world: World, browser: Browser) -> None:
    """With a key that is unknown there; which is why it comes after the rotation."""
    browser.sign_in("ada")
    world.cheat.person = {"sub": "ada", "sid": "x"}
    for token in (world.cheat.logout_token(), world.cheat.logout_token(iss=world.certified.issuer, aud=CLIENT)):
        assert told(browser, "real", token).status_code == 400
        told(browser, "fake", token)
    time.sleep(STALENESS)
    assert browser.is_in


def test_no_secret_of_a_way_is_in_what_the_service_wrote(world: World) -> None:
    """Nor anything of a provider's tokens, after all of the above."""
    assert SECRET not in world.server.said
    assert "code-" not in world.server.said
    assert "eyJ" not in world.server.said
    assert PASSWORD not in world.server.said
    assert "Traceback" not in world.server.said
