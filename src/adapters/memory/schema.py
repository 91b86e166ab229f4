"""Every table, and by what its rows are found."""

from dataclasses import dataclass, field
from operator import attrgetter

from adapters.memory.own import OwnTables
from adapters.memory.roles import Membership
from adapters.memory.tables import Index, Table
from adapters.memory.webhooks import Payload
from domain.errors import (
    DeliveryNotFound,
    EditConflict,
    EmailTaken,
    IdentityNotFound,
    IdentityTaken,
    InvitationNotFound,
    KeyNotFound,
    MemberNotFound,
    ProjectNameTaken,
    ProjectNotFound,
    RoleNameTaken,
    RoleNotFound,
    ScopeNotFound,
    SessionNotFound,
    TaskNotFound,
    UsernameTaken,
    UserNotFound,
)
from domain.model.attempts import Attempts
from domain.model.authorizations import AuthorizationRequest
from domain.model.events import Event
from domain.model.idempotency import Record
from domain.model.identities import Identity, ProviderSession
from domain.model.invitations import Invitation
from domain.model.keys import Key
from domain.model.mails import Mail
from domain.model.members import Member
from domain.model.one_time_tokens import OneTimeToken
from domain.model.projects import Project
from domain.model.roles import Role
from domain.model.scopes import Scope
from domain.model.sessions import RefreshToken, Session
from domain.model.tasks import Task
from domain.model.users import User
from domain.model.webhooks import Delivery


def _users() -> Table[User]:
    return Table(
        Index("email", attrgetter("email"), EmailTaken),
        Index("username", attrgetter("username"), UsernameTaken),
        absent=UserNotFound,
    )


def _roles() -> Table[Role]:
    return Table(Index("name", attrgetter("name"), RoleNameTaken), absent=RoleNotFound)


def _memberships() -> Table[Membership]:
    return Table(
        Index("user", attrgetter("user_id")), Index("role", attrgetter("role_id")), id_of=lambda membership: membership
    )


def _sessions() -> Table[Session]:
    return Table(
        Index("user", attrgetter("user_id")), Index("real user", attrgetter("real_user_id")), absent=SessionNotFound
    )


def _tokens() -> Table[RefreshToken]:
    return Table(Index("session", attrgetter("session_id")), id_of=attrgetter("digest"))


def _attempts() -> Table[Attempts]:
    return Table(Index("account", attrgetter("account")), id_of=attrgetter("account", "device"))


def _one_time_tokens() -> Table[OneTimeToken]:
    return Table(
        Index("user", attrgetter("user_id")),
        Index("invitation", attrgetter("invitation_id")),
        id_of=attrgetter("digest"),
    )


def _invitations() -> Table[Invitation]:
    return Table(Index("email", attrgetter("email")), absent=InvitationNotFound)


def _scopes() -> Table[Scope]:
    return Table(Index("name", attrgetter("name"), EditConflict), absent=ScopeNotFound)


def _projects() -> Table[Project]:
    return Table(
        Index("name", attrgetter("owner_id", "name"), ProjectNameTaken),
        Index("owner", attrgetter("owner_id")),
        absent=ProjectNotFound,
    )


def _members() -> Table[Member]:
    return Table(
        Index("project", attrgetter("project_id")), Index("user", attrgetter("user_id")), absent=MemberNotFound
    )


def _tasks() -> Table[Task]:
    return Table(
        Index("project", attrgetter("project_id")),
        Index("assignee", attrgetter("assignee_id")),
        Index("creator", attrgetter("creator_id")),
        absent=TaskNotFound,
    )


def _deliveries() -> Table[Delivery]:
    return Table(
        Index("name", attrgetter("source", "delivery_id")),
        Index("digest", lambda delivery: delivery.digest and (delivery.source, delivery.digest)),
        Index("source", attrgetter("source")),
        absent=DeliveryNotFound,
    )


def _identities() -> Table[Identity]:
    return Table(
        Index("subject", attrgetter("issuer", "subject"), IdentityTaken),
        Index("user", attrgetter("user_id")),
        absent=IdentityNotFound,
    )


def _provider_sessions() -> Table[ProviderSession]:
    return Table(
        Index("issuer", attrgetter("issuer")),
        Index("session", attrgetter("session_id")),
        id_of=attrgetter("session_id"),
    )


def _authorizations() -> Table[AuthorizationRequest]:
    return Table(Index("session", attrgetter("session_id")), id_of=attrgetter("digest"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    users: Table[User] = field(default_factory=_users)
    roles: Table[Role] = field(default_factory=_roles)
    memberships: Table[Membership] = field(default_factory=_memberships)
    sessions: Table[Session] = field(default_factory=_sessions)
    tokens: Table[RefreshToken] = field(default_factory=_tokens)
    attempts: Table[Attempts] = field(default_factory=_attempts)
    one_time_tokens: Table[OneTimeToken] = field(default_factory=_one_time_tokens)
    invitations: Table[Invitation] = field(default_factory=_invitations)
    keys: Table[Key] = field(default_factory=lambda: Table(Index("owner", attrgetter("owner_id")), absent=KeyNotFound))
    scopes: Table[Scope] = field(default_factory=_scopes)
    projects: Table[Project] = field(default_factory=_projects)
    members: Table[Member] = field(default_factory=_members)
    tasks: Table[Task] = field(default_factory=_tasks)
    mails: Table[Mail] = field(default_factory=lambda: Table(Index("invitation", attrgetter("invitation_id"))))
    events: Table[Event] = field(default_factory=Table)
    records: Table[Record] = field(default_factory=lambda: Table(id_of=attrgetter("digest")))
    deliveries: Table[Delivery] = field(default_factory=_deliveries)
    payloads: Table[Payload] = field(default_factory=lambda: Table(absent=DeliveryNotFound))
    identities: Table[Identity] = field(default_factory=_identities)
    provider_sessions: Table[ProviderSession] = field(default_factory=_provider_sessions)
    authorizations: Table[AuthorizationRequest] = field(default_factory=_authorizations)
    own: OwnTables = field(default_factory=OwnTables)
