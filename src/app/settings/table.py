"""Every setting, one line each: field, type, rule, default.

A field reads ``HEXKEY_<FIELD>`` unless its rule names another variable. A default is the text one would
write, or a function of the settings above it.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_type_hints
from urllib.parse import urlsplit

import msgspec

from app.settings.databases import Database, database
from app.settings.groups import OidcProvider
from app.settings.parsers import (
    Network,
    email,
    limit,
    listed,
    mailbox,
    networks,
    one_of,
    path,
    pattern,
    root_secrets,
    secret,
    switch,
    whole,
    within,
)
from app.settings.problems import Problem
from app.settings.secret import Secret
from app.settings.urls import host, host_of, mail_server, origin, origin_or_any, redis_server
from domain.model.limits import Policy
from domain.model.users import EmailAddress

Above = Mapping[str, Any]


class Rule(NamedTuple):
    """How the text of a setting is read; *secret* ones may come from a file."""

    parse: Callable[[str], Any]
    default: str | Callable[[Above], Any] | None = None
    secret: bool = False
    variable: str | None = None


def _embedded(above: Above) -> Database:
    return Database("sqlite", path=above["data_dir"] / "hexkey.db")


def _own_hosts(above: Above) -> tuple[str, ...]:
    own = host_of(urlsplit(above["public_url"]))
    local = ("localhost", "127.0.0.1", "[::1]") if above["env"] == "development" else ()
    return tuple(dict.fromkeys((own, *local)))


def _none(_: Above) -> tuple[()]:
    return ()


def _unless_production(word: str, otherwise: str) -> Callable[[Above], str]:
    return lambda above: word if above["env"] == "development" else otherwise


_LEVELS = ("debug", "info", "warning", "error", "critical")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that differs between deployments. *warnings* is what production would have refused."""

    env: Annotated[Literal["development", "production"], Rule(one_of("development", "production"), "development")]
    app: Annotated[str | None, Rule(pattern(r"\S+", "write a module:name"))]
    data_dir: Annotated[Path, Rule(path, "./.hexkey")]
    database: Annotated[Database, Rule(database, _embedded, secret=True, variable="HEXKEY_DATABASE_URL")]
    redis_url: Annotated[Secret | None, Rule(redis_server, secret=True)]
    secrets: Annotated[tuple[Secret, ...], Rule(root_secrets, _none, secret=True)]

    public_url: Annotated[str, Rule(origin, "http://127.0.0.1:8000")]
    allowed_hosts: Annotated[tuple[str, ...], Rule(listed(host), _own_hosts)]
    trusted_proxies: Annotated[tuple[Network, ...], Rule(networks, _none)]
    cors_origins: Annotated[tuple[str, ...], Rule(listed(origin_or_any), _none)]

    registration: Annotated[Literal["open", "invite", "closed"], Rule(one_of("open", "invite", "closed"), "open")]
    password_grant: Annotated[bool, Rule(switch, "on")]
    password_min_length: Annotated[int, Rule(whole(1, 128), "15")]
    access_token_ttl: Annotated[timedelta, Rule(within("1s", "1d"), "10m")]
    refresh_idle: Annotated[timedelta, Rule(within("1s", "3650d"), "14d")]
    refresh_absolute: Annotated[timedelta, Rule(within("1s", "3650d"), "90d")]
    refresh_retry_window: Annotated[timedelta, Rule(within("0s", "5m"), "10s")]
    session_idle: Annotated[timedelta, Rule(within("1s", "365d"), "60m")]
    session_absolute: Annotated[timedelta, Rule(within("1s", "365d"), "24h")]

    max_staleness: Annotated[timedelta, Rule(within("200ms", "60s"), "500ms")]
    key_prefix: Annotated[str, Rule(pattern("[a-z0-9]{2,16}", "write 2 to 16 of a-z and 0-9"), "hk")]
    key_max_lifetime: Annotated[timedelta | None, Rule(within("1s", "36500d"))]
    rate_limit_default: Annotated[Policy | None, Rule(limit, "600/minute")]
    rate_limit_anonymous: Annotated[Policy | None, Rule(limit, "60/minute")]
    rate_limit_sign_in: Annotated[Policy | None, Rule(limit, "20/minute")]

    smtp_url: Annotated[Secret | None, Rule(mail_server, secret=True)]
    mail_from: Annotated[str | None, Rule(mailbox)]
    admin_email: Annotated[EmailAddress | None, Rule(email)]
    admin_password: Annotated[Secret | None, Rule(secret, secret=True)]
    metrics_token: Annotated[Secret | None, Rule(secret, secret=True)]
    docs: Annotated[Literal["on", "off", "auth"], Rule(one_of("on", "off", "auth"), _unless_production("on", "off"))]
    log_level: Annotated[Literal["debug", "info", "warning", "error", "critical"], Rule(one_of(*_LEVELS), "info")]
    log_format: Annotated[
        Literal["console", "json"], Rule(one_of("console", "json"), _unless_production("console", "json"))
    ]
    log_requests: Annotated[
        Literal["off", "refused", "all"], Rule(one_of("off", "refused", "all"), _unless_production("off", "refused"))
    ]

    oidc: Mapping[str, OidcProvider]
    webhook_secrets: Mapping[str, tuple[Secret, ...]]
    warnings: tuple[Problem, ...] = ()
    metrics_folder: str | None = None
    """Of no variable that anybody sets: where the workers of one run tell each other what they count."""
    workers: int = 1
    """As ``WEB_CONCURRENCY`` says: how many processes serve, each of which admits its share of a limit."""


def rules() -> dict[str, Rule]:
    """The rule of every field that has one, in the order of the table."""
    hints = get_type_hints(Settings, include_extras=True)
    return {
        field: rule for field, hint in hints.items() for rule in getattr(hint, "__metadata__", ()) if type(rule) is Rule
    }


def variable(field: str, rule: Rule) -> str:
    return rule.variable or f"HEXKEY_{field.upper()}"
