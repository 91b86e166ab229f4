"""What every command needs: settings or exit 78, the services, and how a refusal is told."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

import click
import msgspec

from app.settings import EX_CONFIG, Settings, SettingsError, load
from domain.errors import DomainError
from domain.model.actors import Actor, system

T = TypeVar("T")
Say = Callable[[str], None]


def settings_or_exit(say: Say | None = None) -> Settings:
    """The settings; whoever has wrong ones is told all that is wrong, and the command ends with 78."""
    try:
        return load(os.environ)
    except SettingsError as error:
        for problem in error.problems:
            (say or _to_people)(str(problem))
        raise click.exceptions.Exit(EX_CONFIG) from None


def refuse(sentence: str, say: Say | None = None) -> NoReturn:
    """End with 1 and a sentence, on standard error unless *say* has another way."""
    (say or _to_people)(sentence)
    raise click.exceptions.Exit(1)


def told(refusal: DomainError) -> str:
    """A refusal with what is behind it, which is the operator's to know: a path, a server's answer."""
    return str(refusal) if refusal.__cause__ is None else f"{refusal}: {refusal.__cause__}"


def _to_people(sentence: str) -> None:
    click.echo(f"hexkey: {sentence}", err=True)


def served(work: Callable[[Any, Actor], Awaitable[T]]) -> T:
    """Run *work* with the services, as the system; they are started before and closed after."""
    from app.composition import assemble, connect

    services = assemble(connect(settings_or_exit()))

    async def run() -> T:
        try:
            await services.start()
            return await work(services, system(services.catalogue.permissions))
        finally:
            await services.close()

    try:
        return asyncio.run(run())
    except DomainError as refusal:
        refuse(told(refusal))


def show_json(body: object) -> None:
    """The body of the corresponding HTTP answer, and nothing else."""
    click.echo(msgspec.json.encode(body))
