"""A cursor says where a list goes on, by whatever that list may be sorted by."""

from uuid import UUID

import pytest

from adapters.security.cursors import SignedCursors
from app.http.lists.cursors import cursor_after, position_in
from domain.model.invitations import INVITATION_FIELDS
from domain.model.keys import KEY_FIELDS
from domain.model.members import MEMBER_FIELDS
from domain.model.projects import PROJECT_FIELDS
from domain.model.queries import Choice, Field, Fields, Instant, Page, Position, Query, Sort
from domain.model.roles import ROLE_FIELDS
from domain.model.tasks import TASK_FIELDS
from domain.model.users import USER_FIELDS
from domain.model.webhooks import DELIVERY_FIELDS
from tests.support.fakes import START
from tests.support.ports import ROOTS

LISTED = (
    DELIVERY_FIELDS,
    INVITATION_FIELDS,
    KEY_FIELDS,
    MEMBER_FIELDS,
    PROJECT_FIELDS,
    ROLE_FIELDS,
    TASK_FIELDS,
    USER_FIELDS,
)
SORTED = [(fields, name) for fields in LISTED for name in fields.sorts]
CURSORS = SignedCursors(ROOTS)


def values_of(field: Field) -> list[object]:
    kind = field.kind
    some: list[object] = [None] if field.optional else []
    if isinstance(kind, Choice):
        return [*some, *kind.words]
    return [*some, START] if isinstance(kind, Instant) else [*some, "ß\u202e"]


@pytest.mark.parametrize(("fields", "name"), SORTED)
def test_it_brings_back_the_position_that_it_was_made_of(fields: Fields, name: str) -> None:
    query = Query(sorting=(Sort(name, descending=True),)).within(fields)
    for value in values_of(fields[name]):
        place = Position((value,), UUID(int=7))
        cursor = cursor_after(Page((), None, place), query, CURSORS, of="/v1/things")
        assert cursor is not None
        assert position_in(cursor, query, fields, CURSORS, of="/v1/things") == place
