"""Texts that must not be shown, and the root secrets among them."""

import hmac
import os
import re
import secrets
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Final

from app.settings.problems import Problem, SettingsError

SECRET_BYTES: Final = 32
_DISTINCT = 8
_WORDS = re.compile(
    r"secret|password|change.?me|replace.?me|example|default|insecure|placeholder|hexkey", re.IGNORECASE
)
_PUBLISHED = frozenset(
    {
        # the signing key of a tutorial that many services were started from
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    }
)


class Secret:
    """A text that shows itself to ``reveal()`` only: not to ``str``, ``repr``, ``format``, pickle or msgspec."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def weakness(secret: Secret) -> str | None:
    """Why *secret* must not stand at the root of anything; None where nothing speaks against it."""
    value = secret.reveal()
    if len(value.encode()) < SECRET_BYTES:
        return f"holds a secret of less than {SECRET_BYTES} bytes"
    if value in _PUBLISHED or _WORDS.search(value):
        return "holds a secret that is published or made of words"
    if len(set(value)) < _DISTINCT or _is_periodic(value) or _is_a_series(value):
        return "holds a secret that can be guessed"
    return None


def _is_periodic(value: str) -> bool:
    """Whether a piece of at most half the length, said again and again, gives the whole."""
    return any(value[size:] == value[:-size] for size in range(1, len(value) // 2 + 1))


def _is_a_series(value: str) -> bool:
    """Whether most characters are the neighbours of those before them, as in ``abcdef`` or ``987654``."""
    steps = [abs(ord(b) - ord(a)) for a, b in pairwise(value)]
    return steps.count(1) > len(steps) // 2


def made_secret() -> str:
    """A fresh root secret: 256 random bits."""
    return secrets.token_urlsafe(SECRET_BYTES)


def development_secrets(data_dir: Path) -> tuple[Secret, ...]:
    """The secret kept in ``<data_dir>/secrets``, made on the first call. Raises SettingsError.

    However many processes come first at once, all of them return the one that was kept.
    """
    kept = data_dir / "secrets"
    try:
        if not kept.exists():
            _keep(kept)
        found = tuple(Secret(line) for line in kept.read_text("utf-8").split())
    except (OSError, ValueError) as error:
        reason = "does not let a secret be kept in its file `secrets`"
        raise SettingsError([Problem("HEXKEY_DATA_DIR", reason, "make it writable, or set HEXKEY_SECRETS")]) from error
    if not found or any(weakness(secret) for secret in found) or len(set(found)) < len(found):
        reason = "has a file `secrets` that holds no good secret, or one twice"
        raise SettingsError(
            [Problem("HEXKEY_DATA_DIR", reason, "restore that file, or remove it: what it signed dies")]
        )
    return found


def _keep(path: Path) -> None:
    """A link to a whole file: it never replaces what is there, and nobody ever reads half a secret."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".secrets-")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(made_secret() + "\n")
            file.flush()
            os.fsync(descriptor)
        _link(draft, path)
    finally:
        Path(draft).unlink()


def _link(draft: str, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return
