"""Where the state lies, and what of a PostgreSQL URL the driver can follow.

libpq, asyncpg and we read such a URL each in their own way. What they would read differently, or what asyncpg would
only stumble over at the first connection, is refused here.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qsl

import msgspec

from app.settings.problems import Wrong
from app.settings.secret import Secret
from app.settings.urls import TLS_MODES, host, split

_TLS_VERSIONS = ("TLSv1.2", "TLSv1.3")
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "sslmode": ("disable", "allow", "prefer", *TLS_MODES),
    "sslnegotiation": ("postgres", "direct"),
    "ssl_min_protocol_version": _TLS_VERSIONS,
    "ssl_max_protocol_version": _TLS_VERSIONS,
    "target_session_attrs": ("any", "primary", "read-write"),
}
_FILES = ("sslcert", "sslcrl", "sslkey", "sslrootcert")
_TEXTS = ("dbname", "host", "options", "passfile", "password", "port", "sslpassword", "user")
_PARAMETERS = sorted((*_WORDS, *_FILES, *_TEXTS))
"""What libpq and asyncpg both know; not `service`, which hides where it leads, nor GSSAPI, which needs a library."""


class Database(msgspec.Struct, frozen=True):
    """*path* is given for ``sqlite``, *dsn* (``postgresql://…``) for ``postgresql``."""

    kind: Literal["sqlite", "postgresql", "memory"]
    path: Path | None = None
    dsn: Secret | None = None


def database(value: str) -> Database:
    url = split(value, "postgresql", "postgres", "sqlite", "memory")
    match url.scheme:
        case "sqlite":
            return Database("sqlite", path=_sqlite_path(url))
        case "memory":
            return _memory(url)
        case _:
            _require_followable(url)
            return Database("postgresql", dsn=Secret(f"postgresql{value[len(url.scheme) :]}"))


def _sqlite_path(url: SplitResult) -> Path:
    name = url.path.removeprefix("/")
    if url.netloc or url.query or url.fragment or not name or ":memory:" in name:
        raise Wrong("names no file", "write sqlite:///relative or sqlite:////absolute; memory:// is without a file")
    return Path(name)


def _memory(url: SplitResult) -> Database:
    if url.netloc or url.path or url.query:
        raise Wrong("asks for more than memory", "write memory:// alone")
    return Database("memory")


def _require_followable(url: SplitResult) -> None:
    account, _, place = url.netloc.rpartition("@")
    if "@" in account or url.fragment:
        raise Wrong("has an @ or a # that separates nothing", "write %40 for @ and %23 for #")
    if place and not url.hostname:
        raise Wrong("names a port without a host", "write the host before it")
    if "," in place:
        raise Wrong("names several hosts before the database", "write them behind it, as ?host=a,b&port=5432")
    parameters = _parameters(url.query)
    if place and {"host", "port"} & parameters.keys():
        raise Wrong("names its host twice", "write host and port before the database or behind it")
    _require_places(parameters)
    if parameters.get("sslnegotiation") == "direct" and parameters.get("sslmode") not in TLS_MODES:
        raise Wrong("has sslnegotiation=direct without TLS", f"add sslmode={' or '.join(TLS_MODES)}")


def _parameters(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise Wrong("has something behind the ? that is no parameter", "write name=value between &") from None
    for name, value in pairs:
        _require_known(name, value)
    return dict(pairs)


def _require_known(name: str, value: str) -> None:
    if name not in _PARAMETERS:
        raise Wrong("has a parameter that cannot be followed", f"keep to {', '.join(_PARAMETERS)}")
    if name in _WORDS and value not in _WORDS[name]:
        raise Wrong(f"is wrong at {name}", f"write one of {', '.join(_WORDS[name])}")
    if name in _FILES and not os.path.isfile(value):
        raise Wrong(f"is wrong at {name}", "write the path of a file")


def _require_places(parameters: Mapping[str, str]) -> None:
    hosts, ports = (parameters.get(name, "").split(",") for name in ("host", "port"))
    if "host" in parameters and not all(map(_is_place, hosts)):
        raise Wrong("is wrong at host", "write names, [addresses] or /folders of sockets between commas")
    if "port" in parameters and not all(map(_is_port, ports)):
        raise Wrong("is wrong at port", "write numbers between commas, such as 5432")
    if len(ports) not in {1, len(hosts)}:
        raise Wrong("is wrong at port", "write one for all hosts, or one for each")


def _is_place(name: str) -> bool:
    try:
        return name.startswith("/") or host(name) != "*"
    except Wrong:
        return False


def _is_port(text: str) -> bool:
    return re.fullmatch(r"[1-9][0-9]{0,4}", text) is not None and int(text) < 2**16
