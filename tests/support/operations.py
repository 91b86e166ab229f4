"""Every method of the repositories, with drawn arguments: drawn once, to be called in any unit of work."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from domain.model.ids import RoleId
from domain.model.keys import KEY_SORTS
from domain.model.limits import Policy
from domain.model.projects import PROJECT_SORTS
from domain.model.roles import ADMIN_ID, MEMBER_ID
from domain.model.sessions import RefreshToken
from domain.model.users import EmailAddress, Username
from domain.ports.unit_of_work import UnitOfWork
from tests.support.draws import Draw
from tests.support.examples import (
    a_key,
    a_project,
    a_refresh_token,
    a_secret,
    a_session,
    a_user,
    an_event,
)
from tests.support.fakes import CountingIds

Operation = Callable[[UnitOfWork], Awaitable[object]]
SCOPES = ("read", "writer", "projects:any", "users:read", "gone:forever")


def _add_user(draw: Draw) -> Operation:
    user = a_user(
        email=EmailAddress(f"{draw.random.randint(1, 30)}@example.org"),
        username=draw.maybe(Username(f"user{draw.random.randint(1, 12)}")),
        name=draw.maybe(draw.text()),
        is_active=draw.random.random() < 0.8,
        created_at=draw.moment(),
        email_verified_at=draw.maybe(draw.moment()),
    )
    draw.users.append(user)
    return lambda work: work.users.add(user)


def _save_user(draw: Draw) -> Operation:
    user, blind = draw.user(), draw.maybe(draw.random.randint(1, 3))
    changes: dict[str, Any] = {
        "email": EmailAddress(f"{draw.random.randint(1, 30)}@example.org"),
        "username": draw.maybe(Username(f"user{draw.random.randint(1, 12)}")),
        "is_active": draw.random.random() < 0.8,
        "updated_at": draw.moment(),
    }

    async def save(work: UnitOfWork) -> object:
        seen = user if blind else await work.users.get(user.id)
        return await work.users.save(replace(seen, **changes, version=blind or seen.version))

    return save


def _add_project(draw: Draw) -> Operation:
    project = a_project(
        draw.user(),
        name=draw.text(),
        description=draw.maybe(draw.text()),
        created_at=draw.moment(),
        updated_at=draw.moment(),
    )
    draw.projects.append(project)
    at_most = draw.random.choice((2, 100, 100, 100))
    return lambda work: work.projects.add(project, at_most=at_most)


def _save_project(draw: Draw) -> Operation:
    project, blind = draw.one(draw.projects, a_project), draw.maybe(draw.random.randint(1, 3))
    changes: dict[str, Any] = {
        "name": draw.text(),
        "description": draw.maybe(draw.text()),
        "updated_at": draw.moment(),
    }

    async def save(work: UnitOfWork) -> object:
        seen = project if blind else await work.projects.get(project.id)
        return await work.projects.save(replace(seen, **changes, version=blind or seen.version))

    return save


def _delete_project(draw: Draw) -> Operation:
    project, version = draw.one(draw.projects, a_project), draw.random.randint(1, 2)
    return lambda work: work.projects.delete(replace(project, version=version))


def _list_projects(draw: Draw) -> Operation:
    owner, query = draw.maybe(draw.user().id), draw.query(PROJECT_SORTS)
    some = draw.random.sample(draw.projects, min(len(draw.projects), 4))
    only = draw.maybe(frozenset(project.id for project in some)) or frozenset()
    return lambda work: work.projects.list_by_owner(owner, query, only=only)


def _add_key(draw: Draw) -> Operation:
    random, versions = draw.random, draw.random.sample(range(1, 5), draw.random.randint(1, 3))
    key = a_key(
        draw.user(),
        name=draw.text(),
        description=draw.maybe(draw.text()),
        scopes=frozenset(random.sample(SCOPES, random.randint(1, 3))),
        secrets=tuple(a_secret(version, retires_at=draw.maybe(draw.moment())) for version in versions),
        metadata=draw.maybe({draw.text(): [draw.text(), 1, None]}) or {},
        limits=tuple(random.sample((Policy(1, 60), Policy(2, 1)), random.randint(0, 2))),
        allowed_networks=draw.maybe((ip_network("192.0.2.0/24"), ip_network("::/0"))) or (),
        project_ids=frozenset(project.id for project in random.sample(draw.projects, min(len(draw.projects), 2))),
        created_at=draw.moment() - timedelta(seconds=1),
        expires_at=draw.maybe(draw.moment()),
        suspended_at=draw.maybe(draw.moment()),
    )
    draw.keys.append(key)
    live_at_most, now = random.choice((1, 100, 100, 100)), draw.moment()
    return lambda work: work.keys.add(key, live_at_most=live_at_most, now=now)


def _save_key(draw: Draw) -> Operation:
    key, blind = draw.one(draw.keys, a_key), draw.maybe(draw.random.randint(1, 3))
    changes: dict[str, Any] = {
        "name": draw.text(),
        "revoked_at": draw.maybe(draw.moment()),
        "scopes": frozenset(draw.random.sample(SCOPES, 2)),
        "secrets": (a_secret(9),),
        "metadata": {draw.text(): {"a": draw.text()}},
    }

    async def save(work: UnitOfWork) -> object:
        seen = key if blind else await work.keys.get(key.id)
        return await work.keys.save(replace(seen, **changes, version=blind or seen.version))

    return save


def _list_keys(draw: Draw) -> Operation:
    owner, query = draw.maybe(draw.user().id), draw.query(KEY_SORTS)
    return lambda work: work.keys.list_by_owner(owner, query)


def _add_session(draw: Draw) -> Operation:
    session = a_session(draw.user(), created_at=draw.moment(), user_agent=draw.maybe(draw.text()))
    draw.sessions.append(session)
    return lambda work: work.sessions.add(session)


def _save_session(draw: Draw) -> Operation:
    session, blind = draw.one(draw.sessions, a_session), draw.maybe(draw.random.randint(1, 3))
    changes: dict[str, Any] = {"ended_at": draw.maybe(draw.moment()), "last_seen_at": draw.moment()}

    async def save(work: UnitOfWork) -> object:
        seen = session if blind else await work.sessions.get(session.id)
        return await work.sessions.save(replace(seen, **changes, version=blind or seen.version))

    return save


def _token(draw: Draw) -> RefreshToken:
    return draw.one(draw.tokens, lambda user: a_refresh_token(a_session(user)))


def _add_token(draw: Draw) -> Operation:
    token = a_refresh_token(draw.one(draw.sessions, a_session), created_at=draw.moment())
    draw.tokens.append(token)
    return lambda work: work.sessions.add_refresh_token(token)


def _spend_token(draw: Draw) -> Operation:
    sealed = draw.random.randbytes(4)
    spent = replace(_token(draw), spent_at=draw.moment(), sealed_successor=sealed, successor_digest=sealed[::-1])
    return lambda work: work.sessions.spend_refresh_token(spent)


def _grant(draw: Draw) -> Operation:
    role_id, user = _role_id(draw), draw.user()
    return lambda work: work.roles.grant(role_id, user.id)


def _role_id(draw: Draw) -> RoleId:
    return draw.random.choice((ADMIN_ID, MEMBER_ID, MEMBER_ID, RoleId(CountingIds().new())))


def _add_event(draw: Draw) -> Operation:
    event = an_event(at=draw.moment(), user_id=draw.user().id, changes={"name": [draw.text(), draw.text()]})
    return lambda work: work.events.add(event)


def _reads(noun: str, method: str, argument_of: Callable[[Draw], Any]) -> Callable[[Draw], Operation]:
    """A call with one argument."""

    def drawn(draw: Draw) -> Operation:
        argument = argument_of(draw)
        return lambda work: getattr(getattr(work, noun), method)(argument)

    return drawn


OPERATIONS: dict[str, Callable[[Draw], Operation]] = {
    "users.add": _add_user,
    "users.get": _reads("users", "get", lambda draw: draw.user().id),
    "users.find_by_email": _reads("users", "find_by_email", lambda draw: draw.user().email),
    "users.find_by_username": _reads("users", "find_by_username", lambda draw: f"user{draw.random.randint(1, 12)}"),
    "users.save": _save_user,
    "roles.get": _reads("roles", "get", _role_id),
    "roles.list_by_user": _reads("roles", "list_by_user", lambda draw: draw.user().id),
    "roles.grant": _grant,
    "roles.has_active_member": _reads("roles", "has_active_member", _role_id),
    "sessions.add": _add_session,
    "sessions.get": _reads("sessions", "get", lambda draw: draw.one(draw.sessions, a_session).id),
    "sessions.save": _save_session,
    "sessions.add_refresh_token": _add_token,
    "sessions.find_refresh_token": _reads("sessions", "find_refresh_token", lambda draw: _token(draw).digest),
    "sessions.spend_refresh_token": _spend_token,
    "keys.add": _add_key,
    "keys.get": _reads("keys", "get", lambda draw: draw.one(draw.keys, a_key).id),
    "keys.save": _save_key,
    "keys.list_by_owner": _list_keys,
    "projects.add": _add_project,
    "projects.get": _reads("projects", "get", lambda draw: draw.one(draw.projects, a_project).id),
    "projects.save": _save_project,
    "projects.delete": _delete_project,
    "projects.list_by_owner": _list_projects,
    "events.add": _add_event,
    "events.latest": _reads("events", "latest", lambda draw: draw.random.choice((1, 5, 500))),
}
