from dataclasses import dataclass
from datetime import datetime

from domain.model.ids import KeyId


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """That a secret was used *count* times, at last at *last_at* from *last_ip*, which may be unknown."""

    key_id: KeyId
    version: int
    count: int
    last_at: datetime
    last_ip: str | None
