from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from adapters.memory.tables import Draft, Table
from domain.model.ids import UserId
from domain.model.invitations import Invitation
from domain.model.one_time_tokens import OneTimeToken
from domain.model.users import User


class MemoryOneTimeTokenRepository:
    def __init__(self, tokens: Table[OneTimeToken], users: Table[User], invitations: Table[Invitation]) -> None:
        self._tokens = tokens
        self._users = users
        self._invitations = invitations

    async def add(self, token: OneTimeToken) -> None:
        tokens = self._tokens.writing
        if token.user_id is not None:
            self._users.writing.require(token.user_id)
        if token.invitation_id is not None:
            self._invitations.writing.require(token.invitation_id)
        for other in _others(tokens, token):
            tokens.remove(other.digest)
        tokens.insert(token)

    async def take(self, digest: bytes) -> OneTimeToken | None:
        tokens = self._tokens.writing
        if (token := tokens.find(digest)) is not None:
            tokens.remove(digest)
        return token

    async def remove_of_user(self, user_id: UserId) -> None:
        self._tokens.writing.remove_where("user", user_id)

    async def prune(self, before: datetime) -> None:
        tokens = self._tokens.writing
        for token in tuple(tokens):
            if token.expires_at < before:
                tokens.remove(token.digest)


def _others(tokens: Draft[OneTimeToken], token: OneTimeToken) -> Iterator[OneTimeToken]:
    of_same = chain(tokens.where("user", token.user_id), tokens.where("invitation", token.invitation_id))
    return (other for other in of_same if other.purpose is token.purpose)
