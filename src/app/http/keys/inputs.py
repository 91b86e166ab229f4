from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from app.http.bodies import Input, Moment, Patch
from app.http.fields import Description, Name, described, given
from domain.model.ids import ProjectId
from domain.services.key_requests import KeyEdit, KeyRequest

CIDR = r"^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$"
POLICY = "^[1-9][0-9]{0,8}/(second|minute|hour|day)$"
ADDRESSES = [{"format": "ipv4"}, {"format": "ipv6"}]

Scope = Annotated[str, described("A scope, or a permission.", "read", minLength=1, maxLength=64)]
Limit = Annotated[
    str, described("So many in a second, minute, hour or day.", "1000/minute", maxLength=16, pattern=POLICY)
]
Range = Annotated[str, msgspec.Meta(max_length=49), described("A network in CIDR form.", "192.0.2.0/24", pattern=CIDR)]
Span = Annotated[str, described("A duration.", "90d", pattern="^(0s|[1-9][0-9]{0,8}(ms|s|m|h|d))$")]
Address = Annotated[
    str, msgspec.Meta(max_length=45), described("Where the key was presented from.", "192.0.2.7", anyOf=ADDRESSES)
]
Secret = Annotated[str, described("The key itself, as it was shown once; what is too long for one is unknown.")]
Permission = Annotated[str, msgspec.Meta(max_length=64), described("What the key must be allowed.", "projects:read")]

Scopes = Annotated[tuple[Scope, ...], described("What it may do, at the most.", ["read"], minItems=1, maxItems=64)]
Limits = Annotated[tuple[Limit, ...], described("In place of the default.", ["50/minute"], maxItems=4)]
Ranges = Annotated[tuple[Range, ...], described("Where it is good.", ["192.0.2.0/24"], maxItems=64)]
Projects = Annotated[tuple[UUID, ...], described("All that it may touch; empty is no rule.", maxItems=64)]


class NewKey(Input, frozen=True, kw_only=True):
    name: Name
    description: Description | None = None
    scopes: Scopes
    expires_at: Moment | None = None
    expires_in: Span | None = None
    metadata: dict[str, Any] | None = None
    limits: Limits = ()
    allowed_networks: Ranges = ()
    project_ids: Projects = ()


class KeyPatch(Patch, frozen=True, kw_only=True):
    name: Name | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    scopes: Scopes | UnsetType = UNSET
    expires_at: Moment | UnsetType | None = UNSET
    expires_in: Span | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET
    limits: Limits | UnsetType | None = UNSET
    allowed_networks: Ranges | UnsetType | None = UNSET
    project_ids: Projects | UnsetType | None = UNSET


class Rotation(Input, frozen=True, kw_only=True):
    grace: Annotated[Span, described("How long the present secret is still good, up to 30 days.", "24h")] = "0s"


AT_ONCE = Rotation()


class KeyToVerify(Input, frozen=True, kw_only=True):
    api_key: Secret
    permissions: Annotated[tuple[Permission, ...], described("What it must be allowed.", maxItems=64)] = ()
    cost: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    address: Address | None = None


def request_of(data: NewKey) -> KeyRequest:
    return KeyRequest(
        name=data.name,
        scopes=data.scopes,
        description=data.description,
        expires_at=data.expires_at,
        expires_in=data.expires_in,
        metadata=data.metadata,
        limits=data.limits,
        allowed_networks=data.allowed_networks,
        project_ids=tuple(map(ProjectId, data.project_ids)),
    )


def edit_of(data: KeyPatch) -> KeyEdit:
    return KeyEdit(
        name=given(data.name),
        scopes=given(data.scopes),
        description=given(data.description),
        expires_at=given(data.expires_at),
        expires_in=given(data.expires_in),
        metadata=given(data.metadata),
        limits=given(data.limits),
        allowed_networks=given(data.allowed_networks),
        project_ids=given(_projects(data.project_ids)),
    )


def _projects(ids: tuple[UUID, ...] | UnsetType | None) -> tuple[ProjectId, ...] | UnsetType | None:
    return tuple(map(ProjectId, ids)) if isinstance(ids, tuple) else ids
