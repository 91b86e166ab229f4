"""The service with a directory that is read for every request: what the lease saves."""

import os
from dataclasses import replace

from adapters.sql import SqlAccessDirectory, open_database
from app.composition import Ports, assemble, connect
from app.http.application import Exposure, create_app
from app.http.edge import Application
from app.settings import Settings, load
from domain.model.access import Grant


class ReadEachTime(SqlAccessDirectory):
    def is_current(self, grant: Grant) -> bool:
        """As a grant that was just read is to the lease: nobody reads it twice for one request."""
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
