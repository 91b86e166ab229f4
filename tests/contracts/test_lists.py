"""One order on every storage: by code point, what is missing first, and the id where all else is equal."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from domain.model.invitations import INVITATION_FIELDS
from domain.model.keys import KEY_FIELDS
from domain.model.projects import PROJECT_FIELDS
from domain.model.queries import OFFSET_MAX, Page, Position, Query, Sort
from domain.model.roles import ROLE_FIELDS
from domain.model.users import USER_FIELDS

from ..support.databases import Storage
from ..support.examples import a_key, a_project, a_role, a_secret, a_user, an_invitation
from ..support.fakes import START

IN_CODE_POINT_ORDER = ("", " ", "%", "A", "B", "Z", "_", "a", "a ", "aa", "b", "z", "É", "é", "ﬀ", "\uffff", "𐀀", "😀")


def at(microseconds: int):
    return START + timedelta(microseconds=microseconds)


async def test_text_is_sorted_by_code_point(storage: Storage, owner) -> None:
    await storage.given(*(a_project(owner, name=name) for name in IN_CODE_POINT_ORDER[::-1]))

    async with storage.uow.reading() as work:
        up = await work.projects.list_by_owner(owner.id, Query(sorting=(Sort("name"),)))
        down = await work.projects.list_by_owner(owner.id, Query(sorting=(Sort("name", descending=True),)))
    assert [project.name for project in up.items] == list(IN_CODE_POINT_ORDER)
    assert [project.name for project in down.items] == list(IN_CODE_POINT_ORDER[::-1])


async def test_what_is_missing_comes_before_everything(storage: Storage, owner) -> None:
    never, soon, late = a_key(owner), a_key(owner, expires_at=at(1)), a_key(owner, expires_at=at(2))
    await storage.given(soon, never, late)

    async with storage.uow.reading() as work:
        up = await work.keys.list_by_owner(owner.id, Query(sorting=(Sort("expires_at"),)))
        down = await work.keys.list_by_owner(owner.id, Query(sorting=(Sort("expires_at", descending=True),)))
    assert up.items == (never, soon, late)
    assert down.items == (late, soon, never)


@pytest.mark.parametrize("descending", [False, True])
async def test_equal_rows_are_ordered_by_id_in_the_direction_of_the_last_field(
    storage: Storage, owner, descending: bool
) -> None:
    projects = [a_project(owner) for _ in range(4)]
    await storage.given(projects[2], projects[0], projects[3], projects[1])
    sorting = (Sort("created_at", descending=not descending), Sort("updated_at", descending=descending))

    async with storage.uow.reading() as work:
        page = await work.projects.list_by_owner(owner.id, Query(sorting=sorting))
    assert page.items == tuple(projects[::-1] if descending else projects)


async def test_later_fields_order_what_earlier_ones_leave_equal(storage: Storage, owner) -> None:
    a, b, c = (a_project(owner, created_at=at(x), updated_at=at(y)) for x, y in ((1, 1), (1, 2), (2, 0)))
    await storage.given(c, a, b)
    sorting = (Sort("created_at"), Sort("updated_at", descending=True))

    async with storage.uow.reading() as work:
        assert (await work.projects.list_by_owner(owner.id, Query(sorting=sorting))).items == (b, a, c)


@pytest.mark.parametrize(("field", "descending"), list(product(PROJECT_FIELDS.sorts, (False, True))))
async def test_projects_sort_by_each_of_their_fields(storage: Storage, owner, field: str, descending: bool) -> None:
    values = {"created_at": at, "updated_at": at, "archived_at": at, "name": str}[field]
    low, middle, high = (replace(a_project(owner), **{field: values(place)}) for place in (1, 2, 3))
    await storage.given(middle, high, low)

    async with storage.uow.reading() as work:
        page = await work.projects.list_by_owner(owner.id, Query(sorting=(Sort(field, descending),)))
    assert page.items == ((high, middle, low) if descending else (low, middle, high))


@pytest.mark.parametrize(("field", "descending"), list(product(KEY_FIELDS.sorts, (False, True))))
async def test_keys_sort_by_each_of_their_fields(storage: Storage, owner, field: str, descending: bool) -> None:
    values = {"created_at": at, "expires_at": at, "name": str}[field]
    low, middle, high = (replace(a_key(owner), **{field: values(place)}) for place in (1, 2, 3))
    await storage.given(middle, high, low)

    async with storage.uow.reading() as work:
        page = await work.keys.list_by_owner(owner.id, Query(sorting=(Sort(field, descending),)))
    assert page.items == ((high, middle, low) if descending else (low, middle, high))


@pytest.mark.parametrize(("field", "descending"), list(product(USER_FIELDS.sorts, (False, True))))
async def test_users_sort_by_each_of_their_fields(storage: Storage, field: str, descending: bool) -> None:
    values = {"created_at": at}.get(field, str)
    low, middle, high = (replace(a_user(), **{field: values(place)}) for place in (1, 2, 3))
    await storage.given(middle, high, low)

    async with storage.uow.reading() as work:
        page = await work.users.list(Query(sorting=(Sort(field, descending),)))
    assert page.items == ((high, middle, low) if descending else (low, middle, high))


@pytest.mark.parametrize(("field", "descending"), list(product(ROLE_FIELDS.sorts, (False, True))))
async def test_roles_sort_by_each_of_their_fields(storage: Storage, field: str, descending: bool) -> None:
    values = {"name": str}.get(field, at)
    low, middle, high = (replace(a_role(), **{field: values(place)}) for place in (1, 2, 3))
    await storage.given(middle, high, low)

    async with storage.uow.reading() as work:
        page = await work.roles.list(Query(sorting=(Sort(field, descending),)))
    own = tuple(role for role in page.items if not role.built_in)
    assert own == ((high, middle, low) if descending else (low, middle, high))
    assert page.total == 5


@pytest.mark.parametrize(("field", "descending"), list(product(INVITATION_FIELDS.sorts, (False, True))))
async def test_invitations_sort_by_each_of_their_fields(storage: Storage, field: str, descending: bool) -> None:
    values = {"email": str}.get(field, at)
    low, middle, high = (replace(an_invitation(), **{field: values(place)}) for place in (1, 2, 3))
    await storage.given(middle, high, low)

    async with storage.uow.reading() as work:
        page = await work.invitations.list(Query(sorting=(Sort(field, descending),)))
    assert page.items == ((high, middle, low) if descending else (low, middle, high))


async def test_pages_follow_each_other_and_count_everything(storage: Storage, owner) -> None:
    projects = tuple(a_project(owner, created_at=at(place)) for place in range(5))
    await storage.given(*projects)
    oldest = (Sort("created_at"),)

    async with storage.uow.reading() as work:
        pages = [
            await work.projects.list_by_owner(owner.id, Query(limit=2, offset=offset, sorting=oldest))
            for offset in (0, 2, 4, 5, OFFSET_MAX)
        ]
    after = [Position((projects[place].created_at,), projects[place].id) for place in (1, 3)]
    parts = ((projects[:2], 5, after[0]), (projects[2:4], 5, after[1]), (projects[4:], 5), ((), 5), ((), 5))
    assert pages == [Page(*part) for part in parts]


async def test_keys_are_paged_and_counted_by_key_and_not_by_secret(storage: Storage, owner) -> None:
    keys = tuple(a_key(owner, created_at=at(place), secrets=(a_secret(1), a_secret(2))) for place in range(3))
    await storage.given(*keys)

    async with storage.uow.reading() as work:
        page = await work.keys.list_by_owner(owner.id, Query(limit=2, sorting=(Sort("created_at"),)))
    assert page == Page(keys[:2], 3, Position((keys[1].created_at,), keys[1].id))
