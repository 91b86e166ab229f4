"""Registering, and who one is afterwards."""

from dataclasses import replace

import pytest

from domain.services.registration import Registration
from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import PASSWORD, Service, pointers, refusal


async def test_whoever_registers_is_a_member_and_may_sign_in_at_once(service: Service) -> None:
    answer = await service.anyone.post(
        "/v1/auth/register", email=" Ada@Example.ORG ", password=PASSWORD, username="Ada", name=" Ada Lovelace "
    )
    assert answer.status_code == 201
    user = answer.json()
    assert user == {
        "id": user["id"],
        "email": "ada@example.org",
        "username": "ada",
        "name": "Ada Lovelace",
        "is_active": True,
        "email_verified": False,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    assert PASSWORD not in answer.text
    assert (await service.sign_in("ada@example.org"))["token_type"] == "Bearer"


async def test_me_is_the_user_with_roles_and_permissions(service: Service) -> None:
    ada = await service.user("ada@example.org")
    me = (await ada.get("/v1/me")).json()
    assert (me["id"], me["email"], me["username"], me["name"]) == (ada.id, "ada@example.org", None, None)
    assert [role["name"] for role in me["roles"]] == ["member"]
    assert me["permissions"] == sorted(me["permissions"])
    assert {"projects:create", "projects:delete", "api_keys:rotate", "tasks:delete"} <= set(me["permissions"])
    assert not {"projects:any", "api_keys:any", "api_keys:verify", "api_keys:delete"} & set(me["permissions"])
    assert not [name for name in me["permissions"] if name.startswith(("users:", "roles:", "audit:"))]


async def test_an_admin_may_everything(service: Service) -> None:
    admin = await service.admin()
    me = (await admin.get("/v1/me")).json()
    assert [role["name"] for role in me["roles"]] == ["admin"]
    assert set(me["permissions"]) == service.ports.rules.catalogue.permissions


async def test_an_address_and_a_user_name_are_taken_in_any_spelling(service: Service) -> None:
    await service.user("ada@example.org", username="ada")
    again = await service.anyone.post("/v1/auth/register", email="ADA@example.org", password=PASSWORD)
    assert refusal(again) == (409, "email_taken")
    named = await service.anyone.post("/v1/auth/register", email="b@example.org", password=PASSWORD, username="ADA")
    assert refusal(named) == (409, "username_taken")


@pytest.mark.parametrize(
    ("members", "at_fault"),
    [
        ({"email": "not an address"}, "/email"),
        ({"email": "a@b"}, "/email"),
        ({"email": f"{'a' * 250}@example.org"}, "/email"),
        ({"email": None}, "/email"),
        ({"email": 1}, "/email"),
        ({"password": "x" * 14}, "/password"),
        ({"password": "short"}, "/password"),
        ({"password": "x" * 129}, "/password"),
        ({"password": "a" * 20}, "/password"),
        ({"password": "abcdefghijklmnop"}, "/password"),
        ({"password": "ada.lovelace12"}, "/password"),
        ({"password": "ada.lovelace.ada.lovelace"}, "/password"),
        ({"password": None}, "/password"),
        ({"password": ["correct horse battery staple"]}, "/password"),
        ({"username": "ab"}, "/username"),
        ({"username": "-ada"}, "/username"),
        ({"username": "a" * 33}, "/username"),
        ({"username": "ad a"}, "/username"),
        ({"name": ""}, "/name"),
        ({"name": "\u202e"}, "/name"),
        ({"name": "x" * 129}, "/name"),
        ({"is_active": True}, ""),
        ({"role_ids": []}, ""),
    ],
)
async def test_input_that_cannot_be_is_refused_by_name(
    service: Service, members: dict[str, object], at_fault: str
) -> None:
    body = {"email": "ada.lovelace@example.org", "password": PASSWORD, **members}
    assert pointers(await service.anyone.post("/v1/auth/register", **body)) == [at_fault]


@pytest.mark.parametrize(
    "password",
    ["x" * 7 + "y" * 8, "correct  horse battery ", "correct h\u00f6rse b\u00e4ttery", "🐎🔋" * 3 + "staples!!"],
)
async def test_any_other_password_of_15_characters_will_do(service: Service, password: str) -> None:
    registered = await service.anyone.post("/v1/auth/register", email="ada@example.org", password=password)
    assert registered.status_code == 201, registered.text
    assert (await service.sign_in("ada@example.org", password))["expires_in"] == 600


async def test_two_spellings_of_the_same_password_are_one(service: Service) -> None:
    composed, apart = "caf\u00e9 au lait, sans sucre", "cafe\u0301 au lait, sans sucre"
    await service.anyone.post("/v1/auth/register", email="ada@example.org", password=composed)
    assert await service.sign_in("ada@example.org", apart)


@pytest.mark.parametrize("how", [Registration.CLOSED, Registration.INVITE])
async def test_where_registration_is_not_open_nobody_is_told_who_is_there(how: Registration) -> None:
    service = Service(memory_ports(rules=replace(NO_LIMITS, registration=how)))
    admin = await service.admin()
    for email in (admin.email, "new@example.org"):
        answer = await service.anyone.post("/v1/auth/register", email=email, password=PASSWORD)
        assert refusal(answer) == (403, "registration_closed")


async def test_registering_is_in_the_trail_without_address_or_password(service: Service) -> None:
    ada = await service.user("ada@example.org")
    event = next(event for event in await service.events() if event.action == "user.registered")
    assert (event.subject, str(event.user_id), event.address) == (f"user:{ada.id}", ada.id, "203.0.113.7")
    assert "ada@example.org" not in repr(event)
