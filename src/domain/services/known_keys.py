from datetime import datetime
from typing import NamedTuple

from domain.model.access import Accepted, KeyGrant
from domain.model.actors import Actor, Origin
from domain.model.keys import SecretVersion
from domain.model.presented import PresentedKey
from domain.ports.access import AccessDirectory

_KEPT_MAX = 1_000


class _Known(NamedTuple):
    grant: KeyGrant
    secret: SecretVersion
    actor: Actor


class KnownKeys:
    """Whom a proved key let in, for as long as what let them in is current: they come again and again."""

    def __init__(self, *, directory: AccessDirectory) -> None:
        self._directory = directory
        self._kept: dict[bytes, _Known] = {}

    def find(self, presented: PresentedKey, origin: Origin, *, now: datetime) -> Actor | None:
        """Whom *presented* lets in now; None where that has to be judged."""
        if (known := self._kept.get(presented.fingerprint)) is None:
            return None
        grant = known.grant
        is_good = (
            self._directory.is_current(grant)
            and known.secret.is_live(now=now)
            and grant.rejection(now=now, address=origin.address) is None
        )
        return known.actor.calling_from(origin) if is_good else None

    def keep(self, presented: PresentedKey, accepted: Accepted, actor: Actor) -> None:
        """The oldest goes when there are too many; who has no fingerprint is not known again."""
        if not presented.fingerprint:
            return
        self._kept[presented.fingerprint] = _Known(accepted.grant, accepted.secret, actor)
        if len(self._kept) > _KEPT_MAX:
            del self._kept[next(iter(self._kept))]
