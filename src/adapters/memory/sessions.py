from dataclasses import replace
from datetime import datetime
from heapq import nsmallest
from operator import attrgetter
from typing import Any

from adapters.memory.access_changes import Changed
from adapters.memory.tables import Table, update
from domain.model.ids import SessionId, UserId
from domain.model.leases import subject
from domain.model.sessions import RefreshToken, Session
from domain.model.users import User

_SEEN = ("last_seen_at", "idle_ends_at", "address", "user_agent")


class MemorySessionRepository:
    """*attached* has, in an index ``session``, the rows that go with a session."""

    def __init__(
        self,
        sessions: Table[Session],
        tokens: Table[RefreshToken],
        users: Table[User],
        attached: tuple[Table[Any], ...],
        changed: Changed,
    ) -> None:
        self._changed = changed
        self._attached = (tokens, *attached)
        self._sessions = sessions
        self._tokens = tokens
        self._users = users

    async def add(self, session: Session) -> None:
        users = self._users.writing
        users.require(session.user_id)
        if session.real_user_id is not None:
            users.require(session.real_user_id)
        self._sessions.writing.insert(session)

    async def get(self, session_id: SessionId) -> Session:
        return self._sessions.get(session_id)

    async def save(self, session: Session) -> Session:
        if session.ended_at is not None:
            self._changed(subject("session", session.id))
        return update(self._sessions.writing, session)

    async def touch(self, session: Session) -> None:
        sessions = self._sessions.writing
        kept = sessions.find(session.id)
        if kept is not None and kept.ended_at is None:
            seen = {name: getattr(session, name) for name in _SEEN}
            sessions.put(session.id, replace(kept, **seen))

    async def list_live_by_user(self, user_id: UserId, *, now: datetime) -> tuple[Session, ...]:
        live = (session for session in self._sessions.where("user", user_id) if session.is_live(now=now))
        return tuple(sorted(live, key=attrgetter("created_at", "id")))

    async def end_all(self, user_id: UserId, *, now: datetime, but: SessionId | None = None) -> int:
        sessions = self._sessions.writing
        self._changed(subject("user", user_id))
        acting = (session for session in self._sessions.where("real user", user_id) if session.is_live(now=now))
        own = (session for session in await self.list_live_by_user(user_id, now=now) if session.id != but)
        ending = {session.id: session for session in (*acting, *own)}
        for session in ending.values():
            update(sessions, session.end(now=now))
        return len(ending)

    async def prune(self, before: datetime, limit: int) -> int:
        sessions = self._sessions.writing
        over = nsmallest(limit, (s for s in sessions if s.ends_at < before), key=attrgetter("ends_at", "id"))
        for session in over:
            sessions.remove(session.id)
            for table in self._attached:
                table.writing.remove_where("session", session.id)
        return len(over)

    async def add_refresh_token(self, token: RefreshToken) -> None:
        self._sessions.writing.require(token.session_id)
        self._tokens.writing.insert(token)

    async def find_refresh_token(self, digest: bytes) -> RefreshToken | None:
        return self._tokens.find(digest)

    async def spend_refresh_token(self, token: RefreshToken) -> bool:
        tokens = self._tokens.writing
        kept = tokens.find(token.digest)
        if kept is None or kept.spent_at is not None:
            return False
        tokens.put(token.digest, token)
        return True
