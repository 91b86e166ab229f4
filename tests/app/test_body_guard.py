"""A body that is waited for is waited for with patience that ends; one that is here is not waited for at all."""

import asyncio
from typing import Any

import pytest

from app.http.body_guard import GuardedBody
from app.http.errors import BodyTooLarge, BodyTooSlow, MalformedRequest

LENGTH = {b"content-length": b"2"}


def receiving(*messages: dict[str, Any]) -> Any:
    rest = iter(messages)

    async def receive() -> Any:
        await asyncio.sleep(0)  # a server may always let others go first
        return next(rest)

    return receive


async def test_a_body_that_has_arrived_is_not_timed() -> None:
    whole = {"type": "http.request", "body": b"{}", "more_body": False}
    guard = GuardedBody(receiving(whole), LENGTH, seconds=-1, arrived=True)
    assert await guard.receive() == whole
    assert guard.complete


async def test_one_that_has_not_is_due_in_time() -> None:
    with pytest.raises(BodyTooSlow):
        await GuardedBody(receiving(), LENGTH, seconds=-1).receive()


@pytest.mark.parametrize("arrived", [True, False])
async def test_what_is_wrong_with_it_is_wrong_either_way(arrived: bool) -> None:
    large = {"type": "http.request", "body": bytes(2**20 + 1), "more_body": False}
    with pytest.raises(BodyTooLarge):
        await GuardedBody(receiving(large), LENGTH, seconds=1, arrived=arrived).receive()
    with pytest.raises(MalformedRequest):
        await GuardedBody(receiving({"type": "http.disconnect"}), LENGTH, seconds=1, arrived=arrived).receive()
