from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import EditConflict, MemberNotFound, NotFound, QuotaReached
from domain.model.members import MemberCard, ProjectRole
from domain.model.queries import Page, Query, Sort
from domain.model.users import Username

from ..support.databases import Storage
from ..support.examples import a_member, a_project, a_user
from ..support.fakes import START

LATER = START + timedelta(microseconds=1)


@pytest.fixture
async def editor(storage: Storage, project):
    user = a_user(name="Bob", username=Username("bob"))
    member = a_member(project, user, created_at=LATER)
    await storage.given(user, member)
    return member


async def test_whoever_has_a_project_is_its_first_member(storage: Storage, owner, project) -> None:
    async with storage.uow.reading() as work:
        found = await work.members.find(project.id, owner.id)
        assert found == project.founder()
        assert await work.members.find(project.id, a_user().id) is None
    assert (found.role, found.created_at) == (ProjectRole.OWNER, project.created_at)


async def test_find_finds_what_add_was_given(storage: Storage, project, editor) -> None:
    async with storage.uow.reading() as work:
        assert await work.members.find(project.id, editor.user_id) == editor


async def test_add_refuses_what_is_over_the_projects_quota(storage: Storage, owner, project, editor) -> None:
    other = a_user()
    await storage.given(other, a_project(owner))
    with pytest.raises(QuotaReached):
        async with storage.uow() as work:
            await work.members.add(a_member(project, other), at_most=2)
    async with storage.uow() as work:
        await work.members.add(a_member(project, other), at_most=3)


async def test_add_refuses_what_leads_nowhere(storage: Storage, owner, project) -> None:
    with pytest.raises(NotFound):
        async with storage.uow() as work:
            await work.members.add(a_member(a_project(owner), owner), at_most=10)
    with pytest.raises(NotFound):
        async with storage.uow() as work:
            await work.members.add(a_member(project, a_user()), at_most=10)


async def test_add_refuses_who_is_a_member_already(storage: Storage, owner, project) -> None:
    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.members.add(a_member(project, owner), at_most=10)


async def test_save_keeps_the_role_and_counts_the_version(storage: Storage, project, editor) -> None:
    async with storage.uow() as work:
        saved = await work.members.save(editor.with_role(ProjectRole.VIEWER))
    assert saved == replace(editor, role=ProjectRole.VIEWER, version=2)
    async with storage.uow.reading() as work:
        assert await work.members.find(project.id, editor.user_id) == saved


async def test_save_keeps_since_when_somebody_has_been_a_member(storage: Storage, project, editor) -> None:
    """Whoever left and came back may be saved by what was read of them before."""
    async with storage.uow() as work:
        await work.members.save(replace(editor, created_at=START + timedelta(days=1)))
    async with storage.uow.reading() as work:
        found = await work.members.find(project.id, editor.user_id)
    assert found == replace(editor, version=2)


async def test_save_and_delete_refuse_who_is_no_member(storage: Storage, project) -> None:
    nobody = a_member(project, a_user())
    with pytest.raises(MemberNotFound):
        async with storage.uow() as work:
            await work.members.save(nobody)
    with pytest.raises(MemberNotFound):
        async with storage.uow() as work:
            await work.members.delete(nobody)


async def test_save_and_delete_refuse_what_was_read_before_somebody_elses_save(storage: Storage, editor) -> None:
    async with storage.uow() as work:
        await work.members.save(editor)
    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.members.save(editor)
    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.members.delete(editor)


async def test_delete_takes_one_member_and_no_other(storage: Storage, owner, project, editor) -> None:
    async with storage.uow() as work:
        await work.members.delete(editor)
    async with storage.uow.reading() as work:
        assert await work.members.find(project.id, editor.user_id) is None
        assert await work.members.find(project.id, owner.id) == project.founder()


async def test_the_members_of_a_deleted_project_are_gone_with_it(storage: Storage, owner, project, editor) -> None:
    other = a_project(owner)
    await storage.given(other)
    async with storage.uow() as work:
        await work.projects.delete(project)
    async with storage.uow.reading() as work:
        assert await work.members.list_by_project(project.id, Query()) == Page((), 0)
        assert await work.members.list_by_user(owner.id, 10) == (other.founder(),)
        assert await work.members.list_by_user(editor.user_id, 10) == ()


async def test_the_heir_is_the_other_owner_who_is_there_for_longest(storage: Storage, owner, project, editor) -> None:
    first, second, twin = a_user(), a_user(), a_user()
    own = {"role": ProjectRole.OWNER}
    heir = a_member(project, first, created_at=LATER, **own)
    async with storage.uow.reading() as work:
        assert await work.members.find_heir(project.id, owner.id) is None
    await storage.given(first, second, twin)
    await storage.given(
        a_member(project, second, created_at=LATER + timedelta(microseconds=1), **own),
        a_member(project, twin, created_at=LATER, **own),
        heir,
    )
    async with storage.uow.reading() as work:
        assert await work.members.find_heir(project.id, owner.id) == heir
        assert await work.members.find_heir(project.id, first.id) == project.founder()


async def test_a_list_shows_who_they_are(storage: Storage, owner, project, editor) -> None:
    by_age, by_name = Query(sorting=(Sort("created_at"),)), Query(sorting=(Sort("name", descending=True),))
    other = a_user()
    await storage.given(other, a_project(other))
    async with storage.uow.reading() as work:
        bob = await work.users.get(editor.user_id)
        cards = (MemberCard.of(project.founder(), owner), MemberCard.of(editor, bob))
        assert await work.members.list_by_project(project.id, by_age) == Page(cards, 2)
        assert await work.members.list_by_project(project.id, by_name) == Page(cards[::-1], 2)
        page = await work.members.list_by_project(project.id, Query(limit=1, offset=1, sorting=by_age.sorting))
        assert page == Page(cards[1:], 2)
    assert (cards[1].name, cards[1].username, cards[1].email) == ("Bob", "bob", bob.email)


async def test_the_memberships_of_a_user_come_page_by_page(storage: Storage, owner, project) -> None:
    projects = [project, *(a_project(owner) for _ in range(3))]
    await storage.given(*projects[1:])
    await storage.given(other := a_user(), a_project(other))
    ids = sorted(one.id for one in projects)
    async with storage.uow.reading() as work:
        first = await work.members.list_by_user(owner.id, 3)
        rest = await work.members.list_by_user(owner.id, 3, after=first[-1].project_id)
    assert [member.project_id for member in (*first, *rest)] == ids
