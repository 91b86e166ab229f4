from typing import Any

import click

from app.cli.session import served, show_json, show_table
from app.composition import Services
from domain.model.actors import Actor


@click.group()
def scopes() -> None:
    """Manage named sets of permissions for keys."""


@scopes.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_scopes(as_json: bool) -> None:
    """List scopes; beside them each permission is one by itself."""

    async def work(services: Services, actor: Actor) -> Any:
        from app.http.lists import ListView
        from app.http.scopes import view

        return ListView.whole(map(view, await services.scopes.list(actor)))

    page = served(work)
    if as_json:
        show_json(page)
        return
    rows = [(scope.name, "built in" if scope.built_in else "", " ".join(scope.permissions)) for scope in page.data]
    show_table(("Name", "", "Permissions"), rows)


@scopes.command("set")
@click.argument("name")
@click.option("--permission", "permissions", multiple=True, required=True, help="What it allows; may be repeated.")
@click.option("--description", help="What it is for.")
@click.option("--json", "as_json", is_flag=True, help="Print the scope as JSON.")
def set_scope(name: str, permissions: tuple[str, ...], description: str | None, as_json: bool) -> None:
    """Define a scope, or give it another meaning for every key that holds it."""

    async def work(services: Services, actor: Actor) -> Any:
        from app.http.scopes import view

        return view(await services.scopes.put(actor, name, permissions=permissions, description=description))

    scope = served(work)
    if as_json:
        show_json(scope)
    else:
        click.echo(f"Scope {scope.name} allows {', '.join(scope.permissions)}.")


@scopes.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Take it from the keys that hold it.")
@click.option("--json", "as_json", is_flag=True, help="Print nothing: the answer has no body.")
def delete(name: str, force: bool, as_json: bool) -> None:
    """Delete a scope."""

    async def work(services: Services, actor: Actor) -> None:
        await services.scopes.delete(actor, name, force=force)

    served(work)
    if not as_json:
        click.echo(f"Deleted scope {name}.")
