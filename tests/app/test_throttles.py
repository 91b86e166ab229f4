"""Guessing passwords: how it is slowed down at every door, and who does not notice."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from adapters.memory.mails import MemoryMailSender
from domain.errors import Unavailable
from domain.model.attempts import Attempts
from domain.model.limits import Policy
from domain.model.passwords import Password
from domain.services.housekeeping import Housekeeping
from tests.support.databases import NAMES, Databases
from tests.support.fakes import CountingIds, ReversingPasswordHasher
from tests.support.ports import NO_LIMITS, memory_ports, ports_over
from tests.support.service import PASSWORD, Browser, Caller, Person, Service, refusal

WRONG = "wrong horse battery staple"
NEW_PASSWORD = "wrong donkey charger paperclip"
TWENTY = replace(NO_LIMITS, sign_in_limit=Policy(20, 60))
PATIENT = replace(TWENTY, sign_in_patience=2.0)


class CountingHasher(ReversingPasswordHasher):
    """Slow enough that all who may come in are there at once."""

    def __init__(self) -> None:
        self.verified = 0
        self.began = asyncio.Event()

    async def verify(self, password_hash: str | None, password: Password) -> bool:
        self.verified += 1
        self.began.set()
        await asyncio.sleep(0.01)
        return await super().verify(password_hash, password)


class BusyHasher(ReversingPasswordHasher):
    """Too many are waiting, until it is told otherwise."""

    busy = True

    async def verify(self, password_hash: str | None, password: Password) -> bool:
        if self.busy:
            raise Unavailable
        return await super().verify(password_hash, password)


@pytest.fixture
async def ada(service: Service) -> Person:
    return await service.user("ada@example.org", username="ada")


async def guess(caller: Caller, login: str, password: str = WRONG) -> int:
    """The status at the door of cookies; 429 says when to come back."""
    answer = await caller.saying(cookie="").post("/v1/auth/session", login=login, password=password)
    if answer.status_code == 429:
        assert int(answer.headers["retry-after"]) >= 1
        assert refusal(answer) == (429, "quota_exceeded")
    return answer.status_code


async def guess_by_token(caller: Caller, login: str, password: str = WRONG) -> int:
    answer = await caller.token(grant_type="password", username=login, password=password)
    assert answer.status_code != 400 or answer.json()["error"] == "invalid_grant"
    return answer.status_code


async def wait_of(caller: Caller, login: str, password: str = WRONG) -> int:
    """How many seconds a throttled caller is told to wait."""
    answer = await caller.post("/v1/auth/session", login=login, password=password)
    assert refusal(answer) == (429, "quota_exceeded"), answer.text
    return int(answer.headers["retry-after"])


async def fail(caller: Caller, login: str, times: int = 5) -> None:
    assert [await guess(caller, login) for _ in range(times)] == [401] * times


async def given_failures(service: Service, person: Person, failures: int) -> None:
    async with service.ports.uow() as work:
        account, now = f"user:{person.id}", service.ports.clock.now()
        await work.attempts.save(Attempts(account=account, failures=failures, last_at=now))


class TestFromUnknownDevices:
    async def test_five_failures_are_free_and_then_each_doubles_the_wait(self, service: Service, ada: Person) -> None:
        await fail(service.anyone, "ada")
        waits = []
        for _ in range(11):
            waits.append(await wait_of(service.anyone, "ada"))
            service.advance(seconds=waits[-1] - 0.001)
            assert await wait_of(service.anyone, "ada", PASSWORD) == 1
            service.advance(seconds=0.001)
            assert await guess(service.anyone, "ada") == 401
        assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]

    async def test_to_be_turned_away_is_no_failure(self, service: Service, ada: Person) -> None:
        await fail(service.anyone, "ada")
        for _ in range(20):
            assert await wait_of(service.anyone, "ada") == 2
        service.advance(seconds=2)
        assert await guess(service.anyone, "ada", PASSWORD) == 201

    async def test_right_wrong_and_unknown_cannot_be_told_apart(self, service: Service, ada: Person) -> None:
        gone = await service.user("gone@example.org")
        await service.deactivate(gone)
        logins = (("ada", PASSWORD), ("ada", WRONG), ("gone@example.org", PASSWORD), ("nobody", WRONG), ("@", WRONG))
        for login in {login for login, _ in logins}:
            await fail(service.anyone, login)
        told = set()
        for login, password in logins:
            body = {"login": login, "password": password}
            answer = await service.anyone.saying(x_request_id="one").post("/v1/auth/session", **body)
            told.add((answer.status_code, answer.content, tuple(sorted(answer.headers.items()))))
        assert len(told) == 1
        assert {status for status, _, _ in told} == {429}

    async def test_an_unknown_name_is_counted_by_its_canonical_form(self, service: Service) -> None:
        """As a known one is; else its spellings would tell which it is."""
        for login in ("nobody@example.org", "NOBODY@example.org", " nobody@example.org ", "nobody@EXAMPLE.org"):
            assert await guess(service.anyone, login) == 401
        assert await guess(service.anyone, "\uff4eobody@example.org") == 401
        assert await wait_of(service.anyone, "Nobody@Example.Org") == 2
        assert await guess(service.anyone, "somebody@example.org") == 401

    async def test_a_spelling_that_is_nobodys_name_tells_nothing_of_the_name(
        self, service: Service, ada: Person
    ) -> None:
        """No user name has spaces about it: what counts there counts nowhere else, taken or not."""
        for login in (" ada ", " nobody "):
            await fail(service.anyone, login)
            assert await wait_of(service.anyone, login) == 2
            assert await guess(service.anyone, login.strip()) == 401

    async def test_all_doors_and_all_names_of_an_account_share_one_count(self, service: Service, ada: Person) -> None:
        assert await guess(service.anyone, "ada") == 401
        assert await guess(service.at("198.51.100.9"), "ada@example.org") == 401
        assert await guess_by_token(service.anyone, "ADA") == 400
        assert await guess_by_token(service.at("2001:db8::1"), "ADA@example.org") == 400
        assert await guess(service.anyone, "Ada") == 401
        for login in ("ada", "ada@example.org"):
            assert await guess(service.anyone, login, PASSWORD) == 429
            assert await guess_by_token(service.anyone, login, PASSWORD) == 429

    async def test_at_the_door_of_tokens_it_is_the_same_problem(self, service: Service, ada: Person) -> None:
        await fail(service.anyone, "ada")
        answer = await service.anyone.token(grant_type="password", username="ada", password=PASSWORD)
        assert refusal(answer) == (429, "quota_exceeded")
        assert answer.headers["retry-after"] == "2"
        assert answer.json()["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"

    async def test_success_forgives(self, service: Service, ada: Person) -> None:
        for _ in range(3):
            await fail(service.anyone, "ada", 4)
            assert await guess(service.anyone, "ada", PASSWORD) == 201
        await fail(service.anyone, "ada")
        assert await guess(service.anyone, "ada", PASSWORD) == 429

    async def test_of_fifty_guesses_at_once_five_are_looked_at(self) -> None:
        """Reserved before it is verified: it gains nothing to be many."""
        hasher = CountingHasher()
        service = Service(memory_ports(passwords=hasher))
        await service.user("ada@example.org")
        for login in ("ada@example.org", "nobody@example.org"):
            hasher.verified = 0
            statuses = await asyncio.gather(*(guess(service.stranger(), login) for _ in range(50)))
            assert sorted(statuses) == [401] * 5 + [429] * 45
            assert hasher.verified == 5

    async def test_of_many_at_once_the_right_one_may_be_among_the_five(self) -> None:
        service = Service(memory_ports(passwords=CountingHasher()))
        await service.user("ada@example.org")
        passwords = [WRONG, PASSWORD, WRONG, WRONG, WRONG]
        statuses = await asyncio.gather(*(guess(service.stranger(), "ada@example.org", one) for one in passwords))
        assert sorted(statuses) == [201] + [401] * 4

    async def test_a_server_that_is_too_busy_counts_nothing(self) -> None:
        hasher = BusyHasher()
        hasher.busy = False
        service = Service(memory_ports(passwords=hasher, rules=TWENTY))
        await service.user("ada@example.org")
        hasher.busy = True
        for _ in range(30):
            answer = await service.stranger().sign_in("ada@example.org")
            assert refusal(answer) == (503, "unavailable")
            assert answer.headers["retry-after"] == "1"
        hasher.busy = False
        await fail(service.anyone, "ada@example.org")
        assert await guess(service.anyone, "ada@example.org") == 429

    async def test_a_caller_who_is_gone_is_not_held_against_anybody(self) -> None:
        hasher = CountingHasher()
        service = Service(memory_ports(passwords=hasher))
        await service.user("ada@example.org")
        for _ in range(8):
            attempt = asyncio.create_task(guess(service.stranger(), "ada@example.org"))
            await hasher.began.wait()
            hasher.began.clear()
            attempt.cancel()
            with suppress(asyncio.CancelledError):
                await attempt
        assert await guess(service.anyone, "ada@example.org", PASSWORD) == 201

    async def test_every_refusal_is_in_the_trail(self, service: Service, ada: Person) -> None:
        ids = []
        for login in ("ada", "nobody"):
            for _ in range(6):
                answer = await service.stranger("198.51.100.9").sign_in(login, WRONG)
                ids.append(answer.headers["x-request-id"])
        refused = [event for event in await service.events() if event.action == "user.sign_in_refused"][::-1]
        assert [event.request_id for event in refused] == ids
        assert {event.address for event in refused} == {"198.51.100.9"}
        assert [event.subject for event in refused] == [f"user:{ada.id}"] * 6 + ["user:unknown"] * 6
        reasons = [event.changes["reason"] for event in refused]
        assert reasons == (["invalid_credential"] * 5 + ["quota_exceeded"]) * 2


class TestFromKnownDevices:
    async def test_strangers_never_slow_one_down(self, service: Service, ada: Person) -> None:
        browser = await service.browser(ada)
        await fail(service.anyone, "ada")
        assert await guess(service.anyone, "ada", PASSWORD) == 429
        assert (await browser.sign_in("ada")).status_code == 201
        device = service.anyone.saying(cookie=f"hexkey_device={browser.jar['hexkey_device'].value}")
        assert await guess_by_token(device, "ada", PASSWORD) == 200
        assert await guess(service.anyone, "ada", PASSWORD) == 429, "nor does it forgive them"

    async def test_the_door_of_tokens_makes_a_device_known_too(self, service: Service, ada: Person) -> None:
        browser = service.stranger()
        await browser.token(grant_type="password", username="ada", password=PASSWORD)
        assert set(browser.jar) == {"hexkey_device"}
        await fail(service.anyone, "ada")
        assert (await browser.sign_in("ada")).status_code == 201

    async def test_ten_failures_are_free_and_the_wait_is_a_minute_at_the_most(
        self, service: Service, ada: Person
    ) -> None:
        browser = await service.browser(ada)
        assert [(await browser.sign_in("ada", WRONG)).status_code for _ in range(10)] == [401] * 10
        waits = []
        for _ in range(8):
            waits.append(await wait_of(browser, "ada"))
            service.advance(seconds=waits[-1])
            assert (await browser.sign_in("ada", WRONG)).status_code == 401
        assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
        service.advance(seconds=60)
        assert (await browser.sign_in("ada")).status_code == 201
        await fail(service.anyone, "ada")

    async def test_each_has_a_count_of_its_own(self, service: Service, ada: Person) -> None:
        phone, laptop = await service.browser(ada), await service.browser(ada)
        for _ in range(10):
            await phone.sign_in("ada", WRONG)
        assert (await phone.sign_in("ada")).status_code == 429
        assert (await laptop.sign_in("ada")).status_code == 201

    async def test_a_device_is_known_to_whom_it_knows(self, service: Service, ada: Person) -> None:
        """Somebody's own device is a stranger at the account of somebody else."""
        mallory = await service.browser(await service.user("mallory@example.org"))
        await fail(mallory, "ada")
        for _ in range(5):
            assert (await mallory.sign_in("ada", WRONG)).status_code in {401, 429}
        assert (await mallory.sign_in("ada")).status_code == 429
        assert await guess(service.anyone, "ada", PASSWORD) == 429

    @pytest.mark.parametrize("garble", [str.lower, lambda value: value[:-1], lambda value: "nonsense", lambda _: ""])
    async def test_a_garbled_cookie_makes_a_stranger(
        self, service: Service, ada: Person, garble: Callable[[str], str]
    ) -> None:
        browser = await service.browser(ada)
        await fail(service.anyone, "ada")
        device = garble(browser.jar["hexkey_device"].value)
        answer = await service.anyone.saying(cookie=f"hexkey_device={device}").post(
            "/v1/auth/session", login="ada", password=PASSWORD
        )
        assert answer.status_code == 429

    async def test_after_180_days_it_is_a_stranger_again(self, service: Service, ada: Person) -> None:
        browser = await service.browser(ada)
        service.advance(days=180)
        await fail(service.anyone, "ada")
        assert (await browser.sign_in("ada")).status_code == 429

    async def test_the_current_password_is_asked_of_a_session_with_one_count(
        self, service: Service, ada: Person
    ) -> None:
        """The session is the device: strangers do not slow it, and another session has a count of its own."""
        browser = await service.browser(ada)
        await fail(service.anyone, "ada")
        password = {"current_password": WRONG, "new_password": NEW_PASSWORD}
        email = {"current_password": WRONG, "email": "new@example.org"}
        for _ in range(5):
            assert refusal(await browser.put("/v1/me/password", **password)) == (403, "wrong_password")
            assert refusal(await browser.put("/v1/me/email", **email)) == (403, "wrong_password")
        right = {"current_password": PASSWORD}
        for path, body in (("password", password), ("password", password | right), ("email", email | right)):
            answer = await browser.put(f"/v1/me/{path}", **body)
            assert refusal(answer) == (429, "quota_exceeded")
            assert answer.headers["retry-after"] == "2"
        event = (await service.events())[0]
        assert (event.action, event.changes["reason"]) == ("user.password_refused", "quota_exceeded")
        assert (await ada.put("/v1/me/email", **(email | right))).status_code == 202
        service.advance(seconds=2)
        assert (await browser.put("/v1/me/password", **(password | right))).status_code == 204


class TestAHundredInARow:
    async def test_then_only_known_devices_come_in(self, service: Service, ada: Person) -> None:
        browser = await service.browser(ada)
        for _ in range(100):
            assert await guess(service.anyone, "ada") == 401
            service.advance(seconds=900)
        assert await wait_of(service.anyone, "ada", PASSWORD) == 900
        sweep = Housekeeping(uow=service.ports.uow, changes=service.ports.changes, clock=service.ports.clock).sweep
        for _ in range(5):
            service.advance(days=8)
            await sweep()
            assert await wait_of(service.anyone, "ada", PASSWORD) == 900
        assert (await browser.sign_in("ada")).status_code == 201
        assert await guess(service.anyone, "ada", PASSWORD) == 429, "the known device speaks for itself alone"

    async def test_ninety_nine_are_not_a_hundred(self, service: Service, ada: Person) -> None:
        await given_failures(service, ada, 99)
        service.advance(seconds=900)
        assert await guess(service.anyone, "ada", PASSWORD) == 201
        await fail(service.anyone, "ada")

    async def test_an_unknown_name_behaves_the_same(self, service: Service) -> None:
        for _ in range(100):
            assert await guess(service.anyone, "nobody") == 401
            service.advance(seconds=900)
        assert await wait_of(service.anyone, "nobody") == 900

    async def test_a_reset_by_mail_opens_it(self, service: Service, ada: Person) -> None:
        await given_failures(service, ada, 100)
        service.advance(days=1)
        assert await guess(service.anyone, "ada", PASSWORD) == 429
        await service.anyone.post("/v1/auth/password/forgot", email=ada.email)
        while await service.services.mails.deliver():
            pass
        assert isinstance(service.ports.mail, MemoryMailSender)
        token = re.search(r"token=(\S+)", service.ports.mail.sent[-1].text)[1]  # type: ignore[index]
        body = {"token": token, "password": NEW_PASSWORD}
        assert (await service.anyone.post("/v1/auth/password/reset", **body)).status_code == 204
        assert await guess(service.anyone, "ada", NEW_PASSWORD) == 201

    async def test_so_does_somebody_who_may(self, service: Service, ada: Person) -> None:
        await given_failures(service, ada, 100)
        admin = await service.admin()
        assert (await admin.post(f"/v1/users/{ada.id}/unlock")).status_code == 204
        assert (await service.events())[0].action == "user.unlocked"
        assert await guess(service.anyone, "ada", PASSWORD) == 201

    async def test_everything_else_goes_on(self, service: Service, ada: Person) -> None:
        browser, robot = await service.browser(ada), await ada.key()
        await given_failures(service, ada, 100)
        assert await guess(service.anyone, "ada", PASSWORD) == 429
        for caller in (ada, browser, robot):
            assert (await caller.get("/v1/whoami")).status_code == 200
        refreshed = await service.anyone.token(grant_type="refresh_token", refresh_token=ada.tokens["refresh_token"])
        assert refreshed.status_code == 200
        changed = await browser.put("/v1/me/password", current_password=PASSWORD, new_password=NEW_PASSWORD)
        assert changed.status_code == 204


class TestByAddress:
    @pytest.fixture
    async def service(self) -> Service:
        service = Service(memory_ports(rules=TWENTY))
        for number in range(5):
            await service.user(f"user{number}@example.org")
        return service

    async def test_twenty_failures_a_minute_whoever_they_are_about(self, service: Service) -> None:
        here, there = service.at("198.51.100.9"), service.at("198.51.100.10")
        for number in range(20):
            assert await guess(here, f"user{number}@example.org") == 401
        assert await wait_of(here, "user0@example.org", PASSWORD) == 60
        assert await guess_by_token(here, "user0@example.org", PASSWORD) == 429
        assert await guess(there, "user0@example.org", PASSWORD) == 201
        service.advance(seconds=60)
        assert await guess(here, "user0@example.org", PASSWORD) == 201

    async def test_who_succeeds_is_not_counted(self, service: Service) -> None:
        here = service.at("198.51.100.9")
        for _ in range(30):
            assert await guess(here, "user0@example.org", PASSWORD) == 201
        for number in range(20):
            assert await guess(here, f"nobody{number}") == 401
        assert await guess(here, "user0@example.org", PASSWORD) == 429

    async def test_an_ipv6_network_is_one_address(self, service: Service) -> None:
        for number in range(20):
            assert await guess(service.at(f"2001:db8:0:1::{number:x}"), f"nobody{number}") == 401
        assert await guess(service.at("2001:db8:0:1:ffff::1"), "user0@example.org", PASSWORD) == 429
        assert await guess(service.at("2001:db8:0:2::1"), "user0@example.org", PASSWORD) == 201

    async def test_an_ipv4_address_in_ipv6_clothes_is_the_same(self, service: Service) -> None:
        for number in range(20):
            address = "::ffff:198.51.100.9" if number % 2 else "198.51.100.9"
            assert await guess(service.at(address), f"nobody{number}") == 401
        assert await guess(service.at("::ffff:198.51.100.9"), "user0@example.org", PASSWORD) == 429

    async def test_a_known_device_does_not_lift_it(self, service: Service) -> None:
        here = service.stranger("198.51.100.9")
        await here.sign_in("user0@example.org")
        for number in range(20):
            assert await guess(here, f"nobody{number}") == 401
        assert (await here.sign_in("user0@example.org")).status_code == 429

    async def test_sessions_refreshes_and_keys_go_on(self, service: Service) -> None:
        ada = await service.user("ada@example.org")
        robot, browser = await ada.key(), await service.browser(ada)
        for number in range(20):
            assert await guess(service.anyone, f"nobody{number}") == 401
        assert await guess(service.anyone, "ada@example.org", PASSWORD) == 429
        for caller in (ada, robot, browser):
            assert (await caller.get("/v1/whoami")).status_code == 200
        refreshed = await service.anyone.token(grant_type="refresh_token", refresh_token=ada.tokens["refresh_token"])
        assert refreshed.status_code == 200
        revoked = await service.anyone.send("POST", "/v1/auth/revoke", data={"token": ada.tokens["refresh_token"]})
        assert revoked.status_code == 200


@pytest.mark.parametrize("name", NAMES)
class TestOverEveryStorage:
    async def test_the_count_outlives_a_restart_and_is_shared_by_workers(self, databases: Databases, name: str) -> None:
        async with databases.storage(name) as storage:
            one = Service(ports_over(storage))
            other = Service(ports_over(storage, ids=CountingIds(1000)))
            ada = await one.user("ada@example.org")
            browser = await one.browser(ada)
            for login in (ada.email, "nobody@example.org"):
                await fail(one.anyone, login, 3)
                await fail(other.anyone, login, 2)
                assert await wait_of(one.anyone, login, PASSWORD) == 2
                assert await wait_of(other.anyone, login, PASSWORD) == 2
            restarted = Service(ports_over(storage, ids=CountingIds(2000)))
            assert await wait_of(restarted.anyone, ada.email, PASSWORD) == 2
            elsewhere = Browser(restarted.anyone.http, jar=browser.jar)
            assert (await elsewhere.sign_in(ada.email)).status_code == 201

    async def test_at_two_workers_at_once_five_are_looked_at(self, databases: Databases, name: str) -> None:
        async with databases.storage(name) as storage:
            hasher = CountingHasher()
            workers = [Service(ports_over(storage, passwords=hasher, ids=CountingIds(start))) for start in (1, 10**6)]
            await workers[0].user("ada@example.org")
            hasher.verified = 0
            guesses = [guess(workers[number % 2].stranger(), "ada@example.org") for number in range(30)]
            assert sorted(await asyncio.gather(*guesses)) == [401] * 5 + [429] * 25
            assert hasher.verified == 5

    async def test_an_owner_who_signs_in_twenty_times_at_once_has_done_no_wrong(
        self, databases: Databases, name: str
    ) -> None:
        async with databases.storage(name) as storage:
            service = Service(ports_over(storage, rules=PATIENT, passwords=CountingHasher()))
            await service.user("ada@example.org")
            tries = (guess(service.stranger(), "ada@example.org", PASSWORD) for _ in range(20))
            assert await asyncio.gather(*tries) == [201] * 20

    async def test_nobody_waits_where_nobody_is_being_judged(self, databases: Databases, name: str) -> None:
        """A guesser who comes back again and again costs one look each time."""
        async with databases.storage(name) as storage:
            service = Service(ports_over(storage, rules=PATIENT))
            ada = await service.user("ada@example.org")
            await given_failures(service, ada, 10)
            service.advance(seconds=2)
            async with asyncio.timeout(1):
                assert await wait_of(service.anyone, ada.email) == 62

    async def test_who_guesses_is_not_helped_by_patience(self, databases: Databases, name: str) -> None:
        async with databases.storage(name) as storage:
            hasher = CountingHasher()
            rules = replace(NO_LIMITS, sign_in_patience=0.2)
            service = Service(ports_over(storage, rules=rules, passwords=hasher))
            await service.user("ada@example.org")
            hasher.verified = 0
            guesses = (guess(service.stranger(), "ada@example.org") for _ in range(50))
            assert sorted(await asyncio.gather(*guesses)) == [401] * 5 + [429] * 45
            assert hasher.verified == 5
