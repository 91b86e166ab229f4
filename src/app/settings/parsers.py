"""From text to value. A parser raises `Wrong` with the rule and the mend, and never repeats the text."""

import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeVar

import msgspec

from app.settings.problems import Wrong
from app.settings.secret import Secret

T = TypeVar("T")
Network = IPv4Network | IPv6Network

_DURATION = re.compile(r"0s|[1-9][0-9]{0,8}(ms|s|m|h|d)", re.ASCII)
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_LIMIT = re.compile(r"([1-9][0-9]{0,8})/(second|minute|hour|day)", re.ASCII)
_PERIODS = {"second": _UNITS["s"], "minute": _UNITS["m"], "hour": _UNITS["h"], "day": _UNITS["d"]}
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+|[^<>]*<[^\s@<>]+@[^\s@<>]+>")


class Limit(msgspec.Struct, frozen=True):
    """At most *count* in a window of *period*."""

    count: int
    period: timedelta


def text(value: str) -> str:
    return value


def path(value: str) -> Path:
    return Path(value)


def secret(value: str) -> Secret:
    return Secret(value)


def one_of(*words: str) -> Callable[[str], str]:
    def word(value: str) -> str:
        if value not in words:
            raise Wrong("is not one of its words", f"write {', '.join(words[:-1])} or {words[-1]}")
        return value

    return word


def switch(value: str) -> bool:
    return one_of("on", "off")(value) == "on"


def pattern(expression: str, mend: str) -> Callable[[str], str]:
    def matching(value: str) -> str:
        if re.fullmatch(expression, value) is None:
            raise Wrong("is not written as it must be", mend)
        return value

    return matching


def whole(low: int, high: int) -> Callable[[str], int]:
    def number(value: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", value) is None or not low <= int(value) <= high:
            raise Wrong("is not a number in its range", f"write {low} to {high}")
        return int(value)

    return number


def duration(value: str) -> timedelta:
    if _DURATION.fullmatch(value) is None:
        raise Wrong("is not a duration", "write a whole number and ms, s, m, h or d, such as 10m")
    digits = value.rstrip("mshd")
    return int(digits) * _UNITS[value.removeprefix(digits)]


def lasting(value: str) -> timedelta:
    """A duration that is not nothing."""
    if not (length := duration(value)):
        raise Wrong("is no time at all", "write a duration above 0s")
    return length


def limit(value: str) -> Limit | None:
    """None for ``off``."""
    if value == "off":
        return None
    if (match := _LIMIT.fullmatch(value)) is None:
        raise Wrong("is not a limit", "write a number, / and second, minute, hour or day, such as 600/minute; or off")
    return Limit(int(match[1]), _PERIODS[match[2]])


def listed(item: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """Items between commas or line ends, spaces round them ignored; in the order given, repeats kept."""

    def items(value: str) -> tuple[T, ...]:
        parts = [part.strip() for part in re.split(r"[,\n]", value)]
        if not all(parts):
            raise Wrong("has an empty item", "remove the comma too many")
        return tuple(item(part) for part in parts)

    return items


def networks(value: str) -> tuple[Network, ...]:
    """``*`` is every address there is."""
    return tuple(
        _network(item) for item in listed(text)(value) for item in (("0.0.0.0/0", "::/0") if item == "*" else (item,))
    )


def _network(value: str) -> Network:
    try:
        return ip_network(value)
    except ValueError:
        raise Wrong("is not a list of networks", "write such as 10.0.0.0/8, nothing set beyond the prefix") from None


def mailbox(value: str) -> str:
    if _ADDRESS.fullmatch(value) is None:
        raise Wrong("is not a mail address", "write one such as admin@example.org")
    return value
