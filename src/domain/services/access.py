from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

from domain.errors import (
    InvalidCredential,
    KeyExpired,
    KeyRevoked,
    KeySuspended,
    Unauthenticated,
    Unavailable,
)
from domain.model.access import Accepted, PresentedKey, Rejected, Rejection, Verification
from domain.model.actors import Actor, ActorKind, Origin, neighbourhood
from domain.model.limits import UNLIMITED, Admission, Policy
from domain.model.permissions import KeyPermission
from domain.model.sessions import Lifetimes, Session
from domain.ports.access import AccessDirectory
from domain.ports.limits import RateLimiter
from domain.ports.security import AccessTokens, KeySecrets, SessionCookies
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.services.key_uses import KeyUses

_REFUSALS: dict[Rejection, type[Unauthenticated]] = {
    Rejection.REVOKED: KeyRevoked,
    Rejection.EXPIRED: KeyExpired,
    Rejection.SUSPENDED: KeySuspended,
}


class AccessService:
    """Who is calling, and is this key good: one judgement behind the door and behind `verify`."""

    def __init__(
        self,
        *,
        directory: AccessDirectory,
        secrets: KeySecrets,
        access_tokens: AccessTokens,
        cookies: SessionCookies,
        uow: UnitOfWorkFactory,
        cookie_lifetimes: Lifetimes,
        limiter: RateLimiter,
        default_limit: Policy | None,
        anonymous_limit: Policy | None,
        uses: KeyUses,
        clock: Clock,
        max_staleness: timedelta,
    ) -> None:
        self._directory = directory
        self._secrets = secrets
        self._access_tokens = access_tokens
        self._cookies = cookies
        self._uow = uow
        self._cookie_lifetimes = cookie_lifetimes
        self._limiter = limiter
        self._default = () if default_limit is None else (default_limit,)
        self._anonymous = () if anonymous_limit is None else (anonymous_limit,)
        self._uses = uses
        self._clock = clock
        self._max_staleness = max_staleness

    @property
    def max_staleness(self) -> timedelta:
        """How long after a change has been made a worker may still decide by what was there before."""
        return self._max_staleness

    async def settle(self) -> None:
        """Returns when what has been changed by now is what every worker decides by."""
        await self._clock.sleep(self._max_staleness)

    async def authenticate(self, credential: str, origin: Origin) -> Actor:
        """The actor behind an API key or an access token.

        Raises InvalidCredential; and to who proved the secret KeyRevoked, KeyExpired, KeySuspended; Unavailable.
        """
        if (presented := self._secrets.read(credential)) is not None:
            verdict = await self._judge(presented, origin.address)
            if isinstance(verdict, Rejected):
                raise _refusal(verdict)
            self._note(verdict, presented, origin.address)
            return verdict.grant.actor(verdict.secret, origin)
        return await self._user(credential, origin)

    async def authenticate_to_revoke(self, credential: str, origin: Origin) -> Actor:
        """As `authenticate`; a suspended key too, and from any network, for whoever has a key may always end it."""
        if (presented := self._secrets.read(credential)) is None:
            return await self._user(credential, origin)
        proved = await self._proved(presented)
        if isinstance(proved, Rejected):
            raise _refusal(proved)
        if reason := proved.grant.rejection_of_revoking(now=self._clock.now()):
            raise _refusal(Rejected(reason))
        return proved.grant.actor(proved.secret, origin)

    async def authenticate_cookie(self, cookie: str, origin: Origin) -> Actor:
        """The actor behind a session cookie; its use keeps the session from idling. Raises InvalidCredential."""
        if (presented := self._cookies.read(cookie)) is None:
            raise InvalidCredential
        grant = await self._directory.find_session(presented.session_id)
        now = self._clock.now()
        if grant is None or not grant.is_proved_by(presented) or not grant.is_good(now=now):
            raise InvalidCredential
        if grant.session.is_worth_touching(lifetimes=self._cookie_lifetimes, now=now):
            await self._touch(grant.session.seen(lifetimes=self._cookie_lifetimes, origin=origin, now=now))
        return grant.actor(origin)

    def is_csrf_token(self, token: str, cookie: str) -> bool:
        """Whether *token* is the one that belongs to the session of *cookie*."""
        presented = self._cookies.read(cookie)
        return presented is not None and self._cookies.is_csrf_token(token, presented)

    async def verify(
        self,
        actor: Actor,
        credential: str,
        *,
        permissions: Collection[str] = (),
        cost: int = 1,
        address: str | None = None,
    ) -> Verification:
        """Whether *credential* is an API key that may do all of *permissions* now; a refusal consumes nothing.

        Raises PermissionDenied, Unavailable; never for a bad key.
        """
        actor.require(KeyPermission.VERIFY)
        if (presented := self._secrets.read(credential)) is None:
            return Rejected(Rejection.UNKNOWN)
        verdict = await self._judge(presented, address)
        if isinstance(verdict, Rejected):
            return verdict
        grant = verdict.grant
        if not grant.permissions.issuperset(permissions):
            return Rejected(Rejection.MISSING_PERMISSION, grant.key.id)
        admission = await self.admit(grant.actor(verdict.secret, actor.origin), cost=cost)
        if not admission.admitted:
            return Rejected(Rejection.RATE_LIMITED, grant.key.id, admission.retry_after(cost))
        self._note(verdict, presented, address)
        return Accepted(grant, verdict.secret, admission.allowances)

    async def admit(self, actor: Actor, *, cost: int = 1) -> Admission:
        """Count one call of *actor* against its own limits, or else the default. Without either, nothing is counted."""
        policies = actor.limits or self._default
        if not policies:
            return UNLIMITED
        subject = f"key:{actor.key_id}" if actor.kind is ActorKind.KEY else f"user:{actor.user_id}"
        return await self._limiter.hit(subject, policies, cost=cost)

    async def admit_anonymous(self, origin: Origin) -> Admission:
        """Count one call from an address that presented nothing."""
        if not self._anonymous or origin.address is None:
            return UNLIMITED
        return await self._limiter.hit(f"address:{neighbourhood(origin.address)}", self._anonymous)

    async def _judge(self, presented: PresentedKey, address: str | None) -> Accepted | Rejected:
        proved = await self._proved(presented)
        if isinstance(proved, Rejected):
            return proved
        if reason := proved.grant.rejection(now=self._clock.now(), address=address):
            return Rejected(reason, proved.grant.key.id)
        return proved

    async def _proved(self, presented: PresentedKey) -> Accepted | Rejected:
        """Whose secret it is, and nothing yet about what may be done with it."""
        grant = await self._directory.find_key(presented.key_id)
        secret = self._secrets.find_match(presented, () if grant is None else grant.key.secrets)
        if grant is None or secret is None or not secret.is_live(now=self._clock.now()):
            return Rejected(Rejection.UNKNOWN)
        return Accepted(grant, secret)

    def _note(self, accepted: Accepted, presented: PresentedKey, address: str | None) -> None:
        secret = accepted.secret
        self._uses.note(presented.key_id, secret.version, at=self._clock.now(), address=address)
        if (renewed := self._secrets.renewed(presented, secret)) is not None:
            self._uses.note_renewal(presented.key_id, secret, renewed)

    async def _touch(self, session: Session) -> None:
        """Nobody is refused because it could not be written down that they came."""
        with suppress(Unavailable):
            async with self._uow() as work:
                await work.sessions.touch(session)

    async def _user(self, token: str, origin: Origin) -> Actor:
        if (claims := self._access_tokens.read(token)) is None:
            raise InvalidCredential
        grant = await self._directory.find_session(claims.session_id)
        if grant is None or grant.session.user_id != claims.user_id or not grant.is_good(now=self._clock.now()):
            raise InvalidCredential
        return grant.actor(origin)


def _refusal(rejected: Rejected) -> type[Unauthenticated]:
    return _REFUSALS.get(rejected.reason, InvalidCredential)
