from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain.errors import Invalid
from domain.model.ids import UserId
from domain.model.members import ProjectRole, project_role
from domain.model.tasks import TaskStatus, due_time, task_status
from domain.model.texts import title_text
from tests.support.examples import a_project, a_task, a_user
from tests.support.fakes import START

OWNER = a_user()
TASK = a_task(a_project(OWNER), OWNER, title="first", description="what it is", assignee_id=OWNER.id, due_at=START)
LATER = START + timedelta(hours=1)


def test_an_edit_changes_what_is_named_and_the_time() -> None:
    done = TASK.edit(status=TaskStatus.DONE, now=LATER)
    assert (done.status, done.title, done.assignee_id, done.updated_at) == ("done", "first", OWNER.id, LATER)
    cleared = TASK.edit(description=None, due_at=None, assignee_id=None, now=LATER)
    assert (cleared.description, cleared.due_at, cleared.assignee_id, cleared.title) == (None, None, None, "first")


def test_the_difference_is_told_in_what_json_can_say() -> None:
    assert TASK.difference(TASK.edit(now=LATER)) == {}
    edited = TASK.edit(status=TaskStatus.DOING, due_at=None, assignee_id=UserId(a_user().id), now=LATER)
    assert TASK.difference(edited) == {
        "status": {"before": "todo", "after": "doing"},
        "due_at": {"before": "2026-01-01T00:00:00+00:00", "after": None},
        "assignee_id": {"before": str(OWNER.id), "after": str(edited.assignee_id)},
    }


@pytest.mark.parametrize("title", ["x", "x" * 256, "👩‍👩‍👧‍👦", "a\u00a0b"])
def test_a_title_is_trimmed_and_else_kept(title: str) -> None:
    assert title_text(f"  {title} ") == title


@pytest.mark.parametrize("title", ["", "  ", "x" * 257, "a\nb", "\0"])
def test_other_titles_are_refused(title: str) -> None:
    with pytest.raises(Invalid, match=r"^title: "):
        title_text(title)


def test_words_that_are_none_are_refused_with_those_that_are() -> None:
    assert (task_status("doing"), project_role("viewer")) == (TaskStatus.DOING, ProjectRole.VIEWER)
    with pytest.raises(Invalid, match="status: is one of todo, doing, done"):
        task_status("Done")
    with pytest.raises(Invalid, match="role: is one of viewer, editor, owner"):
        project_role("admin")


def test_a_due_time_is_kept_in_utc_where_there_is_such_a_time() -> None:
    east = timezone(timedelta(hours=14))
    assert due_time(None) is None
    assert due_time(datetime(2026, 1, 1, 14, tzinfo=east)) == START
    assert due_time(datetime(2026, 1, 1, 14, tzinfo=east)).tzinfo is UTC
    with pytest.raises(Invalid, match="due_at"):
        due_time(datetime(1, 1, 1, tzinfo=east))
