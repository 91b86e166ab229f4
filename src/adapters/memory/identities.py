from dataclasses import replace
from operator import attrgetter

from adapters.memory.tables import Table
from domain.model.identities import Identity, ProviderSession
from domain.model.ids import IdentityId, SessionId, UserId
from domain.model.sessions import Session
from domain.model.users import User

_SAID = ("email", "given_name", "family_name", "last_used_at")


class MemoryIdentityRepository:
    def __init__(
        self,
        identities: Table[Identity],
        provider_sessions: Table[ProviderSession],
        users: Table[User],
        sessions: Table[Session],
    ) -> None:
        self._identities = identities
        self._provider_sessions = provider_sessions
        self._users = users
        self._sessions = sessions

    async def add(self, identity: Identity) -> None:
        self._users.writing.require(identity.user_id)
        self._identities.writing.insert(identity)

    async def find(self, issuer: str, subject: str) -> Identity | None:
        return self._identities.only("subject", (issuer, subject))

    async def list_by_user(self, user_id: UserId) -> tuple[Identity, ...]:
        return tuple(sorted(self._identities.where("user", user_id), key=attrgetter("created_at", "id")))

    async def touch(self, identity: Identity) -> None:
        identities = self._identities.writing
        if (kept := identities.find(identity.id)) is not None:
            identities.put(kept.id, replace(kept, **{name: getattr(identity, name) for name in _SAID}))

    async def delete(self, identity_id: IdentityId) -> None:
        identities = self._identities.writing
        identities.require(identity_id)
        identities.remove(identity_id)

    async def attach(self, session: ProviderSession) -> None:
        self._sessions.writing.require(session.session_id)
        self._provider_sessions.writing.put(session.session_id, session)

    async def list_sessions(self, issuer: str, *, subject: str | None, session: str | None) -> tuple[SessionId, ...]:
        from_there = self._provider_sessions.where("issuer", issuer)
        return tuple(
            sorted(
                found.session_id
                for found in from_there
                if subject in {None, found.subject}
                and (session in {None, found.session} or (subject is not None and found.session is None))
            )
        )
