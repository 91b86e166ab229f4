"""Where a list goes on: the position of its last item, signed over the list, its sorting and its filters.

It is good for whoever has it and grants nothing: what they may see is asked anew for each page. A position is a JSON
array of the values that the list is sorted by, and the id.
"""

from datetime import date, datetime
from types import GenericAlias
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Request

from domain.errors import Invalid
from domain.model.queries import Choice, Day, Fields, Instant, Kind, Page, Position, Query, Text, Whole
from domain.ports.security import Cursors

T = TypeVar("T")


def list_of(request: Request[Any, Any, Any]) -> str:
    """The list that answers at the request's path."""
    return str(request.scope["path"]).rstrip("/")


def cursor_after(page: Page[T], query: Query, cursors: Cursors, *, of: str) -> str | None:
    """What *page* goes on with, where *query* asked the list called *of* for it; None at the end."""
    if page.next is None:
        return None
    place = msgspec.json.encode((*page.next.values, page.next.id)).decode()
    return cursors.sign(place, of=_meaning(query, of))


def position_in(cursor: str, query: Query, fields: Fields, cursors: Cursors, *, of: str) -> Position:
    """The position that *cursor* stands for. Raises Invalid for one that is not of this list, asked the same."""
    try:
        if (place := cursors.read(cursor, of=_meaning(query, of))) is None:
            raise Invalid("cursor", "is not one that this list handed out for this sorting and these filters")
        *values, id_ = msgspec.json.decode(place, type=_type_of(query, fields))
    except (msgspec.DecodeError, UnicodeError):
        raise Invalid("cursor", "is not one that this list handed out") from None
    return Position(tuple(values), id_)


def _meaning(query: Query, of: str) -> str:
    """All that a cursor is bound to, in one way of writing it."""
    sorting = [(sort.field, sort.descending) for sort in query.sorting]
    filters = [(asked.field.name, asked.operator, asked.value) for asked in query.filters]
    asked = sorted(map(msgspec.json.encode, filters))
    return msgspec.json.encode((of, sorting, list(map(msgspec.Raw, asked)))).decode()


def _type_of(query: Query, fields: Fields) -> Any:
    sorts = [fields[sort.field] for sort in query.sorting]
    values = tuple(_value_of(sort.kind) | None if sort.optional else _value_of(sort.kind) for sort in sorts)
    return GenericAlias(tuple, (*values, UUID))


def _value_of(kind: Kind) -> Any:
    """The type of what a list may be sorted by."""
    match kind:
        case Text():
            return str
        case Instant():
            return Annotated[datetime, msgspec.Meta(tz=True)]
        case Choice(words=words):
            return words
        case Day():
            return date
        case Whole():
            return int
    raise TypeError(f"{kind} is not sorted by")
