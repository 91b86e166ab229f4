"""Signing in, or linking, through a provider of identities."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.errors import NotFound, OidcRefused, Unavailable
from domain.model.actors import Actor, Origin
from domain.model.authorizations import AUTHORIZATION_LIFETIME, AuthorizationRequest, return_path
from domain.model.ids import SessionId, UserId
from domain.ports.identity_providers import Handshake, Handshakes, IdentityProvider, IdentityProviders
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.services.cookie_sessions import CookieSession
from domain.services.federated_accounts import Browser, FederatedAccounts
from domain.services.sessions import SessionService
from domain.services.throttles import Throttle


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a browser goes, and the cookie by which it is known when it comes back with *state*."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a provider sent back by way of the browser, and the *cookie* that was there."""

    state: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    issuer: str | None = None
    cookie: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Arrival:
    """*begun* is None where an identity was linked: the session is the one that there was."""

    return_to: str
    begun: CookieSession | None


class FederatedSignIn:
    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        providers: IdentityProviders,
        handshakes: Handshakes,
        accounts: FederatedAccounts,
        throttle: Throttle,
        sessions: SessionService,
        public_url: str,
        clock: Clock,
    ) -> None:
        self._uow = uow
        self._providers = providers
        self._handshakes = handshakes
        self._accounts = accounts
        self._throttle = throttle
        self._sessions = sessions
        self._public_url = public_url
        self._clock = clock

    def issuers(self) -> Mapping[str, str]:
        """By the provider's name."""
        return {name: provider.issuer for name, provider in self._providers.items()}

    async def begin(self, name: str, origin: Origin, *, return_to: str, registering: bool = False) -> Departure:
        """Raises NotFound, Invalid, QuotaExceeded, Unavailable."""
        return await self._departure(name, origin, return_to, registering=registering)

    async def begin_linking(self, actor: Actor, name: str, *, return_to: str) -> Departure:
        """What comes back becomes an identity of *actor*.

        Raises CredentialKindNotAllowed, PasswordChangeRequired, ForbiddenInImpersonation, NotFound, Invalid,
        QuotaExceeded, Unavailable.
        """
        asked_by = (actor.settled_person(), actor.own_session())
        return await self._departure(name, actor.origin, return_to, asked_by=asked_by)

    async def complete(self, name: str, answer: Answer, browser: Browser) -> Arrival:
        """The state is spent before the provider is asked, so that nothing that came back is tried twice.

        Raises NotFound, OidcRefused, Unavailable, IdentityNotLinked, IdentityTaken, RegistrationClosed, EditConflict,
        and InvalidCredential for an account that is not active.
        """
        provider = self._provider(name)
        request, handshake = await self._spent(name, answer)
        if answer.error or not answer.code:
            raise OidcRefused("the provider did not sign you in; begin again")
        redirect_uri = self._redirect_uri(name)
        claims = await provider.redeem(answer.code, handshake, redirect_uri=redirect_uri, issuer=answer.issuer)
        if request.user_id is None or request.session_id is None:
            return Arrival(request.return_to, await self._accounts.sign_in(name, claims, browser))
        await self._accounts.link(name, claims, browser.origin, request.user_id, request.session_id)
        return Arrival(request.return_to, None)

    async def sign_out(self, actor: Actor, name: str) -> str:
        """End the session that calls; where to go to sign out at the provider too, or home where it offers nothing or
        is away. Raises NotFound, CredentialKindNotAllowed, EditConflict.
        """
        provider, home = self._provider(name), f"{self._public_url}/"
        await self._sessions.sign_out(actor)
        try:
            return await provider.end_session_url(return_to=home) or home
        except Unavailable:
            return home

    async def end_from_provider(self, name: str, logout_token: str, origin: Origin) -> None:
        """End what came from a sign-in that is over at the provider.

        Raises NotFound, OidcRefused, Unavailable, EditConflict.
        """
        claims = await self._provider(name).read_logout_token(logout_token)
        await self._sessions.end_from_provider(claims, origin)

    async def _departure(
        self,
        name: str,
        origin: Origin,
        return_to: str,
        *,
        registering: bool = False,
        asked_by: tuple[UserId, SessionId] | tuple[None, None] = (None, None),
    ) -> Departure:
        provider, path, handshake = self._provider(name), return_path(return_to), self._handshakes.begin()
        await self._throttle.admit_address(origin)
        url = await provider.authorization_url(
            handshake, redirect_uri=self._redirect_uri(name), registering=registering
        )
        user_id, session_id = asked_by
        request = AuthorizationRequest(
            digest=handshake.digest,
            provider=name,
            return_to=path,
            user_id=user_id,
            session_id=session_id,
            expires_at=self._clock.now() + AUTHORIZATION_LIFETIME,
        )
        async with self._uow() as work:
            await work.authorizations.add(request)
        return Departure(url, handshake.state, handshake.cookie)

    async def _spent(self, name: str, answer: Answer) -> tuple[AuthorizationRequest, Handshake]:
        """Raises OidcRefused for a state that is none of ours, another browser's, another provider's, spent or late."""
        handshake = self._handshakes.resume(answer.state, answer.cookie or "")
        if handshake is None:
            raise OidcRefused
        async with self._uow() as work:
            request = await work.authorizations.take(handshake.digest)
        if request is None or request.provider != name or not request.is_live(now=self._clock.now()):
            raise OidcRefused
        return request, handshake

    def _provider(self, name: str) -> IdentityProvider:
        if (provider := self._providers.get(name)) is None:
            raise NotFound
        return provider

    def _redirect_uri(self, name: str) -> str:
        return f"{self._public_url}/v1/auth/oidc/{name}/callback"
