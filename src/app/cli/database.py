from typing import Any

import click
from advanced_alchemy.cli import add_migration_commands

from app.cli.session import refuse, settings_or_exit, told
from domain.errors import DomainError

DESTRUCTIVE = {"drop-all"}


class Guarded(click.Group):
    """advanced-alchemy's commands over our database; what destroys it is refused in production."""

    def invoke(self, ctx: click.Context) -> Any:
        from app.composition import migrations

        settings = settings_or_exit()
        command = next(iter(ctx._protected_args), None)
        if settings.env == "production" and command in DESTRUCTIVE:
            refuse(f"{command} is not for production")
        try:
            if (config := migrations(settings)) is None:
                refuse("memory:// has no schema to migrate")
            ctx.obj = {"configs": [config]}
            return super().invoke(ctx)
        except (DomainError, OSError) as error:
            refuse(told(error) if isinstance(error, DomainError) else str(error))


@click.group(cls=Guarded)
def database() -> None:
    """Migrate and inspect the schema."""


add_migration_commands(database)
