import asyncio
from collections import OrderedDict
from contextlib import suppress
from hashlib import sha256

from domain.errors import QuotaExceeded, Unavailable
from domain.model.actors import neighbourhood
from domain.model.keys import Key, SecretVersion
from domain.model.limits import Policy
from domain.model.presented import PresentedKey
from domain.ports.access import AccessDirectory
from domain.ports.limits import RateLimiter
from domain.ports.security import ImportedSecrets, KeySecrets
from domain.ports.system import Clock
from domain.ports.unit_of_work import UnitOfWorkFactory

_KNOWN_MAX = 4096
_GUESSES = (Policy(30, 60),)


class ImportedKeys:
    """Keys that another service made, as callers present them. The first use of each is as slow as that service was,
    and has it kept as a key of ours: from then on it is as fast.
    """

    def __init__(
        self,
        *,
        imported: ImportedSecrets,
        secrets: KeySecrets,
        directory: AccessDirectory,
        uow: UnitOfWorkFactory,
        limiter: RateLimiter,
        clock: Clock,
    ) -> None:
        self._imported = imported
        self._secrets = secrets
        self._directory = directory
        self._uow = uow
        self._limiter = limiter
        self._clock = clock
        self._known: OrderedDict[bytes, int] = OrderedDict()
        self._checks: dict[PresentedKey, asyncio.Task[bool]] = {}

    async def find(self, plain: str) -> PresentedKey | None:
        """As which key *plain* is to be read, if there is such a key; that proves nothing yet. Raises Unavailable.

        As which it was read before is remembered, by a digest, so that nobody is asked for the others again.
        """
        if not (candidates := self._imported.candidates(plain)):
            return None
        mark = sha256(plain.encode()).digest()
        if (known := self._known.get(mark)) is not None:
            return candidates[known]
        for place, presented in enumerate(candidates):
            if await self._directory.find_key(presented.key_id) is not None:
                self._remember(mark, place)
                return presented
        return None

    async def find_match(self, presented: PresentedKey, key: Key, *, guesser: str | None) -> SecretVersion | None:
        """Which secret of *key* was presented, of those that are kept as another service kept them; it is kept as ours
        from then on. Who guesses at slow ones is counted by address before: *guesser*, if it is to be counted.

        Raises QuotaExceeded, Unavailable.
        """
        for secret in key.secrets:
            if not (secret.is_imported and secret.is_live(now=self._clock.now())):
                continue
            counts = guesser is not None and self._imported.is_slow(key.id, secret)
            subject = f"imported_key:{neighbourhood(guesser)}"
            if counts:
                await self._count(subject)
            if await self._proves(presented, secret):
                if counts:
                    await self._limiter.refund(subject, _GUESSES)
                await self._upgrade(presented, secret)
                return secret
        return None

    async def _count(self, subject: str) -> None:
        admission = await self._limiter.hit(subject, _GUESSES)
        if not admission.admitted:
            raise QuotaExceeded(admission.retry_after())

    async def _proves(self, presented: PresentedKey, secret: SecretVersion) -> bool:
        """Who presents the same at the same time waits for the same check."""
        if (check := self._checks.get(presented)) is None:
            check = asyncio.create_task(self._imported.proves(presented, secret))
            self._checks[presented] = check
            check.add_done_callback(lambda done: self._forget(presented, done))
        return await asyncio.shield(check)

    def _forget(self, presented: PresentedKey, done: "asyncio.Task[bool]") -> None:
        del self._checks[presented]
        if not done.cancelled():
            done.exception()  # whoever waited has it; if nobody did, nobody misses it

    async def _upgrade(self, presented: PresentedKey, secret: SecretVersion) -> None:
        """Of two who do it at once one is passed over, for both write the same. What is not kept now is kept the next
        time: nobody is refused for it.
        """
        if (renewed := self._secrets.renewed(presented, secret)) is None:
            return
        with suppress(Unavailable):
            async with self._uow() as work:
                await work.keys.save_digest(presented.key_id, renewed, seen=secret.digest)
                await work.keys.announce(presented.key_id)

    def _remember(self, mark: bytes, place: int) -> None:
        self._known[mark] = place
        if len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)
