import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import click

from app.cli.session import served, show_json, show_table
from app.composition import Services
from domain.errors import Invalid
from domain.model.actors import Actor
from domain.model.durations import duration
from domain.model.ids import KeyId
from domain.model.queries import Query


@click.command("list")
@click.option("--scope", help="Only keys that hold this scope.")
@click.option("--expiring", metavar="SPAN", help="Only live keys that end within, such as 30d; the first to end first.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200), help="How many at the most.")
@click.option("--offset", default=0, type=click.IntRange(0), help="How many to pass over.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_keys(scope: str | None, expiring: str | None, limit: int, offset: int, as_json: bool) -> None:
    """List keys, the newest first."""
    span = None if expiring is None else _span(expiring)

    async def work(services: Services, actor: Actor) -> Any:
        from app.http.keys import view
        from app.http.lists import ListView, cursor_after

        query = _asked(scope, span, limit, offset)
        found = await services.keys.list(actor, query)
        return ListView.of(found, query, view, next=cursor_after(found, query, services.cursors, of="/v1/api-keys"))

    page = served(work)
    if as_json:
        show_json(page)
    else:
        rows = [
            (str(key.id), key.name, " ".join(key.scopes), key.status, _day(key.expires_at), _day(key.last_used_at))
            for key in page.data
        ]
        show_table(("Id", "Name", "Scopes", "Status", "Expires", "Last used"), rows)
        click.echo(f"{len(page.data)} of {page.total}", err=True)


@click.command()
@click.argument("id", type=click.UUID)
@click.option("--json", "as_json", is_flag=True, help="Print the key as JSON.")
def show(id: UUID, as_json: bool) -> None:
    """Show one key, without its secret."""

    async def work(services: Services, actor: Actor) -> Any:
        from app.http.keys import view

        return view(await services.keys.get(actor, KeyId(id)))

    key = served(work)
    if as_json:
        show_json(key)
    else:
        import msgspec

        rows = [(name, _told(value)) for name, value in msgspec.to_builtins(key).items()]
        show_table(("Member", "Value"), rows)


@click.command()
@click.option("--permission", "permissions", multiple=True, help="What it must be allowed; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def verify(permissions: tuple[str, ...], as_json: bool) -> None:
    """Read a key from standard input and say whether it is good, now; exit status 1 if it is not."""
    if not (credential := sys.stdin.readline().strip()):
        raise click.UsageError("standard input is empty")

    async def work(services: Services, actor: Actor) -> Any:
        from app.http.keys import verification_view

        return verification_view(await services.access.verify(actor, credential, permissions=permissions))

    verdict = served(work)
    if as_json:
        show_json(verdict)
    else:
        click.echo(f"{verdict.code}: {verdict.key_id}" if verdict.key_id else verdict.code)
    if not verdict.valid:
        raise click.exceptions.Exit(1)


def _span(raw: str) -> timedelta:
    try:
        return duration(raw, "--expiring")
    except Invalid as refusal:
        raise click.UsageError(str(refusal)) from None


def _asked(scope: str | None, span: timedelta | None, limit: int, offset: int) -> Query:
    from domain.model.keys import ENDED, KEY_FIELDS, KeyStatus
    from domain.model.queries import NEWEST_FIRST, Operator, Query, Sort

    filters = []
    if scope is not None:
        filters.append(KEY_FIELDS.filter("scope", Operator.EQ, scope))
    if span is not None:
        live = tuple(status for status in KeyStatus if status not in ENDED)
        filters.append(KEY_FIELDS.filter("status", Operator.IN, live))
        filters.append(KEY_FIELDS.filter("expires_at", Operator.LTE, _later(span)))
    sorting = NEWEST_FIRST if span is None else (Sort("expires_at"),)
    return Query(limit=limit, offset=offset, sorting=sorting, filters=tuple(filters))


def _later(span: timedelta) -> datetime:
    try:
        return datetime.now(UTC) + span
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def _told(value: Any) -> str:
    import msgspec

    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
