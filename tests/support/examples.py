"""Valid domain values: a test names only what it is about. No two of them share an id, a name or an address."""

from datetime import timedelta
from itertools import count
from typing import Any

from domain.model.actors import ActorKind
from domain.model.attempts import Attempts
from domain.model.authorizations import AUTHORIZATION_LIFETIME, AuthorizationRequest
from domain.model.events import Event
from domain.model.idempotency import Record
from domain.model.identities import Identity, ProviderSession
from domain.model.ids import (
    ClaimId,
    DeliveryId,
    EventId,
    IdentityId,
    InvitationId,
    KeyId,
    MailId,
    ProjectId,
    RoleId,
    ScopeId,
    SessionId,
    TaskId,
    UserId,
)
from domain.model.invitations import INVITATION_LIFETIME, Invitation
from domain.model.keys import Key, KeyUse, SecretVersion
from domain.model.mails import Mail, MailKind
from domain.model.members import Member, ProjectRole
from domain.model.one_time_tokens import OneTimeToken, TokenPurpose
from domain.model.projects import Project
from domain.model.roles import Role
from domain.model.scopes import Scope
from domain.model.sessions import RefreshToken, Session, SessionKind
from domain.model.tasks import Task
from domain.model.users import EmailAddress, User
from domain.model.webhooks import Delivery

from .fakes import START, CountingIds

ISSUER = "https://login.example.org"
HOSTILE_TEXTS = (
    "👩‍👩‍👧‍👦 family",
    "שלום עולם \u202eevil",
    "e\u0301 is not é",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a\u032f\u031e\u0320\u034d",
    "Robert'); DROP TABLE projects;--\"`",
    "100% _under\\back %_\\",
    '{"json": null} [1] :name $1 ?',
    "straße STRASSE \u017f \u0130 \u0131",
    "\u200b\ufeff zero width",
    "\U0010ffff" * 128,
)
"""Each is a name the model accepts, and has broken somebody's database."""

_ids = CountingIds(start=0x1000)
_number = count(1)


def a_user(**given: Any) -> User:
    number = next(_number)
    present = {"id": UserId(_ids.new()), "email": EmailAddress(f"user{number}@example.org"), "password_hash": "x"}
    return User(**{**present, "created_at": START, "updated_at": START, **given})


def a_role(**given: Any) -> Role:
    present = {"id": RoleId(_ids.new()), "name": f"role {next(_number)}"}
    return Role(**{**present, "created_at": START, "updated_at": START, **given})


def an_invitation(**given: Any) -> Invitation:
    present = {"id": InvitationId(_ids.new()), "email": EmailAddress(f"guest{next(_number)}@example.org")}
    return Invitation(**{**present, "created_at": START, "expires_at": START + INVITATION_LIFETIME, **given})


def a_project(owner: User, **given: Any) -> Project:
    present = {"id": ProjectId(_ids.new()), "owner_id": owner.id, "name": f"project {next(_number)}"}
    return Project(**{**present, "created_at": START, "updated_at": START, **given})


def a_member(project: Project, user: User, **given: Any) -> Member:
    present = {"project_id": project.id, "user_id": user.id, "role": ProjectRole.EDITOR, "created_at": START}
    return Member(**{**present, **given})


def a_task(project: Project, creator: User, **given: Any) -> Task:
    present = {"id": TaskId(_ids.new()), "project_id": project.id, "creator_id": creator.id}
    times = {"created_at": START, "updated_at": START}
    return Task(**{**present, "title": f"task {next(_number)}", **times, **given})


def a_secret(version: int = 1, **given: Any) -> SecretVersion:
    present = {"version": version, "digest": next(_number).to_bytes(32, "big"), "pepper_id": "p1", "last4": "wxyz"}
    return SecretVersion(**{**present, "created_at": START, **given})


def a_key(owner: User, **given: Any) -> Key:
    present = {"id": KeyId(_ids.new()), "owner_id": owner.id, "name": f"key {next(_number)}"}
    if "secrets" not in given:
        present["secrets"] = (a_secret(),)
    return Key(**{**present, "scopes": frozenset({"read"}), "created_at": START, **given})


def a_use(key: Key, **given: Any) -> KeyUse:
    return KeyUse(**{"key_id": key.id, "version": 1, "count": 1, "last_at": START, "last_ip": "192.0.2.1", **given})


def a_scope(**given: Any) -> Scope:
    present = {"id": ScopeId(_ids.new()), "name": f"scope-{next(_number)}", "permissions": frozenset({"tasks:read"})}
    return Scope(**{**present, "created_at": START, "updated_at": START, **given})


def a_session(user: User, **given: Any) -> Session:
    present = {"id": SessionId(_ids.new()), "user_id": user.id, "kind": SessionKind.TOKEN, "created_at": START}
    times = {"last_seen_at": START, "idle_ends_at": START + timedelta(days=14), "ends_at": START + timedelta(days=90)}
    return Session(**{**present, **times, **given})


def a_refresh_token(session: Session, **given: Any) -> RefreshToken:
    digest = next(_number).to_bytes(32, "big")
    return RefreshToken(**{"digest": digest, "session_id": session.id, "created_at": START, **given})


def a_one_time_token(of: User | Invitation | None = None, **given: Any) -> OneTimeToken:
    present = {"digest": next(_number).to_bytes(32, "big"), "purpose": TokenPurpose.PASSWORD_RESET}
    times = {"created_at": START, "expires_at": START + timedelta(hours=1)}
    return OneTimeToken(**{**present, "email": EmailAddress("ada@example.org"), **times, **_whose(of), **given})


def a_mail(of: User | Invitation | None = None, **given: Any) -> Mail:
    present = {"id": MailId(_ids.new()), "kind": MailKind.PASSWORD_RESET, "to": EmailAddress("ada@example.org")}
    return Mail(**{**present, "created_at": START, "due_at": START, **_whose(of), **given})


def _whose(of: User | Invitation | None) -> dict[str, Any]:
    match of:
        case User():
            return {"user_id": of.id}
        case Invitation():
            return {"invitation_id": of.id}
    return {}


def attempts(**given: Any) -> Attempts:
    return Attempts(**{"account": f"user:{_ids.new()}", "failures": 1, "last_at": START, **given})


def an_event(**given: Any) -> Event:
    present = {"id": EventId(_ids.new()), "at": START, "action": "project.created", "actor_kind": ActorKind.SYSTEM}
    return Event(**{**present, "subject": f"project:{_ids.new()}", **given})


def a_claim(**given: Any) -> Record:
    present = {"digest": next(_number).to_bytes(32, "big"), "fingerprint": bytes(32), "claim_id": ClaimId(_ids.new())}
    times = {"claimed_until": START + timedelta(seconds=60), "expires_at": START + timedelta(hours=24)}
    return Record(**{**present, **times, **given})


def a_delivery(**given: Any) -> Delivery:
    present = {"id": DeliveryId(_ids.new()), "source": "shop", "delivery_id": f"msg_{next(_number)}", "size": 2}
    return Delivery(**{**present, "due_at": START, "created_at": START, **given})


def an_identity(user: User, **given: Any) -> Identity:
    present = {"id": IdentityId(_ids.new()), "user_id": user.id, "provider": "campus", "issuer": ISSUER}
    said = {"subject": f"subject {next(_number)}", "email": user.email, "given_name": "Ada", "family_name": None}
    return Identity(**{**present, **said, "created_at": START, "last_used_at": START, **given})


def a_provider_session(of: Session, **given: Any) -> ProviderSession:
    present = {"session_id": of.id, "provider": "campus", "issuer": ISSUER, "subject": f"{next(_number)}"}
    return ProviderSession(**{**present, **given})


def an_authorization(**given: Any) -> AuthorizationRequest:
    present = {"digest": next(_number).to_bytes(32, "big"), "provider": "campus"}
    return AuthorizationRequest(**{**present, "return_to": "/", "expires_at": START + AUTHORIZATION_LIFETIME, **given})
