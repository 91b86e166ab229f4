"""Who gets in where: one credential, in a header, before anything else is looked at."""

from collections.abc import Iterator

import pytest

from app.http.application import Exposure
from app.http.doors import Door
from tests.support.ports import memory_ports
from tests.support.service import Person, Service, presenting, refusal

SOME_ID = "019b76da-a800-7000-8000-000000000fff"
SAMPLE = Service(memory_ports())


def routes(*doors: Door) -> Iterator[tuple[str, str]]:
    """Method and path of every route behind one of *doors*."""
    for route in SAMPLE.app.routes:
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items():
            if handler.opt.get("door") in doors:
                yield method, route.path_format.replace("{project_id}", SOME_ID).replace("{key_id}", SOME_ID)


CALLBACK = ("GET", "/v1/auth/oidc/{provider}/callback")
CLOSED = sorted(routes(Door.USER, Door.KEY, Door.USER_OR_KEY))


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org")


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_nobody_passes_a_closed_door_without_a_good_credential(service: Service, method: str, path: str) -> None:
    nothing = await service.anyone.send(method, path)
    assert refusal(nothing) == (401, "unauthenticated")
    assert nothing.headers["www-authenticate"] == 'Bearer realm="hexkey"'
    assert nothing.headers["cache-control"] == "no-store"
    for headers in (presenting("nonsense"), {"x-api-key": "hk_nonsense"}, presenting(""), {"authorization": ""}):
        garbage = await service.anyone.send(method, path, headers=headers)
        assert refusal(garbage) == (401, "invalid_credential")
        assert garbage.headers["www-authenticate"] == 'Bearer realm="hexkey", error="invalid_token"'


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_two_credentials_are_one_too_many(service: Service, ada: Person, method: str, path: str) -> None:
    robot = await ada.key()
    both = await ada.saying(x_api_key=robot.secret).send(method, path)
    assert refusal(both) == (400, "multiple_credentials")
    twice = [("authorization", ada.headers["authorization"])] * 2
    assert refusal(await service.anyone.http.request(method, path, headers=twice)) == (400, "multiple_credentials")


@pytest.mark.parametrize(("method", "path"), sorted(routes(Door.USER)))
async def test_a_key_is_no_person(ada: Person, method: str, path: str) -> None:
    robot = await ada.key()
    assert refusal(await robot.send(method, path)) == (403, "credential_kind_not_allowed")


@pytest.mark.parametrize(("method", "path"), sorted(routes(Door.KEY)))
async def test_a_person_is_no_key(ada: Person, method: str, path: str) -> None:
    assert refusal(await ada.send(method, path)) == (403, "credential_kind_not_allowed")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
async def test_the_scheme_is_bearer_in_any_case(service: Service, ada: Person, scheme: str) -> None:
    sent = {"authorization": f"{scheme} {ada.tokens['access_token']}"}
    assert (await service.anyone.send("GET", "/v1/me", headers=sent)).status_code == 200


@pytest.mark.parametrize("scheme", ["Basic", "Token", "Digest", ""])
async def test_another_scheme_is_no_credential_of_ours(service: Service, ada: Person, scheme: str) -> None:
    sent = {"authorization": f"{scheme} {ada.tokens['access_token']}".strip()}
    assert refusal(await service.anyone.send("GET", "/v1/me", headers=sent)) == (401, "invalid_credential")


async def test_a_credential_in_the_url_is_never_read(service: Service, ada: Person) -> None:
    robot = await ada.key()
    for name in ("access_token", "api_key", "token", "X-API-Key", "key"):
        for secret in (robot.secret, ada.tokens["access_token"]):
            asked = await service.anyone.get(f"/v1/whoami?{name}={secret}")
            assert refusal(asked) == (401, "unauthenticated")
            assert secret not in asked.text


async def test_a_public_route_ignores_credentials(service: Service, ada: Person) -> None:
    for path in ("/", "/health/live", "/.well-known/jwks.json", "/openapi.json"):
        crowd = service.anyone.saying(authorization="Basic x", x_api_key="nonsense")
        assert (await crowd.get(path)).status_code == 200
    signing_in = {"grant_type": "password", "username": ada.email, "password": "correct horse battery staple"}
    assert (await service.anyone.saying(authorization="Bearer nonsense").token(**signing_in)).status_code == 200


async def test_a_session_that_does_not_exist_opens_nothing(service: Service, ada: Person) -> None:
    elsewhere = Service(memory_ports())
    sent = presenting(ada.tokens["access_token"])
    assert refusal(await elsewhere.anyone.send("GET", "/v1/me", headers=sent)) == (401, "invalid_credential")


async def test_a_refresh_token_is_no_access_token(service: Service, ada: Person) -> None:
    sent = presenting(ada.tokens["refresh_token"])
    assert refusal(await service.anyone.send("GET", "/v1/me", headers=sent)) == (401, "invalid_credential")


async def test_a_key_is_taken_from_its_networks_only(service: Service, ada: Person) -> None:
    robot = await ada.key(allowed_networks=["198.51.100.0/24"])
    inside, outside = service.at("198.51.100.20"), service.at("203.0.113.7")
    sent = presenting(robot.secret)
    assert (await inside.send("GET", "/v1/whoami", headers=sent)).status_code == 200
    assert refusal(await outside.send("GET", "/v1/whoami", headers=sent)) == (401, "invalid_credential")


async def test_nobody_talks_himself_into_a_network(service: Service, ada: Person) -> None:
    robot = await ada.key(allowed_networks=["198.51.100.0/24"])
    liar = service.at("203.0.113.7").saying(**presenting(robot.secret))
    for name in ("x_forwarded_for", "forwarded", "x_real_ip", "cf_connecting_ip", "true_client_ip"):
        claim = liar.saying(**{name: "198.51.100.20"})
        assert refusal(await claim.get("/v1/whoami")) == (401, "invalid_credential")


async def test_only_a_trusted_proxy_speaks_for_another_address() -> None:
    service = Service(memory_ports(), Exposure(trusted_proxies=("10.0.0.0/8",)), address="10.0.0.1")
    ada = await service.user()
    robot = await ada.key(allowed_networks=["198.51.100.0/24"])
    assert (await robot.saying(x_forwarded_for="198.51.100.20").get("/v1/whoami")).status_code == 200
    assert (await robot.saying(x_forwarded_for="1.2.3.4, 198.51.100.20, 10.0.0.9").get("/v1/whoami")).status_code == 200
    for forwarded in ("198.51.100.20, 203.0.113.9", "nonsense", "198.51.100.20, nonsense"):
        said = await robot.saying(x_forwarded_for=forwarded).get("/v1/whoami")
        assert refusal(said) == (401, "invalid_credential")


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_what_is_wrong_with_the_request_is_told_to_who_may_call(
    service: Service, ada: Person, method: str, path: str
) -> None:
    caller = await ada.key("read") if (method, path) in routes(Door.KEY) else await service.admin()
    for query, judged in (("a=%ff", 400), ("%zz", 400), ("a=%00", 400), ("unheard=1", 422), ("limit=1&limit=1", 422)):
        assert refusal(await service.anyone.send(method, f"{path}?{query}")) == (401, "unauthenticated")
        assert refusal(await caller.send(method, f"{path}?{query}"))[0] == judged
    coded, flood = {"content-encoding": "gzip"}, {"content-length": str(2**20 + 1)}
    for headers, judged in ((coded, (415, "unsupported_media_type")), (flood, (413, "body_too_large"))):
        body = {"headers": headers, "content": b"x"}
        assert refusal(await service.anyone.send(method, path, **body)) == (401, "unauthenticated")
        assert refusal(await caller.send(method, path, **body)) == judged


@pytest.mark.parametrize(("method", "path"), sorted({*routes(Door.PUBLIC)} - {CALLBACK}))
async def test_a_public_route_takes_the_parameters_that_it_names_and_no_others(
    service: Service, method: str, path: str
) -> None:
    path = path.replace("{name}", "start.js")
    for query, judged in (("a=%ff", 400), ("unheard=1", 422), ("a=1&a=1", 422)):
        assert refusal(await service.anyone.send(method, f"{path}?{query}"))[0] == judged


async def test_what_a_provider_adds_to_its_answer_is_ignored(service: Service) -> None:
    path = CALLBACK[1].replace("{provider}", "corp")
    for query, judged in (("a=%ff", (400, "malformed_request")), ("unheard=1", (400, "oidc_refused"))):
        assert refusal(await service.anyone.get(f"{path}?{query}")) == judged
    assert refusal(await service.anyone.get(f"{path}?state=1&state=1")) == (422, "invalid_input")


async def test_who_may_not_do_it_is_not_told_what_is_wrong_with_the_request(ada: Person) -> None:
    robot = await ada.key("read")
    for query in ("a=%ff", "unheard=1"):
        assert refusal(await robot.send("POST", f"/v1/projects?{query}")) == (403, "permission_denied")


async def test_a_small_body_that_nobody_asked_for_is_ignored(ada: Person) -> None:
    assert (await ada.send("GET", "/v1/me", headers={"content-type": "text/plain"}, content=b"{")).status_code == 200


async def test_the_key_header_takes_keys_only(service: Service, ada: Person) -> None:
    robot = await ada.key()
    assert (await service.anyone.saying(x_api_key=robot.secret).get("/v1/whoami")).status_code == 200
    for path in ("/v1/whoami", "/v1/me"):
        person = service.anyone.saying(x_api_key=ada.tokens["access_token"])
        assert refusal(await person.get(path)) == (401, "invalid_credential")


async def test_docs_may_stand_behind_the_door_of_people() -> None:
    service = Service(memory_ports(), Exposure(docs="auth"))
    ada = await service.user()
    assert refusal(await service.anyone.get("/openapi.json")) == (401, "unauthenticated")
    assert (await ada.get("/openapi.json")).status_code == 200
    assert refusal(await (await ada.key()).get("/docs")) == (403, "credential_kind_not_allowed")


async def test_docs_may_be_off() -> None:
    service = Service(memory_ports(), Exposure(docs="off"))
    for path in ("/openapi.json", "/docs", "/docs/start.js"):
        assert refusal(await service.anyone.get(path)) == (404, "not_found")
    assert (await service.anyone.get("/")).json() == {"name": "hexkey", "docs": None}
