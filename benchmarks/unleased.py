"""The service with a directory that is read for every request: what the lease saves."""

import os
from dataclasses import replace
from typing import Any

from adapters.sql import SqlAccessDirectory, open_database
from app.composition import Ports, assemble, connect
from app.http.application import Exposure, create_app
from app.http.edge import Application
from app.settings import Settings, load
from domain.model.access import Grant, KeyGrant
from domain.model.ids import KeyId


class ReadEachTime(SqlAccessDirectory):
    """What was just read is current once, to the door that had it read: nobody reads it twice for one request, and
    everybody for the next.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._fresh: set[int] = set()

    async def find_key(self, key_id: KeyId) -> KeyGrant | None:
        if (grant := await super().find_key(key_id)) is not None:
            self._fresh.add(id(grant))
        return grant

    def is_current(self, grant: Grant) -> bool:
        if id(grant) not in self._fresh:
            return False
        self._fresh.remove(id(grant))
        return True


def unleased(settings: Settings, ports: Ports) -> Ports:
    database = settings.database
    source = open_database(database.path if database.dsn is None else database.dsn.reveal())
    directory = ReadEachTime(source, ports.rules.catalogue, ports.clock)

    async def close() -> None:
        await source.close()
        await ports.close()

    return replace(ports, directory=directory, jobs=(), close=close)


def create() -> Application:
    settings = load({name: value for name, value in os.environ.items() if name.startswith("HEXKEY_")})
    return create_app(assemble(unleased(settings, connect(settings))), Exposure.of(settings))
