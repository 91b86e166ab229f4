"""Whose address it is: verifying one, and changing to another."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import httpx
import pytest

from app.http.application import Exposure
from tests.support.examples import a_one_time_token
from tests.support.ports import NO_LIMITS, memory_ports
from tests.support.service import PASSWORD, Caller, Person, Service, pointers, presenting, refusal

ADA, NEW = "ada@example.org", "ada@new.example"
RESET = "/v1/auth/password/reset"


@pytest.fixture
async def ada(service: Service) -> Person:
    """Newly registered, and sent no mail yet."""
    return await service.user(ADA)


@pytest.fixture
async def verified(service: Service, ada: Person) -> Person:
    """Ada, once she has followed her link."""
    assert (await verify(service, await service.mailed_token(ADA))).status_code == 204
    return ada


async def verify(service: Service, token: str) -> httpx.Response:
    return await service.anyone.post("/v1/auth/email/verify", token=token)


async def move(caller: Caller, email: str = NEW, password: str = PASSWORD) -> httpx.Response:
    return await caller.put("/v1/me/email", email=email, current_password=password)


async def address_of(person: Person) -> tuple[str, bool]:
    me = (await person.get("/v1/me")).json()
    return me["email"], me["email_verified"]


async def addressees(service: Service) -> list[str]:
    """To whom what is due goes."""
    return sorted(mail.to for mail in await service.deliver())


class TestVerifying:
    async def test_a_link_verifies_the_address_once(self, service: Service, ada: Person) -> None:
        token = await service.mailed_token(ADA)
        assert await address_of(ada) == (ADA, False)
        answer = await verify(service, token)
        assert (answer.status_code, answer.content) == (204, b"")
        assert await address_of(ada) == (ADA, True)
        assert pointers(await verify(service, token)) == ["/token"]
        event = next(event for event in await service.events() if event.action == "user.email_verified")
        assert (event.subject, event.address) == (f"user:{ada.id}", "203.0.113.7")

    async def test_another_may_be_asked_for_and_ends_the_first(self, service: Service, ada: Person) -> None:
        first = await service.mailed_token(ADA)
        asked = await ada.post("/v1/auth/email/verification")
        assert (asked.status_code, asked.content) == (202, b"")
        second = await service.mailed_token(ADA)
        assert pointers(await verify(service, first)) == ["/token"]
        assert (await verify(service, second)).status_code == 204

    async def test_whose_address_is_verified_is_sent_no_more(self, service: Service, verified: Person) -> None:
        assert (await verified.post("/v1/auth/email/verification")).status_code == 202
        assert await service.deliver() == []

    @pytest.mark.parametrize(("hours", "status"), [(23.99, 204), (24, 422)])
    async def test_a_link_lives_for_a_day(self, service: Service, ada: Person, hours: float, status: int) -> None:
        token = await service.mailed_token(ADA)
        assert "within 24 hours" in service.mails[-1].text
        service.advance(hours=hours)
        assert (await verify(service, token)).status_code == status

    async def test_a_link_dies_with_a_change_of_password_or_address(self, service: Service, ada: Person) -> None:
        token = await service.mailed_token(ADA)
        await ada.put("/v1/me/password", current_password=PASSWORD, new_password="a different horse")
        assert pointers(await verify(service, token)) == ["/token"]
        await ada.post("/v1/auth/email/verification")
        token = await service.mailed_token(ADA)
        await move(ada, password="a different horse")
        assert (await verify(service, await service.mailed_token(NEW))).status_code == 204
        assert pointers(await verify(service, token)) == ["/token"]
        assert await address_of(ada) == (NEW, True)

    async def test_nobody_who_is_gone_is_verified(self, service: Service, ada: Person) -> None:
        token = await service.mailed_token(ADA)
        await service.deactivate(ada)
        assert pointers(await verify(service, token)) == ["/token"]

    @pytest.mark.parametrize(
        "token", ["", "nonsense", "hko_" + "0" * 49, "hko_" + "x" * 100_000, "\u212a" * 40], ids=len
    )
    async def test_what_was_never_mailed_is_refused(self, service: Service, ada: Person, token: str) -> None:
        await service.deliver()
        for path, more in (("/v1/auth/email/verify", {}), (RESET, {"password": PASSWORD})):
            answer = await service.anyone.post(path, token=token, **more)
            assert pointers(answer) == ["/token"]
            assert not token or token not in answer.text

    async def test_who_signs_in_need_not_have_verified_anything(self, service: Service, ada: Person) -> None:
        assert await service.sign_in(ADA)
        assert (await ada.key()).secret

    async def test_many_who_follow_one_link_at_once_are_one(self, service: Service, ada: Person) -> None:
        token = await service.mailed_token(ADA)
        answers = await asyncio.gather(*(verify(service, token) for _ in range(10)))
        assert sorted(answer.status_code for answer in answers) == [204] + [422] * 9

    async def test_a_key_verifies_nothing(self, ada: Person) -> None:
        asked = await (await ada.key()).post("/v1/auth/email/verification")
        assert refusal(asked) == (403, "credential_kind_not_allowed")


class TestMoving:
    async def test_it_moves_once_the_new_address_is_verified_and_the_old_one_is_told(
        self, service: Service, verified: Person
    ) -> None:
        asked = await move(verified, " Ada@New.Example")
        assert (asked.status_code, asked.content) == (202, b"")
        (mail,) = await service.deliver()
        assert (mail.to, mail.subject) == (NEW, "Confirm your new address for 127.0.0.1:8000")
        assert await address_of(verified) == (ADA, True)
        assert (await verify(service, await service.mailed_token(NEW))).status_code == 204
        assert await address_of(verified) == (NEW, True)
        (told,) = await service.deliver()
        assert (told.to, told.subject) == (ADA, "Your address for 127.0.0.1:8000 was changed")
        assert NEW not in told.text
        assert (await service.sign_in(NEW))["access_token"]
        form = {"grant_type": "password", "username": ADA, "password": PASSWORD}
        assert (await service.anyone.token(**form)).json()["error"] == "invalid_grant"

    async def test_it_is_in_the_trail(self, service: Service, verified: Person) -> None:
        await move(verified)
        await verify(service, await service.mailed_token(NEW))
        actions = [event.action for event in await service.events()]
        assert actions.index("user.email_changed") < actions.index("user.email_change_requested")
        changed = next(event for event in await service.events() if event.action == "user.email_changed")
        assert changed.changes == {"email": {"before": ADA, "after": NEW}}

    @pytest.mark.parametrize("email", [ADA, "ADA@example.org", "bob@example.org"])
    async def test_of_an_address_that_somebody_has_nothing_is_told_but_nothing_sent(
        self, service: Service, verified: Person, email: str
    ) -> None:
        bob = await service.user("bob@example.org")
        await verify(service, await service.mailed_token(bob.email))
        answers = [await move(verified, email), await move(verified, "free@example.org")]
        assert [(answer.status_code, answer.content) for answer in answers] == [(202, b"")] * 2
        kept = [{**answer.headers, "x-request-id": ""} for answer in answers]
        assert kept[0] == kept[1]
        assert await addressees(service) == ["free@example.org"]

    async def test_it_takes_the_password(self, service: Service, verified: Person) -> None:
        assert refusal(await move(verified, password="wrong")) == (403, "wrong_password")
        assert pointers(await move(verified, "nonsense")) == ["/email"]
        answers = [await move(verified, password="wrong") for _ in range(11)]
        assert refusal(answers[-1]) == refusal(await move(verified)) == (429, "quota_exceeded")
        assert await service.deliver() == []

    async def test_an_address_that_nobody_has_verified_is_taken_from_who_claims_it(
        self, service: Service, verified: Person
    ) -> None:
        squatter = await service.user(NEW)
        squatted = await service.mailed_token(NEW)
        await move(verified)
        assert (await verify(service, await service.mailed_token(NEW))).status_code == 204
        assert await address_of(verified) == (NEW, True)
        assert await address_of(squatter) == (f"{squatter.id}@address-taken.invalid", False)
        assert pointers(await verify(service, squatted)) == ["/token"]

    async def test_of_two_who_claim_it_the_first_to_verify_has_it(self, service: Service, verified: Person) -> None:
        bob = await service.user("bob@example.org")
        tokens = []
        for person in (verified, bob):
            await move(person)
            tokens.append(await service.mailed_token(NEW))
        assert (await verify(service, tokens[1])).status_code == 204
        for _ in range(2):
            assert refusal(await verify(service, tokens[0])) == (409, "email_taken")
        assert await address_of(verified) == (ADA, True)
        assert await address_of(bob) == (NEW, True)

    async def test_a_link_changes_whoever_asked_for_it_and_nobody_else(self, service: Service, ada: Person) -> None:
        token = await service.mailed_token(ADA)
        bob = await service.user("bob@example.org")
        assert (await verify(service, token)).status_code == 204
        assert await address_of(ada) == (ADA, True)
        assert await address_of(bob) == ("bob@example.org", False)

    async def test_to_ask_for_another_ends_the_link_to_the_first(self, service: Service, verified: Person) -> None:
        await move(verified)
        first = await service.mailed_token(NEW)
        await move(verified, "other@example.org")
        second = await service.mailed_token("other@example.org")
        assert pointers(await verify(service, first)) == ["/token"]
        assert (await verify(service, second)).status_code == 204

    async def test_the_link_is_good_once_and_for_a_day(self, service: Service, verified: Person) -> None:
        await move(verified)
        token = await service.mailed_token(NEW)
        service.advance(hours=24)
        assert pointers(await verify(service, token)) == ["/token"]
        assert await address_of_anew(service) == (ADA, True)

    async def test_links_to_the_old_address_die(self, service: Service, verified: Person) -> None:
        await service.anyone.post("/v1/auth/password/forgot", email=ADA)
        reset = await service.mailed_token(ADA)
        await move(verified)
        assert (await verify(service, await service.mailed_token(NEW))).status_code == 204
        answer = await service.anyone.post(RESET, token=reset, password="a different horse")
        assert pointers(answer) == ["/token"]


class TestAMoveThatATheftHasBegun:
    """Whoever knows the password asks for it, and holds the mail up until the owner has changed the password."""

    @pytest.mark.parametrize("how", ["change", "reset", "admin", "deactivate"])
    @pytest.mark.parametrize("sent", [True, False], ids=["sent before", "sent after"])
    async def test_ends_with_the_password(self, service: Service, verified: Person, how: str, sent: bool) -> None:
        await move(verified, "thief@example.net")
        if sent:
            token = await service.mailed_token("thief@example.net")
        service.advance(seconds=1)
        await secured(service, verified, how)
        if sent:
            assert pointers(await verify(service, token)) == ["/token"]
        else:
            assert "thief@example.net" not in await addressees(service)


async def secured(service: Service, ada: Person, how: str) -> None:
    if how == "change":
        body = {"current_password": PASSWORD, "new_password": "a different horse"}
        assert (await ada.put("/v1/me/password", **body)).status_code == 204
    elif how == "reset":
        await forget_and_reset(service)
    else:
        admin = await service.admin()
        path, body = f"/v1/users/{ada.id}/password", {"new_password": "a different horse"}
        if how == "deactivate":
            for is_active in (False, True):
                assert (await admin.patch(f"/v1/users/{ada.id}", is_active=is_active)).status_code == 200
        else:
            assert (await admin.put(path, **body)).status_code == 204


async def forget_and_reset(service: Service) -> None:
    """The owner's mail comes through; whatever is due besides is held up."""
    minted = service.ports.one_time_secrets.mint()
    async with service.ports.uow() as work:
        user = await work.users.find_by_email(ADA)  # type: ignore[arg-type]  # canonical
        assert user is not None
        await work.one_time_tokens.add(a_one_time_token(user, digest=minted.digest, email=user.email))
    answer = await service.anyone.post(RESET, token=minted.plain, password="a different horse")
    assert answer.status_code == 204, answer.text


async def address_of_anew(service: Service) -> tuple[str, bool]:
    tokens: Mapping[str, str] = await service.sign_in(ADA)
    me = (await service.anyone.send("GET", "/v1/me", headers=presenting(tokens["access_token"]))).json()
    return me["email"], me["email_verified"]


class TestLinks:
    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "keys.example.org:8443", "keys.example.org"])
    async def test_they_lead_to_the_public_url_whatever_the_request_says(self, host: str) -> None:
        url = "https://keys.example.org"
        exposure = Exposure(public_url=url, allowed_hosts=("keys.example.org", "127.0.0.1", "evil.example"))
        service = Service(memory_ports(rules=replace(NO_LIMITS, public_url=url)), exposure)
        stranger = service.anyone.saying(host=host, x_forwarded_host="evil.example", forwarded="host=evil.example")
        admin = await service.admin()
        registered = await stranger.post("/v1/auth/register", email=ADA, password=PASSWORD)
        assert registered.status_code == 201, registered.text
        await stranger.post("/v1/auth/password/forgot", email=ADA)
        ada = Caller(stranger.http, {**stranger.headers, **presenting((await service.sign_in(ADA))["access_token"])})
        await move(ada)
        inviting = stranger.saying(**admin.headers)
        await inviting.post("/v1/invitations", email="guest@example.org")
        await inviting.post("/v1/users", email="made@example.org")
        mails = await service.deliver()
        links = {line.partition("=")[0] for mail in mails for line in mail.text.splitlines() if "://" in line}
        assert links == {f"{url}/{page}?token" for page in ("verify-email", "reset-password", "accept-invitation")}
        assert "evil" not in repr([(mail.subject, mail.text) for mail in mails])
