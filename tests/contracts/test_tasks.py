from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import EditConflict, NotFound, QuotaReached, TaskNotFound, UserNotFound
from domain.model.queries import Page, Query, Sort
from domain.model.tasks import Task, TaskStatus

from ..support.databases import Storage
from ..support.examples import HOSTILE_TEXTS, a_member, a_project, a_task, a_user
from ..support.fakes import START

LATER = START + timedelta(microseconds=1)
BY_TITLE = Query(sorting=(Sort("title"),))


@pytest.fixture
async def task(storage: Storage, owner, project) -> Task:
    task = a_task(project, owner)
    await storage.given(task)
    return task


async def test_get_finds_what_add_was_given(storage: Storage, owner, project, task) -> None:
    full = a_task(
        project,
        owner,
        title=HOSTILE_TEXTS[0],
        description="line\nbreak",
        status=TaskStatus.DOING,
        due_at=LATER,
        assignee_id=owner.id,
        updated_at=LATER,
    )
    await storage.given(full)
    async with storage.uow.reading() as work:
        assert await work.tasks.get(project.id, task.id) == task
        assert await work.tasks.get(project.id, full.id) == full


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
async def test_texts_come_back_code_point_by_code_point(storage: Storage, owner, project, text: str) -> None:
    task = a_task(project, owner, title=text, description=text)
    await storage.given(task)
    async with storage.uow.reading() as work:
        assert await work.tasks.get(project.id, task.id) == task


async def test_a_task_is_found_in_its_own_project_only(storage: Storage, owner, project, task) -> None:
    other = a_project(owner)
    await storage.given(other)
    async with storage.uow.reading() as work:
        with pytest.raises(TaskNotFound):
            await work.tasks.get(other.id, task.id)
        with pytest.raises(TaskNotFound):
            await work.tasks.get(project.id, a_task(project, owner).id)
    async with storage.uow() as work:
        assert await work.tasks.lock(project.id, task.id) == task
        with pytest.raises(TaskNotFound):
            await work.tasks.lock(other.id, task.id)


async def test_add_refuses_what_is_over_the_projects_quota(storage: Storage, owner, project, task) -> None:
    other = a_project(owner)
    await storage.given(other, a_task(other, owner))
    async with storage.uow() as work:
        await work.tasks.add(a_task(project, owner), at_most=2)
    with pytest.raises(QuotaReached):
        async with storage.uow() as work:
            await work.tasks.add(a_task(project, owner), at_most=2)


async def test_add_refuses_what_leads_nowhere(storage: Storage, owner, project) -> None:
    nobody = a_user()
    for task in (
        a_task(a_project(owner), owner),
        a_task(project, nobody),
        a_task(project, owner, assignee_id=nobody.id),
    ):
        with pytest.raises(NotFound):
            async with storage.uow() as work:
                await work.tasks.add(task, at_most=10)


async def test_save_keeps_every_member_and_counts_the_version(storage: Storage, owner, project, task) -> None:
    change = replace(
        task,
        title="new",
        description="said",
        status=TaskStatus.DONE,
        due_at=LATER,
        assignee_id=owner.id,
        updated_at=LATER,
    )
    async with storage.uow() as work:
        saved = await work.tasks.save(change)
        again = await work.tasks.save(replace(saved, description=None, due_at=None, assignee_id=None))
    assert saved == replace(change, version=2)
    async with storage.uow.reading() as work:
        assert await work.tasks.get(project.id, task.id) == again
    assert again == replace(change, description=None, due_at=None, assignee_id=None, version=3)


async def test_save_refuses_somebody_who_is_not_there(storage: Storage, task) -> None:
    with pytest.raises(UserNotFound):
        async with storage.uow() as work:
            await work.tasks.save(replace(task, assignee_id=a_user().id))


async def test_save_and_delete_refuse_a_task_that_is_not_there(storage: Storage, owner, project) -> None:
    with pytest.raises(TaskNotFound):
        async with storage.uow() as work:
            await work.tasks.save(a_task(project, owner))
    with pytest.raises(TaskNotFound):
        async with storage.uow() as work:
            await work.tasks.delete(a_task(project, owner))


async def test_save_and_delete_refuse_what_was_read_before_somebody_elses_save(storage: Storage, task) -> None:
    async with storage.uow() as work:
        await work.tasks.save(task)
    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.tasks.save(task)
    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.tasks.delete(task)


async def test_delete_takes_one_task_and_no_other(storage: Storage, owner, project, task) -> None:
    bystander = a_task(project, owner)
    await storage.given(bystander)
    async with storage.uow() as work:
        await work.tasks.delete(task)
    async with storage.uow.reading() as work:
        assert await work.tasks.list_by_project(project.id, BY_TITLE) == Page((bystander,), 1)


async def test_the_tasks_of_a_deleted_project_are_gone_with_it(storage: Storage, owner, project, task) -> None:
    other = a_project(owner)
    kept = a_task(other, owner)
    await storage.given(other, kept)
    async with storage.uow() as work:
        await work.projects.delete(project)
    async with storage.uow.reading() as work:
        assert await work.tasks.list_by_project(project.id, Query()) == Page((), 0)
        assert await work.tasks.list_by_creator(owner.id, 10) == (kept,)
        with pytest.raises(TaskNotFound):
            await work.tasks.get(project.id, task.id)


async def test_a_list_is_of_one_project_in_the_order_asked_for(storage: Storage, owner, project) -> None:
    other = a_project(owner)
    late, never, soon = (
        a_task(project, owner, title="a", due_at=LATER),
        a_task(project, owner, title="c"),
        a_task(project, owner, title="b", due_at=START),
    )
    await storage.given(other, late, never, soon, a_task(other, owner))
    async with storage.uow.reading() as work:
        assert await work.tasks.list_by_project(project.id, BY_TITLE) == Page((late, soon, never), 3)
        by_due = Query(sorting=(Sort("due_at"),))
        assert await work.tasks.list_by_project(project.id, by_due) == Page((never, soon, late), 3)
        assert await work.tasks.list_by_project(project.id, replace(by_due, limit=1, offset=2)) == Page((late,), 3)


async def test_who_is_unassigned_has_none_of_this_projects_tasks(storage: Storage, owner, project) -> None:
    bob, other = a_user(), a_project(owner)
    theirs, also = (a_task(project, owner, assignee_id=bob.id) for _ in range(2))
    mine, elsewhere = a_task(project, owner, assignee_id=owner.id), a_task(other, owner, assignee_id=bob.id)
    await storage.given(bob, other, theirs, also, mine, elsewhere)
    async with storage.uow() as work:
        assert await work.tasks.unassign(project.id, bob.id, now=LATER) == 2
        assert await work.tasks.unassign(project.id, bob.id, now=LATER) == 0
    async with storage.uow.reading() as work:
        for task in (theirs, also):
            changed = replace(task, assignee_id=None, updated_at=LATER, version=2)
            assert await work.tasks.get(project.id, task.id) == changed
        assert await work.tasks.get(project.id, mine.id) == mine
        assert await work.tasks.list_by_assignee(bob.id, 10) == (elsewhere,)


async def test_the_tasks_of_a_user_come_page_by_page(storage: Storage, owner, project) -> None:
    bob = a_user()
    assigned = [a_task(project, owner, assignee_id=bob.id) for _ in range(5)]
    await storage.given(bob, *assigned, a_task(project, owner))
    async with storage.uow.reading() as work:
        first = await work.tasks.list_by_assignee(bob.id, 3)
        assert first == tuple(assigned[:3])
        assert await work.tasks.list_by_assignee(bob.id, 3, after=first[-1].id) == tuple(assigned[3:])
        assert await work.tasks.list_by_assignee(owner.id, 3) == ()


async def test_what_a_user_created_is_told_while_they_are_a_member(storage: Storage, owner, project) -> None:
    bob = a_user()
    member = a_member(project, bob)
    made = [a_task(project, bob) for _ in range(3)]
    await storage.given(bob, member, *made, a_task(project, owner))
    async with storage.uow() as work:
        assert await work.tasks.list_by_creator(bob.id, 2) == tuple(made[:2])
        assert await work.tasks.list_by_creator(bob.id, 2, after=made[1].id) == tuple(made[2:])
        await work.members.delete(member)
        assert await work.tasks.list_by_creator(bob.id, 2) == ()
