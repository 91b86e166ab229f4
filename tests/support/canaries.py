"""Secrets that were handed out, and whether one is somewhere it must not be, however it is written there."""

import json
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 8
"""A shorter one is found by chance."""


class Canaries:
    """Each secret by the kind of it."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}

    @property
    def kinds(self) -> set[str]:
        return set(self._kinds.values())

    def add(self, kind: str, secret: str) -> str:
        """*secret*, which is watched from now on."""
        assert len(secret) >= SHORTEST, kind
        self._kinds.setdefault(secret, kind)
        return secret

    def of_each_kind(self) -> list[str]:
        """The latest."""
        return list({kind: secret for secret, kind in self._kinds.items()}.values())

    def found_in(self, text: bytes) -> set[str]:
        """The kind of each secret that is somewhere in *text*, and how it is written there."""
        return {
            f"{kind} as {form}"
            for secret, kind in self._kinds.items()
            for form, needle in forms(secret.encode())
            if needle in text
        }


def forms(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """Raw, in hexadecimal, in base64 wherever it begins, as in an URL, as in JSON, as Python shows it."""
    text = secret.decode()
    yield "raw", secret
    yield "hex", secret.hex().encode()
    yield "HEX", secret.hex().upper().encode()
    for before in range(3):
        coded = b64encode(b"\0" * before + secret)
        own = coded[4 if before else 0 : (before + len(secret)) // 3 * 4]  # what no neighbour has a part in
        yield "base64", own
        yield "base64url", own.replace(b"+", b"-").replace(b"/", b"_")
    yield "percent", quote(text, safe="").encode()
    yield "form", quote_plus(text).encode()
    yield "JSON", json.dumps(text)[1:-1].encode()
    yield "JSON in UTF-8", json.dumps(text, ensure_ascii=False)[1:-1].encode()
    yield "repr", repr(text)[1:-1].encode()
    yield "repr of bytes", repr(secret)[2:-1].encode()
