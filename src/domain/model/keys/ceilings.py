"""Nobody lifts himself: what somebody makes or changes does no more than they do."""

from domain.errors import ScopeExceedsMinter
from domain.model.actors import Actor
from domain.model.keys.key import Key
from domain.model.limits import no_looser
from domain.model.networks import narrower


def require_within(minter: Actor, key: Key, permissions: frozenset[str]) -> None:
    """*key*, which may do *permissions*, may do no more and live no longer than *minter*, reaches no further, comes
    from nowhere else and calls no more often.

    Raises ScopeExceedsMinter.
    """
    if beyond := permissions - minter.permissions:
        raise ScopeExceedsMinter(f"you may not give what you lack: {', '.join(sorted(beyond))}")
    ends = minter.expires_at
    if ends is not None and (key.expires_at is None or key.expires_at > ends):
        raise ScopeExceedsMinter("a key issues no key that outlives it")
    if minter.project_ids and not (key.project_ids and key.project_ids <= minter.project_ids):
        raise ScopeExceedsMinter("a key that is bound to projects issues keys bound to the same ones")
    if not narrower(key.allowed_networks, minter.allowed_networks):
        raise ScopeExceedsMinter("a key that is bound to networks issues keys bound to the same or narrower ones")
    if not no_looser(key.limits, minter.limits):
        raise ScopeExceedsMinter("a key with limits of its own issues keys with limits that are no looser")
