"""The whole service's ports with time, ids and cost under the test's control; limits are off unless a test asks."""

from typing import Any

from adapters.memory.identity_providers import MemoryIdentityProvider
from adapters.memory.limits import MemoryRateLimiter
from adapters.memory.mails import MemoryMailSender
from adapters.security.access_tokens import EdDsaAccessTokens
from adapters.security.cursors import SignedCursors
from adapters.security.devices import SignedDevices
from adapters.security.handshakes import HmacHandshakes
from adapters.security.idempotency import AesIdempotencySeals
from adapters.security.imported_secrets import SealedImportedSecrets
from adapters.security.key_secrets import HmacKeySecrets
from adapters.security.one_time_secrets import OpaqueOneTimeSecrets
from adapters.security.pool import BoundedPool
from adapters.security.refresh_tokens import SealedRefreshTokens
from adapters.security.roots import RootSecrets
from adapters.security.session_cookies import OpaqueSessionCookies
from adapters.security.webhook_signatures import HmacWebhookSignatures
from app.composition import Ports, Rules
from tests.support.databases import Storage, memory_storage
from tests.support.fakes import CountingIds, ReversingPasswordHasher

ISSUER = "http://127.0.0.1:8000"
ROOTS = RootSecrets(["kT3vQ9zLw6Yp1Rb8Xn4Ms7Jd2Fh5Gc0A"])
NO_LIMITS = Rules(default_limit=None, anonymous_limit=None, sign_in_limit=None, sign_in_patience=0.0)


def memory_ports(**given: Any) -> Ports:
    return ports_over(memory_storage(), **given)


def ports_over(storage: Storage, **given: Any) -> Ports:
    """*storage* and its clock, the real security behind cheap passwords; *given* takes the place of any port."""
    clock, ids = storage.clock, CountingIds()
    ports = {
        "uow": storage.uow,
        "directory": storage.directory,
        "changes": storage.changes,
        "clock": clock,
        "ids": ids,
        "passwords": ReversingPasswordHasher(),
        "key_secrets": HmacKeySecrets(ROOTS),
        "imported_secrets": SealedImportedSecrets(ROOTS, pool=BoundedPool(threads=2, queue=32, patience=2.0)),
        "access_tokens": EdDsaAccessTokens(ROOTS, issuer=ISSUER, clock=clock, ids=ids),
        "refresh_tokens": SealedRefreshTokens(ROOTS),
        "cookies": OpaqueSessionCookies(ROOTS),
        "one_time_secrets": OpaqueOneTimeSecrets(),
        "devices": SignedDevices(ROOTS, clock=clock),
        "cursors": SignedCursors(ROOTS),
        "idempotency_seals": AesIdempotencySeals(ROOTS),
        "webhook_signatures": HmacWebhookSignatures({}, clock=clock),
        "handshakes": HmacHandshakes(),
        "identity_providers": {"corp": MemoryIdentityProvider(now=clock.now)},
        "mail": MemoryMailSender(),
        "limiter": MemoryRateLimiter(lambda: clock.now().timestamp()),
        "rules": NO_LIMITS,
    }
    return Ports(**{**ports, **given})
