from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

import click

from app.cli.session import refuse, served, show_json
from app.composition import Services
from domain.model.actors import Actor
from domain.model.ids import KeyId, UserId
from domain.model.users import User

Turn = Callable[[Services, Actor, KeyId], Awaitable[Any]]


@click.command()
@click.option("--scope", "scopes", multiple=True, required=True, help="What it may do; may be repeated.")
@click.option("--name", required=True, help="What it is for.")
@click.option("--description", help="More about that.")
@click.option("--expires", metavar="SPAN", help="When it ends, such as 90d.")
@click.option("--owner", metavar="EMAIL", help="Whose it is; without it, the oldest active admin's.")
@click.option("--metadata", multiple=True, metavar="NAME=VALUE", help="What goes with it; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the key and its secret as JSON.")
def create(
    scopes: tuple[str, ...],
    name: str,
    description: str | None,
    expires: str | None,
    owner: str | None,
    metadata: tuple[str, ...],
    as_json: bool,
) -> None:
    """Create a key and print its secret, once."""
    members = _members(metadata)

    async def work(services: Services, actor: Actor) -> Any:
        from app.http.keys import issued_view
        from domain.services.key_requests import KeyRequest

        request = KeyRequest(name=name, scopes=scopes, description=description, expires_in=expires, metadata=members)
        owner_id = await _owner(services, actor, owner)
        return issued_view(await services.keys.create_for(actor, owner_id, request))

    issued = served(work)
    if as_json:
        show_json(issued)
    else:
        click.echo(f"Created key {issued.key.name} ({issued.key.id}).\nKey, shown this once: {issued.api_key}")


@click.command()
@click.argument("id", type=click.UUID)
@click.option("--grace-period", default="0s", metavar="SPAN", help="How long the present secret is still good.")
@click.option("--json", "as_json", is_flag=True, help="Print the key and its new secret as JSON.")
def rotate(id: UUID, grace_period: str, as_json: bool) -> None:
    """Give a key a new secret and print it, once."""

    async def work(services: Services, actor: Actor) -> Any:
        from app.http.keys import rotated_view

        return rotated_view(await services.keys.rotate(actor, KeyId(id), grace=grace_period))

    rotated = served(work)
    if as_json:
        show_json(rotated)
    else:
        ends = rotated.key.versions[-2].retires_at
        click.echo(f"Rotated key {rotated.key.name}; the secret before this one ends at {ends:%Y-%m-%d %H:%M:%S} UTC.")
        click.echo(f"Key, shown this once: {rotated.api_key}")


def _turning(name: str, told: str, turn: Turn) -> click.Command:
    """A command that turns a key, of the name and with the sentence that tell so."""

    @click.command(name, help=told)
    @click.argument("id", type=click.UUID)
    @click.option("--json", "as_json", is_flag=True, help="Print the key, and when this holds everywhere, as JSON.")
    def command(id: UUID, as_json: bool) -> None:
        async def work(services: Services, actor: Actor) -> Any:
            from app.http.keys import receipt_view

            return receipt_view(await turn(services, actor, KeyId(id)))

        receipt = served(work)
        if as_json:
            show_json(receipt)
        else:
            click.echo(f"Key {receipt.key.name} is {receipt.key.status}, everywhere from {receipt.effective_at} on.")

    return command


suspend = _turning("suspend", "Refuse a key until it is resumed.", lambda s, actor, key: s.keys.suspend(actor, key))
resume = _turning("resume", "Take a suspended key again.", lambda s, actor, key: s.keys.resume(actor, key))
revoke = _turning("revoke", "Revoke a key for good.", lambda s, actor, key: s.keys.revoke(actor, key))


def _members(pairs: Iterable[str]) -> dict[str, object]:
    members: dict[str, object] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not (name and sign):
            raise click.UsageError(f"--metadata: {pair!r} is not NAME=VALUE")
        members[name] = value
    return members


async def _owner(services: Services, actor: Actor, email: str | None) -> UserId:
    if email is None:
        owner, missing = await _oldest_admin(services, actor), "there is no active admin; name an owner with --owner"
    else:
        owner, missing = await services.users.find(actor, email), f"there is no user {email!r}"
    if owner is None:
        refuse(missing)
    return owner.id


async def _oldest_admin(services: Services, actor: Actor) -> User | None:
    from domain.model.queries import Operator, Query, Sort
    from domain.model.roles import ADMIN_ID
    from domain.model.users import USER_FIELDS

    active = USER_FIELDS.filter("is_active", Operator.EQ, True)
    query = Query(limit=1, sorting=(Sort("created_at"),), filters=(active,))
    return next(iter((await services.roles.list_members(actor, ADMIN_ID, query)).items), None)
