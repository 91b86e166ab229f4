"""Whose request it is: the socket's peer, unless a proxy that we trust speaks for somebody else."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from domain.errors import Invalid


@lru_cache(4096)
def canonical(address: str) -> str | None:
    """*address* in the one form that limits and logs count by, without a scope, which is the caller's free text.

    ``None`` for what is no IP address.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Address(int(parsed)))
    return str(parsed)


def given_address(raw: str | None, field: str = "address") -> str | None:
    """*raw* in that form, or None where none is given. Raises Invalid."""
    if raw is None:
        return None
    if (address := canonical(raw)) is None:
        raise Invalid(field, "is an IP address, without port, brackets or prefix length")
    return address


class Proxies:
    """Networks, in CIDR notation, whose ``X-Forwarded-For`` is believed; nobody's by default."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks = tuple(ip_network(network) for network in networks)
        self._trusts = lru_cache(4096)(self._find)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def _find(self, address: str) -> bool:
        parsed = ip_address(address)
        return any(parsed in network for network in self._networks)

    def client(self, peer: str | None, forwarded: Iterable[bytes]) -> str | None:
        """The right-most address that is no trusted proxy; behind garbage, the last good one stands."""
        if peer is None or not self._trusts(peer):
            return peer
        for hop in reversed(b",".join(forwarded).split(b",")):
            address = canonical(hop.strip().decode("latin-1"))
            if address is None:
                break
            peer = address
            if not self._trusts(address):
                break
        return peer
