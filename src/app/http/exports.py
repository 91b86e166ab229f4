"""`/v1/me/export`: everything that is held about somebody, as it is read."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.response import Stream

from app.http import audit, identities, keys, me, projects, tasks
from app.http.doors import ActorRequest, session
from app.http.users import view
from domain.model.events import Event
from domain.model.identities import Identity
from domain.model.ids import SessionId
from domain.model.keys import KeyCard
from domain.model.members import Member
from domain.model.projects import Project
from domain.model.roles import Role
from domain.model.sessions import Session
from domain.model.tasks import Task
from domain.services.exports import Export, ExportService, Piece

CHUNK = 64 * 1024


class HeldRoleView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    description: str | None
    is_active: bool
    created_at: datetime


class HeldMembershipView(msgspec.Struct, frozen=True, kw_only=True):
    project_id: UUID
    role: str
    created_at: datetime


class ExportController(Controller):
    tags = ("Me",)

    @get("/me/export", opt=session())
    async def export(self, request: ActorRequest, exports: NamedDependency[ExportService]) -> Stream:
        """Download everything that is held about oneself, as one JSON object."""
        export = await exports.begin(request.user)
        return Stream(
            in_chunks(written(export, request.user.session_id)),
            media_type="application/json",
            headers={"content-disposition": 'attachment; filename="hexkey-export.json"'},
        )


async def written(export: Export, current: SessionId | None) -> AsyncIterator[bytes]:
    yield b'{"user":' + msgspec.json.encode(view(export.user))
    for name, pieces in export.sections.items():
        yield b',"%b":[' % name.encode()
        comma = b""
        async for piece in pieces:
            yield comma + msgspec.json.encode(piece_view(piece, current))
            comma = b","
        yield b"]"
    yield b"}"


async def in_chunks(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in fewer pieces: each costs a turn of the loop."""
    buffer = bytearray()
    async for part in parts:
        buffer += part
        if len(buffer) >= CHUNK:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer)


def role_view(role: Role) -> HeldRoleView:
    return HeldRoleView(
        id=role.id,
        name=role.name,
        description=role.description,
        is_active=role.is_active,
        created_at=role.created_at,
    )


def membership_view(member: Member) -> HeldMembershipView:
    return HeldMembershipView(project_id=member.project_id, role=member.role.value, created_at=member.created_at)


VIEWS: dict[type[Any], Callable[[Any], msgspec.Struct]] = {
    Role: role_view,
    Identity: identities.view,
    KeyCard: keys.view,
    Project: projects.view,
    Member: membership_view,
    Task: tasks.view,
    Event: audit.event_view,
}


def piece_view(piece: Piece, current: SessionId | None) -> msgspec.Struct:
    return me.session_view(piece, current=current) if isinstance(piece, Session) else VIEWS[type(piece)](piece)
