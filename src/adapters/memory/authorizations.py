from datetime import datetime

from adapters.memory.tables import Table
from domain.model.authorizations import AuthorizationRequest
from domain.model.sessions import Session


class MemoryAuthorizationRepository:
    def __init__(self, requests: Table[AuthorizationRequest], sessions: Table[Session]) -> None:
        self._requests = requests
        self._sessions = sessions

    async def add(self, request: AuthorizationRequest) -> None:
        if request.session_id is not None:
            self._sessions.writing.require(request.session_id)
        self._requests.writing.insert(request)

    async def take(self, digest: bytes) -> AuthorizationRequest | None:
        requests = self._requests.writing
        if (request := requests.find(digest)) is not None:
            requests.remove(digest)
        return request

    async def prune(self, before: datetime) -> None:
        requests = self._requests.writing
        for request in tuple(requests):
            if request.expires_at < before:
                requests.remove(request.digest)
