"""What every command needs: settings or exit 78, the services, and how a refusal is told."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NoReturn, TypeVar

import click
import msgspec

from app.settings import EX_CONFIG, Settings, SettingsError, load
from domain.errors import DomainError, Unavailable
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


def services_or_exit(settings: Settings) -> Any:
    """The services of the application that *settings* name, ours unless they do; a wrong name is a misuse."""
    if settings.app is None:
        from app.composition import assemble, connect

        return assemble(connect(settings))
    from app.chosen import NoApplication, named  # builds the whole application: ours alone need none
    from app.http.routes import WrongRoutes

    try:
        return named(settings.app).state["services"]
    except NoApplication as missing:
        raise click.UsageError(str(missing)) from None
    except WrongRoutes as wrong:
        refuse(str(wrong))


def refuse(sentence: str, say: Say | None = None) -> NoReturn:
    """End with 1 and a sentence, on standard error unless *say* has another way."""
    (say or _to_people)(sentence)
    raise click.exceptions.Exit(1)


def told(refusal: DomainError) -> str:
    """A refusal; of what is away also what is behind it, which is the operator's to know: a path, a server's answer."""
    behind = refusal.__cause__ if isinstance(refusal, Unavailable) else None
    return str(refusal) if behind is None else f"{refusal}: {behind}"


def say(sentence: str) -> None:
    click.echo(harmless(sentence))


def harmless(text: str) -> str:
    """*text* with what a terminal would obey, or not show, as Python writes it: a name may hold it."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _to_people(sentence: str) -> None:
    click.echo(f"hexkey: {sentence}", err=True)


def served(work: Callable[[Any, Actor], Awaitable[T]]) -> T:
    """Run *work* with the services, as the system; they are started before and closed after."""
    services = services_or_exit(settings_or_exit())

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


def show_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns for people in a terminal; elsewhere the cells of a line between tabs, and no titles."""
    cells = [[harmless(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in cells:
            click.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    table = Table(*(Column(title, overflow="fold") for title in titles), box=None, pad_edge=False)
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)
