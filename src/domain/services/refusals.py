"""How a credential that was judged is refused at a door."""

from domain.errors import InvalidCredential, KeyExpired, KeyRevoked, KeySuspended, Unauthenticated
from domain.model.access import Rejected, Rejection

_REFUSALS: dict[Rejection, type[Unauthenticated]] = {
    Rejection.REVOKED: KeyRevoked,
    Rejection.EXPIRED: KeyExpired,
    Rejection.SUSPENDED: KeySuspended,
}


def refusal_of(rejected: Rejected) -> type[Unauthenticated]:
    """A key's state is told to who proved its secret; all else is no good credential."""
    return _REFUSALS.get(rejected.reason, InvalidCredential)
