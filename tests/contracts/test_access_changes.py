"""Whatever changes what somebody may do leaves a row, in the order of the commits; what does not, leaves none."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.composition import assemble
from domain.model.actors import system
from domain.model.leases import EVERYTHING, Change
from domain.model.members import ProjectRole
from domain.model.permissions import CORE_PERMISSIONS
from domain.model.projects import Project
from domain.model.roles import MEMBER_ID, Role
from domain.model.sessions import Session
from domain.model.users import User
from domain.ports.unit_of_work import UnitOfWork
from tests.support.databases import Storage
from tests.support.examples import a_key, a_member, a_project, a_role, a_scope, a_session, a_user
from tests.support.fakes import START
from tests.support.ports import ports_over
from tests.support.promises import methods

CHANGING = {
    "users.save": "user",
    "roles.save": "role",
    "roles.delete": "role",
    "roles.grant": "user",
    "roles.revoke": "user",
    "sessions.save": "session",
    "sessions.end_all": "user",
    "keys.save": "key",
    "keys.save_secrets": "key",
    "keys.delete": "key",
    "keys.revoke_all": "user",
    "keys.announce": "key",
    "scopes.save": "everything",
    "scopes.delete": "everything",
    "projects.delete": "project",
    "members.add": "user",
    "members.save": "user",
    "members.delete": "user",
}
"""What each of them leaves a row about."""

HARMLESS = {
    "users.lock": "who only waits changes nothing",
    "users.add": "nobody has read anything about somebody new",
    "roles.add": "nobody holds it yet",
    "sessions.add": "what is unknown is never remembered",
    "sessions.touch": "it lengthens what is remembered, and ends nothing",
    "sessions.prune": "what was over for good is gone",
    "sessions.add_refresh_token": "a refresh token is read each time",
    "sessions.spend_refresh_token": "a refresh token is read each time",
    "keys.add": "what is unknown is never remembered",
    "keys.note_uses": "how often it was used allows nothing",
    "keys.save_digest": "the same secret, under another pepper",
    "scopes.add": "no key holds it yet",
    "projects.add": "no key is bound to it yet, and nobody has read of its first member",
    "projects.hold": "who only waits changes nothing",
    "projects.lock": "who only waits changes nothing",
    "projects.save": "what it is called, and whose it is first, is read each time",
    "tasks.add": "a task allows nothing",
    "tasks.lock": "a task allows nothing",
    "tasks.save": "a task allows nothing",
    "tasks.delete": "a task allows nothing",
    "tasks.unassign": "a task allows nothing",
    "events.add": "it tells, and allows nothing",
    "mails.add": "it tells, and allows nothing",
    "mails.claim": "it tells, and allows nothing",
    "mails.remove": "it tells, and allows nothing",
    "attempts.lock": "it slows passwords, and nothing that is remembered",
    "attempts.save": "it slows passwords, and nothing that is remembered",
    "attempts.forget": "it slows passwords, and nothing that is remembered",
    "attempts.prune": "it slows passwords, and nothing that is remembered",
    "one_time_tokens.add": "a mailed token is read each time",
    "one_time_tokens.take": "a mailed token is read each time",
    "one_time_tokens.remove_of_user": "a mailed token is read each time",
    "one_time_tokens.prune": "a mailed token is read each time",
    "invitations.add": "who is invited is nobody yet",
    "invitations.delete": "who is invited is nobody yet",
    "webhooks.add": "a delivery lets nobody in",
    "webhooks.claim": "a delivery lets nobody in",
    "webhooks.save": "a delivery lets nobody in",
    "webhooks.prune": "a delivery lets nobody in",
    "webhooks.payload": "a delivery lets nobody in",
    "identities.add": "who signs in so is known by a session of their own",
    "identities.touch": "what a provider says allows nothing",
    "identities.delete": "it lets nobody in any more, and whoever is in stays until their session ends",
    "identities.attach": "where a session came from allows nothing",
    "authorizations.add": "who is on the way is not in",
    "authorizations.take": "who is on the way is not in",
    "authorizations.prune": "who is on the way is not in",
    "idempotency.claim": "an answer is told to who has come in, and lets nobody in",
    "idempotency.save": "an answer is told to who has come in, and lets nobody in",
    "idempotency.release": "an answer is told to who has come in, and lets nobody in",
    "idempotency.erase": "an answer is told to who has come in, and lets nobody in",
    "idempotency.prune": "an answer is told to who has come in, and lets nobody in",
}
LOOKING = ("get", "find", "list", "has", "count")


@pytest.fixture
async def there(storage: Storage, owner: User) -> tuple[User, Role, Session, Project]:
    role, session, project = a_role(), a_session(owner), a_project(owner)
    await storage.given(role, session, project)
    return owner, role, session, project


async def changes_since(storage: Storage, since: int) -> list[str]:
    seen = await storage.changes.read(since, 1000)
    return [change.subject for change in seen.rows[1:]]


async def newest(storage: Storage) -> Change:
    [change] = (await storage.changes.read(None, 1)).rows
    return change


def test_every_method_of_a_port_is_known_to_change_access_or_not_to() -> None:
    writing = {
        name
        for name in methods()
        if not name.partition(".")[2].startswith(LOOKING) and not name.startswith(("directory.", "uow."))
    }
    assert writing == {*CHANGING, *HARMLESS}
    assert not CHANGING.keys() & HARMLESS.keys()


@pytest.mark.parametrize("method", CHANGING)
async def test_a_change_of_access_leaves_a_row_about_its_cause(storage: Storage, there, method: str) -> None:
    owner, role, session, project = there
    key, scope = a_key(owner), a_scope()
    theirs = a_project(other := a_user())
    member = a_member(theirs, owner)
    await storage.given(key, scope, other, theirs, *([] if method == "members.add" else [member]))
    async with storage.uow() as work:
        await work.roles.grant(role.id, owner.id)
    doing: dict[str, Callable[[UnitOfWork], Awaitable[object]]] = {
        "users.save": lambda work: work.users.save(replace(owner, is_active=False)),
        "roles.save": lambda work: work.roles.save(replace(role, is_active=False)),
        "roles.delete": lambda work: work.roles.delete(role),
        "roles.grant": lambda work: work.roles.grant(MEMBER_ID, owner.id),
        "roles.revoke": lambda work: work.roles.revoke(role.id, owner.id),
        "sessions.save": lambda work: work.sessions.save(session.end(now=START)),
        "sessions.end_all": lambda work: work.sessions.end_all(owner.id, now=START),
        "keys.save": lambda work: work.keys.save(key.revoke(now=START)),
        "keys.save_secrets": lambda work: work.keys.save_secrets(key.revoke(now=START)),
        "keys.delete": lambda work: work.keys.delete(key),
        "keys.revoke_all": lambda work: work.keys.revoke_all(owner.id, now=START),
        "keys.announce": lambda work: work.keys.announce(key.id),
        "scopes.save": lambda work: work.scopes.save(replace(scope, permissions=frozenset())),
        "scopes.delete": lambda work: work.scopes.delete(scope),
        "projects.delete": lambda work: work.projects.delete(project),
        "members.add": lambda work: work.members.add(member, at_most=10),
        "members.save": lambda work: work.members.save(member.with_role(ProjectRole.VIEWER)),
        "members.delete": lambda work: work.members.delete(member),
    }
    about = {"user": owner.id, "role": role.id, "session": session.id, "key": key.id, "project": project.id}
    before = await newest(storage)

    async with storage.uow() as work:
        await doing[method](work)

    kind = CHANGING[method]
    expected = EVERYTHING if kind == "everything" else f"{kind}:{about[kind]}"
    assert await changes_since(storage, before.seq) == [expected]


async def test_one_unit_leaves_one_row_for_each_subject(storage: Storage, there) -> None:
    owner, role, *_ = there
    before = await newest(storage)

    async with storage.uow() as work:
        await work.roles.grant(role.id, owner.id)
        await work.sessions.end_all(owner.id, now=START)
        await work.roles.save(replace(role, name="other"))
        await work.events.list(1)

    assert await changes_since(storage, before.seq) == [f"user:{owner.id}", f"role:{role.id}"]


async def test_a_revocation_that_is_said_again_is_told_again(storage: Storage, there) -> None:
    key = a_key(there[0])
    await storage.given(key)
    before, keys = await newest(storage), assemble(ports_over(storage)).keys
    for _ in range(2):
        await keys.revoke(system(CORE_PERMISSIONS), key.id)

    assert await changes_since(storage, before.seq) == [f"key:{key.id}"] * 2


async def test_a_reading_unit_tells_of_nothing(storage: Storage, there) -> None:
    before = await newest(storage)
    with pytest.raises(RuntimeError, match="does not write"):
        async with storage.uow.reading() as work:
            await work.keys.announce(a_key(there[0]).id)

    assert await newest(storage) == before


async def test_what_is_undone_leaves_no_row(storage: Storage, there) -> None:
    owner, *_ = there
    before = await newest(storage)

    with pytest.raises(LookupError):
        async with storage.uow() as work:
            await work.users.save(replace(owner, is_active=False))
            raise LookupError

    assert await newest(storage) == before


async def test_whoever_is_new_leaves_no_row(storage: Storage, there) -> None:
    before = await newest(storage)
    somebody = a_user()
    await storage.given(somebody, a_session(somebody), a_key(somebody), a_project(somebody))
    async with storage.uow() as work:
        await work.sessions.touch(there[2])
        await work.sessions.save(there[2])

    assert await newest(storage) == before


async def test_a_grant_knows_the_last_change_before_it(storage: Storage, there) -> None:
    owner, _, session, _ = there
    key = a_key(owner)
    await storage.given(key)
    async with storage.uow() as work:
        await work.users.save(replace(owner, name="other"))

    seq = (await newest(storage)).seq
    assert (await storage.directory.find_key(key.id)).seq == seq
    assert (await storage.directory.find_session(session.id)).seq == seq


async def test_rows_are_read_from_a_seq_on_and_no_more_than_asked_for(storage: Storage, there) -> None:
    first = await newest(storage)
    await storage.changes.flush()
    await storage.changes.flush()

    seen = await storage.changes.read(first.seq, 10)
    assert [change.subject for change in seen.rows[1:]] == [EVERYTHING, EVERYTHING]
    assert seen.rows[0] == first
    assert [change.seq for change in seen.rows] == sorted({change.seq for change in seen.rows})
    assert len({change.mark for change in seen.rows}) == 3
    assert seen.is_primary
    assert (await storage.changes.read(first.seq, 2)).rows == seen.rows[:2]
    assert (await storage.changes.read(None, 10)).rows == seen.rows[-1:]
    assert (await storage.changes.read(seen.rows[-1].seq + 1, 10)).rows == ()


async def test_prune_takes_what_is_older_and_never_the_newest(storage: Storage, there) -> None:
    await storage.changes.flush()
    last = await newest(storage)

    await storage.changes.prune(datetime.now(UTC) - timedelta(hours=1))
    assert len((await storage.changes.read(0, 10)).rows) >= 2
    await storage.changes.prune(datetime.now(UTC) + timedelta(hours=1))
    assert (await storage.changes.read(0, 10)).rows == (last,)
