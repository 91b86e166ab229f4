"""What is done to one key at once, on every storage: whatever comes first, what was ended is dead."""

import asyncio

import pytest

from app.composition import Services, assemble
from domain.errors import EditConflict, InvalidCredential, KeyEnded, KeyRevoked
from domain.model.actors import Actor, ActorKind, Origin
from domain.model.keys import Receipt, RotatedKey
from domain.model.permissions import CORE_PERMISSIONS
from domain.model.roles import MEMBER_ID
from domain.model.users import User
from domain.services.key_requests import KeyRequest
from tests.support.databases import Storage
from tests.support.fakes import START
from tests.support.ports import ports_over

OWNER = Origin(address="192.0.2.1")


@pytest.fixture
def services(storage: Storage) -> Services:
    return assemble(ports_over(storage))


@pytest.fixture
async def ada(storage: Storage, owner: User) -> User:
    async with storage.uow() as work:
        await work.roles.grant(MEMBER_ID, owner.id)
    return owner


def acting(user: User) -> Actor:
    return Actor(kind=ActorKind.USER, permissions=CORE_PERMISSIONS, user_id=user.id)


async def test_of_racing_rotations_each_is_done_or_told_of_the_conflict(
    storage: Storage, services: Services, ada: User
) -> None:
    issued = await services.keys.create(acting(ada), KeyRequest(name="robot", scopes=["read"]))
    key_id = issued.card.key.id

    async def rotate() -> RotatedKey | EditConflict:
        try:
            return await services.keys.rotate(acting(ada), key_id, grace="1h")
        except EditConflict as conflict:
            return conflict

    done = [seen for seen in await asyncio.gather(*(rotate() for _ in range(8))) if isinstance(seen, RotatedKey)]

    assert done
    async with storage.uow.reading() as work:
        key = await work.keys.get(key_id)
        actions = [event.action for event in await work.events.list(30)]
    assert key.newest.version == 1 + len(done) == 1 + actions.count("api_key.rotated")
    assert len([secret for secret in key.secrets if secret.is_live(now=START)]) == 2
    newest = [rotated.secret for rotated in done if rotated.card.key.newest.version == key.newest.version]
    assert [(await services.access.authenticate(secret, OWNER)).key_id for secret in newest] == [key_id]


async def test_no_rotation_survives_a_revocation(storage: Storage, services: Services, ada: User) -> None:
    for _ in range(4):
        issued = await services.keys.create(acting(ada), KeyRequest(name="robot", scopes=["read"]))
        key_id = issued.card.key.id
        seen = await asyncio.gather(
            services.keys.rotate(acting(ada), key_id, grace="1h"),
            services.keys.revoke(acting(ada), key_id),
            return_exceptions=True,
        )

        secrets = [issued.secret, *(answer.secret for answer in seen if isinstance(answer, RotatedKey))]
        assert all(isinstance(answer, RotatedKey | Receipt | EditConflict | KeyEnded) for answer in seen), seen
        assert isinstance(seen[1], Receipt)
        for secret in secrets:
            with pytest.raises((KeyRevoked, InvalidCredential)):
                await services.access.authenticate(secret, OWNER)


async def test_a_key_that_ends_itself_while_it_is_rotated_leaves_that_secret_dead(
    storage: Storage, services: Services, ada: User
) -> None:
    for _ in range(4):
        issued = await services.keys.create(acting(ada), KeyRequest(name="robot", scopes=["read"]))
        caller = await services.access.authenticate_to_revoke(issued.secret, OWNER)
        seen = await asyncio.gather(
            services.keys.rotate(acting(ada), issued.card.key.id, grace="1h"),
            services.keys.revoke_self(caller),
            return_exceptions=True,
        )

        assert seen[1] is None
        with pytest.raises((KeyRevoked, InvalidCredential)):
            await services.access.authenticate(issued.secret, OWNER)
        if isinstance(seen[0], RotatedKey):
            assert (await services.access.authenticate(seen[0].secret, OWNER)).secret_version == 2
        else:
            assert isinstance(seen[0], EditConflict | KeyEnded)
