"""How SQLite means to run what is asked often, or over much: by an index, and without sorting."""

import pytest

from adapters.sql import (
    access,
    attempts,
    events,
    idempotency,
    mails,
    members,
    one_time_tokens,
    projects,
    sessions,
    tasks,
)
from adapters.sql.statements import Statement
from domain.model.queries import NEWEST_FIRST
from tests.adapters.sql.plans import plan


@pytest.mark.parametrize(
    "statement",
    [
        access._KEY,
        access._SESSION,
        events._list(),
        events._list("before"),
        mails._DUE,
        sessions._END_OWN,
        sessions._END_ACTING,
        attempts._PRUNE,
        one_time_tokens._PRUNE,
        idempotency._CLAIM,
        idempotency._SAVE,
        Statement(idempotency._SHOWN_NO_LONGER),
        Statement(idempotency._EXPIRED),
        members._BY_USER,
        members._BY_USER_AFTER,
        tasks._UNASSIGN,
        *tasks._BY_ASSIGNEE,
        *tasks._BY_CREATOR,
    ],
)
def test_nothing_is_read_that_is_not_wanted(connection, statement: Statement) -> None:
    steps = plan(connection, statement)
    assert [
        step for step in steps if not step.startswith(("SEARCH", "SCALAR", "LIST")) and "USING INDEX" not in step
    ] == []


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["user_id"], "ix_events_user_id (user_id>? AND user_id<?)"),
        (["before", "user_id"], "ix_events_user_id (user_id>? AND (user_id,id)<(?,?))"),
        (["subject"], "ix_events_subject (subject>? AND subject<?)"),
        (["before", "subject"], "ix_events_subject (subject>? AND (subject,id)<(?,?))"),
        (["before", "user_id", "subject"], "ix_events_subject (subject>? AND (subject,id)<(?,?))"),
    ],
)
def test_a_page_of_events_begins_where_the_last_one_ended(connection, names: list[str], found: str) -> None:
    assert plan(connection, events._list(*names)) == [f"SEARCH events USING INDEX {found}"]


def test_the_newest_projects_of_a_member_are_read_without_the_others(connection) -> None:
    assert plan(connection, projects._OF_MEMBER_LISTINGS[False]._page(NEWEST_FIRST, (), None)) == [
        "SEARCH project_members USING COVERING INDEX ix_project_members_newest (user_id=?)",
        "SEARCH projects USING INDEX sqlite_autoindex_projects_1 (id=?)",
    ]


def test_a_users_live_sessions_are_few_to_read(connection) -> None:
    first, *_ = plan(connection, sessions._LIST_LIVE)
    assert first == "SEARCH sessions USING INDEX ix_sessions_not_ended (user_id=? AND ends_at>?)"
