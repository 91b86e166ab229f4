"""What others need to know of us before they trust our tokens."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from app.http.doors import public

FOR_FIVE_MINUTES = {"cache-control": "public, max-age=300"}


class ServerMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 8414."""

    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    introspection_endpoint: str
    jwks_uri: str
    response_types_supported: tuple[str, ...]
    grant_types_supported: tuple[str, ...]
    token_endpoint_auth_methods_supported: tuple[str, ...]
    revocation_endpoint_auth_methods_supported: tuple[str, ...]
    introspection_endpoint_auth_methods_supported: tuple[str, ...]


def server_metadata(public_url: str, *, password_grant: bool) -> ServerMetadata:
    auth = f"{public_url}/v1/auth"
    return ServerMetadata(
        issuer=public_url,
        token_endpoint=f"{auth}/token",
        revocation_endpoint=f"{auth}/revoke",
        introspection_endpoint=f"{auth}/introspect",
        jwks_uri=f"{public_url}/.well-known/jwks.json",
        response_types_supported=(),
        grant_types_supported=(*(["password"] if password_grant else []), "refresh_token"),
        token_endpoint_auth_methods_supported=("none",),
        revocation_endpoint_auth_methods_supported=("none",),
        introspection_endpoint_auth_methods_supported=("Bearer",),
    )


def well_known_routes(
    public_keys: Callable[[], dict[str, Any]], metadata: Callable[[], ServerMetadata]
) -> list[HTTPRouteHandler]:
    @get("/.well-known/jwks.json", opt=public(limited=False), tags=("Sign-in",), media_type="application/json")
    async def jwks() -> Response[dict[str, Any]]:
        """The public keys of our access tokens (RFC 7517)."""
        return Response(public_keys(), headers=FOR_FIVE_MINUTES)

    @get("/.well-known/oauth-authorization-server", opt=public(limited=False), tags=("Sign-in",))
    async def authorization_server() -> Response[ServerMetadata]:
        """Where tokens are issued, ended and judged (RFC 8414)."""
        return Response(metadata(), headers=FOR_FIVE_MINUTES)

    return [jwks, authorization_server]
