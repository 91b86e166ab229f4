"""``hexkey keys import``: one JSON object a line, each a key as another service kept it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import msgspec

from app.cli.session import refuse, say, served, show_json
from app.composition import Services
from domain.model.actors import Actor
from domain.model.keys import ForeignDigest, Scheme

if TYPE_CHECKING:
    from domain.services.key_imports import ImportReport, KeyImport, RefusedLine

_FILE_MAX = 64 * 1024 * 1024
_LINE_MAX = 16 * 1024


class Line(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    scheme: Scheme
    digest: str
    name: str
    scopes: list[str]
    owner: str
    key_id: str | None = None
    last4: Annotated[str, msgspec.Meta(max_length=4)] = ""
    description: str | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    metadata: dict[str, Any] | None = None
    limits: list[str] = []
    allowed_networks: list[str] = []
    is_active: bool = True


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--pepper-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="What keyshield's pepper is in."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--skip-refused", is_flag=True, help="Import the other lines where some are refused.")
@click.option("--json", "as_json", is_flag=True, help="Print what became of it as JSON.")
def import_keys(file: Path, pepper_file: Path | None, dry_run: bool, skip_refused: bool, as_json: bool) -> None:
    """Take the keys of another service: see docs/keys.md for what stands in FILE."""
    from domain.services.key_imports import RefusedLine

    if file.stat().st_size > _FILE_MAX:
        refuse(f"{file} is longer than {_FILE_MAX} bytes; import it in parts")
    read = list(_read(file, _pepper(pepper_file)))
    refused = [line for line in read if isinstance(line, RefusedLine)]
    asked = [line for line in read if not isinstance(line, RefusedLine)]

    async def work(services: Services, actor: Actor) -> Any:
        return await services.key_imports.run(actor, asked, refused=refused, skip_refused=skip_refused, dry_run=dry_run)

    report: ImportReport = served(work)
    (_show_json if as_json else _tell)(report, dry_run)
    if report.refused:
        raise click.exceptions.Exit(1)


def _pepper(file: Path | None) -> str | None:
    """Without the line break that an editor leaves behind it."""
    try:
        return None if file is None else file.read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        refuse("the pepper is not UTF-8")


def _read(file: Path, pepper: str | None) -> "Iterator[KeyImport | RefusedLine]":
    from domain.services.key_imports import KeyImport, RefusedLine
    from domain.services.key_requests import KeyRequest

    with file.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            if not raw.strip():
                continue
            if len(raw) > _LINE_MAX:
                yield RefusedLine(number, f"is longer than {_LINE_MAX} bytes")
                continue
            try:
                line = msgspec.json.decode(raw, type=Line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                yield RefusedLine(number, str(error))
                continue
            yield KeyImport(
                line=number,
                owner=line.owner,
                foreign=ForeignDigest(scheme=line.scheme, digest=line.digest, foreign_id=line.key_id, pepper=pepper),
                request=KeyRequest(
                    name=line.name,
                    scopes=line.scopes,
                    description=line.description,
                    expires_at=line.expires_at,
                    metadata=line.metadata,
                    limits=line.limits,
                    allowed_networks=line.allowed_networks,
                ),
                last4=line.last4,
                is_active=line.is_active,
            )


def _tell(report: "ImportReport", dry_run: bool) -> None:
    for refused in report.refused:
        say(f"line {refused.line}: {refused.detail}")
    would = "Would import" if dry_run else "Imported"
    say(f"{would} {len(report.imported)} keys; {len(report.present)} were there; {len(report.refused)} are refused.")


def _show_json(report: "ImportReport", dry_run: bool) -> None:
    show_json(
        {
            "dry_run": dry_run,
            "imported": [str(key.id) for key in report.imported],
            "present": [str(key.id) for key in report.present],
            "refused": [{"line": refused.line, "detail": refused.detail} for refused in report.refused],
        }
    )
