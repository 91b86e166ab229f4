"""API keys: one stable id, several secrets over its life, and never more power than its owner has.

`key` is the key and what becomes of it, `inputs` what somebody may ask for, `ceilings` what they may give, `answers`
what they are told, `uses` what is counted.
"""

from domain.model.keys.answers import IssuedKey, KeyCard, Receipt, RotatedKey
from domain.model.keys.ceilings import require_within
from domain.model.keys.inputs import expiry, grace_period, metadata, project_ids
from domain.model.keys.key import ENDED, KEY_SORTS, Key, KeyChange, KeyStatus, SecretVersion
from domain.model.keys.uses import KeyUse

__all__ = (
    "ENDED",
    "KEY_SORTS",
    "IssuedKey",
    "Key",
    "KeyCard",
    "KeyChange",
    "KeyStatus",
    "KeyUse",
    "Receipt",
    "RotatedKey",
    "SecretVersion",
    "expiry",
    "grace_period",
    "metadata",
    "project_ids",
    "require_within",
)
