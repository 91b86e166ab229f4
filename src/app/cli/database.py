from typing import Any

import click
from advanced_alchemy.cli import add_migration_commands

from app.cli.session import refuse, services_or_exit, settings_or_exit, told
from domain.errors import DomainError

DESTRUCTIVE = {"drop-all"}


class Guarded(click.Group):
    """advanced-alchemy's commands over our database; what destroys it is refused in production.

    An application's own tables are upgraded with ours, after them; every other command is about those that
    ``--bind-key`` names, or else about ours.
    """

    def invoke(self, ctx: click.Context) -> Any:
        from app.composition import migrations

        settings = settings_or_exit()
        command = next(iter(ctx._protected_args), None)
        if settings.env == "production" and command in DESTRUCTIVE:
            refuse(f"{command} is not for production")
        try:
            branches = () if settings.app is None else services_or_exit(settings).branches
            if not (configs := migrations(settings, branches)):
                refuse("memory:// has no schema to migrate")
            ctx.obj = {"configs": configs}
            if command != "upgrade" or "--bind-key" in ctx.args:
                return super().invoke(ctx)
            return self._upgrade(ctx, configs)
        except (DomainError, OSError) as error:
            refuse(told(error) if isinstance(error, DomainError) else str(error))

    def _upgrade(self, ctx: click.Context, configs: list[Any]) -> Any:
        asked, words = list(ctx._protected_args), list(ctx.args)
        for config in configs:
            ctx.obj = {"configs": [config]}
            ctx._protected_args, ctx.args = list(asked), list(words)
            super().invoke(ctx)


@click.group(cls=Guarded)
def database() -> None:
    """Migrate and inspect the schema."""


add_migration_commands(database)
