"""How often: by key, else by user, else by address; what is left stands in every counted answer."""

from dataclasses import replace

import pytest

from domain.model.limits import Policy
from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import ADDRESS, PASSWORD, Service, presenting, refusal

QUOTA = "https://iana.org/assignments/http-problem-types#quota-exceeded"


@pytest.fixture
def limited() -> Service:
    """Three calls a minute for who is known; strangers are not counted."""
    return Service(memory_ports(rules=replace(NO_LIMITS, default_limit=Policy(3, 60))))


@pytest.fixture
def wary() -> Service:
    """Three calls a minute for an address; who is known is not counted."""
    return Service(memory_ports(rules=replace(NO_LIMITS, anonymous_limit=Policy(3, 60))))


async def test_an_answer_says_what_is_left_and_a_refusal_when_to_come_back(limited: Service) -> None:
    ada = await limited.user()
    first = await ada.get("/v1/whoami")
    assert first.headers["ratelimit-policy"] == '"3/minute";q=3;w=60'
    assert first.headers["ratelimit"] == '"3/minute";r=2;t=60'
    limited.advance(seconds=20)
    await ada.get("/v1/whoami")
    assert (await ada.get("/v1/whoami")).headers["ratelimit"] == '"3/minute";r=0;t=40'
    refused = await ada.get("/v1/whoami")
    assert refusal(refused) == (429, "quota_exceeded")
    assert refused.json()["type"] == QUOTA
    assert refused.headers["retry-after"] == "40"
    assert refused.headers["ratelimit"] == '"3/minute";r=0;t=40'
    assert refused.headers["ratelimit-policy"] == '"3/minute";q=3;w=60'
    limited.advance(seconds=40)
    assert (await ada.get("/v1/whoami")).headers["ratelimit"] == '"3/minute";r=2;t=60'


async def test_a_user_has_one_count_over_sessions_and_none_with_others(limited: Service) -> None:
    ada, bob = await limited.user("ada@example.org"), await limited.user()
    phone = (await limited.sign_in("ada@example.org"))["access_token"]
    for _ in range(3):
        await ada.get("/v1/whoami")
    again = await limited.anyone.saying(authorization=f"Bearer {phone}").get("/v1/whoami")
    assert refusal(again) == (429, "quota_exceeded")
    assert (await bob.get("/v1/whoami")).status_code == 200


async def test_a_key_has_its_own_count_beside_its_owners(limited: Service) -> None:
    ada = await limited.user()
    robot = await ada.key()
    for _ in range(3):
        assert (await robot.get("/v1/whoami")).status_code == 200
    assert refusal(await robot.get("/v1/whoami")) == (429, "quota_exceeded")
    assert (await ada.get("/v1/whoami")).status_code == 200


async def test_a_keys_own_limits_hold_where_the_default_is_off(service: Service) -> None:
    ada = await service.user()
    robot = await ada.key(limits=["2/second", "3/hour"])
    answer = await robot.get("/v1/whoami")
    assert answer.headers["ratelimit-policy"] == '"2/second";q=2;w=1, "3/hour";q=3;w=3600'
    assert answer.headers["ratelimit"] == '"2/second";r=1;t=1, "3/hour";r=2;t=3600'
    await robot.get("/v1/whoami")
    assert (await robot.get("/v1/whoami")).headers["retry-after"] == "1"
    service.advance(seconds=1)
    assert (await robot.get("/v1/whoami")).status_code == 200
    service.advance(seconds=1)
    assert (await robot.get("/v1/whoami")).headers["retry-after"] == "3598"
    assert "ratelimit" not in (await ada.get("/v1/whoami")).headers


async def test_a_key_that_verify_has_used_up_is_used_up_at_the_door(service: Service) -> None:
    robot = await (await service.user()).key(limits=["2/minute"])
    admin = await service.admin()
    assert (await admin.post("/v1/api-keys/verify", api_key=robot.secret, cost=2)).json()["valid"] is True
    assert refusal(await robot.get("/v1/whoami")) == (429, "quota_exceeded")


async def test_permission_is_judged_before_the_limit_and_the_limit_before_the_body(limited: Service) -> None:
    ada = await limited.user()
    robot = await ada.key("read")
    for _ in range(5):
        assert refusal(await robot.post("/v1/projects", name="x")) == (403, "permission_denied")
    for _ in range(3):
        assert (await robot.get("/v1/projects")).status_code == 200
    assert refusal(await robot.post("/v1/projects", name="x")) == (403, "permission_denied")
    assert refusal(await robot.get("/v1/projects?limit=nonsense")) == (429, "quota_exceeded")
    assert refusal(await limited.anyone.get("/v1/projects")) == (401, "unauthenticated")
    for _ in range(2):
        await ada.get("/v1/whoami")
    junk = {"content": b"{", "headers": {"content-type": "text/plain"}}
    assert refusal(await ada.send("POST", "/v1/projects", **junk)) == (429, "quota_exceeded")


async def test_strangers_are_counted_by_address(wary: Service) -> None:
    for _ in range(3):
        assert (await wary.anyone.token(grant_type="password", username="x", password="y")).status_code == 400
    refused = await wary.anyone.post("/v1/auth/register", email="a@example.org", password=PASSWORD)
    assert refusal(refused) == (429, "quota_exceeded")
    assert refused.json()["type"] == QUOTA
    assert refusal(await wary.anyone.token(grant_type="password", username="x", password="y"))[0] == 429
    elsewhere = await wary.at("198.51.100.9").post("/v1/auth/register", email="a@example.org", password=PASSWORD)
    assert elsewhere.status_code == 201
    assert elsewhere.headers["ratelimit"] == '"3/minute";r=2;t=60'


async def test_who_guesses_credentials_is_counted_as_a_stranger(wary: Service) -> None:
    ada = await wary.user()
    wary.advance(minutes=1)
    for headers in (presenting("nonsense"), {"x-api-key": "hk_nonsense"}, {}):
        assert refusal(await wary.anyone.send("GET", "/v1/whoami", headers=headers))[0] == 401
    guess = await wary.anyone.send("GET", "/v1/whoami", headers=presenting("nonsense"))
    assert (refusal(guess), guess.headers["retry-after"]) == ((429, "quota_exceeded"), "60")
    assert (await ada.get("/v1/whoami")).status_code == 200
    elsewhere = wary.at("198.51.100.9").saying(**presenting("nonsense"))
    assert refusal(await elsewhere.get("/v1/whoami")) == (401, "invalid_credential")


async def test_a_client_does_not_choose_the_address_it_is_counted_by(wary: Service) -> None:
    for place in range(3):
        await wary.anyone.saying(x_forwarded_for=f"198.51.100.{place}").get("/")
    assert refusal(await wary.anyone.saying(x_forwarded_for="198.51.100.9").get("/")) == (429, "quota_exceeded")


async def test_ipv6_is_counted_by_network(wary: Service) -> None:
    for place in range(3):
        assert (await wary.at(f"2001:db8::{place + 1}").get("/")).status_code == 200
    assert refusal(await wary.at("2001:db8::ffff").get("/")) == (429, "quota_exceeded")
    assert (await wary.at("2001:db8:0:1::1").get("/")).status_code == 200


async def test_an_ipv4_address_in_ipv6_clothes_is_counted_as_what_it_is(wary: Service) -> None:
    for _ in range(3):
        await wary.anyone.get("/")
    assert refusal(await wary.at(f"::ffff:{ADDRESS}").get("/")) == (429, "quota_exceeded")


async def test_health_keys_and_documents_are_not_counted(wary: Service) -> None:
    paths = ("/health/live", "/health/ready", "/.well-known/jwks.json", "/openapi.json", "/docs", "/docs/start.js")
    for path in paths * 4:
        answer = await wary.anyone.get(path)
        assert (answer.status_code, "ratelimit" in answer.headers) == (200, False)
    assert (await wary.anyone.get("/")).headers["ratelimit"] == '"3/minute";r=2;t=60'
