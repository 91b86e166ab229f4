"""Forged requests: a browser sends the session cookie whoever tells it to, so the cookie alone changes nothing."""

from dataclasses import replace

import pytest

from app.http.application import Exposure
from app.http.doors import Door
from app.http.routes import handlers_of
from tests.support.ports import memory_ports
from tests.support.service import PASSWORD, Browser, Caller, Person, Service, refusal

OURS = "http://127.0.0.1:8000"
THEIRS = "https://evil.example"
SOME_ID = "019b76da-a800-7000-8000-000000000fff"
SAFE = {"GET", "HEAD", "OPTIONS"}
FAILED = (403, "csrf_failed")
UNSAFE = sorted(
    (method, path)
    for method, place, handler in handlers_of(Service(memory_ports()).app)
    for path in [place.replace("{permission}", "users:read")]
    if method not in SAFE and handler.opt.get("door") not in {Door.PUBLIC, Door.SIGNED, None}
)


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


@pytest.fixture
async def browser(service: Service, ada: Person) -> Browser:
    return await service.browser(ada)


@pytest.fixture
def forged(service: Service, browser: Browser) -> Caller:
    """What a page of somebody else's has the browser send: the cookies, and nothing that only a page of ours knows."""
    return service.anyone.saying(cookie=browser.cookie)


async def renamed(caller: Caller, **headers: str) -> tuple[int, str] | int:
    answer = await caller.saying(**headers).patch("/v1/me", name="Ada")
    return 200 if answer.status_code == 200 else refusal(answer)


@pytest.mark.parametrize(("method", "path"), UNSAFE)
async def test_no_unsafe_route_is_without_the_token(forged: Caller, method: str, path: str) -> None:
    for name in ("project_id", "key_id", "user_id", "role_id", "session_id", "invitation_id"):
        path = path.replace(f"{{{name}}}", SOME_ID)
    assert refusal(await forged.send(method, path)) == FAILED
    assert refusal(await forged.send(method, path, {"x-csrf-token": "nonsense"})) == FAILED


def test_the_list_of_unsafe_routes_is_not_short() -> None:
    assert len(UNSAFE) > 20
    assert {method for method, _ in UNSAFE} == {"POST", "PUT", "PATCH", "DELETE"}


async def test_the_token_of_this_very_session_is_good(browser: Browser, forged: Caller) -> None:
    assert await renamed(browser) == 200
    assert await renamed(forged, x_csrf_token=browser.csrf) == 200
    for site, origin in ((None, OURS), ("same-origin", OURS), ("same-origin", THEIRS), ("same-origin", "null")):
        said = {"origin": origin} | ({} if site is None else {"sec_fetch_site": site})
        assert await renamed(forged, x_csrf_token=browser.csrf, **said) == 200


async def test_the_token_of_another_session_is_not(service: Service, ada: Person, browser: Browser) -> None:
    """Not even with its cookie: a neighbouring host may have planted both."""
    for person in (ada, await service.user("mallory@example.org")):
        other = await service.browser(person)
        assert await renamed(browser.saying(x_csrf_token=other.csrf)) == FAILED
        both = service.anyone.saying(cookie=f"{browser.session}; hexkey_csrf={other.csrf}", x_csrf_token=other.csrf)
        assert await renamed(both) == FAILED


async def test_the_token_is_sent_twice_in_the_header_and_in_the_cookie(service: Service, browser: Browser) -> None:
    without_cookie = service.anyone.saying(cookie=browser.session)
    assert await renamed(without_cookie, x_csrf_token=browser.csrf) == FAILED
    empty = service.anyone.saying(cookie=f"{browser.session}; hexkey_csrf=")
    assert await renamed(empty, x_csrf_token="") == FAILED
    for wrong in ("", browser.csrf[:-1], f"{browser.csrf}x", browser.csrf.swapcase(), "x" * 4000):
        assert await renamed(browser, x_csrf_token=wrong) == FAILED


async def test_what_is_not_ascii_is_no_token(service: Service, browser: Browser) -> None:
    headers = [("cookie", f"{browser.session}; hexkey_csrf=é".encode()), ("x-csrf-token", "é".encode())]
    answer = await service.anyone.http.request("PATCH", "/v1/me", headers=headers, json={"name": "Ada"})
    assert refusal(answer) == FAILED


async def test_the_token_of_an_earlier_session_in_this_browser_is_not(browser: Browser) -> None:
    earlier = browser.csrf
    await browser.sign_in("ada@example.org")
    assert await renamed(browser, x_csrf_token=earlier) == FAILED
    assert await renamed(browser) == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "SAME-ORIGIN", "nonsense"])
async def test_a_browser_that_names_another_site_is_refused(browser: Browser, site: str) -> None:
    assert await renamed(browser, sec_fetch_site=site) == FAILED
    assert await renamed(browser, sec_fetch_site=site, origin=OURS) == FAILED


@pytest.mark.parametrize(
    "origin",
    [THEIRS, "null", "http://127.0.0.1", "https://127.0.0.1:8000", "http://localhost:8000", f"{OURS}.evil.example"],
)
async def test_without_that_a_foreign_origin_is_refused(browser: Browser, forged: Caller, origin: str) -> None:
    assert await renamed(forged, x_csrf_token=browser.csrf, origin=origin) == FAILED


async def test_the_origin_is_the_public_url_and_never_the_host() -> None:
    service = Service(memory_ports(), Exposure(public_url="https://auth.example.org", allowed_hosts=("127.0.0.1",)))
    browser = await service.browser(await service.user())
    forged = service.anyone.saying(cookie=browser.cookie, x_csrf_token=browser.csrf)
    assert await renamed(forged, origin="https://auth.example.org") == 200
    for origin in (OURS, "http://auth.example.org", "https://auth.example.org:8443", "https://example.org"):
        assert await renamed(forged, origin=origin) == FAILED


async def test_what_changes_nothing_needs_no_token(forged: Caller) -> None:
    for site in ("cross-site", "same-site", "none", "same-origin"):
        caller = forged.saying(sec_fetch_site=site, origin=THEIRS)
        assert (await caller.get("/v1/me")).status_code == 200
        assert (await caller.send("HEAD", "/v1/me")).status_code == 200
        assert (await caller.send("OPTIONS", "/v1/me")).status_code == 204
    assert (await forged.send("TRACE", "/v1/me")).status_code == 405


async def test_tokens_and_keys_need_none(ada: Person) -> None:
    robot = await ada.key("writer")
    for site in ("cross-site", "none"):
        assert await renamed(ada, sec_fetch_site=site, origin=THEIRS) == 200
        made = await robot.saying(sec_fetch_site=site, origin=THEIRS).post("/v1/projects", name=site)
        assert made.status_code == 201


async def test_who_is_not_signed_in_is_told_so_first(service: Service, browser: Browser, forged: Caller) -> None:
    """401 before 403: a dead session is not kept waiting for a token."""
    assert (await browser.delete("/v1/auth/session")).status_code == 204
    assert await renamed(forged) == (401, "invalid_credential")
    assert await renamed(forged, sec_fetch_site="cross-site") == (401, "invalid_credential")
    assert await renamed(service.anyone, sec_fetch_site="cross-site") == (401, "unauthenticated")


async def test_the_forgery_is_told_before_what_is_wrong_with_the_body(forged: Caller) -> None:
    answer = await forged.send("PATCH", "/v1/me?unheard=1", {"content-type": "text/plain"}, content=b"{")
    assert refusal(answer) == FAILED


@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "same-origin", "origin": THEIRS}, True),
        ({"origin": OURS}, True),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"sec_fetch_site": "cross-site", "origin": OURS}, False),
        ({"origin": THEIRS}, False),
        ({"origin": "null"}, False),
    ],
)
async def test_nobody_is_signed_in_by_a_page_of_somebody_elses(
    service: Service, ada: Person, browser: Browser, headers: dict[str, str], is_let_in: bool
) -> None:
    """Login CSRF: with a session of their own, or without any."""
    for cookie in ({}, {"cookie": browser.cookie}):
        caller = service.anyone.saying(**headers, **cookie)
        answer = await caller.post("/v1/auth/session", login=ada.email, password=PASSWORD)
        assert answer.status_code == 201 if is_let_in else refusal(answer) == FAILED
        assert ("set-cookie" in answer.headers) is is_let_in


async def test_signing_out_needs_the_token_too(browser: Browser, forged: Caller) -> None:
    assert refusal(await forged.delete("/v1/auth/session")) == FAILED
    copy = replace(browser, jar=dict(browser.jar))
    assert (await browser.delete("/v1/auth/session")).status_code == 204
    assert refusal(await copy.get("/v1/me")) == (401, "invalid_credential")
