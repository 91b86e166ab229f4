"""A worker that is killed at one point of a request: ``python -m tests.support.dying before 2 <key> <path> <body>``."""

import asyncio
import os
import signal
import sys
from dataclasses import replace

import httpx

from app.composition import assemble, connect
from app.http.application import Exposure, create_app
from app.settings import load
from tests.support.units import Units


async def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(moment: str, which: str, credential: str, path: str, body: str) -> None:
    settings = load(os.environ)
    ports = connect(settings)
    units = Units(ports.uow)
    app = create_app(assemble(replace(ports, uow=units)), Exposure.of(settings))
    {"before": units.before, "after": units.after}[moment](int(which), die)
    headers = {"x-api-key": credential, "idempotency-key": "k", "content-type": "application/json"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url, headers=headers) as client:
        sys.exit((await client.post(path, content=body)).text)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
