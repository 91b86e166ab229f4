"""What a provider says of itself (OpenID Connect Discovery 1.0), as far as we believe it."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from adapters.oidc.calls import Calls
from domain.errors import Unavailable

_PLACE: Final = "/.well-known/openid-configuration"
_URL = re.compile(r"https?://[\x21-\x7e]+", re.IGNORECASE)
_Texts = tuple[str, ...] | None


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """Names and meanings are the standard's; what it does not require may be missing."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    id_token_signing_alg_values_supported: _Texts = None
    token_endpoint_auth_methods_supported: _Texts = None
    prompt_values_supported: _Texts = None
    authorization_response_iss_parameter_supported: bool | None = None

    @property
    def algorithms(self) -> Sequence[str]:
        """RS256 is what every provider has to know."""
        return self.id_token_signing_alg_values_supported or ("RS256",)

    @property
    def takes_basic(self) -> bool:
        methods = self.token_endpoint_auth_methods_supported
        return not methods or "client_secret_basic" in methods

    @property
    def can_create(self) -> bool:
        """Whether it knows the prompt of Initiating User Registration 1.0."""
        return "create" in (self.prompt_values_supported or ())

    @property
    def names_itself(self) -> bool:
        """Whether the browser brings back the issuer beside the code (RFC 9207)."""
        return self.authorization_response_iss_parameter_supported is True

    @property
    def endpoints(self) -> tuple[str, ...]:
        needed = (self.authorization_endpoint, self.token_endpoint, self.jwks_uri)
        return (*needed, *filter(None, (self.userinfo_endpoint, self.end_session_endpoint)))


async def discover(calls: Calls, *, issuer: str) -> Discovery:
    """Raises Unavailable, too where it is another's document or sends secrets where they could be read."""
    answer = await calls.get(issuer.removesuffix("/") + _PLACE)
    found = answer.read(Discovery)
    if found.issuer != issuer:
        raise Unavailable("the identity provider says that it is another issuer than the one that is set")
    schemes = {"https"} if urlsplit(issuer).scheme == "https" else {"https", "http"}
    if not all(_is_endpoint(url, schemes) for url in found.endpoints):
        raise Unavailable("the identity provider names an address that must not be used")
    return found


def _is_endpoint(url: str, schemes: set[str]) -> bool:
    if _URL.fullmatch(url) is None:
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and "@" not in parts.netloc and "#" not in url
