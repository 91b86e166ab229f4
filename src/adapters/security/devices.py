"""Who signed in on a device before: ``hkd_<device>.<entry>.<entry>…``, kept by the browser and by nobody else.

A device is 128 random bits. An entry is the second it was made in, in six digits, and an HMAC-SHA-256 over the
device, that second and a user, cut to 128 bits. It does not say which user: theirs can be told from the others only
by who knows them, so the others are carried along unproved, and never signed anew.
"""

import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta

from adapters.security.base62 import UUID_WIDTH, decode, encode
from adapters.security.roots import RootSecrets
from domain.model.ids import UserId
from domain.ports.system import Clock

_HEAD = "hkd_"
_BITS = 128
_SECOND_WIDTH = 6
_ENTRIES_MAX = 5
_COOKIE = re.compile(rf"{_HEAD}([0-9A-Za-z]{{22}})((?:\.[0-9A-Za-z]{{28}}){{1,{_ENTRIES_MAX}}})")
_LIFETIME = timedelta(days=180)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class SignedDevices:
    """The newest entry comes first; of more than five the oldest is forgotten."""

    def __init__(self, roots: RootSecrets, *, clock: Clock) -> None:
        self._peppers = tuple(pepper.key for pepper in roots.peppers("device"))
        self._nobodies = roots.peppers("sign-in")[0].key
        self._clock = clock

    def recognise(self, cookie: str | None, user_id: UserId) -> str | None:
        device, entries = self._read(cookie)
        return device if any(self._names(user_id, device, entry) for entry in entries) else None

    def mark(self, cookie: str | None, user_id: UserId) -> str:
        device, entries = self._read(cookie)
        others = [entry for entry in entries if not self._names(user_id, device, entry)]
        newest = _entry(self._peppers[0], device, encode(self._now(), _SECOND_WIDTH), user_id)
        return ".".join((_HEAD + device, newest, *others[: _ENTRIES_MAX - 1]))

    def account_of_nobody(self, login: str) -> str:
        return f"login:{hmac.digest(self._nobodies, login.encode('utf-8', 'surrogatepass'), 'sha256').hex()[:32]}"

    def _read(self, cookie: str | None) -> tuple[str, list[str]]:
        """The device and what may still be good of its entries; without any of them it is a new device."""
        if cookie is not None and (match := _COOKIE.fullmatch(cookie)):
            device, entries = match[1], match[2].split(".")[1:]
            if live := [entry for entry in entries if self._is_live(entry)]:
                return device, live
        return encode(secrets.randbits(_BITS), UUID_WIDTH), []

    def _is_live(self, entry: str) -> bool:
        return (self._now() - decode(entry[:_SECOND_WIDTH])) * _SECOND < _LIFETIME

    def _names(self, user_id: UserId, device: str, entry: str) -> bool:
        second = entry[:_SECOND_WIDTH]
        return any(hmac.compare_digest(entry, _entry(pepper, device, second, user_id)) for pepper in self._peppers)

    def _now(self) -> int:
        return (self._clock.now() - _EPOCH) // _SECOND


def _entry(pepper: bytes, device: str, second: str, user_id: UserId) -> str:
    proof = hmac.digest(pepper, f"{device}{second}".encode() + user_id.bytes, "sha256")
    return second + encode(int.from_bytes(proof[: _BITS // 8], "big"), UUID_WIDTH)
