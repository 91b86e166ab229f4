"""What a random walk draws: values, and names of what was drawn before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from domain.model.authorizations import AuthorizationRequest
from domain.model.events import Event
from domain.model.idempotency import Record
from domain.model.identities import Identity
from domain.model.ids import RoleId
from domain.model.invitations import Invitation
from domain.model.keys import Key
from domain.model.mails import Mail
from domain.model.members import Member, ProjectRole
from domain.model.one_time_tokens import OneTimeToken
from domain.model.projects import Project
from domain.model.queries import Fields, Query
from domain.model.roles import ADMIN_ID, MEMBER_ID, Role
from domain.model.scopes import Scope
from domain.model.sessions import RefreshToken, Session
from domain.model.tasks import Task
from domain.model.users import User
from domain.model.webhooks import Delivery
from tests.support.examples import (
    HOSTILE_TEXTS,
    a_delivery,
    a_member,
    a_project,
    a_role,
    a_task,
    a_user,
    an_invitation,
)
from tests.support.fakes import START
from tests.support.queries import Asker

T = TypeVar("T")


@dataclass(slots=True)
class Draw:
    """Mostly names what is kept, so that a walk gets somewhere; at times what was deleted, or never was."""

    random: Random
    now: datetime = START
    users: list[User] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    tokens: list[RefreshToken] = field(default_factory=list)
    invitations: list[Invitation] = field(default_factory=list)
    one_time_tokens: list[OneTimeToken] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    identities: list[Identity] = field(default_factory=list)
    authorizations: list[AuthorizationRequest] = field(default_factory=list)

    def lengths(self) -> list[int]:
        return [len(made) for made in self._made()]

    def forget_after(self, lengths: list[int]) -> None:
        """What was drawn since then was not kept."""
        for made, length in zip(self._made(), lengths, strict=True):
            del made[length:]

    def _made(self) -> tuple[list[Any], ...]:
        return tuple(made for name in self.__slots__ if isinstance(made := getattr(self, name), list))

    def one(self, made: list[T], make: Callable[[User], T]) -> T:
        if not made or self.random.random() < 0.05:
            return make(a_user() if made is self.users else self.user())
        return self.random.choice(made)

    def user(self) -> User:
        return self.one(self.users, lambda _: a_user())

    def role(self) -> Role:
        return self.one(self.roles, lambda _: a_role())

    def role_id(self) -> RoleId:
        return self.random.choice((ADMIN_ID, MEMBER_ID, MEMBER_ID, self.role().id))

    def invitation(self) -> Invitation:
        return self.one(self.invitations, lambda _: an_invitation())

    def project(self) -> Project:
        return self.one(self.projects, a_project)

    def member(self) -> Member:
        """Also whoever has a project from its start on."""
        if self.random.random() < 0.3:
            return self.project().founder()
        return self.one(self.members, lambda user: a_member(self.project(), user))

    def task(self) -> Task:
        return self.one(self.tasks, lambda user: a_task(self.project(), user))

    def delivery(self) -> Delivery:
        return self.one(self.deliveries, lambda _: a_delivery())

    def project_role(self) -> ProjectRole:
        return self.random.choice(tuple(ProjectRole))

    def whose(self) -> User | Invitation | None:
        """Whose a token is, or a mail."""
        return self.random.choice((self.user(), self.invitation(), None))

    def moment(self) -> datetime:
        return self.now + timedelta(microseconds=self.random.randint(-3, 3))

    def maybe(self, value: T) -> T | None:
        return value if self.random.random() < 0.5 else None

    def text(self) -> str:
        return self.random.choice((*HOSTILE_TEXTS, "a", "b", "A"))

    def query(self, fields: Fields, items: Sequence[Any]) -> Query:
        return Asker(self.random, fields, items, now=self.moment()).query()
