"""No secret is in a log, an error, an example, an export, the trail, the store or a repr.

A whole life is lived with the service, and every secret of it is then looked for in all that somebody else may read.
"""

import asyncio
import importlib
import json
import pkgutil
import secrets
import sqlite3
from base64 import b64encode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, is_dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import asyncpg
import httpx
import pytest

import adapters
import app
import domain
from app.http.bodies import Form, Input
from app.settings import parse
from tests.support.canaries import Canaries, forms
from tests.support.life import ADA, ADMIN, KINDS, MOVED, Life, a_password
from tests.support.openid import OpenIdProvider, listening
from tests.support.ports import memory_ports
from tests.support.post import PostOffice, post_office, text_of
from tests.support.process import Installation, Server, free_port, installation
from tests.support.service import PASSWORD, Service


@dataclass(frozen=True, kw_only=True)
class Running:
    """*database* is SQLite's file or PostgreSQL's address."""

    server: Server
    canaries: Canaries
    smtp_port: int
    smtp_password: str
    admin_password: str
    metrics_token: str
    database: str
    provider: OpenIdProvider


@pytest.fixture
def provider() -> Iterator[OpenIdProvider]:
    person = {"sub": "elsewhere", "email": "elsewhere@example.org", "email_verified": True, "sid": "session elsewhere"}
    with listening(OpenIdProvider(client_secret=a_password(), person=person)) as there:
        yield there


@pytest.fixture(params=["json over sqlite", "console over postgres"])
def running(request: pytest.FixtureRequest, provider: OpenIdProvider, tmp_path: Path) -> Iterator[Running]:
    form, _, storage = request.param.partition(" over ")
    canaries, port = Canaries(), free_port()
    canaries.add("client secret", provider.client_secret or "")
    smtp_password = canaries.add("SMTP password", a_password())
    admin_password = canaries.add("password", a_password())
    settings = {
        "HEXKEY_LOG_LEVEL": "debug",
        "HEXKEY_LOG_FORMAT": form,
        "HEXKEY_LOG_REQUESTS": "all",
        "HEXKEY_SECRETS": canaries.add("root secret", secrets.token_urlsafe(48)),
        "HEXKEY_SMTP_URL": f"smtp://ada:{quote(smtp_password, safe='')}@127.0.0.1:{port}",
        "HEXKEY_MAIL_FROM": "hexkey@example.org",
        "HEXKEY_ADMIN_EMAIL": ADMIN,
        "HEXKEY_ADMIN_PASSWORD": admin_password,
        "HEXKEY_METRICS_TOKEN": canaries.add("metrics token", secrets.token_urlsafe(32)),
        "HEXKEY_OIDC__CORP__ISSUER": provider.issuer,
        "HEXKEY_OIDC__CORP__CLIENT_ID": provider.client_id,
        "HEXKEY_OIDC__CORP__CLIENT_SECRET": provider.client_secret or "",
        "HEXKEY_WEBHOOK_SECRET__GITHUB": canaries.add("webhook secret", secrets.token_urlsafe(32)),
    }
    with installation(tmp_path, storage, **settings) as installed:
        installed.migrate()
        database = installed.settings.get("HEXKEY_DATABASE_URL", str(tmp_path / "hexkey.db"))
        with with_a_database_password(installed, canaries).server() as server:
            yield Running(
                server=server,
                canaries=canaries,
                smtp_port=port,
                smtp_password=smtp_password,
                admin_password=admin_password,
                metrics_token=settings["HEXKEY_METRICS_TOKEN"],
                database=database,
                provider=provider,
            )


def with_a_database_password(installed: Installation, canaries: Canaries) -> Installation:
    """A server that trusts this machine does not ask for it."""
    if (address := installed.settings.get("HEXKEY_DATABASE_URL")) is None:
        return installed
    parts = urlsplit(address)
    password = canaries.add("database password", parts.password or secrets.token_urlsafe(18))
    where = f"{parts.username}:{password}@{parts.hostname}:{parts.port or 5432}"
    settings = {**installed.settings, "HEXKEY_DATABASE_URL": parts._replace(netloc=where).geturl()}
    return replace(installed, settings=settings)


async def test_a_running_service_tells_no_secret_to_anybody_else(running: Running) -> None:
    canaries, server = running.canaries, running.server
    office_password = running.smtp_password.encode()
    async with (
        post_office(port=running.smtp_port, password=b"another", auth_require_tls=False) as office,
        httpx.AsyncClient(base_url=server.url, timeout=20) as http,
    ):
        provider = running.provider
        life = Life(
            http,
            canaries,
            Letterbox(office).token,
            running.admin_password,
            approve=provider.sign_in,
            signed_out=provider.logout_token,
        )
        early = {"email": "early@example.org", "password": canaries.add("password", a_password())}
        await life.ok("POST", "/v1/auth/register", json=early)
        await until(lambda: bool(office.logins))
        office.password = office_password
        told = await life.live()
        told["the database"] = await content_of(running.database)
        told["the command lines"] = command_lines(server)
        told["the metrics"] = await metrics(http, running.metrics_token)
        await lose_the_mails(running.database)
        await life.ask("POST", "/v1/auth/register", json={"email": "late@example.org", "password": life.password})
        await life.ask("POST", "/v1/auth/password/forgot", json={"email": MOVED})
        assert 500 in life.statuses
    assert {password for _, password in office.logins} == {office_password}
    assert server.stop() == 0
    told["the errors"] = b"\n".join(life.errors)
    told["both streams"] = server.said.encode()

    assert canaries.kinds >= KINDS | {"SMTP password", "root secret", "client secret"}
    assert {where: found for where, text in told.items() if (found := canaries.found_in(text))} == {}
    the_search_would_have_found_it(told, life)


def the_search_would_have_found_it(told: dict[str, bytes], life: Life) -> None:
    """What may be told of every request is where it may be told."""
    planted = Canaries()
    planted.add("request id", life.request_id)
    found = {where for where, text in told.items() if planted.found_in(text)}
    assert found == {"the export", "the trail", "the database", "the errors", "both streams"}
    assert b"/v1/auth/register" in told["the OpenAPI document"]
    assert b"hexkey" in told["the command lines"]
    assert b'route="/v1/auth/register"' in told["the metrics"]


class Letterbox:
    """What came to *office*; each link is taken out once."""

    def __init__(self, office: PostOffice) -> None:
        self._office = office
        self._taken: Counter[str] = Counter()

    async def token(self, to: str) -> str:
        await until(lambda: len(self._tokens(to)) > self._taken[to])
        self._taken[to] += 1
        return self._tokens(to)[self._taken[to] - 1]

    def _tokens(self, to: str) -> list[str]:
        texts = [text_of(letter) for letter in self._office.letters if letter["To"] == to]
        return [text.partition("?token=")[2].split()[0] for text in texts if "?token=" in text]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what it waits for tells nobody
            await asyncio.sleep(0.02)


async def content_of(database: str) -> bytes:
    """Every byte of SQLite's files; every row of PostgreSQL's tables, as it writes them out."""
    if "://" not in database:
        return b"".join(file.read_bytes() for file in sorted(Path(database).parent.glob("hexkey.db*")))
    connection, content = await asyncpg.connect(database), BytesIO()
    try:
        for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            await connection.copy_from_table(table, output=content)
    finally:
        await connection.close()
    return content.getvalue()


async def metrics(http: httpx.AsyncClient, token: str) -> bytes:
    answer = await http.get("/metrics", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    return answer.content


async def lose_the_mails(database: str) -> None:
    """From now on the service meets an error that nobody has foreseen."""
    if "://" not in database:
        with closing(sqlite3.connect(database, timeout=5)) as file, file:
            file.execute("DROP TABLE mails")
        return
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("DROP TABLE mails")
    finally:
        await connection.close()


def command_lines(server: Server) -> bytes:
    """What `ps` shows to everybody; where there is no such folder, that of the command alone."""
    shown = Path(f"/proc/{server.process.pid}/cmdline")
    return shown.read_bytes() if shown.exists() else " ".join(map(str, server.process.args)).encode()  # type: ignore[arg-type]


async def test_nothing_that_the_service_makes_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is made in a whole life, however short its own: values of the domain, ports, services, settings."""
    shown: list[str] = []
    kinds = {kind for package in (domain, adapters, app) for kind in values_in(package)}
    for kind in kinds:
        if issubclass(kind, tuple):
            monkeypatch.setattr(kind, "__new__", showing_new(kind.__new__, shown))
        else:
            monkeypatch.setattr(kind, "__init__", showing(kind.__init__, shown))
    service, canaries = Service(memory_ports()), Canaries()
    admin = await service.admin(ADMIN)
    life = Life(
        service.anyone.http,
        canaries,
        service.mailed_token,
        PASSWORD,
        approve=partial(service.provider.approve, email="elsewhere@example.org"),
        signed_out=partial(service.provider.logout_token, subject="ada"),
    )
    told = await life.live()

    text = "\n".join(shown).encode("utf-8", "backslashreplace")
    assert canaries.kinds >= KINDS
    assert canaries.found_in(text) == set()
    assert {where: found for where, text in told.items() if (found := canaries.found_in(text))} == {}
    assert len(kinds) > 60
    for expected in (admin.id, ADA, MOVED, "Message(to=", "Proof(user=", "Tokens(", "PresentedKey(", "Ports("):
        assert expected.encode() in text, expected


def values_in(package: ModuleType) -> Iterator[type[Any]]:
    """Dataclasses and named tuples."""
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".migrations" in info.name:  # they run when they are imported
            continue
        for member in vars(importlib.import_module(info.name)).values():
            is_value = is_dataclass(member) or hasattr(member, "_fields")
            if isinstance(member, type) and is_value and member.__module__ == info.name:
                yield member


def showing(begin: Callable[..., None], shown: list[str]) -> Callable[..., None]:
    def __init__(self: object, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        shown.append(repr(self))

    return __init__


def showing_new(make: Callable[..., Any], shown: list[str]) -> Callable[..., Any]:
    def __new__(kind: type[Any], *args: Any, **kwargs: Any) -> Any:
        made = make(kind, *args, **kwargs)
        shown.append(repr(made))
        return made

    return __new__


def test_neither_settings_nor_bodies_show_a_secret() -> None:
    canary = "canary " + secrets.token_urlsafe(32)
    settings = parse(
        {
            "HEXKEY_SECRETS": canary.replace(" ", "-"),
            "HEXKEY_DATABASE_URL": f"postgresql://ada:{quote(canary)}@127.0.0.1/hexkey",
            "HEXKEY_SMTP_URL": f"smtp://ada:{quote(canary)}@127.0.0.1",
            "HEXKEY_MAIL_FROM": "ada@example.org",
            "HEXKEY_REDIS_URL": f"redis://:{quote(canary)}@127.0.0.1",
            "HEXKEY_ADMIN_EMAIL": "ada@example.org",
            "HEXKEY_ADMIN_PASSWORD": canary,
            "HEXKEY_METRICS_TOKEN": canary.replace(" ", "-"),
            "HEXKEY_WEBHOOK_SECRET__GITHUB": canary.replace(" ", "-"),
            "HEXKEY_OIDC__CORP__ISSUER": "https://id.example.org",
            "HEXKEY_OIDC__CORP__CLIENT_ID": "hexkey",
            "HEXKEY_OIDC__CORP__CLIENT_SECRET": canary,
        }
    )
    assert canary[7:] not in repr(settings)
    bodies = {kind for kind in every_kind_of(Input) | every_kind_of(Form) if "password" in kind.__struct_fields__}
    assert bodies
    for kind in bodies:
        assert canary not in repr(kind(**dict.fromkeys(kind.__struct_fields__, canary)))


def every_kind_of(base: type[Any]) -> set[type[Any]]:
    return {base}.union(*(every_kind_of(kind) for kind in base.__subclasses__()))


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.encode(),
        lambda text: text.encode().hex().encode(),
        lambda text: text.encode().hex().upper().encode(),
        lambda text: b64encode(text.encode()),
        lambda text: urlsafe_b64encode(text.encode()),
        lambda text: quote(text).encode(),
        lambda text: quote(text, safe="").encode(),
        lambda text: urlencode({"password": text}).encode(),
        lambda text: json.dumps({"password": text}).encode(),
        lambda text: json.dumps(text, ensure_ascii=False).encode(),
        lambda text: repr([text]).encode(),
        lambda text: repr([text.encode()]).encode(),
    ],
    ids=["raw", "hex", "HEX", "base64", "base64url", "path", "percent", "form", "JSON", "UTF-8", "repr", "bytes"],
)
@pytest.mark.parametrize("around", ["", "a", "ab", "abc"])
def test_a_secret_is_found_however_it_is_written(written: Callable[[str], bytes], around: str) -> None:
    canaries = Canaries()
    for _ in range(20):
        secret = canaries.add("password", a_password())
        assert canaries.found_in(written(f"{around}{secret}{around}"))
    other = Canaries()
    other.add("password", a_password())
    assert other.found_in(written(f"{around}{secret}{around}")) == set()
    assert len(dict(forms(secret.encode()))) == 11
