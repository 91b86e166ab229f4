"""What somebody may do is exactly the union of their active roles, on every storage and for every credential."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.model.permissions import CORE_PERMISSIONS, MEMBER_PERMISSIONS
from domain.model.roles import ADMIN_ID, MEMBER_ID
from domain.model.scopes import Catalogue

from ..support.databases import Storage
from ..support.examples import a_key, a_role, a_session, a_user

PERMISSIONS = st.frozensets(st.sampled_from([*sorted(CORE_PERMISSIONS), "gone:away"]), max_size=6)
ROLES = st.lists(st.tuples(PERMISSIONS, st.booleans()), min_size=1, max_size=5)
SCOPES = st.frozensets(st.sampled_from(["read", "writer", *sorted(CORE_PERMISSIONS)]), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(drawn=ROLES, holding=st.data(), scopes=SCOPES)
async def test_it_is_the_union_of_the_active_roles(
    storage: Storage, drawn: list[tuple[frozenset[str], bool]], holding: st.DataObject, scopes: frozenset[str]
) -> None:
    roles = [a_role(permissions=permissions, is_active=is_active) for permissions, is_active in drawn]
    meaning = {role.id: role.permissions & CORE_PERMISSIONS if role.is_active else frozenset() for role in roles}
    meaning |= {ADMIN_ID: CORE_PERMISSIONS, MEMBER_ID: MEMBER_PERMISSIONS}
    ids = st.frozensets(st.sampled_from([*meaning, *(role.id for role in roles)]))
    ada, bob = a_user(), a_user()
    held = {ada: holding.draw(ids), bob: holding.draw(ids)}
    sessions = {user: a_session(user) for user in held}
    key, acting = a_key(ada, scopes=scopes), replace(a_session(ada), real_user_id=bob.id)
    await storage.given(*roles, ada, bob, *sessions.values(), key, acting)
    async with storage.uow() as work:
        for user, role_ids in held.items():
            for role_id in sorted(role_ids):
                await work.roles.grant(role_id, user.id)

    expected = {user: frozenset().union(*(meaning[role_id] for role_id in held[user])) for user in held}
    for user, session in sessions.items():
        found = await storage.directory.find_session(session.id)
        assert found is not None
        assert found.permissions == expected[user]
    by_key, together = await storage.directory.find_key(key.id), await storage.directory.find_session(acting.id)
    assert by_key is not None
    assert together is not None
    assert by_key.permissions == expected[ada] & Catalogue().permissions_of(scopes)
    assert together.permissions == expected[ada] & expected[bob]
    assert together.user_is_active is ("users:impersonate" in expected[bob])
