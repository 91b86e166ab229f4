import click

from app.cli.session import refuse, settings_or_exit, show_json


@click.command()
@click.option("--check", is_flag=True, help="Print nothing; fail if a route has no door, or is wrong otherwise.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def routes(check: bool, as_json: bool) -> None:
    """Print every route with its door, limit and permissions."""
    from app.chosen import NoApplication, application
    from app.http.routes import WrongRoutes, table

    try:
        rows = table(application(settings_or_exit()))
    except NoApplication as missing:
        raise click.UsageError(str(missing)) from None
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
