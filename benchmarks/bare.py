"""The reference "bare": a Litestar route with nothing of ours around it."""

import msgspec
from litestar import Litestar, get


class Answer(msgspec.Struct, frozen=True):
    id: int
    name: str


@get("/")
async def bare() -> Answer:
    return Answer(1, "bare")


def create() -> Litestar:
    return Litestar([bare], openapi_config=None, logging_config=None)
