"""An OpenID provider of our own: it keeps to the standards, signs with any key, and misbehaves as it is told.

`OpenIdProvider.transport` answers an httpx client without a network; `listening` has it answer at a real address.
"""

import asyncio
import hmac
import json
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256, sha512
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit
from uuid import uuid4

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

ISSUER = "https://id.example.org"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_ALGORITHMS = get_default_algorithms()
Changes = Mapping[str, Any]
"""Members to set in what would be said; one that is set to `MISSING` is left out."""
MISSING = msgspec.UNSET


@dataclass(frozen=True)
class SigningKey:
    kid: str | None
    algorithm: str
    private: Any

    @property
    def jwk(self) -> dict[str, Any]:
        members: dict[str, Any] = _ALGORITHMS[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        named = {} if self.kid is None else {"kid": self.kid}
        return {name: members[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in members} | named

    @property
    def pem(self) -> bytes:
        """The public half, which everybody has."""
        pem: bytes = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem

    def sign(self, signed: bytes) -> bytes:
        signature: bytes = _ALGORITHMS[self.algorithm].sign(signed, self.private)
        return signature


@cache
def signing_key(algorithm: str = "ES256", kid: str | None = "first", bits: int = 2048) -> SigningKey:
    """The same one for the same words."""
    private: Any
    match algorithm:
        case "ES256":
            private = ec.generate_private_key(ec.SECP256R1())
        case "ES384":
            private = ec.generate_private_key(ec.SECP384R1())
        case "EdDSA":
            private = ed25519.Ed25519PrivateKey.generate()
        case _:
            private = rsa.generate_private_key(65537, bits)
    return SigningKey(kid, algorithm, private)


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def jws(header: Changes | bytes, payload: Changes | bytes, sign: Callable[[bytes], bytes]) -> str:
    """Whatever *header* says, signed by *sign*."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    signed = ".".join(map(b64, parts))
    return f"{signed}.{b64(sign(signed.encode()))}"


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda signed: hmac.digest(secret, signed, "sha256")


def changed(members: Changes, changes: Changes) -> dict[str, Any]:
    return {name: value for name, value in {**members, **changes}.items() if value is not MISSING}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """*body* as a whole, or in pieces; *after* is how many seconds it takes to begin."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    after: float = 0.0

    @property
    def pieces(self) -> Iterable[bytes]:
        return [self.body] if isinstance(self.body, bytes) else self.body


def said(members: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(members).encode())


def redirect(location: str) -> Reply:
    return Reply(302, b"", {"location": location})


@dataclass(frozen=True)
class Grant:
    redirect_uri: str
    challenge: str
    nonce: str | None
    claims: dict[str, Any]

    def challenged_by(self, challenge: str) -> "Grant":
        """As a provider without PKCE would see it."""
        return replace(self, challenge=challenge)


@dataclass
class OpenIdProvider:
    """For one client. Whoever is sent to it is *person*, and is asked nothing.

    *keys* are published, and the first signs. Members of *discovery*, *header*, *claims* and *granted* are set in its
    document, in the head and the body of its ID tokens, and in the answers of its token endpoint. *replies* are given
    in place of its own at their paths, *requests* are all that it was asked, and *grants* what codes are good for.
    """

    issuer: str = ISSUER
    client_id: str = "hexkey"
    client_secret: str | None = "a secret of the client: ü&+%"
    now: Callable[[], float] = time.time
    keys: list[SigningKey] = field(default_factory=lambda: [signing_key()])
    person: dict[str, Any] = field(
        default_factory=lambda: {"sub": "ada", "email": "ada@example.org", "email_verified": True, "sid": "sid-of-ada"}
    )
    userinfo: dict[str, Any] = field(default_factory=dict)
    discovery: Changes = field(default_factory=dict)
    header: Changes = field(default_factory=dict)
    claims: Changes = field(default_factory=dict)
    granted: Changes = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    grants: dict[str, Grant] = field(default_factory=dict)
    _access: dict[str, str] = field(default_factory=dict)

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(self._over_no_network)

    def asked(self, path: str) -> int:
        return sum(request.path == path for request in self.requests)

    def document(self) -> dict[str, Any]:
        own = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "prompt_values_supported": ["none", "login", "create"],
            "authorization_response_iss_parameter_supported": True,
        }
        return changed(own, self.discovery)

    def sign_in(self, url: str) -> str:
        """*person* follows *url*: where they are sent back to, with what."""
        asked = dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
        assert asked["response_type"] == "code"
        assert asked["client_id"] == self.client_id
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = f"code-{uuid4()}"
        self.grants[code] = Grant(asked["redirect_uri"], asked["code_challenge"], asked.get("nonce"), dict(self.person))
        back = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def id_token(self, access_token: str, grant: Grant, **changes: Any) -> str:
        key, now = self.keys[0], int(self.now())
        digest = (sha512 if key.algorithm == "EdDSA" else sha256)(access_token.encode()).digest()
        own = {
            "iss": self.issuer,
            "aud": self.client_id,
            "exp": now + 300,
            "iat": now,
            "nonce": grant.nonce,
            "at_hash": b64(digest[: len(digest) // 2]),
            **grant.claims,
        }
        return self.signed(changed(own, {**self.claims, **changes}), **self.header)

    def logout_token(self, **changes: Any) -> str:
        """By which it says that *person* signed out."""
        now = int(self.now())
        own = {
            "iss": self.issuer,
            "aud": self.client_id,
            "iat": now,
            "exp": now + 120,
            "jti": str(uuid4()),
            "sub": self.person["sub"],
            "sid": self.person["sid"],
            "events": {LOGOUT_EVENT: {}},
        }
        return self.signed(changed(own, changes), typ="logout+jwt")

    def signed(self, payload: Changes, **header: Any) -> str:
        key = self.keys[0]
        own = {"alg": key.algorithm, "kid": MISSING if key.kid is None else key.kid, "typ": "JWT"}
        return jws(changed(own, header), payload, key.sign)

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        if request.path in self.replies:
            return self.replies[request.path]
        path = request.path.removeprefix(urlsplit(self.issuer).path.removesuffix("/"))
        match request.method, path:
            case "GET", "/.well-known/openid-configuration":
                return said(self.document())
            case "GET", "/jwks":
                return said({"keys": [key.jwk for key in self.keys]})
            case "GET", "/authorize":
                return redirect(self.sign_in(f"?{urlencode(request.query)}"))
            case "POST", "/token":
                return self._grant(request)
            case "GET", "/userinfo":
                return self._tell(request)
        return Reply(404)

    def _grant(self, request: Request) -> Reply:
        if not self._is_the_client(request):
            return said({"error": "invalid_client"}, 401)
        grant = self.grants.pop(request.form.get("code", ""), None)
        if grant is None or not _fits(grant, request.form):
            return said({"error": "invalid_grant", "error_description": "<script>alert(1)</script>"}, 400)
        access_token = f"access-{uuid4()}"
        self._access[access_token] = grant.claims["sub"]
        own = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.id_token(access_token, grant),
        }
        return said(changed(own, self.granted))

    def _is_the_client(self, request: Request) -> bool:
        """By a secret in the header or in the form, never in both; or, without one, by name."""
        methods = self.document().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        scheme, _, proof = request.headers.get("authorization", "").partition(" ")
        if self.client_secret is None:
            return (
                not scheme and request.form.get("client_id") == self.client_id and "client_secret" not in request.form
            )
        if scheme:
            name, _, secret = b64decode(proof).decode().partition(":")
            shown, method = (unquote_plus(name), unquote_plus(secret)), "client_secret_basic"
        else:
            shown = (request.form.get("client_id", ""), request.form.get("client_secret", ""))
            method = "client_secret_post"
        return shown == (self.client_id, self.client_secret) and method in methods

    def _tell(self, request: Request) -> Reply:
        subject = self._access.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        return said({"error": "invalid_token"}, 401) if subject is None else said({"sub": subject, **self.userinfo})

    async def _over_no_network(self, call: httpx.Request) -> httpx.Response:
        body = (await call.aread()).decode()
        reply = self.answer(_request(call.method, str(call.url), dict(call.headers), body))
        await asyncio.sleep(reply.after)
        return httpx.Response(reply.status, headers=dict(reply.headers), content=_in_pieces(reply))


async def _in_pieces(reply: Reply) -> AsyncIterator[bytes]:
    for piece in reply.pieces:
        yield piece


def _request(method: str, url: str, headers: Mapping[str, str], body: str) -> Request:
    parts = urlsplit(url)
    lowered = {name.lower(): value for name, value in headers.items()}
    return Request(method, parts.path, dict(parse_qsl(parts.query)), lowered, dict(parse_qsl(body)))


def _fits(grant: Grant, form: Mapping[str, str]) -> bool:
    challenge = b64(sha256(form.get("code_verifier", "").encode()).digest())
    return (
        form.get("grant_type") == "authorization_code"
        and form.get("redirect_uri") == grant.redirect_uri
        and challenge == grant.challenge
    )


@contextmanager
def listening(provider: OpenIdProvider, *, port: int = 0) -> Iterator[OpenIdProvider]:
    """*provider* at a real address, which becomes its issuer; every call in a thread of its own."""

    class Calls(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            reply = provider.answer(_request(self.command, self.path, dict(self.headers), body))
            time.sleep(reply.after)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in reply.pieces:
                self.wfile.write(piece)

        do_POST = do_GET

        def log_message(self, format: str, *words: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Calls)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
