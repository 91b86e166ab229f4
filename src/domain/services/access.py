from collections.abc import Collection
from datetime import timedelta

from domain.errors import InvalidCredential
from domain.model.access import Accepted, Rejected, Rejection, SessionGrant, Verification
from domain.model.actors import Actor, Origin, neighbourhood
from domain.model.limits import UNLIMITED, Admission, Policy, counted_as
from domain.model.permissions import KeyPermission
from domain.model.presented import PresentedKey, PresentedSession
from domain.ports.access import AccessDirectory
from domain.ports.limits import RateLimiter
from domain.ports.security import AccessClaims, AccessTokens, KeySecrets, SessionCookies
from domain.ports.system import Clock
from domain.services.imported_keys import ImportedKeys
from domain.services.key_uses import KeyUses
from domain.services.known_keys import KnownKeys
from domain.services.refusals import refusal_of
from domain.services.session_uses import SessionUses


class AccessService:
    """Who is calling, and is this key good: one judgement behind the door and behind `verify`.

    After a change has been made a worker may still decide by what was there before, for *max_staleness* at most.
    """

    def __init__(
        self,
        *,
        directory: AccessDirectory,
        secrets: KeySecrets,
        access_tokens: AccessTokens,
        cookies: SessionCookies,
        session_uses: SessionUses,
        limiter: RateLimiter,
        default_limit: Policy | None,
        anonymous_limit: Policy | None,
        uses: KeyUses,
        imported: ImportedKeys,
        clock: Clock,
        max_staleness: timedelta,
    ) -> None:
        self._directory = directory
        self._secrets = secrets
        self._access_tokens = access_tokens
        self._cookies = cookies
        self._session_uses = session_uses
        self._limiter = limiter
        self.default_limit, self.anonymous_limit = default_limit, anonymous_limit
        self._default = () if default_limit is None else (default_limit,)
        self._anonymous = () if anonymous_limit is None else (anonymous_limit,)
        self._uses = uses
        self._imported = imported
        self._known = KnownKeys(directory=directory)
        self._clock = clock
        self.max_staleness = max_staleness

    async def settle(self) -> None:
        """Returns when what has been changed by now is what every worker decides by."""
        await self._clock.sleep(self.max_staleness)

    async def authenticate(self, credential: str, origin: Origin) -> Actor:
        """The actor behind an API key or an access token.

        Raises InvalidCredential; and to who proved the secret KeyRevoked, KeyExpired, KeySuspended; Unavailable, and
        QuotaExceeded for who guesses at keys of another service.
        """
        if (presented := self._secrets.read(credential)) is not None:
            return await self._key(presented, origin)
        if (claims := self._access_tokens.read(credential)) is not None:
            return await self._user(claims, origin)
        if (presented := await self._imported.find(credential)) is not None:
            return await self._key(presented, origin)
        raise InvalidCredential

    async def authenticate_to_revoke(self, credential: str, origin: Origin) -> Actor:
        """As `authenticate`; a suspended key too, and from any network, for whoever has a key may always end it."""
        presented = self._secrets.read(credential)
        if presented is None and (claims := self._access_tokens.read(credential)) is not None:
            return await self._user(claims, origin)
        if presented is None and (presented := await self._imported.find(credential)) is None:
            raise InvalidCredential
        proved = await self._proved(presented, guesser=origin.address)
        if isinstance(proved, Rejected):
            raise refusal_of(proved)
        if reason := proved.grant.rejection_of_revoking(now=self._clock.now()):
            raise refusal_of(Rejected(reason))
        return proved.grant.actor(proved.secret, origin)

    async def authenticate_cookie(self, cookie: str, origin: Origin) -> Actor:
        """The actor behind a session cookie; its use keeps the session from idling. Raises InvalidCredential."""
        if (presented := self._cookies.read(cookie)) is None:
            raise InvalidCredential
        grant = await self._session(presented)
        if await self._session_uses.note(grant.session, origin):
            grant = await self._session(presented)  # writing took its time
        return grant.actor(origin)

    def is_current(self, actor: Actor) -> bool:
        """Whether what let *actor* in is good at this moment. Ask after whatever may have taken its time, before going
        on; if not, that proves nothing yet: authenticate again.
        """
        return actor.grant is None or self._directory.is_current(actor.grant)

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
        presented = self._secrets.read(credential) or await self._imported.find(credential)
        if presented is None:
            return Rejected(Rejection.UNKNOWN)
        verdict = await self._judge(presented, permissions, address)
        if isinstance(verdict, Rejected):
            return verdict
        key = verdict.grant.key
        admission = await self._counted(counted_as("key", key.id), key.limits, cost)
        if not admission.admitted:
            return Rejected(Rejection.RATE_LIMITED, key.id, admission.retry_after(cost))
        if not self._directory.is_current(verdict.grant):  # counting took its time
            verdict = await self._judge(presented, permissions, address)
        if isinstance(verdict, Rejected):
            return verdict
        self._renews(verdict, presented)
        self._uses.note(key.id, verdict.secret.version, at=self._clock.now(), address=address)
        return Accepted(verdict.grant, verdict.secret, admission.allowances)

    async def admit(self, actor: Actor, shared: tuple[Policy, ...] = (), *, cost: int = 1) -> Admission:
        """Count one call of *actor* against its own limits, or else the default, and against *shared* besides: all or
        nothing. Without any, nothing is counted.

        A key is used by it, once for each call, however often it had to be looked at.
        """
        if actor.key_id is not None and actor.secret_version is not None:
            self._uses.note(actor.key_id, actor.secret_version, at=self._clock.now(), address=actor.origin.address)
        subject = counted_as("key", actor.key_id) if actor.key_id else counted_as("user", actor.user_id)
        return await self._counted(subject, actor.limits, cost, shared)

    async def admit_anonymous(self, origin: Origin, shared: tuple[Policy, ...] = ()) -> Admission:
        """Count one call from an address that presented nothing, against *shared* besides."""
        policies = self._anonymous + shared
        if not policies or origin.address is None:
            return UNLIMITED
        return await self._limiter.hit(f"address:{neighbourhood(origin.address)}", policies)

    async def _counted(
        self, subject: str, limits: tuple[Policy, ...], cost: int, shared: tuple[Policy, ...] = ()
    ) -> Admission:
        policies = (limits or self._default) + shared
        return await self._limiter.hit(subject, policies, cost=cost) if policies else UNLIMITED

    async def _judge(
        self,
        presented: PresentedKey,
        permissions: Collection[str] = (),
        address: str | None = None,
        *,
        guesser: str | None = None,
    ) -> Accepted | Rejected:
        proved = await self._proved(presented, guesser=guesser)
        if isinstance(proved, Rejected):
            return proved
        grant = proved.grant
        if reason := grant.rejection(now=self._clock.now(), address=address):
            return Rejected(reason, grant.key.id)
        if not grant.permissions.issuperset(permissions):
            return Rejected(Rejection.MISSING_PERMISSION, grant.key.id)
        return proved

    async def _key(self, presented: PresentedKey, origin: Origin) -> Actor:
        if (known := self._known.find(presented, origin, now=self._clock.now())) is not None:
            return known
        verdict = await self._judge(presented, address=origin.address, guesser=origin.address)
        if isinstance(verdict, Rejected):
            raise refusal_of(verdict)
        actor = verdict.grant.actor(verdict.secret, origin)
        if not self._renews(verdict, presented):
            self._known.keep(presented, verdict, actor)
        return actor

    async def _proved(self, presented: PresentedKey, *, guesser: str | None) -> Accepted | Rejected:
        """Whose secret it is, and nothing yet about what may be done with it."""
        grant = await self._directory.find_key(presented.key_id)
        secret = self._secrets.find_match(presented, () if grant is None else grant.key.secrets)
        if secret is None and grant is not None:
            secret = await self._imported.find_match(presented, grant.key, guesser=guesser)
        if grant is None or secret is None or (secret.retires_at and not secret.is_live(now=self._clock.now())):
            return Rejected(Rejection.UNKNOWN)
        return Accepted(grant, secret)

    def _renews(self, accepted: Accepted, presented: PresentedKey) -> bool:
        """Whether it was kept under an old root secret; it is kept under the newest from then on."""
        if (renewed := self._secrets.renewed(presented, accepted.secret)) is not None:
            self._uses.note_renewal(presented.key_id, accepted.secret, renewed)
        return renewed is not None

    async def _session(self, presented: PresentedSession) -> SessionGrant:
        """Raises InvalidCredential."""
        grant = await self._directory.find_session(presented.session_id)
        if grant is None or not grant.is_proved_by(presented) or not grant.is_good(now=self._clock.now()):
            raise InvalidCredential
        return grant

    async def _user(self, claims: AccessClaims, origin: Origin) -> Actor:
        grant = await self._directory.find_session(claims.session_id)
        if grant is None or grant.session.user_id != claims.user_id or not grant.is_good(now=self._clock.now()):
            raise InvalidCredential
        return grant.actor(origin)
