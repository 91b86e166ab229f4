"""Rule 3, played: whatever somebody does, and whoever they get hold of, nobody ends with more than they began with.

A villain with some permissions meets users and roles drawn at random and does everything that the services offer, in
the name of everybody whose credential they come by: those whose password they set or whose address they move to their
own mailbox, newcomers whom they make or invite, people as whom they act, keys.

What a member may do is no lift: without roles that are named, whoever may let people in lets members in.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.memory.mails import MemoryMailSender
from app.composition import Ports, Services, assemble
from domain.errors import DomainError, TargetExceedsActor, Unauthenticated
from domain.model.actors import Actor, Origin, system
from domain.model.ids import RoleId, UserId
from domain.model.permissions import CORE_PERMISSIONS, MEMBER_PERMISSIONS
from domain.model.roles import ADMIN_ID, MEMBER_ID, permissions_of
from domain.model.scopes import Catalogue
from domain.services.keys import KeyRequest
from tests.support.ports import memory_ports

PASSWORD, SECOND = "correct horse battery staple", "another horse battery staple"
ORIGIN = Origin(address="203.0.113.7", user_agent="villain")
OPERATOR = system(CORE_PERMISSIONS)
POWERS = (
    "roles:manage",
    "users:create",
    "users:update",
    "users:deactivate",
    "users:reset_password",
    "users:unlock",
    "users:impersonate",
    "users:invite",
    "api_keys:create",
)
PRIZES = ("audit:read", "webhooks:manage", "projects:any", "scopes:manage", "projects:read")
DRAWN = (*POWERS, *PRIZES)
_TOKEN = re.compile(r"\?token=(\S+)")
Play = Callable[[Actor], Awaitable[object]]


@dataclass
class World:
    """*held* are the credentials that the villain has come by, *passwords* what they could sign in with."""

    random: Random
    ports: Ports
    services: Services
    users: list[UserId] = field(default_factory=list)
    roles: list[RoleId] = field(default_factory=lambda: [ADMIN_ID, MEMBER_ID])
    held: list[str] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)
    made: int = 0

    @classmethod
    async def drawn(cls, seed: int) -> "World":
        ports = memory_ports()
        world = cls(Random(seed), ports, assemble(ports))
        for number in range(world.random.randint(1, 4)):
            role = await world.services.roles.create(OPERATOR, name=f"role {number}", permissions=world.some(DRAWN))
            world.roles.append(role.id)
        for _ in range(world.random.randint(1, 4)):
            given = frozenset(world.random.choices(world.roles, k=world.random.randint(1, 2)))
            user = await world.services.users.create(
                OPERATOR, email=world.address("people.test"), password=PASSWORD, role_ids=given
            )
            world.users.append(user.id)
        for role_id in world.roles[2:]:
            if world.random.random() < 0.3:
                await world.services.roles.update(OPERATOR, role_id, is_active=False)
        return world

    async def villain(self) -> frozenset[str]:
        """They come in; what they may do."""
        powers = {*self.random.sample(POWERS, 5), *self.some(PRIZES)}
        role = await self.services.roles.create(OPERATOR, name="villain", permissions=powers)
        self.roles.append(role.id)
        address = self.address("villain.test")
        user = await self.services.users.create(OPERATOR, email=address, password=PASSWORD, role_ids=[role.id])
        self.users.append(user.id)
        await self.sign_in(address, PASSWORD)
        return frozenset(powers)

    def address(self, domain: str) -> str:
        self.made += 1
        return f"{self.made}@{domain}"

    def some(self, permissions: tuple[str, ...]) -> list[str]:
        return self.random.sample(permissions, self.random.randint(0, min(4, len(permissions))))

    def user(self) -> UserId:
        return self.random.choice(self.users)

    def role(self) -> RoleId:
        return self.random.choice(self.roles)

    async def may(self, user_id: UserId) -> frozenset[str]:
        async with self.ports.uow.reading() as work:
            return permissions_of(await work.roles.list_by_user(user_id), Catalogue())

    async def sign_in(self, login: str, password: str) -> None:
        """Whoever must change the password first does."""
        signed_in = await self.services.sign_in.for_tokens(login, password, ORIGIN)
        self.passwords[login] = password
        token = signed_in.tokens.access_token
        actor = await self.services.access.authenticate(token, ORIGIN)
        if actor.password_change_required:
            new = SECOND if password == PASSWORD else PASSWORD
            await self.services.accounts.change_password(actor, current=password, new=new)
            self.passwords[login] = new
        self.held.append(token)

    async def mailed(self, address: str) -> str | None:
        while await self.services.mails.deliver():
            pass
        assert isinstance(self.ports.mail, MemoryMailSender)
        links = [match[1] for m in self.ports.mail.sent if m.to == address and (match := _TOKEN.search(m.text))]
        return links[-1] if links else None


async def create_role(world: World, actor: Actor) -> None:
    world.made += 1
    role = await world.services.roles.create(actor, name=f"made {world.made}", permissions=world.some(DRAWN))
    world.roles.append(role.id)


async def update_role(world: World, actor: Actor) -> None:
    changes: dict[str, Any] = world.random.choice(
        ({"permissions": world.some(DRAWN)}, {"is_active": True}, {"is_active": False})
    )
    await world.services.roles.update(actor, world.role(), **changes)


async def delete_role(world: World, actor: Actor) -> None:
    role_id = world.role()
    await world.services.roles.delete(actor, role_id, force=world.random.random() < 0.5)
    world.roles.remove(role_id)


async def allow(world: World, actor: Actor) -> None:
    await world.services.roles.allow(actor, world.role(), world.random.choice(DRAWN))


async def disallow(world: World, actor: Actor) -> None:
    await world.services.roles.disallow(actor, world.role(), world.random.choice(DRAWN))


async def grant(world: World, actor: Actor) -> None:
    await against(world, actor, lambda user_id: world.services.memberships.grant(actor, world.role(), user_id))


async def revoke(world: World, actor: Actor) -> None:
    await against(world, actor, lambda user_id: world.services.memberships.revoke(actor, world.role(), user_id))


async def create_user(world: World, actor: Actor) -> None:
    address = world.address("villain.test")
    user = await world.services.users.create(
        actor,
        email=address,
        password=world.random.choice((PASSWORD, None)),
        role_ids=[world.role() for _ in range(world.random.randint(0, 2))],
    )
    world.users.append(user.id)
    await take_over(world, address)


async def invite(world: World, actor: Actor) -> None:
    address = world.address("villain.test")
    given = [world.role() for _ in range(world.random.randint(0, 2))]
    await world.services.invitations.invite(actor, email=address, role_ids=given)
    user = await world.services.registration.register(
        ORIGIN, email=address, password=PASSWORD, invitation=await world.mailed(address)
    )
    world.users.append(user.id)
    await world.sign_in(address, PASSWORD)


async def set_password(world: World, actor: Actor) -> None:
    user_id = await against(world, actor, lambda user_id: world.services.users.set_password(actor, user_id, new=SECOND))
    user = await world.services.users.get(OPERATOR, user_id)
    await world.sign_in(user.email, SECOND)


async def move_address(world: World, actor: Actor) -> None:
    address = world.address("villain.test")
    await against(world, actor, lambda user_id: world.services.users.update(actor, user_id, email=address))
    await take_over(world, address)


async def take_over(world: World, address: str) -> None:
    """Their mailbox is the villain's."""
    await world.services.recovery.forgot(address, ORIGIN)
    if (token := await world.mailed(address)) is not None:
        await world.services.recovery.reset(token, PASSWORD, ORIGIN)
        await world.sign_in(address, PASSWORD)


async def switch(world: World, actor: Actor) -> None:
    on = world.random.random() < 0.6
    await against(world, actor, lambda user_id: world.services.users.update(actor, user_id, is_active=on))


async def unlock(world: World, actor: Actor) -> None:
    await against(world, actor, lambda user_id: world.services.users.unlock(actor, user_id))


async def impersonate(world: World, actor: Actor) -> None:
    async def act(user_id: UserId) -> None:
        world.held.append((await world.services.sessions.impersonate(actor, user_id)).access_token)

    await against(world, actor, act)


async def create_key(world: World, actor: Actor) -> None:
    scopes = world.some(DRAWN) or ["read"]
    world.held.append((await world.services.keys.create(actor, KeyRequest(name="k", scopes=scopes))).secret)


async def sign_in_again(world: World, actor: Actor) -> None:
    login = world.random.choice(list(world.passwords))
    await world.sign_in(login, world.passwords[login])


PLAYS = (
    create_role,
    update_role,
    delete_role,
    allow,
    disallow,
    grant,
    revoke,
    create_user,
    invite,
    set_password,
    move_address,
    switch,
    unlock,
    impersonate,
    create_key,
    sign_in_again,
)


async def against(world: World, actor: Actor, act: Callable[[UserId], Awaitable[object]]) -> UserId:
    """Whom it was done to; it is never done to somebody who may do more."""
    user_id = world.user()
    above = not await world.may(user_id) <= actor.permissions
    try:
        await act(user_id)
    except TargetExceedsActor:
        assert above
        raise
    assert not above, "somebody acted on who may do more than they"
    return user_id


async def judged(world: World, bound: frozenset[str]) -> dict[str, Actor]:
    """The credentials that are good, each of which may do no more than *bound*."""
    good: dict[str, Actor] = {}
    for credential in world.held:
        with suppress(Unauthenticated):
            good[credential] = await world.services.access.authenticate(credential, ORIGIN)
    for actor in good.values():
        assert actor.permissions <= bound, sorted(actor.permissions - bound)
    return good


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
async def test_nobody_ends_with_more_than_they_began_with(seed: int) -> None:
    world = await World.drawn(seed)
    bound = await world.villain() | MEMBER_PERMISSIONS
    for _ in range(30):
        good = await judged(world, bound)
        if not good:
            return
        credential = world.random.choice(list(good))
        with suppress(DomainError):
            await world.random.choice(PLAYS)(world, good[credential])
    await judged(world, bound)


async def test_the_villain_gets_somewhere() -> None:
    """Else it would prove nothing."""
    kinds: set[str] = set()
    succeeded: set[str] = set()
    for seed in range(40):
        world = await World.drawn(seed)
        bound = await world.villain() | MEMBER_PERMISSIONS
        for _ in range(30):
            good = await judged(world, bound)
            kinds.update(actor.kind if actor.real_user_id is None else "as another" for actor in good.values())
            if not good:
                break
            play = world.random.choice(PLAYS)
            with suppress(DomainError):
                await play(world, world.random.choice(list(good.values())))
                succeeded.add(play.__name__)
    assert kinds == {"user", "key", "as another"}
    assert succeeded == {play.__name__ for play in PLAYS}
