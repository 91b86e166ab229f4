from adapters.memory.tables import Table, update
from domain.model.ids import SessionId
from domain.model.sessions import RefreshToken, Session
from domain.model.users import User


class MemorySessionRepository:
    def __init__(self, sessions: Table[Session], tokens: Table[RefreshToken], users: Table[User]) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._users = users

    async def add(self, session: Session) -> None:
        self._users.writing.require(session.user_id)
        self._sessions.writing.insert(session)

    async def get(self, session_id: SessionId) -> Session:
        return self._sessions.get(session_id)

    async def save(self, session: Session) -> Session:
        return update(self._sessions.writing, session)

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
