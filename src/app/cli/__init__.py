"""The ``hexkey`` command: the operator's side, over the same services, as the actor `system`.

A command is imported when it is called, so that ``--help``, ``doctor`` and ``secrets generate`` build no application.
To add one: a file for its noun, and its line in `COMMANDS`.

Exit status: 0 done, 1 refused, 2 misused, 78 wrong or unsafe settings.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import click

COMMANDS = {
    "access": ("app.cli.access", "access", "What the workers remember of credentials."),
    "database": ("app.cli.database", "database", "Migrate and inspect the schema."),
    "doctor": ("app.cli.doctor", "doctor", "Say what is unsafe or missing, each with its mend."),
    "keys": ("app.cli.keys", "keys", "Manage API keys."),
    "routes": ("app.cli.routes", "routes", "Print every route with its door, limit and permissions."),
    "run": ("app.cli.run", "run", "Serve over HTTP."),
    "scopes": ("app.cli.scopes", "scopes", "Manage named sets of permissions for keys."),
    "secrets": ("app.cli.secrets", "secrets", "Make root secrets."),
    "users": ("app.cli.users", "users", "Manage the people who sign in."),
}


class Lazy(click.Group):
    """A group that knows its commands by name, and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, _, summary) in sorted(COMMANDS.items())])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hexkey", message="%(version)s")
@click.option("--app", metavar="MODULE:NAME", help="What makes an application of yours, in place of HEXKEY_APP.")
@click.pass_context
def main(ctx: click.Context, app: str | None) -> None:
    """Users, API keys and projects: one permission model for people and machines."""
    if app is not None:
        ctx.with_resource(_named_in_the_environment(app))


@contextmanager
def _named_in_the_environment(app: str) -> Iterator[None]:
    """Where workers find it too."""
    before = os.environ.get("HEXKEY_APP")
    os.environ["HEXKEY_APP"] = app
    try:
        yield
    finally:
        del os.environ["HEXKEY_APP"]
        if before is not None:
            os.environ["HEXKEY_APP"] = before
