"""Whose account somebody comes to who was proved by a provider of identities."""

from dataclasses import dataclass, field, replace

from domain.errors import (
    EmailTaken,
    IdentityNotLinked,
    IdentityTaken,
    Invalid,
    InvalidCredential,
    OidcRefused,
    RegistrationClosed,
    SessionNotFound,
)
from domain.model.actors import Origin, anonymous
from domain.model.identities import Claims, Identity, ProviderSession
from domain.model.ids import IdentityId, SessionId, UserId
from domain.model.mails import MailKind
from domain.model.roles import MEMBER_ID
from domain.model.sessions import Session
from domain.model.users import User, display_name
from domain.ports.security import Devices
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.cookie_sessions import CookieSession, CookieSessions, Draft
from domain.services.mails import Outbox
from domain.services.newcomers import Newcomers
from domain.services.registration import Registration
from domain.services.retries import settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """*replacing* is the session cookie that it had so far, *device* that of an earlier sign-in."""

    origin: Origin
    replacing: str | None = field(default=None, repr=False)
    device: str | None = field(default=None, repr=False)


class FederatedAccounts:
    """An identity is an issuer and a subject. An address alone leads to nobody's account."""

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        newcomers: Newcomers,
        registration: Registration,
        cookie_sessions: CookieSessions,
        devices: Devices,
        outbox: Outbox,
        recorder: Recorder,
        clock: Clock,
        ids: IdGenerator,
    ) -> None:
        self._uow = uow
        self._newcomers = newcomers
        self._registration = registration
        self._cookie_sessions = cookie_sessions
        self._devices = devices
        self._outbox = outbox
        self._recorder = recorder
        self._clock = clock
        self._ids = ids

    async def sign_in(self, provider: str, claims: Claims, browser: Browser) -> CookieSession:
        """As whom the identity is; somebody new, where it is nobody's yet and registration is open.

        Raises InvalidCredential for an account that is not active; IdentityNotLinked, RegistrationClosed, EditConflict,
        and OidcRefused where the provider tells no address for somebody new.
        """
        draft = self._cookie_sessions.draft()

        async def once() -> Session:
            async with self._uow() as work:
                return await self._signed_in(work, provider, claims, browser, draft)

        try:
            session = await settled(once)
        except (EmailTaken, IdentityTaken):  # by the same person in another tab: now there is an account
            session = await settled(once)
        device = self._devices.mark(browser.device, session.user_id)
        return self._cookie_sessions.shown(session, draft, device=device)

    async def link(self, provider: str, claims: Claims, origin: Origin, user_id: UserId, session_id: SessionId) -> None:
        """The identity is the user's from now on, if the session that asked for it still lives.

        Raises OidcRefused, IdentityTaken.
        """
        now, actor = self._clock.now(), anonymous(origin, user_id)
        async with self._uow() as work:
            user = await work.users.lock(user_id)
            if not (user.is_active and await self._lives(work, session_id)):
                raise OidcRefused("the session that asked for this is over; sign in, and begin again")
            identity = await work.identities.find(claims.issuer, claims.subject)
            if identity is not None and identity.user_id == user_id:
                await work.identities.touch(identity.used(claims, now=now))
                return
            await self._add(work, provider, claims, user)
            await self._recorder.record(work, actor, "identity.linked", user_id, {"provider": provider})
            await self._outbox.queue(work, MailKind.IDENTITY_LINKED, user.email, user_id=user_id)

    async def _signed_in(
        self, work: UnitOfWork, provider: str, claims: Claims, browser: Browser, draft: Draft
    ) -> Session:
        identity = await work.identities.find(claims.issuer, claims.subject)
        if identity is None:
            user = await self._join(work, provider, claims, browser.origin)
        else:
            user = await work.users.lock(identity.user_id)
            await work.identities.touch(identity.used(claims, now=self._clock.now()))
        if not user.is_active:
            raise InvalidCredential
        session = await self._cookie_sessions.begin(work, user, draft, browser.origin, replacing=browser.replacing)
        await work.identities.attach(
            ProviderSession(
                session_id=session.id,
                provider=provider,
                issuer=claims.issuer,
                subject=claims.subject,
                session=claims.session,
            )
        )
        begun = {"session_id": str(session.id), "provider": provider}
        await self._recorder.record(work, anonymous(browser.origin, user.id), "user.signed_in", user.id, begun)
        return session

    async def _join(self, work: UnitOfWork, provider: str, claims: Claims, origin: Origin) -> User:
        user = await self._newcomer(claims)
        actor = anonymous(origin, user.id)
        await self._require_room(work, user)
        if user.email_verified_at is not None:
            await self._newcomers.make_room(work, actor, user.email)
        await self._newcomers.add(work, actor, user, {MEMBER_ID}, action="user.registered")
        await self._add(work, provider, claims, user)
        if user.email_verified_at is None:
            await self._outbox.queue(work, MailKind.EMAIL_VERIFICATION, user.email, user_id=user.id)
        return await work.users.lock(user.id)

    async def _newcomer(self, claims: Claims) -> User:
        try:
            user = await self._newcomers.prepare(email=claims.email or "", password=None)
        except Invalid:
            raise OidcRefused("the provider tells no e-mail address for a new account") from None
        named = user.edit(name=_shown(claims), now=user.created_at)
        return replace(named, email_verified_at=user.created_at) if claims.email_verified else named

    async def _require_room(self, work: UnitOfWork, user: User) -> None:
        """Who has proved an address is told that there is an account; others only where anybody may ask that."""
        holder = await work.users.find_by_email(user.email)
        proved = user.email_verified_at is not None
        if holder is not None and proved and holder.email_verified_at is not None:
            raise IdentityNotLinked
        if self._registration is not Registration.OPEN:
            raise RegistrationClosed
        if holder is not None and not proved:
            raise IdentityNotLinked

    async def _add(self, work: UnitOfWork, provider: str, claims: Claims, user: User) -> None:
        identity_id = IdentityId(self._ids.new())
        await work.identities.add(
            Identity.link(claims, id=identity_id, user_id=user.id, provider=provider, now=self._clock.now())
        )

    async def _lives(self, work: UnitOfWork, session_id: SessionId) -> bool:
        try:
            session = await work.sessions.get(session_id)
        except SessionNotFound:
            return False
        return session.is_live(now=self._clock.now())


def _shown(claims: Claims) -> str | None:
    """What they are called there, where it can be a name here."""
    try:
        return display_name(claims.name or " ".join(filter(None, (claims.given_name, claims.family_name))))
    except Invalid:
        return None
