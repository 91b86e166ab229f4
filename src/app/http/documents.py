"""``/openapi.json`` and ``/docs``: two documents that need nothing from the internet.

The framework's own router for them adds an unmarked route that catches every path; these are plain routes with a door.
Swagger UI 5.35.0 (Apache 2.0) stands in ``assets/`` beside its licences.
"""

import asyncio
import re
from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from app.http.doors import Door, public
from app.http.openapi import describe
from domain.errors import NotFound

ASSETS = files("app.http") / "assets"
MEDIA_TYPES = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon.png": "image/png",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
FOR_A_YEAR = "max-age=31536000, immutable"
DATED = {"parameters": [{"name": "v", "in": "query", "required": False, "schema": {"type": "string"}}]}


class Shelf:
    """Documents, each made once and in a thread: the larger ones take a quarter of a second."""

    def __init__(self) -> None:
        self._making: dict[str, asyncio.Task[bytes]] = {}

    async def take(self, name: str, make: Callable[[], bytes]) -> bytes:
        """What *make* returned when *name* was first asked for; who asks meanwhile waits for the same."""
        making = self._making.get(name)
        if making is None or (making.done() and (making.cancelled() or making.exception())):
            making = self._making[name] = asyncio.create_task(asyncio.to_thread(make))
        return await asyncio.shield(making)


def document_routes(*, version: str, secure_cookies: bool, opt: dict[str, Any] | None = None) -> list[HTTPRouteHandler]:
    """Routes of the documents, public unless *opt* says otherwise; made at their first request."""
    shelf, opt = Shelf(), opt or public(limited=False)
    kept = f"{'public' if opt['door'] is Door.PUBLIC else 'private'}, {FOR_A_YEAR}"

    @get("/openapi.json", opt=opt, include_in_schema=False)
    async def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
        def make() -> bytes:
            return msgspec.json.encode(describe(request.app, version=version, secure_cookies=secure_cookies))

        return Response(await shelf.take("openapi.json", make), media_type="application/json")

    @get("/docs", opt=opt, include_in_schema=False)
    async def docs() -> Response[bytes]:
        page, headers = await shelf.take("docs.html", docs_page), {"content-security-policy": POLICY}
        return Response(page, media_type="text/html; charset=utf-8", headers=headers)

    @get("/docs/{name:str}", opt=opt | DATED, include_in_schema=False)
    async def docs_asset(name: FromPath[str]) -> Response[bytes]:
        if name not in MEDIA_TYPES:
            raise NotFound
        asset = await shelf.take(name, (ASSETS / name).read_bytes)
        return Response(asset, media_type=MEDIA_TYPES[name], headers={"cache-control": kept})

    return [openapi, docs, docs_asset]


def docs_page() -> bytes:
    """The page, each of its files named with its digest, so that a browser may keep them for good."""

    def dated(match: re.Match[str]) -> str:
        digest = sha256((ASSETS / match[1]).read_bytes()).hexdigest()[:12]
        return f'"/docs/{match[1]}?v={digest}"'

    return re.sub(r'"/docs/([a-z.-]+)"', dated, (ASSETS / "docs.html").read_text()).encode()
