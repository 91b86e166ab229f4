"""From text to value. A parser raises `Wrong` with the rule and the mend, and never repeats the text."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeVar

from app.settings.problems import Wrong
from app.settings.secret import Secret
from domain.errors import Invalid
from domain.model import durations
from domain.model.limits import Policy, policy
from domain.model.users import EmailAddress, email_address

T = TypeVar("T")
Network = IPv4Network | IPv6Network

_SPECIAL = r"\"(),:;<>@\[\\\]"
_ADDRESS = rf"[^\s\x80-\U0010ffff{_SPECIAL}]+@[^\s{_SPECIAL}]+"  # else no server without SMTPUTF8 took our mail
_MAILBOX = re.compile(rf'{_ADDRESS}|(?:"[^"\\\n]+"|[^\n{_SPECIAL}]+) ?<{_ADDRESS}>')


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


def within(shortest: str, longest: str) -> Callable[[str], timedelta]:
    """A duration between these two, both included."""
    least, most = _duration(shortest), _duration(longest)

    def span(value: str) -> timedelta:
        if not least <= (length := _duration(value)) <= most:
            raise Wrong("is not a duration in its range", f"write {shortest} to {longest}")
        return length

    return span


def _duration(value: str) -> timedelta:
    with _refused_as("is not a duration", "write a whole number and ms, s, m, h or d, such as 10m"):
        return durations.duration(value, "duration")


def limit(value: str) -> Policy | None:
    """None for ``off``."""
    if value == "off":
        return None
    with _refused_as("is not a limit", "write a number, / and second, minute, hour or day, such as 600/minute; or off"):
        return policy(value)


def email(value: str) -> EmailAddress:
    with _refused_as("is not an e-mail address", "write one such as admin@example.org"):
        return email_address(value)


@contextmanager
def _refused_as(rule: str, mend: str) -> Iterator[None]:
    """What the domain refuses, in the words of an operator."""
    try:
        yield
    except Invalid:
        raise Wrong(rule, mend) from None


def listed(item: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """Items between commas or line ends, spaces round them ignored; in the order given, repeats kept."""

    def items(value: str) -> tuple[T, ...]:
        parts = [part.strip() for part in re.split(r"[,\n]", value)]
        if not all(parts):
            raise Wrong("has an empty item", "remove the comma too many")
        return tuple(item(part) for part in parts)

    return items


def root_secrets(value: str) -> tuple[Secret, ...]:
    """Each of them once: what is derived from it is told apart by the secret alone."""
    found = listed(secret)(value)
    if len(set(found)) < len(found):
        raise Wrong("holds a secret twice", "keep each once, the one that signs first")
    return found


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
    """An address, or the name that people see and an address."""
    if _MAILBOX.fullmatch(value) is None or not _is_domain(value.rpartition("@")[2].rstrip(">")):
        raise Wrong("is not a mail address", 'write one such as keys@example.org or "Keys, Inc." <keys@example.org>')
    return value


def _is_domain(name: str) -> bool:
    """Whether the DNS could know it (RFC 3490)."""
    try:
        return bool(name.encode("idna"))
    except UnicodeError:
        return False
