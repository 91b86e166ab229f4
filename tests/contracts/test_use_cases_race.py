"""Use cases that end the same whoever comes first, with many callers at once on every storage."""

import asyncio
from dataclasses import replace

import pytest

from app.composition import Services, assemble
from domain.errors import BoundToProjects, InvalidCredential
from domain.model.actors import Actor, ActorKind, Origin, system
from domain.model.passwords import Password
from domain.model.permissions import CORE_PERMISSIONS
from domain.model.sessions import SESSIONS_PER_USER
from domain.model.users import EmailAddress, User
from domain.services.keys import KeyRequest
from tests.support.databases import Storage
from tests.support.examples import a_project
from tests.support.fakes import START, CountingIds, ReversingPasswordHasher
from tests.support.ports import ports_over

PASSWORD = "correct horse battery staple"
OWNER, THIEF = Origin(address="192.0.2.1", user_agent="app"), Origin(address="203.0.113.9", user_agent="app")


@pytest.fixture
def services(storage: Storage) -> Services:
    return assemble(ports_over(storage))


@pytest.fixture
async def ada(services: Services) -> User:
    return await services.registration.register(OWNER, email="ada@example.org", password=PASSWORD)


def acting(user: User) -> Actor:
    return Actor(kind=ActorKind.USER, permissions=CORE_PERMISSIONS, user_id=user.id)


async def test_a_thief_who_races_the_owner_ends_the_session(storage: Storage, services: Services, ada: User) -> None:
    for _ in range(5):
        tokens = (await services.sign_in.for_tokens(ada.email, PASSWORD, OWNER)).tokens
        seen = await asyncio.gather(
            *(services.sessions.refresh(tokens.refresh_token, origin) for origin in (OWNER, THIEF)),
            return_exceptions=True,
        )

        assert [type(answer) for answer in seen if isinstance(answer, Exception)] == [InvalidCredential]
        [winner] = [answer for answer in seen if not isinstance(answer, BaseException)]
        with pytest.raises(InvalidCredential):
            await services.access.authenticate(winner.access_token, OWNER)
    async with storage.uow.reading() as work:
        actions = [event.action for event in await work.events.list(50)]
    assert actions.count("session.reuse_detected") == 5


async def test_one_client_that_asks_often_gets_one_successor(services: Services, ada: User) -> None:
    tokens = (await services.sign_in.for_tokens(ada.email, PASSWORD, OWNER)).tokens
    seen = await asyncio.gather(*(services.sessions.refresh(tokens.refresh_token, OWNER) for _ in range(20)))

    assert len({answer.refresh_token for answer in seen}) == 1
    for answer in seen:
        assert (await services.access.authenticate(answer.access_token, OWNER)).user_id == ada.id


async def test_of_many_who_sign_in_at_once_nobody_is_refused_and_twenty_stay(
    storage: Storage, services: Services, ada: User
) -> None:
    """Each ends the oldest, and all see the same oldest."""
    for _ in range(SESSIONS_PER_USER):
        await services.sign_in.for_tokens(ada.email, PASSWORD, OWNER)
    for _ in range(3):
        await asyncio.gather(*(services.sign_in.for_tokens(ada.email, PASSWORD, OWNER) for _ in range(5)))

    async with storage.uow.reading() as work:
        assert len(await work.sessions.list_live_by_user(ada.id, now=START)) == SESSIONS_PER_USER


async def test_no_session_of_the_old_password_outlives_its_change(
    storage: Storage, services: Services, ada: User
) -> None:
    """Who proves the old password while it is being changed is refused, or signed out by the change."""
    password = PASSWORD
    for number in range(8):
        current = await services.sign_in.for_tokens(ada.email, password, OWNER)
        actor = await services.access.authenticate(current.tokens.access_token, OWNER)
        new = f"{PASSWORD} {number}"
        await asyncio.gather(
            services.accounts.change_password(actor, current=password, new=new),
            *(services.sign_in.for_tokens(ada.email, password, THIEF) for _ in range(4)),
            return_exceptions=True,
        )
        async with storage.uow.reading() as work:
            left = await work.sessions.list_live_by_user(ada.id, now=START)
        assert [session.id for session in left] == [actor.session_id]
        password = new


async def test_no_session_that_began_meanwhile_outlives_a_deactivation(
    storage: Storage, services: Services, ada: User
) -> None:
    """Else it would wake up when the user comes back."""
    for _ in range(8):
        await asyncio.gather(
            *(services.sign_in.for_tokens(ada.email, PASSWORD, OWNER) for _ in range(3)),
            services.users.deactivate(system(CORE_PERMISSIONS), ada.id),
            return_exceptions=True,
        )
        async with storage.uow() as work:
            assert await work.sessions.list_live_by_user(ada.id, now=START) == ()
            await work.users.save((await work.users.get(ada.id)).activated(True, now=START))
            await work.attempts.forget(f"user:{ada.id}")


class RehashingMeanwhile(ReversingPasswordHasher):
    """While the first password is verified, another sign-in keeps it under today's parameters, or changes it."""

    def __init__(self, storage: Storage, password_hash: str) -> None:
        self._storage = storage
        self._password_hash: str | None = password_hash

    async def verify(self, password_hash: str | None, password: Password) -> bool:
        good = await super().verify(password_hash, password)
        if (new := self._password_hash) is not None:
            self._password_hash = None
            async with self._storage.uow() as work:
                user = await work.users.find_by_email(EmailAddress("ada@example.org"))
                assert user is not None
                await work.users.save(user.rehashed(new, now=START))
        return good


async def test_who_signs_in_while_the_password_is_rehashed_is_not_refused(storage: Storage, ada: User) -> None:
    hasher = RehashingMeanwhile(storage, f"rehashed:{PASSWORD[::-1]}")
    services = assemble(ports_over(storage, passwords=hasher, ids=CountingIds(1000)))
    assert (await services.sign_in.for_tokens(ada.email, PASSWORD, OWNER)).tokens.refresh_token


async def test_who_signs_in_with_a_password_that_is_just_being_changed_is(storage: Storage, ada: User) -> None:
    hasher = RehashingMeanwhile(storage, "reversed:drowssap wen eht")
    services = assemble(ports_over(storage, passwords=hasher, ids=CountingIds(1000)))
    with pytest.raises(InvalidCredential):
        await services.sign_in.for_tokens(ada.email, PASSWORD, OWNER)


async def test_a_refused_refresh_does_not_spend_the_token(storage: Storage, services: Services, ada: User) -> None:
    tokens = (await services.sign_in.for_tokens(ada.email, PASSWORD, OWNER)).tokens
    async with storage.uow() as work:
        inactive = await work.users.save(replace(ada, is_active=False))
    with pytest.raises(InvalidCredential):
        await services.sessions.refresh(tokens.refresh_token, OWNER)

    async with storage.uow() as work:
        await work.users.save(replace(inactive, is_active=True))
    assert (await services.sessions.refresh(tokens.refresh_token, THIEF)).refresh_token


async def test_whoever_revokes_is_told_that_it_is_revoked(storage: Storage, services: Services, ada: User) -> None:
    issued = await services.keys.create(acting(ada), KeyRequest(name="robot", scopes=["read"]))
    key_id = issued.card.key.id

    done = await asyncio.gather(*(services.keys.revoke(acting(ada), key_id) for _ in range(8)))

    assert {revocation.card.status for revocation in done} == {"revoked"}
    async with storage.uow.reading() as work:
        actions = [event.action for event in await work.events.list(20)]
    assert actions.count("api_key.revoked") == 1


async def test_a_key_that_is_bound_to_projects_makes_no_other(storage: Storage, services: Services, ada: User) -> None:
    project = a_project(ada)
    await storage.given(project)
    request = KeyRequest(name="bound", scopes=["writer"], project_ids=[project.id])
    issued = await services.keys.create(acting(ada), request)
    bound = await services.access.authenticate(issued.secret, OWNER)

    with pytest.raises(BoundToProjects):
        await services.projects.create(bound, name="another")
