import click

from app.settings import made_secret


@click.group()
def secrets() -> None:
    """Make root secrets."""


@secrets.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def generate(as_json: bool) -> None:
    """Print a new root secret for HEXKEY_SECRETS."""
    secret = made_secret()
    click.echo(f'{{"secret":"{secret}"}}' if as_json else secret)
