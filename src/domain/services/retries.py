from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from domain.errors import EditConflict

T = TypeVar("T")
ATTEMPTS = 3


async def settled(change: Callable[[], Awaitable[T]]) -> T:
    """*change*, a whole unit of work, again when somebody else's save came between its read and its write.

    For what must end the same whoever comes first, such as ending something. Raises EditConflict when it is overtaken
    each of three times.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(EditConflict):
            return await change()
    return await change()
