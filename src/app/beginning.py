"""What a process does before its first request."""

import logging

from app.services import Services
from domain.errors import Unavailable

log = logging.getLogger("hexkey")


async def begin(services: Services) -> None:
    """Raises Unavailable over a schema that is not the code's. While the database is away the process serves all the
    same, and says that it is not ready: it may take the place of a worker that died, and a supervisor ends all the
    others where one cannot start.
    """
    try:
        await services.start()
    except Unavailable as refusal:
        if not await _is_away(services):
            raise
        log.warning("not ready yet: %s", refusal)


async def _is_away(services: Services) -> bool:
    try:
        await services.checks["database"]()
    except Unavailable:
        return True
    except KeyError:
        pass
    return False
