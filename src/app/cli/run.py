import asyncio
import gc
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import click

from app.cli.session import Say, refuse, services_or_exit, settings_or_exit, told
from app.logs import configure, server_options
from app.settings import METRICS_FOLDER, Settings
from domain.errors import DomainError, EmailTaken
from domain.model.actors import system
from domain.model.roles import ADMIN_ID

GRACE = 10
"""How long, in seconds, requests in flight may go on once the service is told to stop."""

log = logging.getLogger("hexkey")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="The port to listen on.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="How many processes.")
@click.option("--reload", is_flag=True, help="Start again whenever a source file changes; for development.")
def run(host: str, port: int, workers: int, reload: bool) -> None:
    """Serve over HTTP until Ctrl-C or SIGTERM; requests in flight are answered first."""
    gc.disable()  # until `app.asgi` has made what stays: looking through it again and again is a seventh of the start
    as_json = _speaks_json()
    configure("info", "json" if as_json else "console")
    say = log.error if as_json else None
    _name_ourselves(host, port, workers)
    settings = settings_or_exit(say)
    _require_servable(settings, workers=workers, reload=reload)
    asyncio.run(_prepare(settings, say))
    with _telling_each_other(settings, workers):
        _serve(settings, host=host, port=port, workers=workers, reload=reload)


def _speaks_json() -> bool:
    """Whether a refusal is a line for machines; asked before the settings are known to be good."""
    default = "json" if os.environ.get("HEXKEY_ENV") == "production" else "console"
    return os.environ.get("HEXKEY_LOG_FORMAT", default) == "json"


def _name_ourselves(host: str, port: int, workers: int) -> None:
    """Workers read from the environment how many they are and, in development, a public URL that fits the port."""
    os.environ["WEB_CONCURRENCY"] = str(workers)
    development = os.environ.get("HEXKEY_ENV", "development") == "development"
    if development and "HEXKEY_PUBLIC_URL" not in os.environ and port:
        shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
        os.environ["HEXKEY_PUBLIC_URL"] = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def _require_servable(settings: Settings, *, workers: int, reload: bool) -> None:
    if settings.database.kind == "memory" and workers > 1:
        raise click.UsageError("memory:// serves one worker: each process would remember something else")
    if reload and workers > 1:
        raise click.UsageError("--reload serves one worker")
    if reload and settings.env == "production":
        raise click.UsageError("--reload is for development")


async def _prepare(settings: Settings, say: Say | None) -> None:
    """The schema is asked for here too, before there are workers: a supervisor would start them again and again."""
    services = services_or_exit(settings)
    try:
        await services.start()
        await _first_admin(settings, services)
    except DomainError as refusal:
        refuse(told(refusal), say)
    finally:
        await services.close()


async def _first_admin(settings: Settings, services: Any) -> None:
    """The one that the settings name, unless there is an active admin."""
    if settings.admin_email is None or settings.admin_password is None:
        return
    operator = system(services.catalogue.permissions)
    if await services.users.has_admin(operator):
        return
    try:
        await services.users.create(
            operator,
            email=settings.admin_email,
            password=settings.admin_password.reveal(),
            role_ids=(ADMIN_ID,),
        )
    except EmailTaken:
        if not await services.users.has_admin(operator):  # else another start was faster
            raise
    else:
        log.info("made the first admin, %s", settings.admin_email)


@contextmanager
def _telling_each_other(settings: Settings, workers: int) -> Iterator[None]:
    """Several workers, each asked for metrics, need a folder in which to tell the others what they count."""
    if workers == 1 or settings.metrics_token is None:
        yield
        return
    with TemporaryDirectory(prefix="hexkey-", ignore_cleanup_errors=True) as folder:
        os.environ[METRICS_FOLDER] = folder
        yield


def _serve(settings: Settings, *, workers: int, **options: Any) -> None:
    import uvicorn

    if workers > 1 or options["reload"]:
        gc.enable()  # the application is made in other processes
    configure(settings.log_level, settings.log_format)
    _announce(settings, workers)
    # uvicorn raises the signal that ended it once more: for us a stop that was asked for is no failure
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.run(
        "app.asgi:create",
        factory=True,
        workers=workers,
        http="app.server:PatientProtocol",
        loop="auto",
        ws="none",
        proxy_headers=False,
        date_header=True,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=GRACE,
        **options,
        **server_options(settings.log_level, settings.log_format),
    )


def _announce(settings: Settings, workers: int) -> None:
    docs = "" if settings.docs == "off" else f", docs at {settings.public_url}/docs"
    log.info("serving %s%s", settings.public_url, docs)
    if workers > 1 and settings.redis_url is None:
        log.warning("each of %d workers counts by itself, and admits its share of every limit", workers)
    for warning in settings.warnings:
        log.debug("fit for development only: %s", warning)
