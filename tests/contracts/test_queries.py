"""What is asked of a list is answered alike by every storage, whatever it is and whatever stands in the rows."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.model.invitations import INVITATION_FIELDS
from domain.model.keys import KEY_FIELDS, Key
from domain.model.projects import PROJECT_FIELDS
from domain.model.queries import Fields, Operator, Query, Sort
from domain.model.roles import BUILT_IN, ROLE_FIELDS
from domain.model.users import USER_FIELDS, User
from domain.ports.unit_of_work import UnitOfWork
from tests.support.databases import NAMES, Databases, Storage
from tests.support.examples import HOSTILE_TEXTS, a_key, a_project, a_role, a_secret, a_user, an_invitation
from tests.support.fakes import START
from tests.support.queries import UNTOUCHED, Asker, forms

EXAMPLES = 50
FORMS = 20
ALIKE = 10
QUESTIONS = 10_000
NOW = START + timedelta(microseconds=3)

texts = st.one_of(
    st.sampled_from((*HOSTILE_TEXTS, *UNTOUCHED)),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12),
    st.text("aAſßẞİıiΣσς%_\\", min_size=1, max_size=5),
)
moments = st.integers(0, 6).map(lambda later: START + timedelta(microseconds=later))
maybe_moments = st.none() | moments
names = st.lists(texts, min_size=1, max_size=12, unique=True)
scopes = st.frozensets(st.sampled_from(("read", "writer", "tasks:read", "projects:read", "packing")), min_size=1)


@dataclass(frozen=True, slots=True)
class Resource:
    """A list, what may be asked of it, and how to make an item of what was drawn."""

    fields: Fields
    make: Callable[[st.DataObject, User, str], Any]
    list: Callable[[UnitOfWork, Query], Any]


def _project(data: st.DataObject, owner: User, name: str) -> Any:
    times = {"created_at": data.draw(moments), "updated_at": data.draw(moments)}
    return a_project(owner, name=name, archived_at=data.draw(maybe_moments), **times)


def _key(data: st.DataObject, owner: User, name: str) -> Any:
    drawn = data.draw(st.fixed_dictionaries({"suspended_at": maybe_moments, "revoked_at": maybe_moments}))
    created_at = data.draw(st.integers(-3, 0).map(lambda later: START + timedelta(microseconds=later)))
    expires_at = data.draw(st.none() | st.integers(1, 6).map(lambda later: START + timedelta(microseconds=later)))
    used = data.draw(st.lists(maybe_moments, min_size=1, max_size=2))
    secrets = tuple(a_secret(version, last_used_at=at) for version, at in enumerate(used, 1))
    held = data.draw(scopes)
    return a_key(owner, name=name, created_at=created_at, expires_at=expires_at, secrets=secrets, scopes=held, **drawn)


def _user(data: st.DataObject, _: User, name: str) -> Any:
    return a_user(
        name=data.draw(st.sampled_from((name, None))),
        email=name,
        username=data.draw(st.sampled_from((None, name[:30]))) if len(name) < 30 else None,
        is_active=data.draw(st.booleans()),
        created_at=data.draw(moments),
        updated_at=data.draw(moments),
    )


def _role(data: st.DataObject, _: User, name: str) -> Any:
    times = {"created_at": data.draw(moments), "updated_at": data.draw(moments)}
    return a_role(name=name, is_active=data.draw(st.booleans()), **times)


def _invitation(data: st.DataObject, _: User, name: str) -> Any:
    return an_invitation(email=name, created_at=data.draw(moments), expires_at=data.draw(moments))


RESOURCES = {
    "projects": Resource(PROJECT_FIELDS, _project, lambda work, query: work.projects.list_by_owner(None, query)),
    "keys": Resource(KEY_FIELDS, _key, lambda work, query: work.keys.list_by_owner(None, query)),
    "users": Resource(USER_FIELDS, _user, lambda work, query: work.users.list(query)),
    "roles": Resource(ROLE_FIELDS, _role, lambda work, query: work.roles.list(query)),
    "invitations": Resource(INVITATION_FIELDS, _invitation, lambda work, query: work.invitations.list(query)),
}
listed = pytest.mark.parametrize("resource", RESOURCES)


@dataclass(slots=True)
class Tally:
    """How many questions were asked; which filters have found something, and which have left something out."""

    asked: int = 0
    found: set[str] = field(default_factory=set)
    missed: set[str] = field(default_factory=set)


@listed
def test_every_storage_gives_the_same_list(databases: Databases, resource: str) -> None:
    """Fifty sets of rows, two hundred random questions to each, are ten thousand; and each filter is asked alone."""
    tally = Tally()

    @settings(
        max_examples=EXAMPLES // len(RESOURCES),
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(names, st.randoms(use_true_random=True), st.data())
    def agree(drawn: list[str], random: Random, data: st.DataObject) -> None:
        owners = a_user(), a_user()
        items = [RESOURCES[resource].make(data, random.choice(owners), name) for name in drawn]
        asyncio.run(_agree(databases, resource, owners, items, random, tally))

    agree()
    every = {f"{field.name}[{operator}]" for field, operator in forms(RESOURCES[resource].fields)}
    assert tally.asked == QUESTIONS // len(RESOURCES)
    assert (every - tally.found, every - tally.missed) == (set(), set())


async def _agree(
    databases: Databases, name: str, owners: tuple[User, ...], items: list[Any], random: Random, tally: Tally
) -> None:
    resource = RESOURCES[name]
    asker = Asker(random, resource.fields, [*items, *(BUILT_IN if name == "roles" else ())], now=NOW)
    queries: list[Query] = []
    for _ in range(FORMS):
        queries.append(asker.query())
        queries += [asker.alike(queries[-1]) for _ in range(ALIKE - 1)]
    tally.asked += len(queries)
    alone = [Query(filters=(asker.filter(*form),), now=NOW) for form in [*forms(resource.fields)] * 2]
    everything = Query(now=NOW)
    told = []
    for kind in NAMES:
        async with databases.storage(kind) as storage:
            await storage.given(*owners, *items)
            async with storage.uow.reading() as work:
                told.append([await resource.list(work, query) for query in (*queries, *alone, everything)])
    for query, *pages in zip((*queries, *alone, everything), *told, strict=True):
        assert pages[1:] == pages[:1] * 2, query
    for query, page in zip(alone, told[0][len(queries) : -1], strict=True):
        [asked] = query.filters
        tally.found |= {f"{asked.field.name}[{asked.operator}]"} if page.total else set()
        tally.missed |= {f"{asked.field.name}[{asked.operator}]"} if page.total < told[0][-1].total else set()


def _keys(owner: User, random: Random) -> list[Key]:
    """Some equal, and some without an end."""
    ends = (None, None, START + timedelta(days=1), START + timedelta(days=2))
    return [a_key(owner, name=random.choice("ab"), expires_at=random.choice(ends)) for _ in range(12)]


@pytest.mark.parametrize("sorting", list(product(product(("expires_at", "name"), (True, False)), (True, False))))
async def test_pages_by_position_are_the_whole_list(storage: Storage, owner: User, sorting: Any) -> None:
    (first, descending), other_way = sorting
    second = "name" if first == "expires_at" else "expires_at"
    sorts = (Sort(first, descending), Sort(second, descending is not other_way))
    random = Random(7)
    await storage.given(*_keys(owner, random))

    async with storage.uow.reading() as work:
        whole = await work.keys.list_by_owner(owner.id, Query(sorting=sorts))
        walked, page = [], await work.keys.list_by_owner(owner.id, Query(sorting=sorts, limit=1))
        assert page.total == whole.total == 12
        walked += page.items
        while page.next is not None:
            query = Query(sorting=sorts, limit=random.randint(1, 3), after=page.next)
            page = await work.keys.list_by_owner(owner.id, query)
            assert page.total is None
            walked += page.items
    assert tuple(walked) == whole.items


async def test_a_walk_meets_each_once_whatever_comes_and_goes(storage: Storage, owner: User) -> None:
    projects = [a_project(owner, created_at=START + timedelta(seconds=place)) for place in range(9)]
    await storage.given(*projects)
    query, walked = Query(limit=2, sorting=(Sort("created_at"),)), []
    while True:
        async with storage.uow.reading() as work:
            page = await work.projects.list_by_owner(owner.id, query)
        walked += page.items
        if page.next is None:
            break
        async with storage.uow() as work:
            await work.projects.delete(page.items[-1])
            await work.projects.add(a_project(owner, created_at=START - timedelta(days=1)), at_most=100)
        query = replace(query, after=page.next)
    assert walked == projects


async def test_what_is_saved_under_another_name_is_found_by_that(storage: Storage, owner: User) -> None:
    project, key, role = a_project(owner, name="One"), a_key(owner, name="One"), a_role(name="One")
    guest = an_invitation(email="ǰ@example.org")
    await storage.given(project, key, role, guest)
    async with storage.uow() as work:
        await work.projects.save(replace(project, name="Straße"))
        await work.keys.save(replace(key, name="Straße"))
        await work.roles.save(replace(role, name="Straße"))
        await work.users.save(replace(owner, name="Straße", email="ǰ@example.org"))

    def holding(fields: Fields, name: str, part: str) -> Query:
        return Query(filters=(fields[name].filter(Operator.CONTAINS, part, name),))

    async with storage.uow.reading() as work:
        for part, total in (("STRASSE", 1), ("ONE", 0)):
            assert (await work.projects.list_by_owner(None, holding(PROJECT_FIELDS, "name", part))).total == total
            assert (await work.keys.list_by_owner(None, holding(KEY_FIELDS, "name", part))).total == total
            assert (await work.roles.list(holding(ROLE_FIELDS, "name", part))).total == total
            assert (await work.users.list(holding(USER_FIELDS, "name", part))).total == total
        assert (await work.users.list(holding(USER_FIELDS, "email", "J\u030c@"))).total == 1
        assert (await work.invitations.list(holding(INVITATION_FIELDS, "email", "ǰ@"))).total == 1
