"""``hexkey keys``: made and turned (`turning`), taken from elsewhere (`importing`), looked at (`looking`), and found
where they should not be (`scan`).
"""

import click

from app.cli.keys.importing import import_keys
from app.cli.keys.looking import list_keys, show, verify
from app.cli.keys.scan import scan
from app.cli.keys.turning import create, resume, revoke, rotate, suspend

__all__ = ("keys",)


@click.group()
def keys() -> None:
    """Manage API keys."""


for _command in (create, list_keys, show, rotate, suspend, resume, revoke, verify, import_keys, scan):
    keys.add_command(_command)
