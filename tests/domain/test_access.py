from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model.access import Holder, KeyGrant, Rejection, SessionGrant
from domain.model.actors import Actor, ActorKind, Origin, Retirement
from domain.model.ids import KeyId, ProjectId, RoleId
from domain.model.networks import networks, within
from domain.model.permissions import CORE_PERMISSIONS, MEMBER_PERMISSIONS
from domain.model.presented import PresentedKey
from domain.model.roles import ADMIN, MEMBER, Role, permissions_of
from domain.model.scopes import BUILT_IN_SCOPES, Catalogue
from tests.support.examples import a_key, a_secret, a_session, a_user
from tests.support.fakes import START

OWNER = a_user()
CATALOGUE = Catalogue()
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def grant(*, owner_is_active: bool = True, **key: object) -> KeyGrant:
    return KeyGrant.resolve(
        a_key(OWNER, **key), owner_is_active=owner_is_active, owner_roles=(MEMBER,), catalogue=CATALOGUE
    )


roles = st.builds(
    Role,
    id=st.uuids().map(RoleId),
    name=st.just("role"),
    permissions=st.frozensets(st.sampled_from(sorted(CORE_PERMISSIONS))),
    is_active=st.booleans(),
    created_at=st.just(START),
    updated_at=st.just(START),
)
scopes = st.frozensets(st.sampled_from(sorted({*BUILT_IN_SCOPES, *CORE_PERMISSIONS, "gone:scope"})))


@given(st.lists(roles | st.just(MEMBER), max_size=4), scopes)
def test_a_key_never_exceeds_its_owner_nor_its_scopes(given_roles: list[Role], given_scopes: frozenset[str]) -> None:
    key = a_key(OWNER, scopes=given_scopes)
    resolved = KeyGrant.resolve(key, owner_is_active=True, owner_roles=given_roles, catalogue=CATALOGUE)
    owners = permissions_of(given_roles, CATALOGUE)
    assert resolved.permissions == owners & CATALOGUE.permissions_of(given_scopes)


def test_without_a_role_a_key_may_do_nothing() -> None:
    key = a_key(OWNER, scopes=frozenset({"writer"}))
    assert not KeyGrant.resolve(key, owner_is_active=True, owner_roles=(), catalogue=CATALOGUE).permissions


def test_a_good_key_is_not_rejected() -> None:
    assert grant().rejection(now=START, address=None) is None


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ({"revoked_at": START}, Rejection.REVOKED),
        ({"suspended_at": START}, Rejection.SUSPENDED),
        ({"expires_at": START + HOUR}, Rejection.EXPIRED),
        ({"allowed_networks": networks(["192.0.2.0/24"])}, Rejection.NETWORK_NOT_ALLOWED),
    ],
)
def test_the_key_itself_may_be_the_reason(key: dict[str, object], reason: Rejection) -> None:
    assert grant(**key).rejection(now=START + HOUR, address="198.51.100.1") is reason


def test_an_inactive_owner_is_a_reason_told_after_the_keys_own() -> None:
    assert grant(owner_is_active=False).rejection(now=START, address=None) is Rejection.OWNER_INACTIVE
    assert grant(owner_is_active=False, revoked_at=START).rejection(now=START, address=None) is Rejection.REVOKED


def test_without_an_address_there_is_no_network_rule() -> None:
    assert grant(allowed_networks=networks(["192.0.2.0/24"])).rejection(now=START, address=None) is None


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("192.0.2.0", True),
        ("192.0.2.255", True),
        ("192.0.3.0", False),
        ("::ffff:192.0.2.7", True),
        ("::ffff:192.0.3.7", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("", False),
        ("garbled", False),
        ("192.0.2.1, 10.0.0.1", False),
    ],
)
def test_an_address_lies_in_one_of_the_networks(address: str, inside: bool) -> None:
    assert within(networks(["192.0.2.0/24", "2001:db8::/32"]), address) is inside


def test_no_networks_are_no_rule() -> None:
    assert within((), "garbled")


def test_the_actor_of_a_key_is_the_key_for_its_owner() -> None:
    origin = Origin(address="192.0.2.1")
    bound = frozenset({ProjectId(UUID(int=7))})
    resolved = grant(expires_at=START + HOUR, project_ids=bound)
    actor = resolved.actor(resolved.key.newest, origin)
    assert (actor.kind, actor.user_id, actor.key_id) == (ActorKind.KEY, OWNER.id, resolved.key.id)
    assert (actor.permissions, actor.scopes) == (resolved.permissions, resolved.key.scopes)
    assert (actor.project_ids, actor.expires_at, actor.origin) == (bound, START + HOUR, origin)
    assert (actor.session_id, actor.secret_version, actor.retirement) == (None, 1, None)
    assert actor == Actor(**vars(actor))


def test_the_actor_of_a_rotated_secret_knows_its_end() -> None:
    old, new = a_secret(1, retires_at=START + 2 * HOUR), a_secret(2, created_at=START + HOUR)
    by_grace, by_expiry = grant(secrets=(old, new)), grant(secrets=(old, new), expires_at=START + 90 * MINUTE)
    assert by_grace.actor(old, Origin()).retirement == Retirement(START + HOUR, START + 2 * HOUR)
    assert by_expiry.actor(old, Origin()).retirement == Retirement(START + HOUR, START + 90 * MINUTE)
    assert by_grace.actor(new, Origin()).retirement is None


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ({}, None),
        ({"suspended_at": START}, None),
        ({"revoked_at": START, "suspended_at": START}, Rejection.REVOKED),
        ({"expires_at": START + MINUTE, "suspended_at": START}, Rejection.EXPIRED),
    ],
)
def test_what_has_not_ended_may_end_itself(key: dict[str, object], reason: Rejection | None) -> None:
    assert grant(**key).rejection_of_revoking(now=START + HOUR) is reason


def test_an_inactive_owners_key_does_nothing_at_all() -> None:
    assert grant(owner_is_active=False).rejection_of_revoking(now=START) is Rejection.OWNER_INACTIVE


def a_holder(*roles: Role, is_active: bool = True, password_change_required: bool = False) -> Holder:
    return Holder(is_active=is_active, password_change_required=password_change_required, roles=roles)


def session_grant(*, user: Holder | None = None, real_user: Holder | None = None, **session: object) -> SessionGrant:
    return SessionGrant.resolve(
        a_session(OWNER, **session), user=user or a_holder(MEMBER), real_user=real_user, catalogue=CATALOGUE
    )


def test_a_session_is_good_while_it_lives_and_its_user_is_active() -> None:
    assert session_grant().is_good(now=START)
    assert not session_grant(user=a_holder(is_active=False)).is_good(now=START)
    assert not session_grant(ended_at=START).is_good(now=START)
    assert not session_grant().is_good(now=START + timedelta(days=14))


def test_the_actor_of_a_session_is_its_user() -> None:
    resolved = session_grant()
    actor = resolved.actor(Origin())
    assert (actor.kind, actor.user_id, actor.session_id) == (ActorKind.USER, OWNER.id, resolved.session.id)
    assert actor.permissions == MEMBER_PERMISSIONS
    assert actor.key_id is None
    assert actor == Actor(**vars(actor))


def test_an_admins_session_may_do_everything_that_exists() -> None:
    everything = Catalogue(CORE_PERMISSIONS | {"employees:hire"})
    resolved = SessionGrant.resolve(a_session(OWNER), user=a_holder(ADMIN), catalogue=everything)
    assert resolved.permissions == CORE_PERMISSIONS | {"employees:hire"}


def test_whoever_must_change_their_password_may_do_nothing() -> None:
    restricted = session_grant(user=a_holder(ADMIN, password_change_required=True))
    assert restricted.is_good(now=START)
    assert not restricted.permissions
    assert restricted.actor(Origin()).password_change_required


@given(st.lists(roles | st.just(MEMBER), max_size=4), st.lists(roles | st.just(ADMIN), max_size=4))
def test_whoever_acts_as_somebody_may_do_what_both_may(as_whom: list[Role], who: list[Role]) -> None:
    resolved = session_grant(user=a_holder(*as_whom), real_user=a_holder(*who), real_user_id=a_user().id)
    theirs, own = (permissions_of(held, CATALOGUE) for held in (as_whom, who))
    assert resolved.permissions == theirs & own
    assert resolved.is_good(now=START) is ("users:impersonate" in own)


@pytest.mark.parametrize("real_user", [a_holder(ADMIN, is_active=False), a_holder(MEMBER), a_holder()])
def test_an_impersonation_ends_with_the_power_to_impersonate(real_user: Holder) -> None:
    assert not session_grant(real_user=real_user, real_user_id=a_user().id).is_good(now=START)


def test_a_presented_secret_is_never_shown() -> None:
    assert "s3cret" not in repr(PresentedKey(KeyId(UUID(int=1)), "s3cret"))
