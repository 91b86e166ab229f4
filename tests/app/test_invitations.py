"""Being asked to join: a link that is good once, and never gives more than its author could."""

import asyncio
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from domain.model.one_time_tokens import TokenPurpose
from domain.model.roles import ADMIN_ID, MEMBER_ID
from domain.services.registration import Registration
from tests.support.examples import a_one_time_token, an_invitation
from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import PASSWORD, Person, Service, pointers, presenting, refusal

GUEST = "guest@example.org"
ABSENT = "019b76da-a800-7000-8000-00000000ffff"


@pytest.fixture
async def admin(service: Service) -> Person:
    return await service.admin()


@pytest.fixture
async def host(service: Service, admin: Person) -> Person:
    """Somebody who may invite, and otherwise as much as every member."""
    host = await service.user("host@example.org")
    await give(admin, host, await a_role(admin, "host", "users:invite"))
    return host


async def a_role(admin: Person, name: str, *permissions: str) -> str:
    answer = await admin.post("/v1/roles", name=name, permissions=permissions)
    assert answer.status_code == 201, answer.text
    role_id: str = answer.json()["id"]
    return role_id


async def give(admin: Person, user: Person, role_id: str) -> None:
    assert (await admin.send("PUT", f"/v1/roles/{role_id}/users/{user.id}")).status_code == 204


async def invited(host: Person, email: str = GUEST, *role_ids: str) -> dict[str, Any]:
    answer = await host.post("/v1/invitations", email=email, role_ids=role_ids)
    assert answer.status_code == 202, answer.text
    invitation: dict[str, Any] = answer.json()
    return invitation


async def accepted(service: Service, token: str, **members: object) -> httpx.Response:
    body = {"email": GUEST, "password": PASSWORD, "invitation": token}
    return await service.anyone.post("/v1/auth/register", **{**body, **members})


async def roles_of(service: Service) -> set[str]:
    """What the guest holds now."""
    tokens = await service.sign_in(GUEST)
    me = (await service.anyone.send("GET", "/v1/me", headers=presenting(tokens["access_token"]))).json()
    return {role["name"] for role in me["roles"]}


class TestTheLink:
    async def test_one_is_mailed_and_who_follows_it_is_a_member_at_a_verified_address(
        self, service: Service, host: Person
    ) -> None:
        answer = await host.post("/v1/invitations", email=" Guest@Example.org")
        assert answer.status_code == 202
        assert answer.json() == {
            "id": answer.json()["id"],
            "email": GUEST,
            "role_ids": [str(MEMBER_ID)],
            "invited_by": host.id,
            "created_at": "2026-01-01T00:00:00Z",
            "expires_at": "2026-01-08T00:00:00Z",
        }
        token = await service.mailed_token(GUEST)
        mail = service.mails[-1]
        assert f"\nhttp://127.0.0.1:8000/accept-invitation?token={token}\n" in mail.text
        assert "host@example.org invites you" in mail.text
        assert token not in answer.text
        user = (await accepted(service, token)).json()
        assert (user["email"], user["email_verified"]) == (GUEST, True)
        assert await roles_of(service) == {"member"}
        assert await service.deliver() == []
        assert (await host.get("/v1/invitations")).json()["total"] == 0

    async def test_it_is_good_once(self, service: Service, host: Person) -> None:
        await invited(host)
        token = await service.mailed_token(GUEST)
        assert (await accepted(service, token)).status_code == 201
        for email in (GUEST, "other@example.org"):
            assert pointers(await accepted(service, token, email=email)) == ["/invitation"]

    async def test_it_is_good_for_the_address_to_which_it_went(self, service: Service, host: Person) -> None:
        await invited(host)
        token = await service.mailed_token(GUEST)
        assert pointers(await accepted(service, token, email="other@example.org")) == ["/email"]
        assert (await accepted(service, token, email="GUEST@example.org ")).status_code == 201

    @pytest.mark.parametrize("members", [{"password": "short"}, {"username": "HOST"}, {"name": ""}])
    async def test_a_slip_of_the_pen_does_not_spend_it(
        self, service: Service, host: Person, members: dict[str, object]
    ) -> None:
        await host.patch("/v1/me", username="host")
        await invited(host)
        token = await service.mailed_token(GUEST)
        assert (await accepted(service, token, **members)).status_code in {409, 422}
        assert (await accepted(service, token)).status_code == 201

    @pytest.mark.parametrize(("days", "status"), [(6.999, 201), (7, 422)])
    async def test_it_lives_for_seven_days(self, service: Service, host: Person, days: float, status: int) -> None:
        await invited(host)
        token = await service.mailed_token(GUEST)
        service.advance(days=days)
        assert (await accepted(service, token)).status_code == status

    async def test_one_that_is_late_in_the_mail_lives_no_longer(self, service: Service, host: Person) -> None:
        await invited(host)
        service.advance(days=6)
        token = await service.mailed_token(GUEST)
        assert "within 24 hours" in service.mails[-1].text
        service.advance(days=1)
        assert pointers(await accepted(service, token)) == ["/invitation"]

    async def test_to_invite_again_takes_its_place(self, service: Service, host: Person) -> None:
        first = await invited(host)
        old = await service.mailed_token(GUEST)
        second = await invited(host, " GUEST@example.org")
        new = await service.mailed_token(GUEST)
        listed = (await host.get("/v1/invitations")).json()
        assert [one["id"] for one in listed["data"]] == [second["id"]] != [first["id"]]
        assert pointers(await accepted(service, old)) == ["/invitation"]
        assert (await accepted(service, new)).status_code == 201

    async def test_one_that_was_replaced_before_it_was_sent_is_not_sent(self, service: Service, host: Person) -> None:
        await invited(host)
        await invited(host)
        assert [mail.to for mail in await service.deliver() if mail.to == GUEST] == [GUEST]

    async def test_a_withdrawn_one_is_dead(self, service: Service, host: Person) -> None:
        invitation = await invited(host)
        token = await service.mailed_token(GUEST)
        path = f"/v1/invitations/{invitation['id']}"
        assert (await host.delete(path)).status_code == 204
        assert refusal(await host.delete(path)) == (404, "not_found")
        assert pointers(await accepted(service, token)) == ["/invitation"]
        assert (await host.get("/v1/invitations")).json()["data"] == []

    async def test_one_that_is_withdrawn_before_it_was_sent_is_not_sent(self, service: Service, host: Person) -> None:
        invitation = await invited(host)
        await host.delete(f"/v1/invitations/{invitation['id']}")
        assert GUEST not in {mail.to for mail in await service.deliver()}

    async def test_two_who_follow_it_at_once_make_one_account(self, service: Service, host: Person) -> None:
        await invited(host)
        token = await service.mailed_token(GUEST)
        answers = await asyncio.gather(*(accepted(service, token) for _ in range(10)))
        assert sorted(answer.status_code for answer in answers) == [201] + [422] * 9

    async def test_what_was_kept_for_a_host_who_is_unknown_makes_a_member(self, service: Service) -> None:
        gone = an_invitation(email=GUEST, role_ids=frozenset({ADMIN_ID}), invited_by=service.ports.ids.new())
        minted = service.ports.one_time_secrets.mint()
        token = a_one_time_token(
            gone, digest=minted.digest, purpose=TokenPurpose.INVITATION, email=GUEST, expires_at=gone.expires_at
        )
        async with service.ports.uow() as work:
            await work.invitations.add(gone)
            await work.one_time_tokens.add(token)
        assert (await accepted(service, minted.plain)).status_code == 201
        assert await roles_of(service) == {"member"}


class TestWhoMayInvite:
    async def test_it_takes_the_permission(self, service: Service) -> None:
        ada = await service.user()
        for answer in (
            await ada.post("/v1/invitations", email=GUEST),
            await ada.get("/v1/invitations"),
            await ada.delete(f"/v1/invitations/{ABSENT}"),
        ):
            assert refusal(answer) == (403, "permission_denied")
            assert answer.json()["missing_permissions"] == ["users:invite"]

    async def test_neither_a_key_nor_somebody_who_acts_as_another_invites(
        self, service: Service, admin: Person, host: Person
    ) -> None:
        robot = await service.given_key(admin, "users:invite")
        assert refusal(await robot.post("/v1/invitations", email=GUEST)) == (403, "credential_kind_not_allowed")
        acting = (await admin.post(f"/v1/users/{host.id}/impersonate")).json()["access_token"]
        answer = await service.anyone.saying(**presenting(acting)).post("/v1/invitations", email=GUEST)
        assert refusal(answer) == (403, "forbidden_in_impersonation")
        assert GUEST not in {mail.to for mail in await service.deliver()}

    async def test_nobody_gives_what_they_lack(self, service: Service, admin: Person, host: Person) -> None:
        reader = await a_role(admin, "reader", "users:read")
        for role_ids in ([str(ADMIN_ID)], [reader], [str(MEMBER_ID), reader]):
            answer = await host.post("/v1/invitations", email=GUEST, role_ids=role_ids)
            assert refusal(answer) == (403, "role_exceeds_actor")
        assert (await host.get("/v1/invitations")).json()["total"] == 0
        assert GUEST not in {mail.to for mail in await service.deliver()}

    async def test_a_role_that_sleeps_is_judged_as_if_it_were_awake(self, admin: Person, host: Person) -> None:
        sleeping = await a_role(admin, "sleeping", "users:read")
        assert (await admin.patch(f"/v1/roles/{sleeping}", is_active=False)).status_code == 200
        answer = await host.post("/v1/invitations", email=GUEST, role_ids=[sleeping])
        assert refusal(answer) == (403, "role_exceeds_actor")

    async def test_a_role_that_does_not_exist_is_pointed_at(self, host: Person) -> None:
        for role_ids, place in (([ABSENT], 0), ([str(MEMBER_ID), ABSENT], 1)):
            answer = await host.post("/v1/invitations", email=GUEST, role_ids=role_ids)
            assert pointers(answer) == [f"/role_ids/{place}"]
        assert pointers(await host.post("/v1/invitations", email=GUEST, role_ids=["x"])) == ["/role_ids/0"]
        assert pointers(await host.post("/v1/invitations", email="x")) == ["/email"]

    async def test_who_invites_without_number_is_told(self, host: Person) -> None:
        answer = await host.post("/v1/invitations", email=GUEST, role_ids=[str(MEMBER_ID)] * 1000)
        assert pointers(answer) == ["/role_ids"]

    @pytest.mark.parametrize(("how", "status"), [(Registration.INVITE, 202), (Registration.CLOSED, 403)])
    async def test_where_nobody_may_come_nobody_is_invited(self, how: Registration, status: int) -> None:
        service = Service(memory_ports(rules=replace(NO_LIMITS, registration=how)))
        admin = await service.admin()
        answer = await admin.post("/v1/invitations", email=GUEST)
        assert answer.status_code == status
        if status == 202:
            assert (await accepted(service, await service.mailed_token(GUEST))).status_code == 201
        else:
            assert refusal(answer) == (403, "registration_closed")

    async def test_the_trail_says_who_was_invited_and_has_no_link(self, service: Service, host: Person) -> None:
        invitation = await invited(host)
        token = await service.mailed_token(GUEST)
        await host.delete(f"/v1/invitations/{invitation['id']}")
        withdrawn, created = [one for one in await service.events() if one.subject.startswith("invitation:")]
        assert [created.action, withdrawn.action] == ["invitation.created", "invitation.withdrawn"]
        assert created.subject == withdrawn.subject == f"invitation:{invitation['id']}"
        assert created.changes == withdrawn.changes == {"email": GUEST}
        assert token not in repr(await service.events())


class TestTheRoles:
    async def test_the_newcomer_holds_what_was_promised(self, service: Service, admin: Person) -> None:
        reader = await a_role(admin, "reader", "users:read")
        invitation = await invited(admin, GUEST, reader, str(ADMIN_ID), reader)
        assert invitation["role_ids"] == sorted({reader, str(ADMIN_ID)})
        assert (await accepted(service, await service.mailed_token(GUEST))).status_code == 201
        assert await roles_of(service) == {"admin", "reader"}

    async def test_a_host_who_was_demoted_gives_no_more_than_they_still_may(
        self, service: Service, admin: Person
    ) -> None:
        other = await service.user("other@example.org")
        reader, editor = await a_role(admin, "reader", "users:read"), await a_role(admin, "editor", "users:update")
        inviting = await a_role(admin, "inviting", "users:invite")
        for role_id in (reader, editor, inviting):
            await give(admin, other, role_id)
        await invited(other, GUEST, reader, editor)
        await admin.delete(f"/v1/roles/{editor}/users/{other.id}")
        assert (await accepted(service, await service.mailed_token(GUEST))).status_code == 201
        assert await roles_of(service) == {"reader"}

    async def test_a_role_that_grew_meanwhile_is_not_given(self, service: Service, admin: Person, host: Person) -> None:
        helper = await a_role(admin, "helper", "users:invite")
        await invited(host, GUEST, helper)
        await admin.patch(f"/v1/roles/{helper}", permissions=["users:invite", "users:impersonate"])
        assert (await accepted(service, await service.mailed_token(GUEST))).status_code == 201
        assert await roles_of(service) == {"member"}

    async def test_a_role_that_was_deleted_meanwhile_is_not_given(self, service: Service, admin: Person) -> None:
        fleeting, lasting = await a_role(admin, "fleeting", "users:read"), await a_role(admin, "lasting", "roles:read")
        await invited(admin, GUEST, fleeting, lasting)
        assert (await admin.delete(f"/v1/roles/{fleeting}")).status_code == 204
        assert (await accepted(service, await service.mailed_token(GUEST))).status_code == 201
        assert await roles_of(service) == {"lasting"}

    async def test_the_invitation_of_a_host_who_is_gone_makes_a_member(self, service: Service, admin: Person) -> None:
        other = await service.user("other@example.org")
        await give(admin, other, str(ADMIN_ID))
        await invited(other, GUEST, str(ADMIN_ID))
        token = await service.mailed_token(GUEST)
        await admin.delete(f"/v1/users/{other.id}")
        assert (await accepted(service, token)).status_code == 201
        assert await roles_of(service) == {"member"}

    async def test_giving_them_is_in_the_trail(self, service: Service, admin: Person) -> None:
        reader = await a_role(admin, "reader", "users:read")
        await invited(admin, GUEST, reader)
        user = (await accepted(service, await service.mailed_token(GUEST))).json()
        granted = next(event for event in await service.events() if event.action == "role.granted")
        assert (granted.subject, granted.changes) == (f"role:{reader}", {"user_id": user["id"]})


class TestSquatters:
    async def test_one_who_never_verified_the_address_loses_it(self, service: Service, host: Person) -> None:
        squatter = await service.user(GUEST, username="squatter")
        verification = await service.mailed_token(GUEST)
        await invited(host)
        assert (await accepted(service, await service.mailed_token(GUEST))).json()["email_verified"]
        with pytest.raises(AssertionError, match="invalid_grant"):
            await service.sign_in(GUEST, "another horse battery staple")
        me = (await squatter.get("/v1/me")).json()
        assert re.fullmatch(rf"{squatter.id}@address-taken\.invalid", me["email"])
        verify = await service.anyone.post("/v1/auth/email/verify", token=verification)
        assert pointers(verify) == ["/token"]
        assert (await service.sign_in("squatter"))["access_token"]

    async def test_what_they_hold_still_is_not_the_newcomers(self, service: Service, host: Person) -> None:
        squatter = await service.user(GUEST)
        await invited(host)
        newcomer = (await accepted(service, await service.mailed_token(GUEST), password="another " + PASSWORD)).json()
        assert newcomer["id"] != squatter.id
        form = {"grant_type": "password", "username": GUEST, "password": PASSWORD}
        assert (await service.anyone.token(**form)).json()["error"] == "invalid_grant"
        form["username"] = f"{squatter.id}@address-taken.invalid"
        assert (await service.anyone.token(**form)).json()["error"] == "invalid_grant"

    async def test_they_cannot_keep_it_by_holding_the_place_to_which_they_would_go(
        self, service: Service, host: Person
    ) -> None:
        squatter = await service.user(GUEST)
        nowhere = f"{squatter.id}@address-taken.invalid"
        taken = await service.anyone.post("/v1/auth/register", email=nowhere, password=PASSWORD)
        assert pointers(taken) == ["/email"]
        await invited(host)
        assert (await accepted(service, await service.mailed_token(GUEST))).status_code == 201

    async def test_losing_it_is_in_the_trail(self, service: Service, host: Person) -> None:
        squatter = await service.user(GUEST)
        await invited(host)
        await accepted(service, await service.mailed_token(GUEST))
        (lost,) = [event for event in await service.events() if event.action == "user.email_lost"]
        assert lost.subject == f"user:{squatter.id}"

    async def test_one_who_verified_it_keeps_it(self, service: Service, host: Person) -> None:
        await invited(host)
        invitation = await service.mailed_token(GUEST)
        ada = await service.user(GUEST)
        await service.deliver()
        await service.anyone.post("/v1/auth/email/verify", token=await service.mailed_token(GUEST))
        assert (await ada.get("/v1/me")).json()["email_verified"]
        assert refusal(await accepted(service, invitation)) == (409, "email_taken")
        assert refusal(await host.post("/v1/invitations", email=GUEST)) == (409, "email_taken")
        assert (await ada.get("/v1/me")).json()["email"] == GUEST
