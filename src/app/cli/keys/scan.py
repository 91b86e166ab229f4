import re
from collections.abc import Iterator
from os import environ
from pathlib import Path

import click
import msgspec

from app.cli.keys.leaks import PassedOver, files_in, matches_in_file
from app.composition import KeyFormat, key_format
from app.settings import EX_CONFIG, SettingsError, parse


class Leak(msgspec.Struct, frozen=True):
    """Where a key stands, and which; never its secret."""

    file: str
    line: int
    prefix: str
    key_id: str


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--prefix", help="What keys begin with, where it is not HEXKEY_KEY_PREFIX.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def scan(path: Path, prefix: str | None, as_json: bool) -> None:
    """Look for keys in a file or a folder; exit status 1 if there is one. It asks no database: a checksum tells."""
    leaks = []
    for leak in _leaks_in(path, _format(prefix)):
        leaks.append(leak)
        if not as_json:
            click.echo(f"{leak.file}:{leak.line}: {leak.prefix} is the key {leak.key_id}")
    if as_json:
        click.echo(msgspec.json.encode({"data": leaks}))
    if leaks:
        raise click.exceptions.Exit(1)


def _format(prefix: str | None) -> KeyFormat:
    try:
        return key_format(parse(environ).key_prefix if prefix is None else prefix)
    except SettingsError as error:
        for problem in error.problems:
            click.echo(f"hexkey: {problem}", err=True)
        raise click.exceptions.Exit(EX_CONFIG) from None
    except ValueError as error:
        raise click.UsageError(f"--prefix: {error}") from None


def _leaks_in(path: Path, form: KeyFormat) -> Iterator[Leak]:
    pattern = re.compile(form.pattern.encode())
    for file in files_in(path):
        try:
            for line, text in matches_in_file(file, pattern):
                if (presented := form.read(text)) is not None:
                    key_id = presented.key_id
                    yield Leak(str(file), line, form.prefix_of(key_id), str(key_id))
        except PassedOver as reason:
            click.echo(f"hexkey: {file} is passed over: {reason}", err=True)
