"""What an ID token (OpenID Connect Core 1.0, 3.1.3.7) and a logout token (Back-Channel Logout 1.0, 2.6) must say."""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha512
from typing import Annotated, Any, Final

import msgspec

from adapters.oidc import documents
from adapters.oidc.profiles import Profile, profile
from adapters.oidc.signatures import Opened, Signatures
from domain.errors import OidcRefused
from domain.model.identities import LogoutClaims
from domain.ports.system import Clock

_LEEWAY: Final = 60
_OLDEST_ID_TOKEN: Final = 10 * 60
_OLDEST_LOGOUT_TOKEN: Final = 5 * 60
_LOGOUT: Final = "http://schemas.openid.net/event/backchannel-logout"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

Name = Annotated[str, msgspec.Meta(pattern=r"\A[\x20-\x7e]{1,255}\Z")]
"""Of a person or a session at the provider; the standard has it in ASCII."""
_Seconds = Annotated[int, msgspec.Meta(ge=0, lt=2**37)] | Annotated[float, msgspec.Meta(ge=0, lt=2**37)]
_Unset = msgspec.UnsetType


class _Token(msgspec.Struct, frozen=True, kw_only=True):
    iss: str
    aud: str | tuple[str, ...]
    iat: _Seconds
    nbf: _Seconds = 0


class _IdToken(_Token, frozen=True, kw_only=True):
    sub: Name
    exp: _Seconds
    nonce: str
    azp: str | _Unset = msgspec.UNSET
    at_hash: str | _Unset = msgspec.UNSET


class _LogoutToken(_Token, frozen=True, kw_only=True):
    """*nonce* is there to be missing: with one it would be an ID token."""

    jti: Name
    events: dict[str, Any]
    exp: _Seconds | _Unset = msgspec.UNSET
    sub: Name | _Unset = msgspec.UNSET
    sid: Name | _Unset = msgspec.UNSET
    nonce: Any = msgspec.UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    subject: str
    session: str | None
    profile: Profile


class Tokens:
    """Of one provider for one client."""

    def __init__(self, signatures: Signatures, *, issuer: str, client_id: str, clock: Clock) -> None:
        self._signatures = signatures
        self._issuer = issuer
        self._client_id = client_id
        self._clock = clock

    async def sign_in(self, token: str, *, nonce: str, access_token: str) -> SignIn:
        """Raises OidcRefused, Unavailable."""
        opened = await self._signatures.open(token, name="ID token", types={"jwt"})
        said = _converted(opened, _IdToken, "ID token")
        self._require_addressee(said, "ID token")
        if said.azp != self._client_id and (said.azp is not msgspec.UNSET or len(_all(said.aud)) > 1):
            raise OidcRefused("the ID token was made for another client")
        self._require_time(said, said.exp, "ID token", oldest=_OLDEST_ID_TOKEN)
        if not _same(said.nonce, nonce):
            raise OidcRefused("the ID token belongs to another sign-in")
        if said.at_hash is not msgspec.UNSET and not _same(said.at_hash, _half_hash(access_token, opened.algorithm)):
            raise OidcRefused("the ID token belongs to another access token")
        return SignIn(subject=said.sub, session=_name(opened.members.get("sid")), profile=profile(opened.members))

    async def logout(self, token: str) -> LogoutClaims:
        """Raises OidcRefused, Unavailable."""
        opened = await self._signatures.open(token, name="logout token", types={"logout+jwt", "jwt"})
        said = _converted(opened, _LogoutToken, "logout token")
        self._require_addressee(said, "logout token")
        self._require_time(said, said.exp, "logout token", oldest=_OLDEST_LOGOUT_TOKEN)
        if said.nonce is not msgspec.UNSET or not isinstance(said.events.get(_LOGOUT), dict):
            raise OidcRefused("the logout token is a token of another kind")
        if said.sub is msgspec.UNSET and said.sid is msgspec.UNSET:
            raise OidcRefused("the logout token does not say who signed out")
        return LogoutClaims(
            issuer=said.iss,
            subject=said.sub or None,
            session=said.sid or None,
            issued_at=_EPOCH + said.iat * _SECOND,
        )

    def _require_addressee(self, said: _Token, name: str) -> None:
        if said.iss != self._issuer:
            raise OidcRefused(f"the {name} is from another issuer")
        if self._client_id not in _all(said.aud):
            raise OidcRefused(f"the {name} was made for another client")

    def _require_time(self, said: _Token, until: float | _Unset, name: str, *, oldest: int) -> None:
        now = (self._clock.now() - _EPOCH) / _SECOND
        if (until is not msgspec.UNSET and until <= now - _LEEWAY) or said.iat < now - oldest - _LEEWAY:
            raise OidcRefused(f"the {name} has expired")
        if max(said.iat, said.nbf) > now + _LEEWAY:
            raise OidcRefused(f"the {name} is not valid yet")


def _converted(opened: Opened, kind: Any, name: str) -> Any:
    try:
        return documents.convert(opened.members, kind)
    except ValueError:
        raise OidcRefused(f"the {name} does not say what it must") from None


def _all(audience: str | tuple[str, ...]) -> tuple[str, ...]:
    return (audience,) if isinstance(audience, str) else audience


def _name(value: object) -> str | None:
    try:
        return msgspec.convert(value, Name)
    except msgspec.ValidationError:
        return None


def _same(one: str, other: str) -> bool:
    """In a time that tells nothing of where they differ."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def _half_hash(access_token: str, algorithm: str) -> str:
    """By the hash of the signature: SHA-512 is that of Ed25519, SHA-256 that of the others."""
    digest = (sha512 if algorithm == "EdDSA" else sha256)(access_token.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
