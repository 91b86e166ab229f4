"""HTTP to somebody who is not trusted: in time, in plain, never too much, and never further on."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

import httpx

from adapters.oidc import documents
from domain.errors import Unavailable

LARGEST: Final = 256 * 1024
"""Bytes of one answer."""
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Hexkey"}
_T = TypeVar("_T")


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Raises Unavailable when the block takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise Unavailable("the identity provider does not answer in time") from None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    is_json: bool
    body: bytes

    def members(self) -> dict[str, Any]:
        """Raises Unavailable for what is no JSON object."""
        if not self.is_json:
            raise Unavailable("the identity provider answers in another form than JSON")
        try:
            return documents.members(self.body)
        except ValueError:
            raise Unavailable("the identity provider answers nonsense") from None

    def good(self) -> dict[str, Any]:
        """Raises Unavailable for whatever is not 200 and a JSON object."""
        if self.status != 200:
            raise Unavailable(f"the identity provider answers {self.status}")
        return self.members()

    def read(self, kind: type[_T]) -> _T:
        """Raises Unavailable for whatever is not 200 and a *kind*."""
        found = self.good()
        try:
            return documents.convert(found, kind)
        except ValueError:
            raise Unavailable("the identity provider answers nonsense") from None


class Calls:
    """A connection for each call. Redirects are answers, not ways to go; proxies and passwords of the environment are
    not looked at; certificates are those that the machine trusts. *patience*, in seconds, holds for each step of a
    call; `within` bounds the whole.

    Nothing is unpacked: a few packed bytes may be a gigabyte, and httpx unpacks before it can be asked how much.
    """

    def __init__(self, *, patience: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._patience = patience
        self._transport = transport

    async def get(self, url: str, *, bearer: str | None = None) -> Answer:
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        return await self._ask("GET", url, headers=headers)

    async def post(self, url: str, form: Mapping[str, str], *, auth: httpx.BasicAuth | None) -> Answer:
        return await self._ask("POST", url, data=form, auth=auth)

    async def _ask(self, method: str, url: str, **request: Any) -> Answer:
        """Raises Unavailable."""
        try:
            async with self._client() as client, client.stream(method, url, **request) as response:
                return await _read(response)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as failure:
            raise Unavailable(f"the identity provider {_complaint(failure)}") from None

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers=_HEADERS,
            transport=self._transport,
            verify=self._trusted,
            trust_env=False,
            timeout=self._patience,
        )

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context()


async def _read(response: httpx.Response) -> Answer:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unavailable("the identity provider packs its answers, which was not asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > LARGEST:
            raise Unavailable("the identity provider answers too much")
    return Answer(response.status_code, _is_json(response.headers.get("content-type", "")), bytes(body))


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def _complaint(failure: Exception) -> str:
    """Never the words of the other side, nor an address with what was sent along."""
    if isinstance(failure, httpx.TimeoutException):
        return "does not answer in time"
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "has a certificate that is not trusted"
        cause = cause.__cause__ or cause.__context__
    return "cannot be reached" if isinstance(failure, httpx.ConnectError) else "ends the call in the midst of it"
