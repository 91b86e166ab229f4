"""Access tokens: signed JWTs (RFC 9068) that name a user and a session, and nothing they may do."""

import json
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Any
from uuid import UUID

import msgspec
from jwt import InvalidTokenError

from adapters.security.roots import RootSecrets
from adapters.security.signing_keys import ALGORITHM, JWS, SigningKey
from domain.model.ids import SessionId, UserId
from domain.ports.security import AccessClaims
from domain.ports.system import Clock, IdGenerator

_CLIENT = "hexkey"
_LENGTH_MAX = 4096
_LEEWAY = timedelta(seconds=60)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_Seconds = Annotated[int, msgspec.Meta(ge=0, lt=2**37)]


class _Actor(msgspec.Struct, frozen=True):
    """Who acts as the subject (RFC 8693, section 4.1)."""

    sub: UUID


class _Payload(msgspec.Struct, frozen=True, kw_only=True):
    """Every member but `act` and `nbf` is required; one that we do not know means nothing (RFC 7519, section 4)."""

    iss: str
    aud: str
    sub: UUID
    client_id: str
    sid: UUID
    jti: UUID
    iat: _Seconds
    exp: _Seconds
    nbf: _Seconds = 0
    act: _Actor | msgspec.UnsetType = msgspec.UNSET


class EdDsaAccessTokens:
    """*issuer* is the public URL; it is the audience too.

    A token's header is compared, never parsed: we accept the headers that we write, to the byte, one for each
    key. So the `alg`, `kid`, `crit`, `jku` or `jwk` of a stranger is never even looked at.
    """

    def __init__(self, roots: RootSecrets, *, issuer: str, clock: Clock, ids: IdGenerator) -> None:
        keys = tuple(SigningKey(pepper.key) for pepper in roots.peppers("jwt/ed25519"))
        self._signer = keys[0]
        self._verifiers = {key.header: key.public for key in keys}
        self._public_keys = tuple(key.jwk for key in keys)
        self._issuer = issuer
        self._clock = clock
        self._ids = ids
        self._proved = _Proved()

    def sign(self, claims: AccessClaims) -> str:
        """Times lose their fraction: a token may end up to a second early, never late."""
        payload: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": str(claims.user_id),
            "client_id": _CLIENT,
            "sid": str(claims.session_id),
            "jti": str(self._ids.new()),
            "iat": (self._clock.now() - _EPOCH) // _SECOND,
            "exp": (claims.expires_at - _EPOCH) // _SECOND,
        }
        if claims.real_user_id is not None:
            payload["act"] = {"sub": str(claims.real_user_id)}
        return self._signer.sign(json.dumps(payload, separators=(",", ":")).encode())

    def read(self, token: str) -> AccessClaims | None:
        if len(token) > _LENGTH_MAX or not token.isascii():
            return None
        now = self._clock.now()
        fingerprint = blake2b(token.encode()).digest()
        if (claims := self._proved.find(fingerprint, now=now)) is not None:
            return claims
        payload = self._verify(token)
        if payload is None or not self._is_good(payload, now=now):
            return None
        claims = _claims(payload)
        self._proved.keep(fingerprint, claims, now=now)
        return claims

    def public_keys(self) -> dict[str, Any]:
        """The signer's first."""
        return {"keys": [dict(jwk) for jwk in self._public_keys]}

    def _verify(self, token: str) -> _Payload | None:
        """What *token* says, if we signed it and it is of our form."""
        key = self._verifiers.get(token.partition(".")[0])
        if key is None or "=" in token:
            return None
        try:
            members = json.loads(JWS.decode(token, key, [ALGORITHM]), object_pairs_hook=_once)
            return msgspec.convert(members, _Payload)
        except (InvalidTokenError, ValueError, RecursionError):
            return None

    def _is_good(self, payload: _Payload, *, now: datetime) -> bool:
        if (payload.iss, payload.aud, payload.client_id) != (self._issuer, self._issuer, _CLIENT):
            return False
        earliest, latest = (now - _LEEWAY - _EPOCH) / _SECOND, (now + _LEEWAY - _EPOCH) / _SECOND
        return earliest < payload.exp and payload.iat <= latest and payload.nbf <= latest


def _claims(payload: _Payload) -> AccessClaims:
    real_user_id = UserId(payload.act.sub) if payload.act else None
    return AccessClaims(UserId(payload.sub), SessionId(payload.sid), _EPOCH + payload.exp * _SECOND, real_user_id)


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises ValueError where a member is repeated: JSON leaves open which of the two counts."""
    unique = dict(members)
    if len(unique) < len(members):
        raise ValueError("a member is repeated")
    return unique


class _Proved:
    """Tokens proved within the last 5 s, by fingerprint: a signature costs 300 µs, a look in here one."""

    _TRUST = timedelta(seconds=5)
    _SIZE = 10_000

    def __init__(self) -> None:
        self._entries: OrderedDict[bytes, tuple[AccessClaims, datetime, datetime]] = OrderedDict()

    def find(self, fingerprint: bytes, *, now: datetime) -> AccessClaims | None:
        if (entry := self._entries.get(fingerprint)) is None:
            return None
        claims, since, until = entry
        return claims if since <= now < until else None

    def keep(self, fingerprint: bytes, claims: AccessClaims, *, now: datetime) -> None:
        """The oldest goes when there are too many."""
        until = min(now + self._TRUST, claims.expires_at + _LEEWAY)
        self._entries[fingerprint] = (claims, now, until)
        self._entries.move_to_end(fingerprint)
        if len(self._entries) > self._SIZE:
            self._entries.popitem(last=False)
