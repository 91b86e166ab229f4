import secrets
import sys
from typing import Any

import click

from app.cli.session import refuse, say, served, show_json, show_table
from app.composition import Services
from domain.model.actors import Actor
from domain.model.ids import UserId


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
        from domain.model.roles import ADMIN_ID

        if if_none and await services.users.has_admin(actor):
            return None
        role_ids = (ADMIN_ID,) if admin else ()
        return view(await services.users.create(actor, email=email, password=password, role_ids=role_ids))

    user = served(work)
    if user is None:
        _said("There is an admin already.", as_json)
        return
    if as_json:
        show_json(user)
    else:
        say(f"Created {'admin' if admin else 'user'} {email}.")
    if given is None:
        click.echo(f"Password, shown this once: {password}", err=as_json)


@users.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200), help="How many at the most.")
@click.option("--offset", default=0, type=click.IntRange(0), help="How many to pass over.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_users(limit: int, offset: int, as_json: bool) -> None:
    """List users, the newest first."""

    async def work(services: Services, actor: Actor) -> Any:
        from app.http.lists import ListView, cursor_after
        from app.http.users import view
        from domain.model.queries import Query

        query = Query(limit=limit, offset=offset)
        found = await services.users.list(actor, query)
        return ListView.of(found, query, view, next=cursor_after(found, query, services.cursors, of="/v1/users"))

    page = served(work)
    if as_json:
        show_json(page)
    else:
        rows = [(user.email, user.username or "", _state(user), f"{user.created_at:%Y-%m-%d}") for user in page.data]
        show_table(("E-mail", "User name", "State", "Created"), rows)
        click.echo(f"{len(page.data)} of {page.total}", err=True)


@users.command("set-password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, and do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print nothing: the answer has no body.")
def set_password(email: str, password_stdin: bool, as_json: bool) -> None:
    """Set a password, to be changed at the next sign-in. All sessions of the user end."""
    password = _given_password(password_stdin, not password_stdin) or ""

    async def work(services: Services, actor: Actor) -> None:
        user_id = await _user_id(services, actor, email)
        await services.users.set_password(actor, user_id, new=password)

    served(work)
    _said(f"Set the password of {email}.", as_json)


@users.command()
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="Print nothing: the answer has no body.")
def deactivate(email: str, as_json: bool) -> None:
    """Deactivate a user: signed out everywhere, and their keys are refused."""

    async def work(services: Services, actor: Actor) -> None:
        await services.users.deactivate(actor, await _user_id(services, actor, email))

    served(work)
    _said(f"Deactivated {email}.", as_json)


@users.command()
@click.argument("email")
@click.argument("role")
@click.option("--json", "as_json", is_flag=True, help="Print nothing: the answer has no body.")
def grant(email: str, role: str, as_json: bool) -> None:
    """Give a user a role, by its name."""

    async def work(services: Services, actor: Actor) -> None:
        user_id = await _user_id(services, actor, email)
        if (found := await services.roles.find(actor, role)) is None:
            refuse(f"there is no role {role!r}")
        await services.memberships.grant(actor, found.id, user_id)

    served(work)
    _said(f"Gave {role} to {email}.", as_json)


async def _user_id(services: Services, actor: Actor, email: str) -> UserId:
    if (user := await services.users.find(actor, email)) is None:
        refuse(f"there is no user {email!r}")
    return user.id


def _state(user: Any) -> str:
    if not user.is_active:
        return "inactive"
    return "active" if user.email_verified else "active, unverified"


def _said(sentence: str, as_json: bool) -> None:
    if not as_json:
        say(sentence)


def _given_password(password_stdin: bool, prompt: bool) -> str | None:
    if password_stdin and prompt:
        raise click.UsageError("--password-stdin and --prompt exclude each other")
    if prompt:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    if not password_stdin:
        return None
    try:
        line = sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise click.UsageError("--password-stdin: standard input is not UTF-8") from None
    if not line:
        raise click.UsageError("--password-stdin: standard input is empty")
    return line
