from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from domain.errors import EditConflict, SessionNotFound, Unavailable
from domain.model.access import PresentedSession
from domain.model.actors import Actor, Origin, anonymous
from domain.model.passwords import normalised
from domain.model.sessions import Session, SessionKind
from domain.model.users import User
from domain.ports.security import PasswordHasher, RefreshTokens, SessionCookies
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.issuing import SessionIssuer, SessionRules, Tokens, unspent
from domain.services.passwords import PasswordProofs, Proof
from domain.services.retries import settled
from domain.services.throttles import Throttle

Begin = Callable[[UnitOfWork, User], Awaitable[Session]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """*device* is a cookie by which the browser is known at the next sign-in."""

    tokens: Tokens
    device: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieSession:
    """*cookie* is the session's secret, *csrf_token* what its unsafe requests repeat."""

    session: Session
    cookie: str = field(repr=False)
    csrf_token: str = field(repr=False)
    device: str = field(repr=False)


class SignInService:
    """With a password, for tokens or for a cookie. Either way an inactive user, a wrong password and an unknown name
    are refused alike and after the same work, with InvalidCredential; and all of them, and a right password, with
    QuotaExceeded while there are too many attempts.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        proofs: PasswordProofs,
        throttle: Throttle,
        passwords: PasswordHasher,
        refresh_tokens: RefreshTokens,
        cookies: SessionCookies,
        issuer: SessionIssuer,
        rules: SessionRules,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._uow = uow
        self._proofs = proofs
        self._throttle = throttle
        self._passwords = passwords
        self._refresh_tokens = refresh_tokens
        self._cookies = cookies
        self._issuer = issuer
        self._rules = rules
        self._recorder = recorder
        self._clock = clock

    @property
    def offers_password_grant(self) -> bool:
        return self._rules.password_grant

    async def for_tokens(self, login: str, password: str, origin: Origin, *, device: str | None = None) -> SignedIn:
        """*login* is an e-mail address or a user name, *device* the cookie of an earlier sign-in.

        Raises InvalidCredential, QuotaExceeded, Unavailable.
        """
        first = self._refresh_tokens.mint()

        async def begin(work: UnitOfWork, user: User) -> Session:
            session = await self._issuer.begin(work, anonymous(origin, user.id), user, SessionKind.TOKEN)
            await work.sessions.add_refresh_token(unspent(first, session, session.created_at))
            return session

        proof, session = await self._signed_in(login, password, origin, device, begin)
        tokens = self._issuer.tokens(session, first.plain, now=session.created_at)
        return SignedIn(tokens=tokens, device=proof.device)

    async def for_cookie(
        self, login: str, password: str, origin: Origin, *, device: str | None = None, replacing: str | None = None
    ) -> CookieSession:
        """As `for_tokens`; the session of *replacing*, the cookie that the browser had so far, ends."""
        session_id = self._issuer.new_id()
        minted = self._cookies.mint(session_id)

        async def begin(work: UnitOfWork, user: User) -> Session:
            actor = anonymous(origin, user.id)
            await self._end_replaced(work, actor, replacing)
            return await self._issuer.begin(work, actor, user, SessionKind.COOKIE, id=session_id, digest=minted.digest)

        proof, session = await self._signed_in(login, password, origin, device, begin)
        csrf_token = self._cookies.csrf_token(PresentedSession(session_id, minted.digest))
        return CookieSession(session=session, cookie=minted.plain, csrf_token=csrf_token, device=proof.device)

    async def _signed_in(
        self, login: str, password: str, origin: Origin, device: str | None, begin: Begin
    ) -> tuple[Proof, Session]:
        async def once() -> tuple[Proof, Session]:
            async with self._proofs.of_login(login, password, origin, device) as proof:
                return proof, await self._begun(proof, origin, begin)

        proof, session = await settled(once)
        await self._rehash(proof.user, password)
        return proof, session

    async def _begun(self, proof: Proof, origin: Origin, begin: Begin) -> Session:
        """Raises EditConflict when the hash that was proved is no longer kept: a new password, or the old rehashed."""
        async with self._uow() as work:
            current = await work.users.lock(proof.user.id)
            if not current.is_active or current.password_hash != proof.user.password_hash:
                raise EditConflict
            session = await begin(work, current)
            await self._throttle.forgive(work, proof.place)
            actor, begun = anonymous(origin, current.id), {"session_id": str(session.id)}
            await self._recorder.record(work, actor, "user.signed_in", current.id, begun)
        return session

    async def _end_replaced(self, work: UnitOfWork, actor: Actor, cookie: str | None) -> None:
        """An id that was known before a sign-in is worth nothing after it."""
        presented = None if cookie is None else self._cookies.read(cookie)
        if presented is None:
            return
        with suppress(SessionNotFound):
            session = await work.sessions.get(presented.session_id)
            if session.digest == presented.digest and session.is_live(now=self._clock.now()):
                await self._issuer.end(work, actor, session)

    async def _rehash(self, user: User, password: str) -> None:
        """Keep the password under today's parameters, now or at the next sign-in: nobody is refused for it."""
        if user.password_hash is None or not self._passwords.is_outdated(user.password_hash):
            return
        with suppress(EditConflict, Unavailable):
            password_hash = await self._passwords.hash(normalised(password))
            async with self._uow() as work:
                await work.users.save(user.rehashed(password_hash, now=self._clock.now()))
