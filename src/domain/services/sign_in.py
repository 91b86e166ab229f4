from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from domain.errors import EditConflict, Unavailable
from domain.model.actors import Origin, anonymous
from domain.model.passwords import normalised
from domain.model.sessions import Session, SessionKind
from domain.model.users import User
from domain.ports.security import PasswordHasher, RefreshTokens
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.cookie_sessions import CookieSession, CookieSessions
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
        cookie_sessions: CookieSessions,
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
        self._cookie_sessions = cookie_sessions
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
        draft = self._cookie_sessions.draft()

        async def begin(work: UnitOfWork, user: User) -> Session:
            return await self._cookie_sessions.begin(work, user, draft, origin, replacing=replacing)

        proof, session = await self._signed_in(login, password, origin, device, begin)
        return self._cookie_sessions.shown(session, draft, device=proof.device)

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

    async def _rehash(self, user: User, password: str) -> None:
        """Keep the password under today's parameters, now or at the next sign-in: nobody is refused for it."""
        if user.password_hash is None or not self._passwords.is_outdated(user.password_hash):
            return
        with suppress(EditConflict, Unavailable):
            password_hash = await self._passwords.hash(normalised(password))
            async with self._uow() as work:
                await work.users.save(user.rehashed(password_hash, now=self._clock.now()))
