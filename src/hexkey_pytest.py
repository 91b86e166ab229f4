"""Hexkey's fixtures for pytest: a whole service in process for every test, without a network.

    async def test_a_key_that_may_only_read_makes_no_project(api_key_client):
        robot = await api_key_client("read")
        assert (await robot.post("/v1/projects", json={"name": "Warehouse"})).status_code == 403

Clients are ``httpx.AsyncClient``. Three fixtures are there to be overridden: `hexkey_environment` (settings),
`hexkey_connect` (an extension's ports) and `hexkey_handlers` (its routes). ``docs/testing.md`` has all of it.

*Why it imports nothing of ours by itself.* pytest loads it wherever Hexkey is installed, also for projects that have an
``app`` or a ``domain`` of their own: ours are looked up when a fixture is asked for, not before.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

try:
    from pytest_asyncio import fixture as async_fixture
except ImportError:  # then no test is asynchronous, and none asks for these
    async_fixture: Any = pytest.fixture  # type: ignore[no-redef]

if TYPE_CHECKING:
    from httpx import AsyncClient

    from adapters.memory.identity_providers import MemoryIdentityProvider
    from app.composition import Ports, Services
    from app.http.edge import Application
    from app.settings import Settings
    from app.testing.people import Scenario
    from app.testing.stage import Connect, Handlers, Stages
    from app.testing.surroundings import MovableClock, Outbox

_UNLIMITED = {f"HEXKEY_RATE_LIMIT_{name}": "off" for name in ("DEFAULT", "ANONYMOUS", "SIGN_IN")}


pytest.register_assert_rewrite("hexkey_contracts", "app.testing")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """``async def`` tests need no marker, unless the user has said how they want it."""
    is_chosen = "asyncio_mode" in vars(config).get("_inicfg", ())  # pytest has no public way to ask
    if config.pluginmanager.has_plugin("asyncio") and not is_chosen and config.option.asyncio_mode is None:
        config.option.asyncio_mode = "auto"
    config.addinivalue_line("filterwarnings", "ignore:The declarative_mixin decorator")  # advanced-alchemy's own


@pytest.fixture
def hexkey_environment() -> Mapping[str, str]:
    """Settings, as the environment would have them, besides those for tests. To be overridden."""
    return {}


@pytest.fixture
def hexkey_connect() -> "Connect":
    """What makes the ports of the settings: an extension's own in place of `connect`. To be overridden."""
    from app.composition import connect

    return connect


@pytest.fixture
def hexkey_handlers() -> "Handlers":
    """What makes an extension's handlers of the ports; asked once for all tests that name it. To be overridden."""
    return _no_handlers


def _no_handlers(_: "Ports") -> tuple[()]:
    return ()


@pytest.fixture(scope="session")
def _hexkey_defaults() -> Mapping[str, str]:
    from app.settings import made_secret

    return {"HEXKEY_DATABASE_URL": "memory://", "HEXKEY_SECRETS": made_secret(), **_UNLIMITED}


@pytest.fixture(scope="session")
def _hexkey_stages() -> "Stages":
    from app.testing.stage import Stages

    return Stages()


@pytest.fixture
def settings(_hexkey_defaults: Mapping[str, str], hexkey_environment: Mapping[str, str]) -> "Settings":
    from app.settings import parse

    return parse({**_hexkey_defaults, **hexkey_environment})


@pytest.fixture
def clock() -> "MovableClock":
    """It stands still until somebody moves it: ``clock.advance(minutes=10)``."""
    from app.testing.surroundings import MovableClock

    return MovableClock()


@pytest.fixture
def outbox() -> "Outbox":
    """Mails: ``await outbox.deliver()`` sends what is due, and ``outbox.sent`` is what went out."""
    from app.testing.surroundings import Outbox

    return Outbox()


@pytest.fixture
def identity_provider(clock: "MovableClock") -> "MemoryIdentityProvider":
    """``corp``: ``approve(location, "ada", email="ada@example.org")`` signs somebody in; it is where they come back."""
    from adapters.memory.identity_providers import MemoryIdentityProvider

    return MemoryIdentityProvider(now=clock.now)


@pytest.fixture
def _hexkey_others(outbox: "Outbox", identity_provider: "MemoryIdentityProvider") -> Mapping[str, Any]:
    return {"mail": outbox, "identity_providers": {"corp": identity_provider}}


@async_fixture
async def hexkey_ports(
    settings: "Settings",
    hexkey_connect: "Connect",
    clock: "MovableClock",
    _hexkey_others: Mapping[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> "AsyncIterator[Ports]":
    """Of this test alone: real ones, but for the time, the mail, and what a password costs."""
    from adapters.memory.limits import MemoryRateLimiter
    from adapters.security.passwords import Argon2Passwords, Cost
    from adapters.security.roots import RootSecrets

    ports = hexkey_connect(settings, clock=clock)
    kept = "-".join(["hexkey", *(branch.name for branch in ports.branches)])
    await asyncio.to_thread(_migrate, settings, ports.branches, tmp_path_factory.getbasetemp() / f"{kept}.template")
    roots = RootSecrets([secret.reveal() for secret in settings.secrets])
    passwords = Argon2Passwords(roots, cost=Cost(memory_kib=8, passes=1), threads=1)
    limiter = MemoryRateLimiter(lambda: clock.now().timestamp())
    yield replace(ports, passwords=passwords, limiter=limiter, **_hexkey_others)
    passwords.close()
    await ports.close()


def _migrate(settings: "Settings", branches: tuple[Any, ...], template: Path) -> None:
    """SQLite by a copy of a file that was migrated once: migrating takes longer than most tests."""
    from advanced_alchemy.alembic.commands import AlembicCommands

    from app.composition import migrations

    path = settings.database.path
    if path is not None and template.exists() and not path.exists():
        shutil.copy(template, path)
        return
    for config in migrations(settings, branches):
        AlembicCommands(config).upgrade()
    if path is not None and not template.exists():
        shutil.copy(path, template)


@pytest.fixture
def hexkey_services(hexkey_ports: "Ports", outbox: "Outbox") -> "Services":
    from app.composition import assemble

    services = assemble(hexkey_ports)
    outbox.sender = services.mails.deliver
    return services


@pytest.fixture
def hexkey_app(
    settings: "Settings",
    hexkey_connect: "Connect",
    hexkey_handlers: "Handlers",
    hexkey_ports: "Ports",
    hexkey_services: "Services",
    _hexkey_stages: "Stages",
) -> "Application":
    """The ASGI application, as a server would call it."""
    return _hexkey_stages.stage(settings, hexkey_connect, hexkey_handlers, hexkey_ports, hexkey_services).app


@pytest.fixture
def scenario(hexkey_app: "Application", hexkey_services: "Services") -> "Scenario":
    from app.testing.people import Scenario

    return Scenario(hexkey_app, hexkey_services)


@pytest.fixture
def client(hexkey_app: "Application") -> "AsyncClient":
    """Somebody who presents no credential."""
    from app.testing.people import calling

    return calling(hexkey_app)


@async_fixture
async def normal_user_client(scenario: "Scenario") -> "AsyncClient":
    """Somebody who has registered and signed in."""
    return (await scenario.user()).client


@async_fixture
async def admin_user_client(scenario: "Scenario") -> "AsyncClient":
    """An admin who has signed in."""
    return (await scenario.admin()).client


@pytest.fixture
def api_key_client(scenario: "Scenario") -> "Callable[..., Awaitable[AsyncClient]]":
    """``await api_key_client("read", "tasks:create")``: a machine with a key of an admin's, which has these scopes."""

    async def made(*scopes: str) -> "AsyncClient":
        return (await (await scenario.admin()).key(*scopes)).client

    return made


@pytest.fixture
def query_budget() -> Callable[[int], AbstractContextManager[list[str]]]:
    """``with query_budget(3): …`` fails where more SQL statements are run, and shows them."""
    return _counting


@contextmanager
def _counting(at_most: int) -> Iterator[list[str]]:
    from adapters.sql.statements import Statement

    said: list[str] = []
    plan = Statement.plan

    def counted(self: Any, dialect: Any) -> Any:
        said.append(" ".join(str(self.core).split()))
        return plan(self, dialect)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Statement, "plan", counted)
        yield said
    told = "\n".join(said)
    assert len(said) <= at_most, f"{len(said)} statements, where {at_most} were to do:\n{told}"  # noqa: S101
