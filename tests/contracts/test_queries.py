"""What is asked of a list is answered alike by every storage, whatever it is and whatever stands in the rows."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.model.invitations import INVITATION_FIELDS
from domain.model.keys import KEY_FIELDS
from domain.model.projects import PROJECT_FIELDS
from domain.model.queries import Fields, Page, Query
from domain.model.roles import BUILT_IN, ROLE_FIELDS
from domain.model.users import USER_FIELDS, User
from domain.ports.unit_of_work import UnitOfWork
from tests.support.databases import NAMES, Databases, Storage
from tests.support.examples import HOSTILE_TEXTS, a_key, a_project, a_role, a_secret, a_user, an_invitation
from tests.support.fakes import START
from tests.support.queries import UNTOUCHED, Asker

EXAMPLES = 50
FORMS = 20
ALIKE = 10
QUESTIONS = 10_000
NOW = START + timedelta(microseconds=3)
Drawn = dict[str, Any]

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
    return a_project(owner, name=name, created_at=data.draw(moments), updated_at=data.draw(moments))


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
asked: Counter[str] = Counter()


async def answers(storage: Storage, resource: Resource, queries: Sequence[Query]) -> list[Page[Any]]:
    async with storage.uow.reading() as work:
        return list(await asyncio.gather(*(resource.list(work, query) for query in queries)))


@listed
def test_every_storage_gives_the_same_list(databases: Databases, resource: str) -> None:
    """Fifty sets of rows, two hundred questions to each: ten thousand, which the count at the end shows."""
    examples = EXAMPLES // len(RESOURCES)

    @settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(names, st.randoms(use_true_random=True), st.data())
    def agree(drawn: list[str], random: Random, data: st.DataObject) -> None:
        owner = a_user()
        items = [RESOURCES[resource].make(data, owner, name) for name in drawn]
        asyncio.run(_agree(databases, resource, owner, items, random))

    asked[resource] = 0
    agree()
    assert asked[resource] == QUESTIONS // len(RESOURCES)


async def _agree(databases: Databases, name: str, owner: User, items: list[Any], random: Random) -> None:
    resource = RESOURCES[name]
    asker = Asker(random, resource.fields, [*items, *(BUILT_IN if name == "roles" else ())], now=NOW)
    queries: list[Query] = []
    for _ in range(FORMS):
        queries.append(asker.query())
        queries += [asker.alike(queries[-1]) for _ in range(ALIKE - 1)]
    told = []
    for kind in NAMES:
        async with databases.storage(kind) as storage:
            await storage.given(owner, *items)
            told.append(await answers(storage, resource, queries))
    for query, *pages in zip(queries, *told, strict=True):
        assert pages[1:] == pages[:1] * 2, query
    asked[name] += len(queries)
