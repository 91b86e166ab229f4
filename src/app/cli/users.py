import secrets
import sys

import click

from app.cli.session import served, show_json
from app.composition import Services
from domain.model.actors import Actor


@click.group()
def users() -> None:
    """Manage the people who sign in."""


@users.command()
@click.option("--email", required=True, help="The address to sign in with.")
@click.option("--admin", is_flag=True, help="May do everything.")
@click.option("--if-none", is_flag=True, help="Only if there is no active admin yet.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--prompt", is_flag=True, help="Ask for the password.")
@click.option("--json", "as_json", is_flag=True, help="Print the user as JSON.")
def create(email: str, admin: bool, if_none: bool, password_stdin: bool, prompt: bool, as_json: bool) -> None:
    """Create a user. Without a password one is made and printed, once."""
    given = _given_password(password_stdin, prompt)
    password = secrets.token_urlsafe(18) if given is None else given

    async def work(services: Services, actor: Actor) -> object:
        from app.http.users import view

        if if_none and await services.users.has_admin(actor):
            return None
        make = services.users.create_admin if admin else services.users.create
        return view(await make(actor, email=email, password=password))

    user = served(work)
    if as_json:
        show_json(user)
    elif user is None:
        click.echo("There is an admin already.")
    else:
        click.echo(f"Created {'admin' if admin else 'user'} {email}.")
    if user is not None and given is None:
        click.echo(f"Password, shown this once: {password}", err=as_json)


def _given_password(password_stdin: bool, prompt: bool) -> str | None:
    if password_stdin and prompt:
        raise click.UsageError("--password-stdin and --prompt exclude each other")
    if prompt:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    if not password_stdin:
        return None
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise click.UsageError("--password-stdin: standard input is empty")
    return line
