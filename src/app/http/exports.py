"""`/v1/me/export`: everything that is held about somebody, as it is read."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.response import Stream

from app.http import audit, keys, me, projects
from app.http.doors import ActorRequest, session
from app.http.users import view
from domain.model.events import Event
from domain.model.ids import SessionId
from domain.model.keys import KeyCard
from domain.model.projects import Project
from domain.model.roles import Role
from domain.model.sessions import Session
from domain.services.exports import Export, ExportService, Piece

CHUNK = 64 * 1024


class HeldRoleView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    description: str | None
    is_active: bool
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


def piece_view(piece: Piece, current: SessionId | None) -> msgspec.Struct:
    match piece:
        case Role():
            return HeldRoleView(
                id=piece.id,
                name=piece.name,
                description=piece.description,
                is_active=piece.is_active,
                created_at=piece.created_at,
            )
        case Session():
            return me.session_view(piece, current=current)
        case KeyCard():
            return keys.view(piece)
        case Project():
            return projects.view(piece)
        case Event():
            return audit.event_view(piece)
