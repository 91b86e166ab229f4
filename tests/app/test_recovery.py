"""A forgotten password: a link to the mailbox, and what it does and does not tell."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from domain.model.actors import system
from domain.model.limits import Policy
from domain.model.passwords import PasswordPolicy
from domain.model.permissions import CORE_PERMISSIONS
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from tests.support.databases import memory_storage
from tests.support.ports import NO_LIMITS, memory_ports, ports_over
from tests.support.service import PASSWORD, Caller, Person, Service, pointers, presenting, refusal

ADA, GUEST = "ada@example.org", "guest@example.org"
NEW = "a different horse altogether"
OPERATOR = system(CORE_PERMISSIONS)


@pytest.fixture
async def ada(service: Service) -> Person:
    """Registered, verified, and known on no device."""
    person = await service.user(ADA, username="ada", name="Ada Lovelace")
    await service.anyone.post("/v1/auth/email/verify", token=await service.mailed_token(ADA))
    return person


async def forgot(caller: Caller, email: str = ADA) -> httpx.Response:
    return await caller.post("/v1/auth/password/forgot", email=email)


async def reset(service: Service, token: str, password: str = NEW) -> httpx.Response:
    return await service.anyone.post("/v1/auth/password/reset", token=token, password=password)


async def forgotten(service: Service, email: str = ADA) -> str:
    """The token of a link that has just been asked for."""
    assert (await forgot(service.anyone, email)).status_code == 202
    return await service.mailed_token(email)


class TestAsking:
    async def test_a_link_goes_to_the_mailbox(self, service: Service, ada: Person) -> None:
        answer = await forgot(service.anyone, " ADA@Example.org")
        assert (answer.status_code, answer.content) == (202, b"")
        (mail,) = await service.deliver()
        assert (mail.to, mail.subject) == (ADA, "A new password for 127.0.0.1:8000")
        assert "http://127.0.0.1:8000/reset-password?token=hko_" in mail.text
        assert "within 30 minutes" in mail.text

    @pytest.mark.parametrize(
        "near",
        ["\u0430da@example.org", "ada@example.org.", "ada@exampIe.org", "ada+x@example.org", "\u0101da@example.org"],
    )
    async def test_nothing_goes_to_an_address_that_only_looks_like_the_stored_one(
        self, service: Service, ada: Person, near: str
    ) -> None:
        assert (await forgot(service.anyone, near)).status_code in {202, 422}
        assert await service.deliver() == []

    async def test_what_compares_equal_is_mailed_to_what_is_stored(self, service: Service) -> None:
        await service.user("strasse@example.org")
        await service.deliver()
        await forgot(service.anyone, "STRA\u00dfE@example.org")
        assert [mail.to for mail in await service.deliver()] == ["strasse@example.org"]

    async def test_the_answer_and_the_work_are_the_same_whoever_has_the_address(self) -> None:
        storage = memory_storage()
        watched = Watched(storage.uow)
        service = Service(ports_over(storage, uow=watched))
        await service.user(ADA)
        await service.deactivate(await service.user("gone@example.org"))
        await service.services.users.create(OPERATOR, email="new@example.org")
        await service.deliver()
        answers, work = [], []
        for email in (ADA, "gone@example.org", "new@example.org", "nobody@example.org"):
            watched.calls.clear()
            answers.append(await forgot(service.anyone, email))
            work.append(tuple(watched.calls))
        assert len({(answer.status_code, answer.content, len(answer.headers)) for answer in answers}) == 1
        assert set(work) == {("mails.add", "events.add")}
        assert sorted({mail.to for mail in await service.deliver()}) == [ADA, "new@example.org"]
        asked = [event for event in await service.events() if event.action == "user.password_reset_requested"]
        assert {(event.subject, event.user_id) for event in asked} == {("user:unknown", None)}

    async def test_what_is_no_address_is_told_so(self, service: Service) -> None:
        assert pointers(await forgot(service.anyone, "nonsense")) == ["/email"]

    async def test_an_account_is_mailed_three_times_an_hour_and_no_word_of_more(
        self, service: Service, ada: Person
    ) -> None:
        for number in range(6):
            assert (await forgot(service.at(f"192.0.2.{number}"))).status_code == 202
        assert len(await service.deliver()) == 3
        service.advance(minutes=59)
        await forgot(service.anyone)
        assert await service.deliver() == []
        service.advance(minutes=1)
        await forgot(service.anyone)
        assert len(await service.deliver()) == 1

    @pytest.mark.parametrize(
        "client", [lambda n: "192.0.2.1", lambda n: f"2001:db8::{n + 1:x}"], ids=["an address", "a network of /64"]
    )
    async def test_ten_an_hour_are_asked_for_from_one_client_and_no_word_of_more(
        self, service: Service, client: Any
    ) -> None:
        people = [await service.user() for _ in range(12)]
        await service.deliver()
        for number, person in enumerate(people):
            assert (await forgot(service.at(client(number)), person.email)).status_code == 202
        assert [mail.to for mail in await service.deliver()] == [person.email for person in people[:10]]
        await forgot(service.at("192.0.2.2"), people[-1].email)
        assert [mail.to for mail in await service.deliver()] == [people[-1].email]
        service.advance(hours=1)
        await forgot(service.at(client(0)), people[0].email)
        assert len(await service.deliver()) == 1

    async def test_it_counts_as_trying_to_sign_in(self) -> None:
        service = Service(memory_ports(rules=replace(NO_LIMITS, sign_in_limit=Policy(3, 60))))
        answers = [await forgot(service.anyone, f"a{n}@example.org") for n in range(4)]
        assert [answer.status_code for answer in answers] == [202] * 3 + [429]
        assert refusal(await reset(service, "hko_" + "0" * 49)) == (429, "quota_exceeded")
        assert refusal(await service.anyone.post("/v1/auth/email/verify", token="x")) == (429, "quota_exceeded")


class TestResetting:
    async def test_the_new_password_is_the_only_one_and_every_session_ends(self, service: Service, ada: Person) -> None:
        other, robot = await service.sign_in(ADA), await ada.key()
        token = await forgotten(service)
        answer = await reset(service, token)
        assert (answer.status_code, answer.content) == (204, b"")
        for access_token in (ada.tokens["access_token"], other["access_token"]):
            me = await service.anyone.send("GET", "/v1/me", headers=presenting(access_token))
            assert refusal(me) == (401, "invalid_credential")
        carried = await service.anyone.token(grant_type="refresh_token", refresh_token=other["refresh_token"])
        assert carried.json()["error"] == "invalid_grant"
        old = await service.anyone.token(grant_type="password", username=ADA, password=PASSWORD)
        assert old.json()["error"] == "invalid_grant"
        assert await service.sign_in(ADA, NEW)
        assert (await robot.get("/v1/projects")).status_code == 200

    async def test_it_is_in_the_trail_and_told_by_mail(self, service: Service, ada: Person) -> None:
        token = await forgotten(service)
        await reset(service, token)
        (mail,) = await service.deliver()
        assert (mail.to, mail.subject) == (ADA, "Your password for 127.0.0.1:8000 was changed")
        event = next(event for event in await service.events() if event.action == "user.password_reset")
        assert (event.subject, str(event.user_id)) == (f"user:{ada.id}", ada.id)
        assert token not in repr(await service.events())

    async def test_a_link_is_good_once(self, service: Service, ada: Person) -> None:
        token = await forgotten(service)
        assert (await reset(service, token)).status_code == 204
        assert pointers(await reset(service, token, "yet another horse")) == ["/token"]
        assert await service.sign_in(ADA, NEW)

    @pytest.mark.parametrize(("minutes", "status"), [(29.99, 204), (30, 422)])
    async def test_a_link_lives_for_half_an_hour(
        self, service: Service, ada: Person, minutes: float, status: int
    ) -> None:
        token = await forgotten(service)
        service.advance(minutes=minutes)
        assert (await reset(service, token)).status_code == status

    @pytest.mark.parametrize("end", ["password", "admin", "email", "inactive", "back again", "newer"])
    async def test_a_link_dies_with_what_it_was_for(self, service: Service, ada: Person, end: str) -> None:
        admin = await service.admin()
        token = await forgotten(service)
        user = f"/v1/users/{ada.id}"
        match end:
            case "password":
                await ada.put("/v1/me/password", current_password=PASSWORD, new_password=NEW)
            case "admin":
                await admin.put(f"{user}/password", new_password=NEW)
            case "email":
                await admin.patch(user, email="new@example.org")
            case "inactive":
                await admin.patch(user, is_active=False)
            case "back again":
                await admin.patch(user, is_active=False)
                await admin.patch(user, is_active=True)
            case "newer":
                assert await forgotten(service) != token
        assert pointers(await reset(service, token, "yet another horse")) == ["/token"]

    async def test_who_was_throttled_signs_in_again(self, service: Service, ada: Person) -> None:
        for _ in range(6):
            answer = await service.anyone.token(grant_type="password", username=ADA, password="wrong")
        assert answer.status_code == 429
        assert (await reset(service, await forgotten(service))).status_code == 204
        assert await service.sign_in(ADA, NEW)

    async def test_it_verifies_the_address(self, service: Service) -> None:
        bob = await service.user("bob@example.org")
        assert not (await bob.get("/v1/me")).json()["email_verified"]
        await reset(service, await forgotten(service, bob.email))
        tokens = await service.sign_in(bob.email, NEW)
        me = await service.anyone.send("GET", "/v1/me", headers=presenting(tokens["access_token"]))
        assert me.json()["email_verified"]

    @pytest.mark.parametrize(
        "password", ["short", "x" * 129, "abababababababab", "Ada Lovelace 1815", "summer of sixty nine"]
    )
    async def test_a_password_that_is_not_accepted_does_not_spend_the_link(self, password: str) -> None:
        policy = PasswordPolicy(common=frozenset({"summer of sixty nine"}))
        service = Service(memory_ports(rules=replace(NO_LIMITS, passwords=policy)))
        await service.user(ADA, name="Ada Lovelace")
        token = await forgotten(service)
        assert pointers(await reset(service, token, password)) == ["/password"]
        assert await service.sign_in(ADA)
        assert (await reset(service, token)).status_code == 204

    async def test_a_link_that_is_dead_does_not_tell_whose_name_is_in_a_password(
        self, service: Service, ada: Person
    ) -> None:
        token = await forgotten(service)
        service.advance(minutes=30)
        assert pointers(await reset(service, token, "Ada Lovelace 1815")) == ["/token"]

    async def test_who_was_made_without_a_password_sets_one_within_a_day(self, service: Service) -> None:
        admin = await service.admin()
        made = await admin.post("/v1/users", email="new@example.org")
        assert made.status_code == 201
        token = await service.mailed_token("new@example.org")
        assert "within 24 hours" in service.mails[-1].text
        service.advance(hours=23)
        assert (await reset(service, token)).status_code == 204
        assert await service.sign_in("new@example.org", NEW)


class TestWhatALinkIsGoodFor:
    """Every secret that the service hands out, at every door that takes a mailed one."""

    GOOD = {
        ("reset", "reset"),
        ("welcome", "reset"),
        ("verification", "verify"),
        ("change", "verify"),
        ("invitation", "register"),
    }
    SECRETS = (
        "reset",
        "welcome",
        "verification",
        "change",
        "invitation",
        "access",
        "refresh",
        "key",
        "cookie",
        "device",
    )

    @pytest.mark.parametrize("door", ["reset", "verify", "register"])
    @pytest.mark.parametrize("secret", SECRETS)
    async def test_it_is_good_for_one_thing_and_what_refuses_it_does_not_spend_it(
        self, service: Service, secret: str, door: str
    ) -> None:
        token = await a_secret(service, secret)
        answer = await presented(service, token, door)
        if (secret, door) in self.GOOD:
            assert answer.status_code in {201, 204}, answer.text
            return
        assert pointers(answer) == [{"register": "/invitation"}.get(door, "/token")]
        assert token not in answer.text
        for own in (door for kind, door in self.GOOD if kind == secret):
            assert (await presented(service, token, own)).status_code in {201, 204}

    @pytest.mark.parametrize("secret", SECRETS[:5])
    async def test_it_is_no_credential(self, service: Service, secret: str) -> None:
        token = await a_secret(service, secret)
        for headers in (presenting(token), {"x-api-key": token}):
            answer = await service.anyone.send("GET", "/v1/me", headers=headers)
            assert refusal(answer) == (401, "invalid_credential")
        carried = await service.anyone.token(grant_type="refresh_token", refresh_token=token)
        assert carried.json()["error"] == "invalid_grant"


async def a_secret(service: Service, kind: str) -> str:
    ada, admin = await service.user(ADA), await service.admin()
    match kind:
        case "verification":
            return await service.mailed_token(ADA)
        case "reset":
            return await forgotten(service)
        case "welcome":
            await admin.post("/v1/users", email="new@example.org")
            return await service.mailed_token("new@example.org")
        case "change":
            await ada.put("/v1/me/email", email="ada@new.example", current_password=PASSWORD)
            return await service.mailed_token("ada@new.example")
        case "invitation":
            await admin.post("/v1/invitations", email=GUEST)
            return await service.mailed_token(GUEST)
        case "access" | "refresh":
            return str(ada.tokens[f"{kind}_token"])
        case "key":
            return (await ada.key()).secret
    browser = await service.browser(ada)
    return browser.jar[{"cookie": "hexkey_session", "device": "hexkey_device"}[kind]].value


async def presented(service: Service, token: str, door: str) -> httpx.Response:
    match door:
        case "reset":
            return await reset(service, token)
        case "verify":
            return await service.anyone.post("/v1/auth/email/verify", token=token)
    body = {"email": GUEST, "password": NEW, "invitation": token}
    return await service.anyone.post("/v1/auth/register", **body)


class Watched:
    """Writes down each call to a repository of *uow*."""

    def __init__(self, uow: UnitOfWorkFactory) -> None:
        self._uow = uow
        self.calls: list[str] = []

    def __call__(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._watch(self._uow())

    def reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._watch(self._uow.reading())

    @asynccontextmanager
    async def _watch(self, unit: AbstractAsyncContextManager[UnitOfWork]) -> AsyncIterator[Any]:
        async with unit as work:
            yield _Watching(work, self.calls, "")


class _Watching:
    def __init__(self, watched: object, calls: list[str], name: str) -> None:
        self._watched, self._calls, self._name = watched, calls, name

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._watched, name)
        if not self._name:
            return _Watching(member, self._calls, name)
        self._calls.append(f"{self._name}.{name}")
        return member
