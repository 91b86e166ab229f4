"""Where a call may come from: ranges of addresses in CIDR form."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from domain.errors import Invalid

Network = IPv4Network | IPv6Network
_CIDR = re.compile(r"[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?")
NETWORKS_MAX = 64


def networks(raw: Iterable[str], field: str = "allowed_networks") -> tuple[Network, ...]:
    """Address ranges in CIDR form, host bits zero; an address alone is a range of one. Raises Invalid."""
    given = tuple(raw)
    if len(given) > NETWORKS_MAX:
        raise Invalid(field, f"has at most {NETWORKS_MAX} networks")
    return tuple(_network(text, f"{field}/{place}") for place, text in enumerate(given))


def _network(raw: str, field: str) -> Network:
    try:
        return ip_network(raw if _CIDR.fullmatch(raw) else "")
    except ValueError:
        raise Invalid(field, "is a network in CIDR form, such as 192.0.2.0/24, with its host bits zero") from None


def within(networks: tuple[Network, ...], address: str) -> bool:
    """Whether *address* lies in one of *networks*; no networks is no rule, a garbled address lies in none.

    An IPv4 address that a socket shows in its IPv6 form (``::ffff:192.0.2.1``) counts as what it is.
    """
    if not networks:
        return True
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    inner = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return any((inner or parsed) in network for network in networks)


def narrower(networks: tuple[Network, ...], than: tuple[Network, ...]) -> bool:
    """Whether each of *networks* lies in one of *than*; here too, none is no rule."""
    return not than or (bool(networks) and all(any(_lies_in(inner, outer) for outer in than) for inner in networks))


def _lies_in(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)
