from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
import msgspec

from adapters.oidc import documents
from adapters.oidc.calls import Answer, Calls, within
from adapters.oidc.discovery import Discovery, discover
from adapters.oidc.kept import Kept
from adapters.oidc.keys import KeySet, fetch_keys
from adapters.oidc.profiles import Profile, profile
from adapters.oidc.signatures import Signatures
from adapters.oidc.tokens import Name, SignIn, Tokens
from domain.errors import OidcRefused, Unavailable
from domain.model.identities import Claims, LogoutClaims
from domain.ports.identity_providers import Handshake
from domain.ports.system import Clock

PATIENCE: Final = 5.0
_LONGEST_CODE: Final = 4096
_ABOUT_THE_CODE: Final = frozenset({"invalid_grant", "invalid_request", "access_denied"})
"""What else a token endpoint may complain of (RFC 6749, 5.2) is the operator's to mend."""
_Visible = Annotated[str, msgspec.Meta(pattern=r"\A[\x21-\x7e]+\Z")]


class _TokenAnswer(msgspec.Struct, frozen=True):
    access_token: _Visible
    token_type: str
    id_token: str


class _UserInfo(msgspec.Struct, frozen=True):
    sub: Name


class OpenIdProvider:
    """*issuer* is compared letter by letter, a slash at its end too. Without *client_secret* the client is public.

    *register_prompt* asks for registration where discovery does not say that it can be asked for. Nothing is fetched
    before it is needed; *patience*, in seconds, holds for each method as a whole.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        scopes: Sequence[str],
        register_prompt: bool,
        clock: Clock,
        patience: float = PATIENCE,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._scope = " ".join(scopes)
        self._register_prompt = register_prompt
        self._patience = patience
        self._calls = Calls(patience=patience, transport=transport)
        self._discovery = Kept(self._discover, clock=clock)
        signatures = Signatures(self._discovery, Kept(self._fetch_keys, clock=clock))
        self._tokens = Tokens(signatures, issuer=issuer, client_id=client_id, clock=clock)

    @property
    def issuer(self) -> str:
        return self._issuer

    async def authorization_url(self, handshake: Handshake, *, redirect_uri: str, registering: bool) -> str:
        async with within(self._patience):
            provider = await self._discovery.get()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": self._scope,
            "state": handshake.state,
            "nonce": handshake.nonce,
            "code_challenge": handshake.challenge,
            "code_challenge_method": "S256",
        }
        if registering and (self._register_prompt or provider.can_create):
            query["prompt"] = "create"
        return _with_query(provider.authorization_endpoint, query)

    async def redeem(self, code: str, handshake: Handshake, *, redirect_uri: str, issuer: str | None) -> Claims:
        if issuer not in {None, self._issuer}:
            raise OidcRefused("the browser comes from another issuer than it was sent to")
        if not (1 <= len(code) <= _LONGEST_CODE and code.isascii() and code.isprintable()):
            raise OidcRefused("the code is none")
        async with within(self._patience):
            provider = await self._discovery.get()
            if issuer is None and provider.names_itself:
                raise OidcRefused("the browser does not say which issuer it comes from")
            granted = await self._exchange(provider, code, handshake, redirect_uri)
            token = granted.access_token
            signed_in = await self._tokens.sign_in(granted.id_token, nonce=handshake.nonce, access_token=token)
            known = signed_in.profile
            if known.email is None and provider.userinfo_endpoint is not None:
                known = known.or_else(await self._userinfo(provider.userinfo_endpoint, token, signed_in.subject))
        return self._claims(signed_in, known)

    async def end_session_url(self, *, return_to: str) -> str | None:
        async with within(self._patience):
            endpoint = (await self._discovery.get()).end_session_endpoint
        if endpoint is None:
            return None
        return _with_query(endpoint, {"client_id": self._client_id, "post_logout_redirect_uri": return_to})

    async def read_logout_token(self, token: str) -> LogoutClaims:
        async with within(self._patience):
            return await self._tokens.logout(token)

    async def _discover(self) -> Discovery:
        return await discover(self._calls, issuer=self._issuer)

    async def _fetch_keys(self) -> KeySet:
        return await fetch_keys(self._calls, (await self._discovery.get()).jwks_uri)

    async def _exchange(self, provider: Discovery, code: str, handshake: Handshake, redirect_uri: str) -> _TokenAnswer:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": handshake.verifier,
        }
        basic = self._client_secret is not None and provider.takes_basic
        answer = await self._calls.post(
            provider.token_endpoint, form if basic else form | self._named(), auth=self._basic() if basic else None
        )
        return _granted(answer)

    def _basic(self) -> httpx.BasicAuth:
        """Each half is encoded as in a form first (RFC 6749, 2.3.1)."""
        return httpx.BasicAuth(quote_plus(self._client_id), quote_plus(self._client_secret or ""))

    def _named(self) -> dict[str, str]:
        """The client in the form: with its secret where it has one."""
        secret = {} if self._client_secret is None else {"client_secret": self._client_secret}
        return {"client_id": self._client_id, **secret}

    async def _userinfo(self, endpoint: str, access_token: str, subject: str) -> Profile:
        """Of *subject* and nobody else (OpenID Connect Core 1.0, 5.3.2). Raises OidcRefused, Unavailable."""
        answer = await self._calls.get(endpoint, bearer=access_token)
        if answer.read(_UserInfo).sub != subject:
            raise OidcRefused("the provider tells of somebody else than who signed in")
        return profile(answer.members())

    def _claims(self, signed_in: SignIn, known: Profile) -> Claims:
        return Claims(
            issuer=self._issuer,
            subject=signed_in.subject,
            email=known.email,
            email_verified=known.email_verified,
            name=known.name,
            given_name=known.given_name,
            family_name=known.family_name,
            session=signed_in.session,
        )


def _granted(answer: Answer) -> _TokenAnswer:
    """Raises OidcRefused where the code is to blame, Unavailable for everything else."""
    if answer.status in {400, 403} and _complaint(answer) in _ABOUT_THE_CODE:
        raise OidcRefused("the provider does not accept the code")
    granted = answer.read(_TokenAnswer)
    if granted.token_type.lower() != "bearer":
        raise Unavailable("the identity provider answers nonsense")
    return granted


def _complaint(answer: Answer) -> object:
    try:
        return documents.members(answer.body).get("error")
    except ValueError:
        return None


def _with_query(endpoint: str, query: dict[str, str]) -> str:
    return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"
