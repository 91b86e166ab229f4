from dataclasses import replace
from uuid import UUID

import pytest

from domain.errors import Invalid
from domain.model.ids import RoleId
from domain.model.permissions import (
    CORE_PERMISSIONS,
    MEMBER_PERMISSIONS,
    KeyPermission,
    ProjectPermission,
    TaskPermission,
)
from domain.model.roles import ADMIN, BUILT_IN, MEMBER, Role, permissions_of
from domain.model.scopes import Catalogue
from tests.support.fakes import START

EVERY = CORE_PERMISSIONS | {"employees:hire"}
ALL = Catalogue(EVERY)
CATALOGUE = Catalogue()


def a_role(*permissions: str, is_active: bool = True) -> Role:
    return Role(
        id=RoleId(UUID(int=9)),
        name="auditor",
        permissions=frozenset(permissions),
        is_active=is_active,
        created_at=START,
        updated_at=START,
    )


def test_an_admin_may_do_everything_that_exists() -> None:
    assert ADMIN.grants(ALL) == EVERY


def test_a_member_works_on_own_projects_tasks_and_keys() -> None:
    expected = (set(ProjectPermission) - {ProjectPermission.ANY}) | set(TaskPermission)
    expected |= set(KeyPermission) - {KeyPermission.ANY, KeyPermission.VERIFY, KeyPermission.DELETE}
    assert MEMBER.grants(ALL) == MEMBER_PERMISSIONS == expected


def test_a_role_grants_what_it_names_if_that_still_exists() -> None:
    assert a_role("audit:read", "employees:hire", "gone:away").grants(ALL) == {"audit:read", "employees:hire"}


@pytest.mark.parametrize("role", [ADMIN, MEMBER, a_role("audit:read")])
def test_an_inactive_role_grants_nothing(role: Role) -> None:
    assert replace(role, is_active=False).grants(ALL) == frozenset()


def test_what_a_built_in_role_grants_is_not_in_its_row() -> None:
    assert replace(MEMBER, permissions=EVERY).grants(ALL) == MEMBER_PERMISSIONS
    assert all(role.built_in for role in BUILT_IN)
    assert not a_role().built_in


def test_roles_add_up() -> None:
    roles = (MEMBER, a_role("audit:read"), a_role("users:read", is_active=False))
    assert permissions_of(roles, ALL) == MEMBER_PERMISSIONS | {"audit:read"}
    assert permissions_of((), ALL) == frozenset()


def test_every_permission_is_a_resource_and_an_action() -> None:
    assert all(permission.count(":") == 1 and all(permission.split(":")) for permission in CORE_PERMISSIONS)
    assert len(CORE_PERMISSIONS) == 33


def test_read_and_writer_mean_what_the_documentation_says() -> None:
    read = {"projects:read", "tasks:read"}
    assert CATALOGUE.permissions_of(["read"]) == read
    written = {"projects:create", "projects:update", "tasks:create", "tasks:update", "tasks:delete"}
    assert CATALOGUE.permissions_of(["writer"]) == read | written


@pytest.mark.parametrize("permission", sorted(CORE_PERMISSIONS))
def test_each_permission_is_a_scope_of_one(permission: str) -> None:
    assert CATALOGUE.known([permission]) == CATALOGUE.permissions_of([permission]) == {permission}


def test_scopes_add_up_and_one_that_is_gone_allows_nothing() -> None:
    assert CATALOGUE.permissions_of(["read", "audit:read", "gone:scope"]) == {
        "projects:read",
        "tasks:read",
        "audit:read",
    }
    assert CATALOGUE.permissions_of([]) == frozenset()


def test_an_extension_brings_permissions_and_scopes() -> None:
    catalogue = Catalogue(EVERY, {"hr": frozenset({"employees:hire"})})
    assert catalogue.permissions_of(catalogue.known(["hr"])) == {"employees:hire"}


@pytest.mark.parametrize("unknown", ["", "admin", "projects", "projects:*", "READ", " read"])
def test_an_unknown_scope_is_refused_by_its_place(unknown: str) -> None:
    with pytest.raises(Invalid) as refusal:
        CATALOGUE.known(["read", unknown])
    assert refusal.value.problems[0].field == "scopes/1"


@pytest.mark.parametrize("count", [0, 65])
def test_a_key_has_1_to_64_scopes(count: int) -> None:
    with pytest.raises(Invalid, match="1 to 64 scopes"):
        CATALOGUE.known(["read"] * count)
    assert CATALOGUE.known(["read"] * 64) == {"read"}
