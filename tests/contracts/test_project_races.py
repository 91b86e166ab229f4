"""Projects, members and tasks that many write at once: what committed first holds for whoever commits later."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from dataclasses import replace

import pytest

from app.composition import Services, assemble
from domain.errors import DomainError
from domain.model.actors import Actor, ActorKind
from domain.model.members import ProjectRole
from domain.model.permissions import MEMBER_PERMISSIONS
from domain.model.projects import Project
from domain.model.queries import Query
from domain.model.users import User
from tests.support.databases import Storage
from tests.support.examples import a_member, a_project, a_task, a_user
from tests.support.fakes import START
from tests.support.ports import ports_over

ROUNDS = 10
CALLERS = 8


@pytest.fixture
def services(storage: Storage) -> Services:
    return assemble(ports_over(storage))


def acting(user: User) -> Actor:
    return Actor(kind=ActorKind.USER, permissions=MEMBER_PERMISSIONS, user_id=user.id)


async def told(*attempts: Awaitable[object]) -> list[str]:
    """What each was told, in their order."""

    async def one(attempt: Awaitable[object]) -> str:
        try:
            await attempt
        except DomainError as refusal:
            return refusal.code
        return "done"

    return list(await asyncio.gather(*map(one, attempts)))


async def with_two_owners(storage: Storage, ada: User, bob: User) -> Project:
    project = a_project(ada)
    await storage.given(project, a_member(project, bob, role=ProjectRole.OWNER))
    return project


async def test_whoever_locks_a_project_waits_for_those_who_hold_it(storage: Storage, project) -> None:
    order: list[str] = []

    async def hold(name: str) -> None:
        async with storage.uow() as work:
            await work.projects.hold(project.id)
            await asyncio.sleep(0.05)
            order.append(name)

    async def archive() -> None:
        await asyncio.sleep(0.02)
        async with storage.uow() as work:
            seen = await work.projects.lock(project.id)
            await work.projects.save(seen.archive(now=START))
            order.append("archived")

    await asyncio.gather(hold("one"), hold("other"), archive())
    assert order[-1] == "archived"
    assert len(order) == 3


async def test_who_locked_a_project_is_seen_by_whoever_waited(storage: Storage, project) -> None:
    async def append(caller: int) -> None:
        async with storage.uow() as work:
            seen = await work.projects.lock(project.id)
            await asyncio.sleep(0)
            await work.projects.save(replace(seen, description=f"{seen.description or ''}{caller},"))

    assert await told(*map(append, range(CALLERS))) == ["done"] * CALLERS
    async with storage.uow.reading() as work:
        assert (await work.projects.get(project.id)).version == 1 + CALLERS


async def test_who_locked_a_task_is_seen_by_whoever_waited(storage: Storage, owner, project) -> None:
    task = a_task(project, owner)
    await storage.given(task)

    async def append(caller: int) -> None:
        async with storage.uow() as work:
            seen = await work.tasks.lock(project.id, task.id)
            await asyncio.sleep(0)
            await work.tasks.save(replace(seen, description=f"{seen.description or ''}{caller},"))

    assert await told(*map(append, range(CALLERS))) == ["done"] * CALLERS
    async with storage.uow.reading() as work:
        assert (await work.tasks.get(project.id, task.id)).version == 1 + CALLERS


async def test_nothing_is_written_once_a_project_is_archived(storage: Storage, services: Services, owner) -> None:
    """Whoever was told that it is archived finds the tasks as they stay."""
    ada, bob = acting(owner), a_user()
    await storage.given(bob)
    for _ in range(ROUNDS):
        project = a_project(owner)
        task = a_task(project, owner)
        await storage.given(project, task)
        at_archive: list[int] = []

        async def archive(project: Project = project, seen: list[int] = at_archive) -> None:
            await services.projects.archive(ada, project.id)
            seen.append((await services.tasks.list(ada, project.id, Query())).total)

        answers = await told(
            *(services.tasks.create(ada, project.id, title=f"{n}") for n in range(3)),
            archive(),
            services.tasks.update(ada, project.id, task.id, title="new"),
            services.projects.update(ada, project.id, name=f"new {project.id}"),
            services.members.put(ada, project.id, bob.id, role="viewer"),
            *(services.tasks.create(ada, project.id, title=f"{n}") for n in range(3)),
        )
        assert set(answers) <= {"done", "project_archived"}
        assert answers[3] == "done"
        created = (answers[:3] + answers[7:]).count("done")
        assert at_archive == [1 + created]
        assert (await services.tasks.list(ada, project.id, Query())).total == 1 + created


async def test_of_two_owners_who_leave_at_once_one_stays(storage: Storage, services: Services, owner) -> None:
    bob = a_user()
    await storage.given(bob)
    for _ in range(ROUNDS):
        project = await with_two_owners(storage, owner, bob)
        answers = await told(*(services.members.remove(acting(who), project.id, who.id) for who in (owner, bob)))
        assert Counter(answers) == {"done": 1, "last_owner": 1}
        await one_owner_is_left(storage, project)


async def test_of_two_owners_who_remove_each_other_one_stays(storage: Storage, services: Services, owner) -> None:
    """Whoever comes second does not see the project any more."""
    bob = a_user()
    await storage.given(bob)
    for demoting in (False, True) * (ROUNDS // 2):
        project = await with_two_owners(storage, owner, bob)
        second = (
            services.members.put(acting(bob), project.id, owner.id, role="viewer")
            if demoting
            else services.members.remove(acting(bob), project.id, owner.id)
        )
        answers = await told(services.members.remove(acting(owner), project.id, bob.id), second)
        assert answers.count("done") == 1
        assert set(answers) <= {"done", "not_found", "permission_denied"}
        await one_owner_is_left(storage, project)


async def one_owner_is_left(storage: Storage, project: Project) -> None:
    async with storage.uow.reading() as work:
        cards = (await work.members.list_by_project(project.id, Query())).items
        owners = [card.member.user_id for card in cards if card.member.owns]
        assert owners == [(await work.projects.get(project.id)).owner_id]


async def test_a_member_who_is_put_by_many_is_added_once(storage: Storage, services: Services, owner) -> None:
    bob, project = a_user(), a_project(owner)
    await storage.given(bob, project)
    puts = [services.members.put(acting(owner), project.id, bob.id, role="editor") for _ in range(CALLERS)]
    assert await told(*puts) == ["done"] * CALLERS
    async with storage.uow.reading() as work:
        assert (await work.members.find(project.id, bob.id)).version == 1
        actions = [event.action for event in await work.events.list(100)]
    assert actions.count("project.member_added") == 1


async def test_who_is_removed_while_they_get_a_task_has_none(storage: Storage, services: Services, owner) -> None:
    bob = a_user()
    await storage.given(bob)
    for _ in range(ROUNDS):
        project = a_project(owner)
        task = a_task(project, owner)
        await storage.given(project, task, a_member(project, bob))
        answers = await told(
            services.tasks.update(acting(owner), project.id, task.id, assignee_id=bob.id),
            services.members.remove(acting(owner), project.id, bob.id),
            services.tasks.create(acting(bob), project.id, title="by Bob", assignee_id=bob.id),
        )
        assert set(answers) <= {"done", "invalid_input", "not_found"}
        assert answers[1] == "done"
        async with storage.uow.reading() as work:
            assert await work.tasks.list_by_assignee(bob.id, 10) == ()


async def test_a_task_that_is_deleted_and_changed_at_once_is_gone(storage: Storage, services: Services, owner) -> None:
    project = a_project(owner)
    await storage.given(project)
    ada = acting(owner)
    for _ in range(ROUNDS):
        task = a_task(project, owner)
        await storage.given(task)
        answers = await told(
            services.tasks.update(ada, project.id, task.id, title="1"),
            services.tasks.delete(ada, project.id, task.id),
            services.tasks.update(ada, project.id, task.id, title="2"),
        )
        assert answers[1] == "done"
        assert {answers[0], answers[2]} <= {"done", "not_found"}
    assert (await services.tasks.list(ada, project.id, Query())).total == 0


async def test_a_project_that_is_deleted_while_tasks_are_made_leaves_none(
    storage: Storage, services: Services, owner
) -> None:
    ada = acting(owner)
    for _ in range(ROUNDS):
        project = a_project(owner)
        await storage.given(project)
        answers = await told(
            services.tasks.create(ada, project.id, title="1"),
            services.projects.delete(ada, project.id),
            services.tasks.create(ada, project.id, title="2"),
        )
        assert answers[1] == "done"
        assert set(answers) <= {"done", "not_found"}
        async with storage.uow.reading() as work:
            assert await work.tasks.list_by_creator(owner.id, 10) == ()


async def test_those_who_hold_a_project_do_not_wait_for_each_other(
    storage: Storage, project, request: pytest.FixtureRequest
) -> None:
    """Where there is one writer at a time, the first gives up waiting for company."""
    company = asyncio.Barrier(2)
    met: list[bool] = []

    async def hold() -> None:
        async with storage.uow() as work:
            await work.projects.hold(project.id)
            try:
                async with asyncio.timeout(0.2):
                    await company.wait()
                met.append(True)
            except TimeoutError:
                met.append(False)

    await asyncio.gather(hold(), hold())
    assert met == [request.node.callspec.params["storage"] == "postgres"] * 2
