from typing import Any

import click
import msgspec

from app.cli.session import settings_or_exit


class RouteView(msgspec.Struct, frozen=True):
    method: str
    path: str
    door: str
    permissions: tuple[str, ...]
    limit: str


@click.command()
@click.option("--check", is_flag=True, help="Print nothing; fail if a route has no door.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def routes(check: bool, as_json: bool) -> None:
    """Print every route with its door and permissions."""
    table = _table()
    if check:
        return
    if as_json:
        click.echo(msgspec.json.encode({"data": table}))
        return
    widths = [max(len(getattr(row, name)) for row in table) for name in ("method", "path", "door")]
    for row in table:
        cells = (row.method, row.path, row.door)
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        click.echo(f"{line}  {row.limit:<8}  {' '.join(row.permissions)}".rstrip())


def _alternatives(opt: dict[str, Any]) -> tuple[str, ...]:
    return ("|".join(any_of),) if (any_of := opt.get("any_of")) else ()


def _table() -> list[RouteView]:
    from litestar.routes import HTTPRoute

    from app.composition import assemble, connect
    from app.http.application import Exposure, create_app

    settings = settings_or_exit()
    app = create_app(assemble(connect(settings)), Exposure.of(settings))
    rows = [
        RouteView(
            method,
            route.path_format,
            handler.opt["door"],
            (*handler.opt["permissions"], *_alternatives(handler.opt)),
            "counted" if handler.opt["limited"] else "none",
        )
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
        if method != "OPTIONS"
    ]
    return sorted(rows, key=lambda row: (row.path, row.method))
