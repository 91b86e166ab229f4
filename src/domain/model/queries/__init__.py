"""What a list is asked for, and what it answers.

`kinds` are the types of what is filtered, and what each operator means; `fields` is what a resource lets its list be
asked; `query` is what was asked and the page of answers. A resource declares its fields once, beside its model:

    PROJECT_FIELDS = Fields(Field("name", Text(NAME_LIMIT), sorts=True), Field("created_at", Instant(), sorts=True))

*Why the meaning stands here.* Three storages answer alike because one function says which rows match and in what
order; the SQL is held to it by a test that asks all of them ten thousand random questions.
"""

from domain.model.queries.fields import NEWEST_FIRST, Field, Fields, Filter, Sort
from domain.model.queries.kinds import (
    IN_MAX,
    Choice,
    Day,
    Flag,
    Id,
    Instant,
    Kind,
    Members,
    Operator,
    Text,
    Whole,
    Word,
)
from domain.model.queries.query import (
    DEFAULT_LIMIT,
    LIMIT_MAX,
    OFFSET_MAX,
    SORTS_MAX,
    Page,
    Position,
    Query,
)

__all__ = (
    "DEFAULT_LIMIT",
    "IN_MAX",
    "LIMIT_MAX",
    "NEWEST_FIRST",
    "OFFSET_MAX",
    "SORTS_MAX",
    "Choice",
    "Day",
    "Field",
    "Fields",
    "Filter",
    "Flag",
    "Id",
    "Instant",
    "Kind",
    "Members",
    "Operator",
    "Page",
    "Position",
    "Query",
    "Sort",
    "Text",
    "Whole",
    "Word",
)
