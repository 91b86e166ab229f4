"""Credentials as callers send them; nothing about them is proved yet."""

from typing import NamedTuple

from domain.model.ids import KeyId, SessionId


class PresentedKey(NamedTuple):
    """A well-formed API key.

    By *fingerprint* whoever has proved it once may know it again; it is empty where nobody does.
    """

    key_id: KeyId
    secret: str
    fingerprint: bytes = b""

    def __repr__(self) -> str:
        return f"PresentedKey(key_id={self.key_id!r})"


class PresentedSession(NamedTuple):
    """A well-formed session cookie."""

    session_id: SessionId
    digest: bytes

    def __repr__(self) -> str:
        return f"PresentedSession(session_id={self.session_id!r})"
