"""What becomes of a key: the single turns, and every order of them."""

from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.errors import Invalid, KeyEnded
from domain.model.keys import ENDED, Key, KeyChange, KeyStatus, grace_period
from domain.model.limits import policies
from domain.model.networks import networks
from tests.support.examples import a_key, a_secret, a_user
from tests.support.fakes import START

OWNER = a_user()
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def rotated(key: Key, *, grace: timedelta = timedelta(0), now: datetime = START) -> Key:
    return key.rotate(digest=b"new", pepper_id="p2", last4="9999", grace=grace, now=now)


def ends(key: Key) -> list[datetime | None]:
    return [secret.retires_at for secret in key.secrets]


def test_a_rotation_adds_a_secret_and_ends_the_last_one() -> None:
    key = rotated(a_key(OWNER), now=START + HOUR)
    assert (key.newest.version, key.newest.digest, key.newest.pepper_id, key.newest.last4) == (2, b"new", "p2", "9999")
    assert key.newest.created_at == START + HOUR
    assert ends(key) == [START + HOUR, None]


def test_a_grace_lets_the_last_secret_live_on_if_the_key_does() -> None:
    assert ends(rotated(a_key(OWNER), grace=DAY)) == [START + DAY, None]
    assert ends(rotated(a_key(OWNER, expires_at=START + HOUR), grace=DAY)) == [START + HOUR, None]


def test_rotating_again_ends_the_older_secret() -> None:
    twice = rotated(rotated(a_key(OWNER), grace=DAY), grace=DAY, now=START + HOUR)
    assert ends(twice) == [START + HOUR, START + HOUR + DAY, None]
    assert [secret.is_live(now=START + HOUR) for secret in twice.secrets] == [False, True, True]


def test_a_secret_that_has_ended_is_not_ended_later() -> None:
    assert ends(rotated(rotated(a_key(OWNER)), now=START + HOUR)) == [START, START + HOUR, None]


@pytest.mark.parametrize(("text", "span"), [("0s", timedelta(0)), ("24h", DAY), ("30d", 30 * DAY), ("720h", 30 * DAY)])
def test_a_grace_is_up_to_thirty_days(text: str, span: timedelta) -> None:
    assert grace_period(text) == span


@pytest.mark.parametrize("text", ["31d", "30d1s", "-1s", "", "721h", "2592000001ms"])
def test_a_grace_is_no_longer(text: str) -> None:
    with pytest.raises(Invalid, match="grace"):
        grace_period(text)


def test_the_newest_secret_takes_the_key_with_it_and_an_older_one_only_itself() -> None:
    key = rotated(a_key(OWNER), grace=DAY)
    assert key.end_secret(2, now=START + HOUR).revoked_at == START + HOUR
    older = key.end_secret(1, now=START + HOUR)
    assert (older.revoked_at, ends(older)) == (None, [START + HOUR, None])
    assert older.end_secret(1, now=START + 2 * HOUR) is older
    assert key.end_secret(7, now=START) is key


def test_suspending_and_resuming_said_again_change_nothing() -> None:
    suspended = a_key(OWNER).suspend(now=START)
    assert suspended.status(now=START) is KeyStatus.SUSPENDED
    assert suspended.suspend(now=START + HOUR) is suspended
    resumed = suspended.resume(now=START + HOUR)
    assert resumed.status(now=START) is KeyStatus.ACTIVE
    assert resumed.resume(now=START + HOUR) is resumed


@pytest.mark.parametrize("ended", [{"revoked_at": START}, {"expires_at": START + HOUR}])
def test_what_has_ended_does_not_come_back(ended: dict[str, datetime]) -> None:
    key, now = a_key(OWNER, suspended_at=START, **ended), START + HOUR
    with pytest.raises(KeyEnded):
        key.resume(now=now)
    with pytest.raises(KeyEnded):
        key.suspend(now=now)
    with pytest.raises(KeyEnded):
        rotated(key, now=now)
    with pytest.raises(KeyEnded):
        key.edit(KeyChange(expires_at=None), longest=None, now=now)


def test_what_is_not_named_stays_and_the_difference_tells_what_does_not() -> None:
    key = a_key(OWNER, name="a", description="d", metadata={"n": 1})
    edited = key.edit(
        KeyChange(name="b", description=None, limits=policies(["5/minute"]), allowed_networks=networks(["192.0.2.1"])),
        longest=None,
        now=START,
    )
    assert (edited.name, edited.description, edited.metadata, edited.scopes) == ("b", None, {"n": 1}, key.scopes)
    assert key.difference(edited) == {
        "name": {"before": "a", "after": "b"},
        "description": {"before": "d", "after": None},
        "limits": {"before": [], "after": ["5/minute"]},
        "allowed_networks": {"before": [], "after": ["192.0.2.1/32"]},
    }


@pytest.mark.parametrize("expires_at", [None, START + 31 * DAY])
def test_the_operators_cap_is_on_the_whole_life(expires_at: datetime | None) -> None:
    key, cap, now = a_key(OWNER, expires_at=START + DAY), 30 * DAY, START + HOUR
    with pytest.raises(Invalid, match="30 days"):
        key.edit(KeyChange(expires_at=expires_at), longest=cap, now=now)
    assert key.edit(KeyChange(expires_at=START + cap), longest=cap, now=now).expires_at == START + cap
    assert key.edit(KeyChange(name="b"), longest=HOUR, now=now).expires_at == START + DAY


spans = st.sampled_from([timedelta(0), timedelta(microseconds=1), HOUR, DAY, 30 * DAY])


class Life(RuleBasedStateMachine):
    """Whatever is done to a key in whatever order: at most two secrets are good, and no end is taken back."""

    @initialize(lifetime=st.none() | spans.filter(bool))
    def begin(self, lifetime: timedelta | None) -> None:
        self.now = START
        self.key = a_key(OWNER, secrets=(a_secret(),), expires_at=None if lifetime is None else START + lifetime)
        self.dead: set[int] = set()
        self.ended = False

    def turn(self, after: Key) -> None:
        before = {secret.version: secret for secret in self.key.secrets}
        for secret in after.secrets:
            old = before.get(secret.version, secret)
            assert (old.digest, old.created_at, old.use_count) == (secret.digest, secret.created_at, secret.use_count)
        self.key = after

    @rule(by=spans)
    def wait(self, by: timedelta) -> None:
        self.now += by

    @rule(grace=spans)
    def rotate(self, grace: timedelta) -> None:
        if self.has_ended():
            with pytest.raises(KeyEnded):
                rotated(self.key, grace=grace, now=self.now)
            return
        last = self.key.newest
        self.turn(rotated(self.key, grace=grace, now=self.now))
        assert self.key.newest.version == last.version + 1
        [left] = [secret for secret in self.key.secrets if secret.version == last.version]
        assert left.retires_at is not None
        assert left.retires_at <= self.now + grace
        assert self.key.expires_at is None or left.retires_at <= self.key.expires_at

    @rule(version=st.integers(1, 6))
    def end_secret(self, version: int) -> None:
        newest = self.key.newest.version
        self.turn(self.key.end_secret(version, now=self.now))
        assert self.has_ended() or version != newest
        assert not [s for s in self.key.secrets if s.version == version != newest and s.is_live(now=self.now)]

    @rule(suspend=st.booleans())
    def turn_off_or_on(self, suspend: bool) -> None:
        turn = self.key.suspend if suspend else self.key.resume
        if self.has_ended():
            with pytest.raises(KeyEnded):
                turn(now=self.now)
            return
        self.turn(turn(now=self.now))
        assert self.key.status(now=self.now) is (KeyStatus.SUSPENDED if suspend else KeyStatus.ACTIVE)

    @rule()
    def revoke(self) -> None:
        self.turn(self.key.revoke(now=self.now))
        assert self.key.status(now=self.now) is KeyStatus.REVOKED

    @rule(lifetime=st.none() | spans.filter(bool))
    def prolong_or_cut(self, lifetime: timedelta | None) -> None:
        change = KeyChange(expires_at=None if lifetime is None else self.now + lifetime)
        if self.has_ended():
            with pytest.raises(KeyEnded):
                self.key.edit(change, longest=None, now=self.now)
            return
        self.turn(self.key.edit(change, longest=None, now=self.now))

    def has_ended(self) -> bool:
        return self.key.status(now=self.now) in ENDED

    @invariant()
    def at_most_two_are_good_and_the_newest_is(self) -> None:
        live = [secret.version for secret in self.key.secrets if secret.is_live(now=self.now)]
        assert 1 <= len(live) <= 2
        assert live[-1] == self.key.newest.version

    @invariant()
    def what_ended_stays_ended(self) -> None:
        live = {secret.version for secret in self.key.secrets if secret.is_live(now=self.now)}
        assert not live & self.dead
        self.dead |= {secret.version for secret in self.key.secrets} - live
        assert self.has_ended() or not self.ended
        self.ended = self.has_ended()

    @invariant()
    def an_old_secret_knows_its_end(self) -> None:
        for secret in self.key.secrets:
            retirement = self.key.retirement_of(secret)
            assert (retirement is None) == (secret is self.key.newest)
            assert retirement is None or retirement.since >= secret.created_at


TestLife = Life.TestCase
