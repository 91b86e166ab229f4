"""API keys: one stable id, several secrets over its life, and never more power than its owner has.

`key` is the key and what becomes of it, `inputs` what somebody may ask for, `ceilings` what they may give, `answers`
what they are told, `uses` what is counted, `imported` what another service kept of theirs.
"""

from domain.model.keys.answers import IssuedKey, KeyCard, Receipt, RotatedKey
from domain.model.keys.ceilings import require_within
from domain.model.keys.imported import ForeignDigest, Scheme
from domain.model.keys.inputs import expiry, grace_period, metadata, project_ids
from domain.model.keys.key import ENDED, IMPORTED, KEY_FIELDS, Key, KeyChange, KeyStatus, SecretVersion
from domain.model.keys.uses import KeyUse

__all__ = (
    "ENDED",
    "IMPORTED",
    "KEY_FIELDS",
    "ForeignDigest",
    "IssuedKey",
    "Key",
    "KeyCard",
    "KeyChange",
    "KeyStatus",
    "KeyUse",
    "Receipt",
    "RotatedKey",
    "Scheme",
    "SecretVersion",
    "expiry",
    "grace_period",
    "metadata",
    "project_ids",
    "require_within",
)
