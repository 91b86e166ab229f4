"""Random walks through signing in, at two workers over one storage, each beside a model of a few lines.

Every call must come out as the model says, in whatever order hypothesis finds for them.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.composition import Services, assemble
from domain.errors import InvalidCredential, QuotaExceeded, WrongPassword
from domain.model.actors import Origin, system
from domain.model.attempts import Attempts
from domain.model.passwords import Password
from domain.model.permissions import CORE_PERMISSIONS
from domain.model.users import User
from tests.support.databases import NAMES, Databases
from tests.support.fakes import START, CountingIds, ReversingPasswordHasher
from tests.support.ports import ports_over
from tests.support.service import PASSWORD, Browser, Service

T = TypeVar("T")
WRONG = "wrong horse battery staple"
ADA = "ada@example.org"
DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
HOME = Origin(address="2001:db8:0:1::1", user_agent="app")
CLIENTS = {
    "home": HOME,
    "next door": HOME._replace(address="2001:db8:0:1::2"),
    "thief": HOME._replace(address="2001:db8:0:2::1"),
    "other app": HOME._replace(user_agent="other"),
}
SAME = {"home", "next door"}
MOSTLY_HOME = st.sampled_from(["home", "home", "home", *CLIENTS])
WORKERS = st.integers(0, 1)
OPERATOR = system(CORE_PERMISSIONS)


class Walk(RuleBasedStateMachine):
    """Its steps run in a loop of its own, which lives as long as the storage."""

    def __init__(self, databases: Databases, name: str) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._opened = databases.storage(name)
        self.storage = self.do(self._opened.__aenter__())
        self.prepare()

    def prepare(self) -> None:
        raise NotImplementedError

    def ports(self, worker: int, **given: Any) -> Any:
        return ports_over(self.storage, ids=CountingIds(1 + worker * 10**6), **given)

    def do(self, step: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(step)

    @property
    def now(self) -> datetime:
        return self.storage.clock.now()

    async def registered(self, services: Services) -> User:
        return await services.registration.register(HOME, email=ADA, password=PASSWORD)

    async def switched(self, user: User, *, is_active: bool) -> None:
        """Nothing but that: the sessions stay."""
        async with self.storage.uow() as work:
            await work.users.save(replace(await work.users.get(user.id), is_active=is_active))

    async def count(self, action: str) -> int:
        async with self.storage.uow.reading() as work:
            return [event.action for event in await work.events.list(1000)].count(action)

    def teardown(self) -> None:
        self.do(self._opened.__aexit__(None, None, None))
        self._runner.close()


async def outcome(call: Coroutine[Any, Any, T]) -> T | Exception:
    try:
        return await call
    except (InvalidCredential, WrongPassword, QuotaExceeded) as refused:
        return refused


@dataclass
class Link:
    """A refresh token, and what became of it."""

    plain: str
    spent_at: datetime | None = None
    spent_by: str = ""
    successor: "Link | None" = None


@dataclass
class Family:
    ends_at: datetime
    idle_ends_at: datetime
    access: str
    accessed_at: datetime
    links: list[Link] = field(default_factory=list)
    is_ended: bool = False

    def is_live(self, now: datetime) -> bool:
        return not self.is_ended and now < self.idle_ends_at and now < self.ends_at


class RefreshFamily(Walk):
    """At most one live child; a second use that is no honest retry ends it; nothing outlives its 90 days."""

    def prepare(self) -> None:
        self.services = [assemble(self.ports(worker)) for worker in (0, 1)]
        self.user = self.do(self.registered(self.services[0]))
        self.families: list[Family] = []
        self.reused = 0

    @initialize()
    def begin(self) -> None:
        self.log_in(0)

    @precondition(lambda self: len(self.families) < 4)
    @rule(worker=WORKERS)
    def log_in(self, worker: int) -> None:
        signed_in = self.do(self.services[worker].sign_in.for_tokens(ADA, PASSWORD, HOME))
        tokens, now = signed_in.tokens, self.now
        links = [Link(tokens.refresh_token)]
        self.families.append(Family(now + 90 * DAY, now + 14 * DAY, tokens.access_token, now, links))

    @precondition(lambda self: self.families)
    @rule(worker=WORKERS, pick=st.integers(0), back=st.integers(0, 2), client=MOSTLY_HOME)
    def refresh(self, worker: int, pick: int, back: int, client: str) -> None:
        """Mostly with one of the newest: the older ones all fare alike."""
        family = self.families[pick % len(self.families)]
        link = family.links[-1 - back % len(family.links)]
        tokens = self.do(outcome(self.services[worker].sessions.refresh(link.plain, CLIENTS[client])))
        self._refreshed(family, link, client, tokens)

    @precondition(lambda self: self.families)
    @rule(pick=st.integers(0), back=st.integers(0, 1), client=st.sampled_from(sorted(SAME)))
    def refresh_at_once(self, pick: int, back: int, client: str) -> None:
        family = self.families[pick % len(self.families)]
        link = family.links[-1 - back % len(family.links)]

        async def both() -> list[Any]:
            calls = [one.sessions.refresh(link.plain, CLIENTS[client]) for one in self.services]
            return await asyncio.gather(*map(outcome, calls))

        for tokens in self.do(both()):
            self._refreshed(family, link, client, tokens)

    @precondition(lambda self: len(self.families) > 1)
    @rule(worker=WORKERS, pick=st.integers(0), back=st.integers(0, 5), access=st.booleans())
    def revoke(self, worker: int, pick: int, back: int, access: bool) -> None:
        family = self.families[pick % len(self.families)]
        token = family.access if access else family.links[-1 - back % len(family.links)].plain
        self.do(self.services[worker].sessions.revoke(token, HOME))
        if not access or self.now < family.accessed_at + 11 * MINUTE:
            family.is_ended = True

    @precondition(lambda self: self.families)
    @rule(worker=WORKERS, pick=st.integers(0))
    def refresh_while_inactive(self, worker: int, pick: int) -> None:
        """Refused, and nothing is spent."""
        self.do(self.switched(self.user, is_active=False))
        for link in self.families[pick % len(self.families)].links[-2:]:
            refused = self.do(outcome(self.services[worker].sessions.refresh(link.plain, CLIENTS["thief"])))
            assert isinstance(refused, InvalidCredential)
        self.do(self.switched(self.user, is_active=True))

    @precondition(lambda self: len(self.families) == 4)
    @rule(worker=WORKERS)
    def be_deactivated_and_come_back(self, worker: int) -> None:
        self.do(self.services[worker].users.deactivate(OPERATOR, self.user.id))
        self.do(self.switched(self.user, is_active=True))
        for family in self.families:
            family.is_ended = True
        self.families = self.families[2:]

    @rule(by=st.sampled_from([SECOND, 5 * SECOND, 9 * SECOND, 10 * SECOND, 11 * MINUTE, 9 * DAY, 14 * DAY]))
    def wait(self, by: timedelta) -> None:
        self.storage.clock.advance(by)

    @invariant()
    def at_most_one_child_is_live(self) -> None:
        async def unspent(family: Family) -> int:
            digest = self.ports(0).refresh_tokens.digest
            async with self.storage.uow.reading() as work:
                kept = [await work.sessions.find_refresh_token(digest(link.plain)) for link in family.links[-3:]]
            return len([token for token in kept if token is not None and token.spent_at is None])

        for family in self.families:
            assert self.do(unspent(family)) == 1

    @invariant()
    def an_access_token_is_worth_as_much_as_its_family(self) -> None:
        for family in self.families:
            bearer = self.do(outcome(self.services[1].access.authenticate(family.access, HOME)))
            is_in_time = self.now < family.accessed_at + 11 * MINUTE
            good = family.is_live(self.now) and is_in_time
            assert isinstance(bearer, InvalidCredential) is not good

    @invariant()
    def every_second_use_is_in_the_trail(self) -> None:
        assert self.do(self.count("session.reuse_detected")) == self.reused

    def _refreshed(self, family: Family, link: Link, client: str, tokens: Any) -> None:
        now = self.now
        if not family.is_live(now):
            assert isinstance(tokens, InvalidCredential)
        elif link.spent_at is None:
            family.links.append(Link(tokens.refresh_token))
            link.spent_at, link.spent_by, link.successor = now, client, family.links[-1]
            family.idle_ends_at = min(now + 14 * DAY, family.ends_at)
            family.access, family.accessed_at = tokens.access_token, now
        elif self._is_honest(link, client):
            assert link.successor is not None
            assert tokens.refresh_token == link.successor.plain
            family.access, family.accessed_at = tokens.access_token, now
        else:
            assert isinstance(tokens, InvalidCredential)
            family.is_ended = True
            self.reused += 1

    def _is_honest(self, link: Link, client: str) -> bool:
        assert link.spent_at is not None
        assert link.successor is not None
        in_time = self.now - link.spent_at < 10 * SECOND and link.successor.spent_at is None
        return in_time and (client == link.spent_by or {client, link.spent_by} <= SAME)


@dataclass
class Cookie:
    """A session of the model, by the cookie that opens it."""

    browser: int
    ends_at: datetime
    idle_ends_at: datetime
    seen_at: datetime
    is_ended: bool = False

    def is_live(self, now: datetime) -> bool:
        return not self.is_ended and now < self.idle_ends_at


class CookieSession(Walk):
    """What a client knew before a sign-in is never authenticated by it; and what is dead stays dead."""

    def prepare(self) -> None:
        self.workers = [Service(self.ports(worker)) for worker in (0, 1)]
        self.user = self.do(self.registered(self.workers[0].services))
        self.browsers = [self.workers[0].stranger() for _ in range(3)]
        self.cookies: dict[str, Cookie] = {}
        self.planted = {"hexkey_session=chosen", f"hexkey_session=hks_{'0' * 71}"}
        self.password = PASSWORD

    def at(self, worker: int, browser: int) -> Browser:
        return replace(self.browsers[browser], http=self.workers[worker].anyone.http)

    @rule(worker=WORKERS, browser=st.integers(0, 2), planted=st.integers(0, 9))
    def log_in(self, worker: int, browser: int, planted: int) -> None:
        """In a browser that has a session, or none, or one that somebody planted there."""
        at, before = self.at(worker, browser), self._session_of(browser)
        known = sorted(self.planted | self.cookies.keys())
        if planted < len(known) and before is None:
            before = known[planted]
            at = at.saying(cookie=before)
        answer = self.do(at.sign_in(ADA, self.password))
        assert answer.status_code == 201
        new = self.browsers[browser].session
        assert new not in known
        if before in self.cookies:
            self.cookies[before].is_ended = True
        now = self.now
        self.cookies[new] = Cookie(browser, now + DAY, now + HOUR, now)

    @rule(worker=WORKERS, pick=st.integers(0))
    def use(self, worker: int, pick: int) -> None:
        """Any cookie that was ever seen or made up, from anywhere."""
        known = sorted(self.planted | self.cookies.keys())
        value = known[pick % len(known)]
        answer = self.do(self.workers[worker].anyone.saying(cookie=value).get("/v1/whoami"))
        cookie = self.cookies.get(value)
        if cookie is None or not cookie.is_live(self.now):
            assert answer.status_code == 401
            return
        assert answer.json()["user_id"] == str(self.user.id)
        self._used(value)

    @rule(worker=WORKERS, browser=st.integers(0, 2))
    def log_out(self, worker: int, browser: int) -> None:
        at, value = self.at(worker, browser), self._session_of(browser)
        answer = self.do(at.delete("/v1/auth/session"))
        if value is None or not self.cookies[value].is_live(self.now):
            assert answer.status_code == 401
            return
        assert answer.status_code == 204
        assert self._session_of(browser) is None
        self.cookies[value].is_ended = True

    @rule(worker=WORKERS, browser=st.integers(0, 2))
    def change_password(self, worker: int, browser: int) -> None:
        at, value = self.at(worker, browser), self._session_of(browser)
        new = f"{PASSWORD} {len(self.cookies)} {self.now.timestamp()}"
        if new == self.password:
            return
        answer = self.do(at.put("/v1/me/password", current_password=self.password, new_password=new))
        if value is None or not self.cookies[value].is_live(self.now):
            assert answer.status_code == 401
            return
        assert answer.status_code == 204
        self.password = new
        self._used(value)
        for other, cookie in self.cookies.items():
            cookie.is_ended = cookie.is_ended or other != value

    @rule(worker=WORKERS)
    def be_inactive_for_a_while(self, worker: int) -> None:
        self.do(self.switched(self.user, is_active=False))
        for value in self.cookies:
            answer = self.do(self.workers[worker].anyone.saying(cookie=value).get("/v1/whoami"))
            assert answer.status_code == 401
        self.do(self.switched(self.user, is_active=True))

    @rule(by=st.sampled_from([SECOND, MINUTE, 30 * MINUTE, 59 * MINUTE, HOUR, 12 * HOUR]))
    def wait(self, by: timedelta) -> None:
        self.storage.clock.advance(by)

    @invariant()
    def what_is_dead_stays_dead(self) -> None:
        dead = [value for value, cookie in self.cookies.items() if not cookie.is_live(self.now)][-3:]
        for value in [*dead, *self.planted]:
            answer = self.do(self.workers[0].anyone.saying(cookie=value).get("/v1/whoami"))
            assert answer.status_code == 401

    def _session_of(self, browser: int) -> str | None:
        return self.browsers[browser].session if self.browsers[browser].csrf else None

    def _used(self, value: str) -> None:
        cookie = self.cookies[value]
        if self.now - cookie.seen_at >= MINUTE:
            cookie.seen_at, cookie.idle_ends_at = self.now, min(self.now + HOUR, cookie.ends_at)


class CountingHasher(ReversingPasswordHasher):
    verified = 0

    async def verify(self, password_hash: str | None, password: Password) -> bool:
        self.verified += 1
        await asyncio.sleep(0)
        return await super().verify(password_hash, password)


@dataclass
class Count:
    """What the policy says of one account on one device; *most* ends all patience."""

    free: int
    longest: int
    most: int
    failures: int = 0
    last_at: datetime = START

    def wait(self, now: datetime) -> int:
        if self.failures >= self.most:
            return 900
        if self.failures < self.free:
            return 0
        pause = min(2 ** (self.failures - self.free + 1), self.longest) * SECOND
        return max(0, -((now - self.last_at - pause) // SECOND))


class LoginThrottle(Walk):
    """No more is verified than the policy allows; a known device always gets in within a minute of patience."""

    def prepare(self) -> None:
        self.hasher = CountingHasher()
        self.services = [assemble(self.ports(worker, passwords=self.hasher)) for worker in (0, 1)]
        self.user = self.do(self.registered(self.services[0]))
        first = self.do(self.services[0].sign_in.for_tokens(ADA, PASSWORD, HOME))
        self.device = first.device
        self.actor = self.do(self.services[0].access.authenticate(first.tokens.access_token, HOME))
        self.admitted = self.hasher.verified
        self.counts = {
            "stranger": Count(5, 900, 100),
            "nobody": Count(5, 900, 100),
            "device": Count(10, 60, 10**9),
            "session": Count(10, 60, 10**9),
        }

    @rule(worker=WORKERS, by_cookie=st.booleans(), who=st.sampled_from(["stranger", "nobody", "device"]))
    def fail(self, worker: int, by_cookie: bool, who: str) -> None:
        refused = self.do(outcome(self._sign_in(worker, who, WRONG, by_cookie=by_cookie)))
        self._judged(self.counts[who], refused, InvalidCredential)

    @rule(worker=WORKERS, by_cookie=st.booleans(), who=st.sampled_from(["stranger", "device"]))
    def succeed(self, worker: int, by_cookie: bool, who: str) -> None:
        count = self.counts[who]
        wait = count.wait(self.now)
        done = self.do(outcome(self._sign_in(worker, who, PASSWORD, by_cookie=by_cookie)))
        if wait:
            assert isinstance(done, QuotaExceeded)
            assert done.retry_after == wait
            return
        assert not isinstance(done, Exception)
        count.failures = 0
        self.admitted += 1

    @rule(many=st.integers(2, 8), who=st.sampled_from(["stranger", "nobody"]))
    def guess_at_once(self, many: int, who: str) -> None:
        """Who is many gets no more looked at."""
        count = self.counts[who]
        free = 0 if count.wait(self.now) else max(1, count.free - count.failures)

        async def all_of_them() -> list[Any]:
            guesses = (self._sign_in(number % 2, who, WRONG) for number in range(many))
            return await asyncio.gather(*map(outcome, guesses))

        told = [type(refused) for refused in self.do(all_of_them())]
        judged = min(many, free)
        assert told.count(InvalidCredential) == judged
        assert told.count(QuotaExceeded) == many - judged
        self.admitted += judged
        if judged:
            count.failures, count.last_at = count.failures + judged, self.now

    @rule(worker=WORKERS)
    def fail_to_change_the_password(self, worker: int) -> None:
        change = self.services[worker].accounts.change_password
        refused = self.do(outcome(change(self.actor, current=WRONG, new="wrong donkey charger paperclip")))
        self._judged(self.counts["session"], refused, WrongPassword)

    @precondition(lambda self: self.counts["stranger"].failures < 90)
    @rule()
    def guess_for_weeks(self) -> None:
        for who, account in (("stranger", f"user:{self.user.id}"), ("nobody", self._nobody())):
            self.do(self.storage.given(Attempts(account=account, failures=98, last_at=self.now)))
            self.counts[who].failures, self.counts[who].last_at = 98, self.now

    @rule(worker=WORKERS)
    def unlock(self, worker: int) -> None:
        self.do(self.services[worker].users.unlock(OPERATOR, self.user.id))
        for who in ("stranger", "device", "session"):
            self.counts[who].failures = 0

    @rule(by=st.sampled_from([SECOND, 2 * SECOND, 30 * SECOND, MINUTE, 15 * MINUTE]))
    def wait(self, by: timedelta) -> None:
        self.storage.clock.advance(by)

    @rule(worker=WORKERS)
    def come_home(self, worker: int) -> None:
        wait = self.counts["device"].wait(self.now)
        assert wait <= 60
        self.storage.clock.advance(wait * SECOND)
        self.succeed(worker, True, "device")

    @invariant()
    def nothing_more_was_verified(self) -> None:
        assert self.hasher.verified == self.admitted

    async def _sign_in(self, worker: int, who: str, password: str, *, by_cookie: bool = False) -> object:
        sign_in = self.services[worker].sign_in
        login = "nobody@example.org" if who == "nobody" else ADA
        device = self.device if who == "device" else None
        return await (sign_in.for_cookie if by_cookie else sign_in.for_tokens)(login, password, HOME, device=device)

    def _judged(self, count: Count, refused: object, expected: type[Exception]) -> None:
        if wait := count.wait(self.now):
            assert isinstance(refused, QuotaExceeded)
            assert refused.retry_after == wait
            return
        assert isinstance(refused, expected)
        count.failures, count.last_at = count.failures + 1, self.now
        self.admitted += 1

    def _nobody(self) -> str:
        account: str = self.ports(0).devices.account_of_nobody("nobody@example.org")
        return account


EXAMPLES = {"memory": 60, "sqlite": 25, "postgres": 20}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("machine", [RefreshFamily, CookieSession, LoginThrottle])
def test_every_walk_goes_as_the_model_says(databases: Databases, machine: type[Walk], name: str) -> None:
    run_state_machine_as_test(
        lambda: machine(databases, name),
        settings=settings(
            max_examples=EXAMPLES[name],
            stateful_step_count=30,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
