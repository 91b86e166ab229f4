"""The whole service's ports with time, ids and cost under the test's control; limits are off unless a test asks."""

from typing import Any

from adapters.memory.limits import MemoryRateLimiter
from adapters.security.access_tokens import EdDsaAccessTokens
from adapters.security.key_secrets import HmacKeySecrets
from adapters.security.refresh_tokens import SealedRefreshTokens
from adapters.security.roots import RootSecrets
from app.composition import Ports, Rules
from tests.support.databases import Storage, memory_storage
from tests.support.fakes import CountingIds, ReversingPasswordHasher

ISSUER = "http://127.0.0.1:8000"
ROOTS = RootSecrets(["kT3vQ9zLw6Yp1Rb8Xn4Ms7Jd2Fh5Gc0A"])
NO_LIMITS = Rules(default_limit=None, anonymous_limit=None)


def memory_ports(**given: Any) -> Ports:
    return ports_over(memory_storage(), **given)


def ports_over(storage: Storage, **given: Any) -> Ports:
    """*storage* and its clock, the real security behind cheap passwords; *given* takes the place of any port."""
    clock, ids = storage.clock, CountingIds()
    ports = {
        "uow": storage.uow,
        "directory": storage.directory,
        "clock": clock,
        "ids": ids,
        "passwords": ReversingPasswordHasher(),
        "key_secrets": HmacKeySecrets(ROOTS),
        "access_tokens": EdDsaAccessTokens(ROOTS, issuer=ISSUER, clock=clock, ids=ids),
        "refresh_tokens": SealedRefreshTokens(ROOTS),
        "limiter": MemoryRateLimiter(lambda: clock.now().timestamp()),
        "rules": NO_LIMITS,
    }
    return Ports(**{**ports, **given})
