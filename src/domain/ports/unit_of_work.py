from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from domain.ports.attempts import AttemptRepository
from domain.ports.authorizations import AuthorizationRepository
from domain.ports.events import EventLog
from domain.ports.idempotency import IdempotencyRepository
from domain.ports.identities import IdentityRepository
from domain.ports.invitations import InvitationRepository
from domain.ports.keys import KeyRepository
from domain.ports.mails import MailRepository
from domain.ports.members import MemberRepository
from domain.ports.one_time_tokens import OneTimeTokenRepository
from domain.ports.projects import ProjectRepository
from domain.ports.roles import RoleRepository
from domain.ports.scopes import ScopeRepository
from domain.ports.sessions import SessionRepository
from domain.ports.tasks import TaskRepository
from domain.ports.users import UserRepository
from domain.ports.webhooks import WebhookRepository

R = TypeVar("R")


class UnitOfWork(Protocol):
    """Every repository over one connection to the store."""

    @property
    def users(self) -> UserRepository: ...
    @property
    def roles(self) -> RoleRepository: ...
    @property
    def sessions(self) -> SessionRepository: ...
    @property
    def attempts(self) -> AttemptRepository: ...
    @property
    def one_time_tokens(self) -> OneTimeTokenRepository: ...
    @property
    def invitations(self) -> InvitationRepository: ...
    @property
    def keys(self) -> KeyRepository: ...
    @property
    def scopes(self) -> ScopeRepository: ...
    @property
    def projects(self) -> ProjectRepository: ...
    @property
    def members(self) -> MemberRepository: ...
    @property
    def tasks(self) -> TaskRepository: ...
    @property
    def mails(self) -> MailRepository: ...
    @property
    def events(self) -> EventLog: ...
    @property
    def idempotency(self) -> IdempotencyRepository: ...
    @property
    def webhooks(self) -> WebhookRepository: ...
    @property
    def identities(self) -> IdentityRepository: ...
    @property
    def authorizations(self) -> AuthorizationRepository: ...

    def own(self, repository: Callable[[Any], R]) -> R:
        """A *repository* that is an extension's, over what this store keeps its own by: they share the transaction."""


class UnitOfWorkFactory(Protocol):
    """``async with uow() as work:`` is one transaction: all of it is kept on a clean exit, before the block is
    left, and none of it on an exception. Units do not nest. A refused write ends its unit: swallowing the
    refusal raises RuntimeError at the exit, so that the earlier writes are not lost without a word.
    """

    def __call__(self) -> AbstractAsyncContextManager[UnitOfWork]: ...

    def reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """For looking only: each call sees what is committed when it starts, and waits for no writer.

        A write raises RuntimeError.
        """
