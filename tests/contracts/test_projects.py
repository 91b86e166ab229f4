from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import EditConflict, ProjectNameTaken, ProjectNotFound, QuotaReached, UserNotFound
from domain.model.queries import Page, Query, Sort

from ..support.databases import Storage
from ..support.examples import HOSTILE_TEXTS, a_key, a_member, a_project, a_user
from ..support.fakes import START

BY_NAME = Query(sorting=(Sort("name"),))


async def test_get_finds_what_add_was_given(storage: Storage, owner) -> None:
    plain = a_project(owner)
    full = a_project(
        owner,
        description="line\nbreak\ttab \u202e " + HOSTILE_TEXTS[-1],
        created_at=START + timedelta(microseconds=1),
        updated_at=START + timedelta(microseconds=999_999),
    )
    await storage.given(plain, full)

    async with storage.uow.reading() as work:
        assert await work.projects.get(plain.id) == plain
        assert await work.projects.get(full.id) == full


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
async def test_texts_come_back_code_point_by_code_point(storage: Storage, owner, text: str) -> None:
    project = a_project(owner, name=text, description=text)
    await storage.given(project)

    async with storage.uow.reading() as work:
        assert await work.projects.get(project.id) == project


async def test_an_empty_description_is_not_a_missing_one(storage: Storage, owner) -> None:
    project = a_project(owner, description="")
    await storage.given(project)

    async with storage.uow.reading() as work:
        assert (await work.projects.get(project.id)).description == ""


async def test_get_refuses_an_unknown_project(storage: Storage, owner) -> None:
    async with storage.uow.reading() as work:
        with pytest.raises(ProjectNotFound):
            await work.projects.get(a_project(owner).id)


async def test_add_refuses_a_name_the_owner_already_uses(storage: Storage, owner, project) -> None:
    with pytest.raises(ProjectNameTaken):
        async with storage.uow() as work:
            await work.projects.add(a_project(owner, name=project.name), at_most=10)


async def test_add_allows_a_name_another_owner_uses(storage: Storage, project) -> None:
    other = a_user()
    await storage.given(other, a_project(other, name=project.name))


@pytest.mark.parametrize(("one", "other"), [("é", "e\u0301"), ("ada", "Ada"), ("a_b", "a%b"), ("ß", "ss")])
async def test_names_differ_when_a_single_code_point_does(storage: Storage, owner, one: str, other: str) -> None:
    await storage.given(a_project(owner, name=one), a_project(owner, name=other))


async def test_add_refuses_an_unknown_owner(storage: Storage) -> None:
    with pytest.raises(UserNotFound):
        async with storage.uow() as work:
            await work.projects.add(a_project(a_user()), at_most=10)


async def test_add_refuses_what_is_over_the_owners_quota(storage: Storage, owner, project) -> None:
    other = a_user()
    await storage.given(other, a_project(other))
    async with storage.uow() as work:
        await work.projects.add(a_project(owner), at_most=2)

    with pytest.raises(QuotaReached):
        async with storage.uow() as work:
            await work.projects.add(a_project(owner), at_most=2)


async def test_of_two_reasons_add_tells_the_quota(storage: Storage, owner, project) -> None:
    with pytest.raises(QuotaReached):
        async with storage.uow() as work:
            await work.projects.add(a_project(owner, name=project.name), at_most=1)


async def test_a_deleted_project_leaves_the_quota_and_the_name(storage: Storage, owner, project) -> None:
    async with storage.uow() as work:
        await work.projects.delete(project)
        await work.projects.add(a_project(owner, name=project.name), at_most=1)


async def test_save_keeps_every_member_and_counts_the_version(storage: Storage, owner, project) -> None:
    change = replace(project, name="new", description="said", updated_at=START + timedelta(microseconds=1))

    async with storage.uow() as work:
        saved = await work.projects.save(change)
        again = await work.projects.save(replace(saved, description=None))

    assert saved == replace(change, version=2)
    async with storage.uow.reading() as work:
        assert await work.projects.get(project.id) == again == replace(change, description=None, version=3)


async def test_save_frees_the_old_name(storage: Storage, owner, project) -> None:
    async with storage.uow() as work:
        await work.projects.save(replace(project, name="renamed"))
        await work.projects.add(a_project(owner, name=project.name), at_most=10)


async def test_save_refuses_a_name_the_owner_already_uses(storage: Storage, owner, project) -> None:
    second = a_project(owner)
    await storage.given(second)

    with pytest.raises(ProjectNameTaken):
        async with storage.uow() as work:
            await work.projects.save(replace(second, name=project.name))


async def test_save_refuses_a_project_that_is_not_there(storage: Storage, owner) -> None:
    with pytest.raises(ProjectNotFound):
        async with storage.uow() as work:
            await work.projects.save(a_project(owner))


async def test_save_refuses_a_value_read_before_somebody_elses_save(storage: Storage, project) -> None:
    async with storage.uow() as work:
        await work.projects.save(replace(project, name="first"))

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.projects.save(replace(project, name="second"))

    async with storage.uow.reading() as work:
        assert (await work.projects.get(project.id)).name == "first"


async def test_of_two_reasons_save_tells_the_version(storage: Storage, owner, project) -> None:
    second = a_project(owner)
    await storage.given(second)

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.projects.save(replace(second, name=project.name, version=7))


async def test_delete_takes_one_project_and_no_other(storage: Storage, owner, project) -> None:
    bystander = a_project(owner)
    await storage.given(bystander)

    async with storage.uow() as work:
        await work.projects.delete(project)

    async with storage.uow.reading() as work:
        assert await work.projects.list_by_owner(owner.id, BY_NAME) == Page((bystander,), 1)
        with pytest.raises(ProjectNotFound):
            await work.projects.get(project.id)


async def test_delete_refuses_a_project_that_is_not_there(storage: Storage, owner, project) -> None:
    async with storage.uow() as work:
        await work.projects.delete(project)

    with pytest.raises(ProjectNotFound):
        async with storage.uow() as work:
            await work.projects.delete(project)


async def test_delete_refuses_a_value_read_before_somebody_elses_save(storage: Storage, project) -> None:
    async with storage.uow() as work:
        await work.projects.save(replace(project, name="first"))

    with pytest.raises(EditConflict):
        async with storage.uow() as work:
            await work.projects.delete(project)


async def test_a_key_restricted_to_a_deleted_project_stays_restricted(storage: Storage, owner, project) -> None:
    """An empty restriction is none at all: forgetting the project would open every other one."""
    key = a_key(owner, project_ids=frozenset({project.id}))
    await storage.given(key)

    async with storage.uow() as work:
        await work.projects.delete(project)

    async with storage.uow.reading() as work:
        assert (await work.keys.get(key.id)).project_ids == {project.id}


async def test_a_list_is_of_one_owner_or_of_all(storage: Storage, owner) -> None:
    other = a_user()
    first, second, third = a_project(owner, name="a"), a_project(other, name="b"), a_project(owner, name="c")
    await storage.given(other, third, second, first)

    async with storage.uow.reading() as work:
        assert await work.projects.list_by_owner(owner.id, BY_NAME) == Page((first, third), 2)
        assert await work.projects.list_by_owner(None, BY_NAME) == Page((first, second, third), 3)
        assert await work.projects.list_by_owner(a_user().id, BY_NAME) == Page((), 0)


async def test_a_list_is_narrowed_to_some_projects(storage: Storage, owner) -> None:
    other = a_user()
    mine, also, theirs = a_project(owner, name="a"), a_project(owner, name="b"), a_project(other, name="c")
    await storage.given(other, mine, also, theirs)
    only = {mine.id, theirs.id, a_project(owner).id}

    async with storage.uow.reading() as work:
        assert await work.projects.list_by_owner(owner.id, BY_NAME, only=only) == Page((mine,), 1)
        assert await work.projects.list_by_owner(None, BY_NAME, only=only) == Page((mine, theirs), 2)
        assert await work.projects.list_by_owner(owner.id, BY_NAME, only=frozenset()) == Page((mine, also), 2)


async def test_what_is_held_or_locked_is_what_is_there(storage: Storage, owner, project) -> None:
    async with storage.uow() as work:
        assert await work.projects.hold(project.id) == project
        assert await work.projects.lock(project.id) == project
        with pytest.raises(ProjectNotFound):
            await work.projects.hold(a_project(owner).id)
        with pytest.raises(ProjectNotFound):
            await work.projects.lock(a_project(owner).id)


async def test_a_project_is_archived_and_handed_to_somebody_else(storage: Storage, project) -> None:
    other = a_user()
    await storage.given(other)
    async with storage.uow() as work:
        saved = await work.projects.save(replace(project, archived_at=START, owner_id=other.id))
    async with storage.uow.reading() as work:
        assert await work.projects.get(project.id) == saved
    assert (saved.archived_at, saved.owner_id, saved.version) == (START, other.id, 2)


async def test_save_refuses_an_owner_who_is_not_there_and_one_who_uses_the_name(storage: Storage, project) -> None:
    other = a_user()
    await storage.given(other, a_project(other, name=project.name))
    with pytest.raises(UserNotFound):
        async with storage.uow() as work:
            await work.projects.save(replace(project, owner_id=a_user().id))
    with pytest.raises(ProjectNameTaken):
        async with storage.uow() as work:
            await work.projects.save(replace(project, owner_id=other.id))


async def test_a_list_is_of_those_that_somebody_is_a_member_of(storage: Storage, owner, project) -> None:
    bob = a_user()
    own, shared, hidden = a_project(bob, name="b"), a_project(owner, name="a"), a_project(owner, name="c")
    await storage.given(bob, own, shared, hidden, a_member(shared, bob))
    async with storage.uow.reading() as work:
        assert await work.projects.list_by_member(bob.id, BY_NAME) == Page((shared, own), 2)
        assert await work.projects.list_by_member(bob.id, BY_NAME, only={own.id, hidden.id}) == Page((own,), 1)
        assert await work.projects.list_by_member(a_user().id, BY_NAME) == Page((), 0)
