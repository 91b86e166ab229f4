from collections.abc import Mapping
from typing import Protocol

from domain.model.webhooks import Signed


class WebhookSignatures(Protocol):
    """Nothing here does I/O."""

    def knows(self, source: str) -> bool:
        """Whether *source* has a secret."""

    def read(self, source: str, headers: Mapping[str, str], body: bytes) -> Signed | None:
        """What *headers*, whose names are in lower case, prove of *body* as it was sent; None where they do not.

        Any of the secrets of *source* will do, and each costs the same time.
        Raises Unauthenticated without a signature.
        """
