from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from domain.errors import Invalid, KeyNotFound, ScopeExceedsMinter
from domain.model.actors import Actor, ActorKind
from domain.model.ids import ProjectId
from domain.model.keys import Key, KeyStatus, expiry, metadata, project_ids, require_within
from domain.model.limits import policies
from domain.model.networks import networks
from domain.model.permissions import KeyPermission
from tests.support.examples import a_key, a_secret, a_user
from tests.support.fakes import START

OWNER = a_user()
HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)
ONE, TWO, THREE = (ProjectId(UUID(int=number)) for number in (1, 2, 3))


@pytest.mark.parametrize("revoked", [None, START])
@pytest.mark.parametrize("suspended", [None, START])
@pytest.mark.parametrize("expires", [None, START + HOUR])
def test_a_status_is_the_gravest_that_holds(
    revoked: datetime | None, suspended: datetime | None, expires: datetime | None
) -> None:
    key = a_key(OWNER, revoked_at=revoked, suspended_at=suspended, expires_at=expires)
    now = START + HOUR
    gravest = [
        *([KeyStatus.REVOKED] if revoked else []),
        *([KeyStatus.EXPIRED] if expires else []),
        *([KeyStatus.SUSPENDED] if suspended else []),
        KeyStatus.ACTIVE,
    ]
    assert key.status(now=now) is gravest[0]


def test_a_key_is_active_until_the_instant_of_its_expiry() -> None:
    key = a_key(OWNER, expires_at=START + HOUR)
    assert key.status(now=START + HOUR - INSTANT) is KeyStatus.ACTIVE
    assert key.status(now=START + HOUR) is KeyStatus.EXPIRED


@pytest.mark.parametrize("ends", [START, START - INSTANT])
def test_a_key_ends_after_it_begins(ends: datetime) -> None:
    with pytest.raises(Invalid, match="expires_at"):
        a_key(OWNER, expires_at=ends)


def test_revoking_is_final_and_the_first_time_counts() -> None:
    revoked = a_key(OWNER).revoke(now=START + HOUR)
    assert revoked.revoked_at == START + HOUR
    assert revoked.revoke(now=START + 2 * HOUR) is revoked


def test_the_newest_secret_is_the_last() -> None:
    secrets = (a_secret(1), a_secret(2))
    assert a_key(OWNER, secrets=secrets).newest is secrets[1]


def test_a_secret_lives_until_the_instant_it_retires() -> None:
    retiring = a_secret(retires_at=START + HOUR)
    assert retiring.is_live(now=START + HOUR - INSTANT)
    assert not retiring.is_live(now=START + HOUR)
    assert a_secret().is_live(now=START + 100_000 * HOUR)


def user(*permissions: str, key: Key | None = None) -> Actor:
    return Actor(kind=ActorKind.USER, permissions=frozenset(permissions), user_id=key.owner_id if key else a_user().id)


def test_a_key_is_seen_by_its_owner_and_by_who_may_see_any() -> None:
    key = a_key(OWNER)
    assert key.visible_to(user(key=key)) is key
    assert key.visible_to(user(KeyPermission.ANY)) is key
    with pytest.raises(KeyNotFound):
        key.visible_to(user(*(set(KeyPermission) - {KeyPermission.ANY})))


MINTER = Actor(
    kind=ActorKind.KEY,
    permissions=frozenset({"projects:read", "api_keys:create"}),
    expires_at=START + HOUR,
    project_ids=frozenset({ONE, TWO}),
    allowed_networks=networks(["192.0.2.0/24", "2001:db8::/32"]),
    limits=policies(["100/minute", "1000/day"]),
)


def mint(
    minter: Actor = MINTER,
    permissions: Iterable[str] = ("projects:read",),
    expires_at: datetime | None = START + HOUR,
    projects: Iterable[ProjectId] = (ONE,),
    where: Iterable[str] = ("192.0.2.0/24",),
    limits: Iterable[str] = ("1000/day", "100/minute"),
) -> None:
    key = a_key(
        OWNER,
        expires_at=expires_at,
        project_ids=frozenset(projects),
        allowed_networks=networks(where),
        limits=policies(limits),
    )
    require_within(minter, key, frozenset(permissions))


def test_a_key_within_its_minter_is_allowed() -> None:
    mint()
    mint(permissions=(), expires_at=START + HOUR - INSTANT, projects=(ONE, TWO))
    mint(permissions=MINTER.permissions)


def test_nobody_gives_what_they_lack() -> None:
    with pytest.raises(ScopeExceedsMinter, match=r"projects:update, users:read"):
        mint(permissions=("users:read", "projects:read", "projects:update"))


@pytest.mark.parametrize("ends", [None, START + HOUR + INSTANT])
def test_no_key_issues_one_that_outlives_it(ends: datetime | None) -> None:
    with pytest.raises(ScopeExceedsMinter, match="outlives"):
        mint(expires_at=ends)


@pytest.mark.parametrize("projects", [(), (THREE,), (ONE, THREE)])
def test_no_key_bound_to_projects_issues_one_that_reaches_further(projects: tuple[ProjectId, ...]) -> None:
    with pytest.raises(ScopeExceedsMinter, match="projects"):
        mint(projects=projects)


@pytest.mark.parametrize(
    "where", [(), ("192.0.2.0/23",), ("198.51.100.1",), ("192.0.2.7", "198.51.100.1"), ("2001::/16",), ("::/0",)]
)
def test_no_key_bound_to_networks_issues_one_that_comes_from_elsewhere(where: tuple[str, ...]) -> None:
    with pytest.raises(ScopeExceedsMinter, match="networks"):
        mint(where=where)


@pytest.mark.parametrize("where", [("192.0.2.7",), ("192.0.2.0/25", "2001:db8::1"), ("2001:db8::/32",)])
def test_a_narrower_network_is_within(where: tuple[str, ...]) -> None:
    mint(where=where)


@pytest.mark.parametrize("limits", [(), ("100/minute",), ("1000/day", "101/minute"), ("1000/day", "100/second")])
def test_no_key_with_limits_issues_one_that_calls_more_often(limits: tuple[str, ...]) -> None:
    with pytest.raises(ScopeExceedsMinter, match="limits"):
        mint(limits=limits)


@pytest.mark.parametrize("limits", [("99/minute", "1000/day", "5/second"), ("100/day",), ("100/hour", "999/day")])
def test_a_tighter_limit_is_within(limits: tuple[str, ...]) -> None:
    mint(limits=limits)


def test_a_minter_without_an_end_or_a_bound_sets_none() -> None:
    free = Actor(kind=ActorKind.USER, permissions=MINTER.permissions)
    mint(free, expires_at=None, projects=(), where=(), limits=())


def test_an_expiry_is_an_instant_or_a_span_from_now() -> None:
    assert expiry(at=START + HOUR, after=None, now=START, longest=None) == START + HOUR
    assert expiry(at=None, after=HOUR, now=START, longest=None) == START + HOUR
    assert expiry(at=None, after=None, now=START, longest=None) is None


def test_the_operators_cap_holds_and_is_the_default() -> None:
    day = timedelta(days=1)
    assert expiry(at=None, after=None, now=START, longest=day) == START + day
    assert expiry(at=START + day, after=None, now=START, longest=day) == START + day
    with pytest.raises(Invalid, match="expires_at: is at most 1 days"):
        expiry(at=START + day + INSTANT, after=None, now=START, longest=day)
    with pytest.raises(Invalid, match="expires_in: is at most 1 days"):
        expiry(at=None, after=2 * day, now=START, longest=day)


def test_an_expiry_is_given_once_and_lies_ahead() -> None:
    with pytest.raises(Invalid, match="expires_in: is given instead of expires_at"):
        expiry(at=START + HOUR, after=HOUR, now=START, longest=None)
    with pytest.raises(Invalid, match="expires_at: is in the future"):
        expiry(at=START, after=None, now=START, longest=None)
    with pytest.raises(Invalid, match="expires_in: is in the future"):
        expiry(at=None, after=timedelta(0), now=START, longest=None)
    with pytest.raises(Invalid, match="expires_in: ends before the year 10000"):
        expiry(at=None, after=timedelta(days=999_999_999), now=START, longest=None)


@pytest.mark.parametrize(
    ("raw", "parsed"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.1", "192.0.2.1/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::1", "::1/128"),
    ],
)
def test_a_network_is_a_range_or_one_address(raw: str, parsed: str) -> None:
    assert [str(network) for network in networks([raw])] == [parsed]


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "x",
        "192.0.2.1/24",
        "192.0.2.0/33",
        "192.0.2.0/",
        "192.0.2.0/-1",
        "192.0.2.0/255.255.255.0",
        "192.0.2.0/0.0.0.255",
        " 192.0.2.1",
        "192.0.2.1\n",
        "192.0.2",
        "fe80::1%eth0",
        "\u0661.1.1.1",
    ],
)
def test_what_is_no_network_is_refused_by_its_place(raw: str) -> None:
    with pytest.raises(Invalid) as refusal:
        networks(["192.0.2.0/24", raw])
    assert refusal.value.problems[0].field == "allowed_networks/1"


def test_a_key_has_at_most_64_networks_and_64_projects() -> None:
    assert len(networks(["192.0.2.1"] * 64)) == 64
    with pytest.raises(Invalid, match="at most 64 networks"):
        networks(["192.0.2.1"] * 65)
    assert len(project_ids(ProjectId(UUID(int=number)) for number in range(64))) == 64
    with pytest.raises(Invalid, match="at most 64 projects"):
        project_ids(ProjectId(UUID(int=number)) for number in range(65))


def test_metadata_is_4_kib_of_json_at_most() -> None:
    assert metadata(None) == {}
    assert metadata({"team": "\u00e9" * 2042}) == {"team": "\u00e9" * 2042}
    with pytest.raises(Invalid, match="4096 bytes"):
        metadata({"team": "\u00e9" * 2043})


def test_digests_are_never_shown() -> None:
    key = a_key(OWNER, secrets=(a_secret(digest=b"the digest"),))
    assert "the digest" not in repr(key)
