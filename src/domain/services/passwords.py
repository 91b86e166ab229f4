"""Whether somebody knows a password: asked in one way, and counted in one place, at every door."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from domain.errors import Invalid, InvalidCredential, QuotaExceeded, WrongPassword
from domain.model.actors import Actor, Origin, anonymous
from domain.model.attempts import UNKNOWN_DEVICE
from domain.model.ids import UserId
from domain.model.passwords import Password, normalised
from domain.model.users import EMAIL_LIMIT, EmailAddress, User, Username, canonical, email_address, username
from domain.ports.security import Devices, PasswordHasher
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.throttles import Place, Throttle, account_of

FRESH = timedelta(minutes=5)
"""How long a sign-in without a password proves as much as a password would."""
_NOBODY = Password("")


@dataclass(frozen=True, slots=True)
class Proof:
    """*user* as they were when their password was proved; whoever acts on it forgives the attempt at *place*."""

    user: User
    place: Place
    device: str = field(repr=False)
    """A cookie that makes the device known."""


class PasswordProofs:
    def __init__(
        self,
        *,
        uow: UnitOfWorkFactory,
        passwords: PasswordHasher,
        throttle: Throttle,
        devices: Devices,
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._uow = uow
        self._passwords = passwords
        self._throttle = throttle
        self._devices = devices
        self._recorder = recorder
        self._clock = clock

    @asynccontextmanager
    async def of_login(self, login: str, password: str, origin: Origin, device: str | None) -> AsyncIterator[Proof]:
        """*login* is an e-mail address or a user name, *device* the cookie of an earlier sign-in.

        Raises InvalidCredential, alike and after the same work for an unknown name, a wrong password and an
        inactive user; QuotaExceeded, alike for all of them and for a right password; Unavailable.
        """
        name = _name(login)
        user = None if name is None else await self._find(name)
        place = self._place(user, name or f"malformed {login[:EMAIL_LIMIT]}", device)
        subject = None if user is None else user.id
        async with self._attempt(place, anonymous(origin), "user.sign_in_refused", subject):
            good = await self._matches(user, password)
            if user is None or not (good and user.is_active):
                raise InvalidCredential
            yield Proof(user, place, self._devices.mark(device, user.id))

    @asynccontextmanager
    async def of_oneself(self, actor: Actor, user: User, password: str) -> AsyncIterator[Proof]:
        """Their current password, from somebody who is signed in: their session is a device that they know. Who has
        none must have signed in, by their provider then, within `FRESH`.

        Raises WrongPassword, QuotaExceeded, Unavailable.
        """
        place = Place(account_of(user.id), f"session:{actor.session_id}")
        async with self._attempt(place, actor, "user.password_refused", user.id):
            good = await self._matches(user, password)
            if not (good or (user.password_hash is None and await self._has_just_come(actor))):
                raise WrongPassword
            yield Proof(user, place, "")

    @asynccontextmanager
    async def _attempt(self, place: Place, actor: Actor, refused: str, user_id: UserId | None) -> AsyncIterator[None]:
        """Who is refused is in the trail, for a password that is wrong and for one that was not even looked at."""
        try:
            async with self._throttle.attempt(place, actor.origin):
                yield
        except (InvalidCredential, WrongPassword, QuotaExceeded) as refusal:
            async with self._uow() as work:
                await self._recorder.record(work, actor, refused, user_id, {"reason": refusal.code})
            raise

    async def _has_just_come(self, actor: Actor) -> bool:
        async with self._uow.reading() as work:
            session = await work.sessions.get(actor.own_session())
        return self._clock.now() - session.created_at <= FRESH

    async def _matches(self, user: User | None, password: str) -> bool:
        """Always hashes once, so that the time tells nothing."""
        try:
            given = normalised(password)
        except Invalid:
            return await self._passwords.verify(None, _NOBODY)
        return await self._passwords.verify(None if user is None else user.password_hash, given)

    async def _find(self, name: str) -> User | None:
        async with self._uow.reading() as work:
            if "@" in name:
                return await work.users.find_by_email(EmailAddress(name))
            return await work.users.find_by_username(Username(name))

    def _place(self, user: User | None, name: str, device: str | None) -> Place:
        """Spellings that would be one account if somebody had it are one if nobody has."""
        if user is None:
            return Place(self._devices.account_of_nobody(name))
        return Place(account_of(user.id), self._devices.recognise(device, user.id) or UNKNOWN_DEVICE)


def _name(login: str) -> str | None:
    """The address or user name, in its canonical form; None for what can be nobody's."""
    try:
        return email_address(login) if "@" in canonical(login[:EMAIL_LIMIT]) else username(login)
    except Invalid:
        return None
