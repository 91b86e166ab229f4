"""How a browser's session begins, by whichever way somebody signs in."""

from contextlib import suppress
from dataclasses import dataclass, field

from domain.errors import SessionNotFound
from domain.model.actors import Actor, Origin, anonymous
from domain.model.ids import SessionId
from domain.model.presented import PresentedSession
from domain.model.sessions import Session, SessionKind
from domain.model.users import User
from domain.ports.security import MintedToken, SessionCookies
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWork
from domain.services.issuing import SessionIssuer


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieSession:
    """*cookie* is the session's secret, *csrf_token* what its unsafe requests repeat, *device* a cookie by which the
    browser is known at the next sign-in.
    """

    session: Session
    cookie: str = field(repr=False)
    csrf_token: str = field(repr=False)
    device: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Draft:
    """A session that nobody has yet, with its secret."""

    id: SessionId
    minted: MintedToken


class CookieSessions:
    def __init__(self, *, cookies: SessionCookies, issuer: SessionIssuer, clock: Clock) -> None:
        self._cookies = cookies
        self._issuer = issuer
        self._clock = clock

    def draft(self) -> Draft:
        session_id = self._issuer.new_id()
        return Draft(session_id, self._cookies.mint(session_id))

    async def begin(
        self, work: UnitOfWork, user: User, draft: Draft, origin: Origin, *, replacing: str | None
    ) -> Session:
        """*draft*, kept; the session of *replacing*, the cookie that the browser had so far, ends. *user* is locked."""
        actor = anonymous(origin, user.id)
        await self._end_replaced(work, actor, replacing)
        return await self._issuer.begin(work, actor, user, SessionKind.COOKIE, id=draft.id, digest=draft.minted.digest)

    def shown(self, session: Session, draft: Draft, *, device: str) -> CookieSession:
        csrf_token = self._cookies.csrf_token(PresentedSession(draft.id, draft.minted.digest))
        return CookieSession(session=session, cookie=draft.minted.plain, csrf_token=csrf_token, device=device)

    async def _end_replaced(self, work: UnitOfWork, actor: Actor, cookie: str | None) -> None:
        """An id that was known before a sign-in is worth nothing after it."""
        presented = None if cookie is None else self._cookies.read(cookie)
        if presented is None:
            return
        with suppress(SessionNotFound):
            session = await work.sessions.get(presented.session_id)
            if session.digest == presented.digest and session.is_live(now=self._clock.now()):
                await self._issuer.end(work, actor, session)
