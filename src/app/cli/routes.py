from importlib import import_module
from typing import Any

import click

from app.cli.session import refuse, settings_or_exit, show_json


@click.command()
@click.option("--check", is_flag=True, help="Print nothing; fail if a route has no door, or is wrong otherwise.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
@click.option("--app", "name", metavar="MODULE:NAME", help="Another application, or what makes it, in place of ours.")
def routes(check: bool, as_json: bool, name: str | None) -> None:
    """Print every route with its door, limit and permissions."""
    from app.http.routes import WrongRoutes, table

    try:
        rows = table(_ours() if name is None else _named(name))
    except WrongRoutes as wrong:
        refuse(str(wrong))
    if check:
        return
    if as_json:
        show_json({"data": [row._asdict() for row in rows]})
        return
    widths = [max(len(getattr(row, column)) for row in rows) for column in ("method", "path", "door", "limit")]
    for row in rows:
        cells = (row.method, row.path, row.door, row.limit)
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        click.echo(f"{line}  {' '.join(row.permissions)}".rstrip())


def _ours() -> Any:
    from app.composition import assemble, connect
    from app.http.application import Exposure, create_app

    settings = settings_or_exit()
    return create_app(assemble(connect(settings)), Exposure.of(settings))


def _named(name: str) -> Any:
    from app.http.edge import Application

    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise click.BadParameter(f"{name} is not there: {error}", param_hint="--app") from None
    made = found if isinstance(found, Application) else found()
    if not isinstance(made, Application):
        raise click.BadParameter(f"{name} makes no application of Hexkey's", param_hint="--app")
    return made
