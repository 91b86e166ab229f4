from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec
from litestar import Request
from msgspec import UNSET, UnsetType

from app.http.lists.cursors import cursor_after, list_of
from domain.model.queries import LIMIT_MAX, Page, Query

T = TypeVar("T")
V = TypeVar("V")


class ListView(msgspec.Struct, Generic[V], frozen=True, kw_only=True):
    """A page; `total` is how many there are in all, and `next` the cursor of what comes after it, `null` at the end.

    `total` and `offset` are absent where the page itself was asked for by a cursor.
    """

    total: int | UnsetType = UNSET
    data: tuple[V, ...]
    limit: int
    offset: int | UnsetType = UNSET
    next: str | None

    @classmethod
    def of(cls, page: Page[T], query: Query, view: Callable[[T], V], *, next: str | None) -> "ListView[V]":
        data = tuple(map(view, page.items))
        if page.total is None:
            return cls(data=data, limit=query.limit, next=next)
        return cls(total=page.total, data=data, limit=query.limit, offset=query.offset, next=next)

    @classmethod
    def whole(cls, data: Iterable[V]) -> "ListView[V]":
        """A list that is never longer than a page."""
        views = tuple(data)
        return cls(total=len(views), data=views, limit=LIMIT_MAX, offset=0, next=None)


def listed(request: Request[Any, Any, Any], page: Page[T], query: Query, view: Callable[[T], V]) -> ListView[V]:
    """*page*, which is what *query* asked of the list at the request's path."""
    cursor = cursor_after(page, query, request.app.state.cursors, of=list_of(request))
    return ListView.of(page, query, view, next=cursor)
