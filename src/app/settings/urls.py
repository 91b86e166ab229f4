"""The settings that point somewhere, and whether the way there is safe from listeners."""

import os
import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, parse_qs, parse_qsl, unquote, urlsplit

from app.settings.problems import Wrong
from app.settings.secret import Secret

_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*|\[[0-9a-f:.]+\]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
TLS_MODES: Final = ("require", "verify-ca", "verify-full")
"""Of PostgreSQL's `sslmode`, those that never go without."""
ISSUER_LIMIT: Final = 512
_TLS_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
"""What the client of Redis trusts, and what it shows."""


def split(value: str, *schemes: str) -> SplitResult:
    """Raises Wrong unless *value* is an URL of one of *schemes*."""
    mend = f"write one that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}"
    try:
        url = urlsplit(value)
        _ = url.port, url.hostname
    except ValueError:
        raise Wrong("is not an URL", mend) from None
    if url.scheme not in schemes or not value.casefold().startswith(f"{url.scheme}://") or " " in url.netloc:
        raise Wrong("is not an URL of its kind", mend)
    return url


def host_of(url: SplitResult) -> str:
    """As a ``Host`` header has it, without a port: lower case, IPv6 in brackets."""
    name = url.hostname or ""
    return f"[{name}]" if ":" in name else name


def host(value: str) -> str:
    """A host name or address without a port, or ``*``."""
    name = value.lower()
    if name != "*" and (_HOST.fullmatch(name) is None or not _address_is_whole(name)):
        raise Wrong("is not a list of host names", "write names without scheme and port, such as api.example.org")
    return name


def _address_is_whole(name: str) -> bool:
    if not name.startswith("["):
        return True
    try:
        return bool(ip_address(name[1:-1]))
    except ValueError:
        return False


def origin(value: str) -> str:
    """``scheme://host[:port]`` as a browser writes it: lower case, no default port, no slash at the end."""
    url = split(value, "https", "http")
    if url.path not in {"", "/"} or url.query or url.fragment or "@" in url.netloc or not url.hostname:
        raise Wrong("is more than an origin", "write scheme, host and port only, such as https://api.example.org")
    name = host(host_of(url))
    port = "" if url.port in {None, _DEFAULT_PORTS[url.scheme]} else f":{url.port}"
    return f"{url.scheme}://{name}{port}"


def origin_or_any(value: str) -> str:
    return value if value == "*" else origin(value)


def issuer(value: str) -> str:
    """Kept letter by letter: issuers are compared, not resolved."""
    url = split(value, "https", "http")
    if not url.hostname or url.query or url.fragment or "@" in url.netloc or " " in value or len(value) > ISSUER_LIMIT:
        raise Wrong(
            "is not an issuer",
            f"copy it from the provider's discovery document; it has at most {ISSUER_LIMIT} characters",
        )
    return value


def redis_server(value: str) -> Secret:
    """An URL with a password beside every user, and nothing that the client would take for something else."""
    url = split(value, "redis", "rediss", "unix")
    account, _, place = url.netloc.rpartition("@")
    if "@" in account or url.fragment:
        raise Wrong("has an @ or a # that separates nothing", "write %40 for @ and %23 for #")
    if url.username and not url.password:
        raise Wrong("has a user without a password", "write both before the @")
    if url.scheme == "unix" and (place or not url.path.strip("/")):
        raise Wrong("names no socket", "write its path after three slashes, such as unix:///run/redis.sock")
    if url.scheme != "unix" and not url.hostname:
        raise Wrong("names no host", "write it after the //")
    if url.scheme != "unix" and re.fullmatch(r"(/[0-9]{0,5})?", url.path) is None:
        raise Wrong("has something behind the host that is no database", "write a number, such as /0")
    _require_redis_parameters(url)
    return Secret(value)


def _require_redis_parameters(url: SplitResult) -> None:
    known = ("db", *(_TLS_FILES if url.scheme == "rediss" else ()))
    try:
        parameters = parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query))
    except ValueError:
        raise Wrong("has something behind the ? that is no parameter", "write name=value between &") from None
    for name, text in parameters:
        if name not in known:
            raise Wrong("has a parameter that cannot be followed", f"keep to {', '.join(known)}")
        if name == "db" and re.fullmatch(r"[0-9]{1,5}", text) is None:
            raise Wrong("is wrong at db", "write a number")
        if name in _TLS_FILES and not os.path.isfile(text):
            raise Wrong(f"is wrong at {name}", "write the path of a file")


def mail_server(value: str) -> Secret:
    """An URL with nothing behind the host and port, and with a password beside every user."""
    url = split(value, "smtp", "smtps")
    account, _, place = url.netloc.rpartition("@")
    if "@" in account or url.path.strip("/") or url.query or url.fragment:
        raise Wrong("is more than a mail server", "write %40 for @, %23 for #, %2F for / and %3F for ? in a password")
    if account and not (url.username and url.password):
        raise Wrong("has one of user and password", "write both or neither before the @")
    if not place or host(host_of(url)) == "*":
        raise Wrong("names no host", "write it after the //")
    return Secret(value)


def is_local(name: str) -> bool:
    """Whether *name* cannot leave this machine: loopback, or the path of a socket."""
    if not name or name.startswith("/") or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def is_open_to_listeners(value: str) -> bool:
    """Whether *value*, a database, Redis or mail URL, crosses a network without TLS."""
    url = urlsplit(value)
    if url.scheme in {"rediss", "smtps", "unix"}:
        return False
    query = parse_qs(url.query)
    if url.scheme == "postgresql" and query.get("sslmode", [""])[-1] in TLS_MODES:
        return False
    hosts = [unquote(url.hostname or ""), *query.get("host", [])]
    return not all(is_local(name) for listed in hosts for name in listed.split(","))
