from datetime import timedelta

import pytest

from domain.model.actors import Origin, neighbourhood
from domain.model.ids import SessionId
from domain.model.sessions import Lifetimes, RefreshToken, Session, SessionKind, Spending
from tests.support.examples import a_refresh_token, a_session, a_user
from tests.support.fakes import START, CountingIds

LIFETIMES = Lifetimes(idle=timedelta(days=14), absolute=timedelta(days=90))
HERE = Origin(address="192.0.2.1", user_agent="curl/8")
INSTANT = timedelta(microseconds=1)
DAY = timedelta(days=1)


def begun(lifetimes: Lifetimes = LIFETIMES) -> Session:
    return Session.begin(
        id=SessionId(CountingIds().new()),
        user_id=a_user().id,
        kind=SessionKind.TOKEN,
        lifetimes=lifetimes,
        origin=HERE,
        now=START,
    )


def test_a_session_remembers_where_it_began() -> None:
    session = begun()
    assert (session.address, session.user_agent) == ("192.0.2.1", "curl/8")
    assert session.created_at == session.last_seen_at == START


def test_a_session_lives_until_it_was_idle_too_long() -> None:
    session = begun()
    assert session.is_live(now=START + 14 * DAY - INSTANT)
    assert not session.is_live(now=START + 14 * DAY)


def test_use_prolongs_it_but_never_past_its_absolute_end() -> None:
    session = begun()
    for day in range(10, 90, 10):
        assert session.is_live(now=START + day * DAY)
        session = session.seen(lifetimes=LIFETIMES, origin=HERE, now=START + day * DAY)
    assert session.is_live(now=START + 90 * DAY - INSTANT)
    assert not session.is_live(now=START + 90 * DAY)
    assert session.idle_ends_at == session.ends_at


def test_an_idle_time_beyond_the_absolute_one_means_nothing() -> None:
    session = begun(Lifetimes(idle=30 * DAY, absolute=DAY))
    assert session.idle_ends_at == session.ends_at == START + DAY


def test_it_is_seen_where_it_was_last_used() -> None:
    seen = begun().seen(lifetimes=LIFETIMES, origin=Origin(address="192.0.2.9"), now=START + DAY)
    assert (seen.address, seen.user_agent, seen.last_seen_at) == ("192.0.2.9", None, START + DAY)


def test_an_ended_session_stays_ended_since_the_first_time() -> None:
    ended = begun().end(now=START + DAY)
    assert not ended.is_live(now=START + DAY)
    assert not ended.is_live(now=START)
    assert ended.end(now=START + 2 * DAY) is ended


def spent(origin: Origin = HERE) -> RefreshToken:
    token = a_refresh_token(a_session(a_user()))
    return token.spend(Spending(origin, b"successor", b"sealed", START))


def retries(token: RefreshToken, origin: Origin = HERE, after: timedelta = timedelta()) -> bool:
    return token.may_retry(origin=origin, window=timedelta(seconds=10), now=START + after)


def test_who_spent_a_token_may_ask_again_within_the_window() -> None:
    assert retries(spent())
    assert retries(spent(), after=timedelta(seconds=10) - INSTANT)
    assert not retries(spent(), after=timedelta(seconds=10))


def test_a_token_that_was_not_spent_is_no_retry() -> None:
    assert not retries(a_refresh_token(a_session(a_user())))


@pytest.mark.parametrize(
    "other",
    [
        Origin(address="192.0.2.2", user_agent="curl/8"),
        Origin(address="192.0.2.1", user_agent="curl/9"),
        Origin(address="192.0.2.1"),
        Origin(user_agent="curl/8"),
    ],
)
def test_another_client_may_not(other: Origin) -> None:
    assert not retries(spent(), other)


def test_an_ipv6_client_may_hop_within_its_64() -> None:
    token = spent(Origin(address="2001:db8:0:1::1"))
    assert retries(token, Origin(address="2001:db8:0:1:ffff::2"))
    assert not retries(token, Origin(address="2001:db8:0:2::1"))


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        (None, None),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("garbled:", "garbled:"),
        ("testclient", "testclient"),
    ],
)
def test_a_neighbourhood_is_an_ipv4_address_or_an_ipv6_64(address: str | None, counted_as: str | None) -> None:
    assert neighbourhood(address) == counted_as


def test_a_spent_token_shows_neither_itself_nor_its_successor() -> None:
    shown = repr(spent())
    assert "successor'" not in shown
    assert "sealed'" not in shown
    assert "digest" not in shown
