"""What a list's query may hold, as OpenAPI says it; the door lets nothing else in."""

from functools import cache
from typing import Any

from domain.model.queries import (
    DEFAULT_LIMIT,
    IN_MAX,
    LIMIT_MAX,
    SORTS_MAX,
    Choice,
    Day,
    Field,
    Fields,
    Flag,
    Id,
    Instant,
    Kind,
    Members,
    Operator,
    Sort,
    Text,
    Whole,
)

CURSOR_MAX = 4096
OFFSET_MAX = 999_999_999
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
DAY = "(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
"""No pattern spells the calendar, nor the bounds of numbers: these tell of values that are right in any case."""

UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
Schema = dict[str, Any]


def listing(fields: Fields) -> dict[str, Any]:
    """What a list's query may hold, for the handler's ``opt`` beside its door."""
    return {
        "parameters": [
            parameter("limit", type="integer", minimum=1, maximum=LIMIT_MAX, default=DEFAULT_LIMIT),
            parameter("offset", type="integer", minimum=0, maximum=OFFSET_MAX, default=0),
            parameter("sorting", type="string", pattern=_sorting(fields), default=_said(fields.usual)),
            described(
                "cursor",
                "The `next` of a page: what comes after it, by the same sorting and filters, without an offset.",
                type="string",
                minLength=1,
                maxLength=CURSOR_MAX,
            ),
            *(_filter(field, asked, name) for name, (field, asked) in filters_of(fields).items()),
            *_aliases(fields),
        ]
    }


@cache
def filters_of(fields: Fields) -> dict[str, tuple[Field, Operator]]:
    """Each filter by the name of its parameter: ``name``, which is ``name[eq]``, ``name[ne]`` and so on."""
    named: dict[str, tuple[Field, Operator]] = {}
    for field in map(fields.__getitem__, fields):
        named[field.name] = (field, Operator.EQ)
        named.update((f"{field.name}[{asked}]", (field, asked)) for asked in field.operators)
    return named


def trail_parameters(*filters: dict[str, Any]) -> dict[str, Any]:
    """What the query of a list that is read by cursor only may hold."""
    limit = parameter("limit", type="integer", minimum=1, maximum=LIMIT_MAX, default=DEFAULT_LIMIT)
    return {"parameters": [limit, parameter("cursor", type="string", maxLength=1024), *filters]}


def switches(*names: str) -> dict[str, Any]:
    """What is said by ``name=true`` in a query."""
    return {"parameters": [parameter(name, type="boolean", default=False) for name in names]}


def parameter(name: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def described(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {**parameter(name, **schema), "description": description}


def _aliases(fields: Fields) -> list[dict[str, Any]]:
    return [
        described("skip", "`offset`, in another word.", type="integer", minimum=0, maximum=OFFSET_MAX),
        described("filter_key", "The field that is to be `value`.", type="string", enum=list(fields)),
        described("value", "What `filter_key` is to be.", type="string", minLength=1),
        described("sort_by", "One field of `sorting`, and instead of it.", type="string", enum=list(fields.sorts)),
        described("order", "The direction of `sort_by`: `asc` unless it says so.", type="string", enum=["asc", "desc"]),
    ]


def _said(sorting: tuple[Sort, ...]) -> str:
    return ",".join(f"{sort.field}:{'desc' if sort.descending else 'asc'}" for sort in sorting)


def _sorting(fields: Fields) -> str:
    term = f"({'|'.join(fields.sorts)})(:(asc|desc))?"
    return f"^{term}(,{term}){{0,{SORTS_MAX - 1}}}$"


def _filter(field: Field, asked: Operator, name: str) -> dict[str, Any]:
    if asked is Operator.ISNULL:
        return parameter(name, type="boolean")
    return parameter(name, **(_several(field.kind) if asked is Operator.IN else _schema(field.kind)))


def _schema(kind: Kind) -> Schema:
    match kind:
        case Text(longest=longest) | Members(longest=longest):
            schema: Schema = {"type": "string", "minLength": 1, "maxLength": longest}
        case Instant():
            schema = {"type": "string", "format": "date-time", "pattern": f"^{TIME}$"}
        case Day():
            schema = {"type": "string", "format": "date"}
        case Whole(least=least, most=most):
            schema = {"type": "integer", "minimum": least, "maximum": most}
        case Id():
            schema = {"type": "string", "format": "uuid", "pattern": f"^{UUID}$"}
        case Flag():
            schema = {"type": "boolean"}
        case Choice(words=words):
            schema = {"type": "string", "enum": list(words)}
        case _:
            raise TypeError(f"{kind} has no schema")
    return schema


def _several(kind: Kind) -> Schema:
    """Some of them, with commas between."""
    match kind:
        case Text(longest=longest) | Members(longest=longest):
            one = f"[^,]{{1,{longest}}}"
        case Instant():
            one = TIME
        case Day():
            one = DAY
        case Whole(most=most):
            one = f"[1-9][0-9]{{0,{max(len(str(most)) - 2, 0)}}}"
        case Id():
            one = UUID
        case Choice(words=words):
            one = f"({'|'.join(words)})"
        case _:
            raise TypeError(f"{kind} has no schema")
    return {"type": "string", "pattern": f"^{one}(,{one}){{0,{IN_MAX - 1}}}$"}
