"""Every method of the repositories, with drawn arguments: drawn once, to be called in any unit of work."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from domain.model.attempts import UNKNOWN_DEVICE, Attempts
from domain.model.idempotency import Record
from domain.model.ids import ProjectId
from domain.model.invitations import INVITATION_FIELDS
from domain.model.keys import KEY_FIELDS, KeyUse
from domain.model.limits import Policy
from domain.model.mails import MailKind
from domain.model.members import MEMBER_FIELDS
from domain.model.one_time_tokens import TokenPurpose
from domain.model.projects import PROJECT_FIELDS
from domain.model.roles import ROLE_FIELDS
from domain.model.sessions import RefreshToken
from domain.model.tasks import TASK_FIELDS, TaskStatus
from domain.model.users import USER_FIELDS, EmailAddress, Username
from domain.model.webhooks import DELIVERY_FIELDS
from domain.ports.unit_of_work import UnitOfWork
from tests.support.draws import Draw
from tests.support.examples import (
    ISSUER,
    a_claim,
    a_delivery,
    a_key,
    a_mail,
    a_member,
    a_one_time_token,
    a_project,
    a_provider_session,
    a_refresh_token,
    a_role,
    a_scope,
    a_secret,
    a_session,
    a_task,
    a_user,
    an_authorization,
    an_event,
    an_identity,
    an_invitation,
)

Operation = Callable[[UnitOfWork], Awaitable[object]]
DEFINED = ("ops", "night", "day")
SCOPES = ("read", "writer", "projects:any", "users:read", "gone:forever", *DEFINED)


def _add_user(draw: Draw) -> Operation:
    user = a_user(
        email=EmailAddress(f"{draw.random.randint(1, 30)}@example.org"),
        username=draw.maybe(Username(f"user{draw.random.randint(1, 12)}")),
        name=draw.maybe(draw.text()),
        password_change_required=draw.random.random() < 0.2,
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
        "password_change_required": draw.random.random() < 0.2,
        "is_active": draw.random.random() < 0.8,
        "updated_at": draw.moment(),
    }

    async def save(work: UnitOfWork) -> object:
        seen = user if blind else await work.users.get(user.id)
        return await work.users.save(replace(seen, **changes, version=blind or seen.version))

    return save


def _list_users(draw: Draw) -> Operation:
    query, role_id = draw.query(USER_FIELDS, draw.users), draw.maybe(draw.role_id())
    return lambda work: work.users.list(query, role_id=role_id)


def _add_role(draw: Draw) -> Operation:
    role = a_role(
        name=draw.text(),
        description=draw.maybe(draw.text()),
        permissions=_permissions(draw),
        is_active=draw.random.random() < 0.8,
        created_at=draw.moment(),
    )
    draw.roles.append(role)
    return lambda work: work.roles.add(role)


def _permissions(draw: Draw) -> frozenset[str]:
    return frozenset(draw.random.sample(("projects:any", "users:read", "users:impersonate", "gone:forever"), 2))


def _save_role(draw: Draw) -> Operation:
    """Never a built-in one: those stay as they are from test to test."""
    role, blind = draw.role(), draw.maybe(draw.random.randint(1, 3))
    changes: dict[str, Any] = {"name": draw.text(), "permissions": _permissions(draw), "is_active": draw.maybe(1) == 1}

    async def save(work: UnitOfWork) -> object:
        seen = role if blind else await work.roles.get(role.id)
        return await work.roles.save(replace(seen, **changes, version=blind or seen.version))

    return save


def _delete_role(draw: Draw) -> Operation:
    role, version = draw.role(), draw.random.randint(1, 2)
    return lambda work: work.roles.delete(replace(role, version=version))


def _add_invitation(draw: Draw) -> Operation:
    invitation = an_invitation(
        email=EmailAddress(f"{draw.random.randint(1, 6)}@example.org"),
        role_ids=frozenset(draw.role_id() for _ in range(draw.random.randint(0, 3))),
        invited_by=draw.maybe(draw.user().id),
        created_at=draw.moment(),
        expires_at=draw.moment(),
    )
    draw.invitations.append(invitation)
    return lambda work: work.invitations.add(invitation)


def _add_one_time_token(draw: Draw) -> Operation:
    token = a_one_time_token(
        draw.whose(),
        purpose=draw.random.choice(tuple(TokenPurpose)),
        created_at=draw.moment(),
        expires_at=draw.moment(),
    )
    draw.one_time_tokens.append(token)
    return lambda work: work.one_time_tokens.add(token)


def _add_mail(draw: Draw) -> Operation:
    mail = a_mail(
        draw.whose(),
        kind=draw.random.choice(tuple(MailKind)),
        due_at=draw.moment(),
        attempts=draw.random.choice((0, 1, 29)),
    )
    draw.mails.append(mail)
    return lambda work: work.mails.add(mail)


def _claim_mails(draw: Draw) -> Operation:
    limit, now = draw.random.choice((1, 2, 100)), draw.moment() + timedelta(minutes=draw.random.choice((0, 0, 2)))
    return lambda work: work.mails.claim(limit, now=now)


def _account(draw: Draw) -> str:
    return draw.random.choice((f"user:{draw.user().id}", "USER:nobody", "3f9a", "3f9a_", "%"))


def _device(draw: Draw) -> str:
    return draw.random.choice((UNKNOWN_DEVICE, UNKNOWN_DEVICE, "d1", "d2"))


def _lock_attempts(draw: Draw) -> Operation:
    account, device, now = _account(draw), _device(draw), draw.moment()
    return lambda work: work.attempts.lock(account, device, now=now)


def _save_attempts(draw: Draw) -> Operation:
    kept = Attempts(
        account=_account(draw),
        device=_device(draw),
        failures=draw.random.choice((0, 1, 99, 100, 101)),
        last_at=draw.moment(),
    )
    return lambda work: work.attempts.save(kept)


def _forget_attempts(draw: Draw) -> Operation:
    account, device = _account(draw), draw.maybe(_device(draw))
    return lambda work: work.attempts.forget(account, device)


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
        "archived_at": draw.maybe(draw.moment()),
        "updated_at": draw.moment(),
    }
    if draw.random.random() < 0.2:
        changes["owner_id"] = draw.user().id

    async def save(work: UnitOfWork) -> object:
        seen = project if blind else await work.projects.get(project.id)
        return await work.projects.save(replace(seen, **changes, version=blind or seen.version))

    return save


def _delete_project(draw: Draw) -> Operation:
    project, version = draw.one(draw.projects, a_project), draw.random.randint(1, 2)
    return lambda work: work.projects.delete(replace(project, version=version))


def _some_projects(draw: Draw) -> frozenset[ProjectId]:
    some = draw.random.sample(draw.projects, min(len(draw.projects), 4))
    return draw.maybe(frozenset(project.id for project in some)) or frozenset()


def _list_projects(draw: Draw) -> Operation:
    owner, query, only = draw.maybe(draw.user().id), draw.query(PROJECT_FIELDS, draw.projects), _some_projects(draw)
    return lambda work: work.projects.list_by_owner(owner, query, only=only)


def _list_projects_of_member(draw: Draw) -> Operation:
    user, query, only = draw.user(), draw.query(PROJECT_FIELDS, draw.projects), _some_projects(draw)
    return lambda work: work.projects.list_by_member(user.id, query, only=only)


def _add_member(draw: Draw) -> Operation:
    member = a_member(draw.project(), draw.user(), role=draw.project_role(), created_at=draw.moment())
    draw.members.append(member)
    at_most = draw.random.choice((2, 100, 100, 100))
    return lambda work: work.members.add(member, at_most=at_most)


def _find_member(draw: Draw) -> Operation:
    member, other = draw.member(), draw.maybe(draw.user().id)
    return lambda work: work.members.find(member.project_id, other or member.user_id)


def _save_member(draw: Draw) -> Operation:
    member, role, blind = draw.member(), draw.project_role(), draw.maybe(draw.random.randint(1, 3))

    async def save(work: UnitOfWork) -> object:
        seen = (None if blind else await work.members.find(member.project_id, member.user_id)) or member
        return await work.members.save(replace(seen, role=role, version=blind or seen.version))

    return save


def _delete_member(draw: Draw) -> Operation:
    member, version = draw.member(), draw.random.randint(1, 2)
    return lambda work: work.members.delete(replace(member, version=version))


def _find_heir(draw: Draw) -> Operation:
    member = draw.member()
    return lambda work: work.members.find_heir(member.project_id, member.user_id)


def _list_members(draw: Draw) -> Operation:
    project, query = draw.project(), draw.query(MEMBER_FIELDS, ())
    return lambda work: work.members.list_by_project(project.id, query)


def _list_memberships(draw: Draw) -> Operation:
    user, limit, after = draw.user(), draw.random.choice((1, 2, 200)), draw.maybe(draw.project().id)
    return lambda work: work.members.list_by_user(user.id, limit, after=after)


def _add_task(draw: Draw) -> Operation:
    task = a_task(
        draw.project(),
        draw.user(),
        title=draw.text(),
        description=draw.maybe(draw.text()),
        status=draw.random.choice(tuple(TaskStatus)),
        due_at=draw.maybe(draw.moment()),
        assignee_id=draw.maybe(draw.user().id),
        created_at=draw.moment(),
    )
    draw.tasks.append(task)
    at_most = draw.random.choice((2, 100, 100, 100))
    return lambda work: work.tasks.add(task, at_most=at_most)


def _save_task(draw: Draw) -> Operation:
    task, blind = draw.task(), draw.maybe(draw.random.randint(1, 3))
    changes: dict[str, Any] = {
        "title": draw.text(),
        "status": draw.random.choice(tuple(TaskStatus)),
        "due_at": draw.maybe(draw.moment()),
        "assignee_id": draw.maybe(draw.user().id),
        "updated_at": draw.moment(),
    }

    async def save(work: UnitOfWork) -> object:
        seen = task if blind else await work.tasks.get(task.project_id, task.id)
        return await work.tasks.save(replace(seen, **changes, version=blind or seen.version))

    return save


def _delete_task(draw: Draw) -> Operation:
    task, version = draw.task(), draw.random.randint(1, 2)
    return lambda work: work.tasks.delete(replace(task, version=version))


def _finds_task(method: str) -> Callable[[Draw], Operation]:
    """In its own project, or at times in another."""

    def drawn(draw: Draw) -> Operation:
        task = draw.task()
        project_id = task.project_id if draw.random.random() < 0.8 else draw.project().id
        return lambda work: getattr(work.tasks, method)(project_id, task.id)

    return drawn


def _list_tasks(draw: Draw) -> Operation:
    project, query = draw.project(), draw.query(TASK_FIELDS, draw.tasks)
    return lambda work: work.tasks.list_by_project(project.id, query)


def _unassign(draw: Draw) -> Operation:
    task, user, now = draw.task(), draw.user(), draw.moment()
    return lambda work: work.tasks.unassign(task.project_id, task.assignee_id or user.id, now=now)


def _lists_tasks_of_user(method: str) -> Callable[[Draw], Operation]:
    def drawn(draw: Draw) -> Operation:
        user, limit, after = draw.user(), draw.random.choice((1, 2, 200)), draw.maybe(draw.task().id)
        return lambda work: getattr(work.tasks, method)(user.id, limit, after=after)

    return drawn


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


def _save_secrets(draw: Draw) -> Operation:
    key, blind = draw.one(draw.keys, a_key), draw.maybe(draw.random.randint(1, 3))
    versions = draw.random.sample(range(1, 8), draw.random.randint(1, 3))
    given = tuple(a_secret(version, use_count=5, retires_at=draw.maybe(draw.moment())) for version in versions)

    async def save(work: UnitOfWork) -> object:
        seen = key if blind else await work.keys.get(key.id)
        return await work.keys.save_secrets(replace(seen, name="s", secrets=given, version=blind or seen.version))

    return save


def _note_uses(draw: Draw) -> Operation:
    """A key may be used through two secrets, but each is named once."""
    keys = {draw.one(draw.keys, a_key).id for _ in range(draw.random.randint(0, 2))}
    uses = [
        KeyUse(
            key_id=key_id,
            version=version,
            count=draw.random.randint(1, 3),
            last_at=draw.moment(),
            last_ip=draw.maybe("2001:db8::1"),
        )
        for key_id in sorted(keys)
        for version in draw.random.sample(range(1, 5), 2)
    ]
    return lambda work: work.keys.note_uses(uses)


def _save_digest(draw: Draw) -> Operation:
    key = draw.one(draw.keys, a_key)
    seen, renewed = draw.random.choice(key.secrets), a_secret(draw.random.choice(key.secrets).version, pepper_id="p2")
    return lambda work: work.keys.save_digest(key.id, renewed, seen=seen.digest)


def _delete_key(draw: Draw) -> Operation:
    key, version = draw.one(draw.keys, a_key), draw.random.randint(1, 2)
    return lambda work: work.keys.delete(replace(key, version=version))


def _revoke_all_keys(draw: Draw) -> Operation:
    owner_id, now = draw.user().id, draw.moment()
    return lambda work: work.keys.revoke_all(owner_id, now=now)


def _list_keys(draw: Draw) -> Operation:
    owner, query = draw.maybe(draw.user().id), draw.query(KEY_FIELDS, draw.keys)
    return lambda work: work.keys.list_by_owner(owner, query)


def _add_scope(draw: Draw) -> Operation:
    scope = a_scope(
        name=draw.random.choice(DEFINED),
        permissions=_permissions(draw),
        description=draw.maybe(draw.text()),
        created_at=draw.moment(),
    )
    draw.scopes.append(scope)
    at_most = draw.random.choice((1, 100, 100))
    return lambda work: work.scopes.add(scope, at_most=at_most)


def _save_scope(draw: Draw) -> Operation:
    scope, blind = draw.one(draw.scopes, lambda _: a_scope()), draw.maybe(draw.random.randint(1, 3))
    changes: dict[str, Any] = {"permissions": _permissions(draw), "description": draw.maybe(draw.text())}

    async def save(work: UnitOfWork) -> object:
        seen = scope if blind else await work.scopes.find(scope.name) or scope
        return await work.scopes.save(replace(seen, **changes, version=blind or seen.version))

    return save


def _delete_scope(draw: Draw) -> Operation:
    scope, version = draw.one(draw.scopes, lambda _: a_scope()), draw.random.randint(1, 2)
    return lambda work: work.scopes.delete(replace(scope, version=version))


def _list_scopes(draw: Draw) -> Operation:
    return lambda work: work.scopes.list()


def _defined(draw: Draw) -> str:
    return draw.random.choice((*DEFINED, "never"))


def _add_session(draw: Draw) -> Operation:
    session = a_session(
        draw.user(),
        real_user_id=draw.maybe(draw.user().id),
        digest=draw.maybe(draw.random.randbytes(32)),
        created_at=draw.moment(),
        idle_ends_at=draw.maybe(draw.moment()) or draw.now + timedelta(days=1),
        user_agent=draw.maybe(draw.text()),
    )
    draw.sessions.append(session)
    return lambda work: work.sessions.add(session)


def _save_session(draw: Draw) -> Operation:
    session, blind = draw.one(draw.sessions, a_session), draw.maybe(draw.random.randint(1, 3))
    changes: dict[str, Any] = {"ended_at": draw.maybe(draw.moment()), "last_seen_at": draw.moment()}

    async def save(work: UnitOfWork) -> object:
        seen = session if blind else await work.sessions.get(session.id)
        return await work.sessions.save(replace(seen, **changes, version=blind or seen.version))

    return save


def _touch_session(draw: Draw) -> Operation:
    session = draw.one(draw.sessions, a_session)
    seen = replace(session, last_seen_at=draw.moment(), idle_ends_at=draw.moment(), address=draw.maybe("192.0.2.1"))
    return lambda work: work.sessions.touch(seen)


def _list_live_sessions(draw: Draw) -> Operation:
    user, now = draw.user(), draw.moment()
    return lambda work: work.sessions.list_live_by_user(user.id, now=now)


def _end_sessions(draw: Draw) -> Operation:
    user, but, now = draw.user(), draw.maybe(draw.one(draw.sessions, a_session).id), draw.moment()
    return lambda work: work.sessions.end_all(user.id, now=now, but=but)


def _prune_sessions(draw: Draw) -> Operation:
    before, limit = draw.moment() + draw.random.choice((timedelta(), timedelta(days=90))), draw.random.choice((1, 5))
    return lambda work: work.sessions.prune(before, limit)


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
    role_id, user = draw.role_id(), draw.user()
    return lambda work: work.roles.grant(role_id, user.id)


def _revoke(draw: Draw) -> Operation:
    role_id, user = draw.role_id(), draw.user()
    return lambda work: work.roles.revoke(role_id, user.id)


def _add_event(draw: Draw) -> Operation:
    event = an_event(
        at=draw.moment(),
        subject=draw.random.choice(("project:1", "project:2", "user:1")),
        user_id=draw.maybe(draw.user().id),
        real_user_id=draw.maybe(draw.user().id),
        changes={"name": [draw.text(), draw.text()]},
    )
    draw.events.append(event)
    return lambda work: work.events.add(event)


def _list_events(draw: Draw) -> Operation:
    limit, before = draw.random.choice((1, 5, 500)), draw.maybe(draw.one(draw.events, lambda _: an_event()).id)
    user_id, subject = draw.maybe(draw.user().id), draw.maybe(draw.random.choice(("project:1", "user:1", "user:")))
    return lambda work: work.events.list(limit, before=before, user_id=user_id, subject=subject)


def _claimed(draw: Draw) -> Record:
    return draw.one(draw.records, lambda _: a_claim())


def _claim(draw: Draw) -> Operation:
    """Some of these digests are claimed already."""
    digest = draw.maybe(_claimed(draw).digest) or draw.random.randbytes(32)
    record = a_claim(digest=digest, claimed_until=draw.moment(), expires_at=draw.moment())
    draw.records.append(record)
    return lambda work: work.idempotency.claim(record)


def _save_record(draw: Draw) -> Operation:
    """An answer, or a claim that takes over; by who holds it, or another."""
    record, seen = _claimed(draw), _claimed(draw)
    following = replace(
        record,
        claim_id=draw.random.choice((record.claim_id, seen.claim_id)),
        claimed_until=draw.moment(),
        sealed=draw.maybe(draw.random.randbytes(4)),
        shown_until=draw.maybe(draw.moment()),
    )
    claim_id = draw.random.choice((record.claim_id, record.claim_id, seen.claim_id))
    draw.records.append(following)
    return lambda work: work.idempotency.save(following, claim_id=claim_id)


def _erase_answers(draw: Draw) -> Operation:
    now, limit = draw.moment(), draw.random.choice((1, 5))
    return lambda work: work.idempotency.erase(now, limit)


def _prune_records(draw: Draw) -> Operation:
    now, limit = draw.moment(), draw.random.choice((1, 5))
    return lambda work: work.idempotency.prune(now, limit)


def _add_delivery(draw: Draw) -> Operation:
    """Some of these ids and digests have been seen."""
    delivery = a_delivery(
        source=draw.random.choice(("shop", "github")),
        delivery_id=f"msg_{draw.random.randint(1, 20)}",
        digest=draw.maybe(draw.random.randint(1, 9).to_bytes(32, "big")),
        event=draw.maybe(draw.text()),
        due_at=draw.maybe(draw.moment()),
        attempts=draw.random.choice((0, 14, 15)),
        created_at=draw.moment(),
    )
    payload = draw.text()
    draw.deliveries.append(delivery)
    return lambda work: work.webhooks.add(delivery, payload)


def _claim_delivery(draw: Draw) -> Operation:
    now = draw.moment() + timedelta(seconds=draw.random.choice((0, 0, 20)))
    return lambda work: work.webhooks.claim(now=now)


def _save_delivery(draw: Draw) -> Operation:
    delivery, now = replace(draw.delivery(), version=draw.random.randint(1, 2)), draw.moment()
    following = draw.random.choice(
        (delivery.handled(now=now), delivery.unhandled(), delivery.not_handled("ValueError"))
    )
    return lambda work: work.webhooks.save(following)


def _list_deliveries(draw: Draw) -> Operation:
    source, query = draw.random.choice(("shop", "github", "nobody")), draw.query(DELIVERY_FIELDS, draw.deliveries)
    return lambda work: work.webhooks.list_by_source(source, query)


def _prune_deliveries(draw: Draw) -> Operation:
    before, limit = draw.moment(), draw.random.choice((1, 5))
    return lambda work: work.webhooks.prune(before, limit)


def _said(draw: Draw) -> dict[str, Any]:
    return {
        "email": draw.maybe("ada@example.org"),
        "given_name": draw.maybe(draw.text()),
        "last_used_at": draw.moment(),
    }


def _subject(draw: Draw) -> str:
    return f"subject {draw.random.randint(1, 12)}"


def _issuer(draw: Draw) -> str:
    return draw.random.choice((ISSUER, ISSUER, "https://other.example.org"))


def _add_identity(draw: Draw) -> Operation:
    identity = an_identity(
        draw.user(), issuer=_issuer(draw), subject=_subject(draw), created_at=draw.moment(), **_said(draw)
    )
    draw.identities.append(identity)
    return lambda work: work.identities.add(identity)


def _find_identity(draw: Draw) -> Operation:
    issuer, subject = _issuer(draw), _subject(draw)
    return lambda work: work.identities.find(issuer, subject)


def _touch_identity(draw: Draw) -> Operation:
    identity = replace(draw.one(draw.identities, an_identity), **_said(draw))
    return lambda work: work.identities.touch(identity)


def _attach_session(draw: Draw) -> Operation:
    session = a_provider_session(
        draw.one(draw.sessions, a_session),
        issuer=_issuer(draw),
        subject=_subject(draw),
        session=draw.maybe(f"{draw.random.randint(1, 9)}"),
    )
    return lambda work: work.identities.attach(session)


def _list_provider_sessions(draw: Draw) -> Operation:
    issuer, subject, session = _issuer(draw), _subject(draw), f"{draw.random.randint(1, 9)}"
    given = draw.random.choice(((subject, None), (None, session), (subject, session)))
    return lambda work: work.identities.list_sessions(issuer, subject=given[0], session=given[1])


def _add_authorization(draw: Draw) -> Operation:
    of = draw.maybe(draw.one(draw.sessions, a_session))
    request = an_authorization(
        user_id=of and of.user_id, session_id=of and of.id, return_to=draw.text(), expires_at=draw.moment()
    )
    draw.authorizations.append(request)
    return lambda work: work.authorizations.add(request)


def _reads(noun: str, method: str, argument_of: Callable[[Draw], Any]) -> Callable[[Draw], Operation]:
    """A call with one argument."""

    def drawn(draw: Draw) -> Operation:
        argument = argument_of(draw)
        return lambda work: getattr(getattr(work, noun), method)(argument)

    return drawn


OPERATIONS: dict[str, Callable[[Draw], Operation]] = {
    "users.add": _add_user,
    "users.get": _reads("users", "get", lambda draw: draw.user().id),
    "users.lock": _reads("users", "lock", lambda draw: draw.user().id),
    "users.find_by_email": _reads("users", "find_by_email", lambda draw: draw.user().email),
    "users.find_by_username": _reads("users", "find_by_username", lambda draw: f"user{draw.random.randint(1, 12)}"),
    "users.save": _save_user,
    "users.list": _list_users,
    "roles.add": _add_role,
    "roles.get": _reads("roles", "get", Draw.role_id),
    "roles.save": _save_role,
    "roles.delete": _delete_role,
    "roles.list": _reads("roles", "list", lambda draw: draw.query(ROLE_FIELDS, draw.roles)),
    "roles.list_by_user": _reads("roles", "list_by_user", lambda draw: draw.user().id),
    "roles.grant": _grant,
    "roles.revoke": _revoke,
    "roles.has_member": _reads("roles", "has_member", Draw.role_id),
    "roles.count_active_members": _reads("roles", "count_active_members", Draw.role_id),
    "sessions.add": _add_session,
    "sessions.get": _reads("sessions", "get", lambda draw: draw.one(draw.sessions, a_session).id),
    "sessions.save": _save_session,
    "sessions.touch": _touch_session,
    "sessions.list_live_by_user": _list_live_sessions,
    "sessions.end_all": _end_sessions,
    "sessions.prune": _prune_sessions,
    "sessions.add_refresh_token": _add_token,
    "sessions.find_refresh_token": _reads("sessions", "find_refresh_token", lambda draw: _token(draw).digest),
    "sessions.spend_refresh_token": _spend_token,
    "attempts.lock": _lock_attempts,
    "attempts.save": _save_attempts,
    "attempts.forget": _forget_attempts,
    "attempts.prune": _reads("attempts", "prune", Draw.moment),
    "one_time_tokens.add": _add_one_time_token,
    "one_time_tokens.take": _reads(
        "one_time_tokens", "take", lambda draw: draw.one(draw.one_time_tokens, a_one_time_token).digest
    ),
    "one_time_tokens.remove_of_user": _reads("one_time_tokens", "remove_of_user", lambda draw: draw.user().id),
    "one_time_tokens.prune": _reads("one_time_tokens", "prune", Draw.moment),
    "invitations.add": _add_invitation,
    "invitations.get": _reads("invitations", "get", lambda draw: draw.invitation().id),
    "invitations.delete": _reads("invitations", "delete", lambda draw: draw.invitation().id),
    "invitations.list": _reads("invitations", "list", lambda draw: draw.query(INVITATION_FIELDS, draw.invitations)),
    "keys.add": _add_key,
    "keys.get": _reads("keys", "get", lambda draw: draw.one(draw.keys, a_key).id),
    "keys.save": _save_key,
    "keys.save_secrets": _save_secrets,
    "keys.note_uses": _note_uses,
    "keys.save_digest": _save_digest,
    "keys.delete": _delete_key,
    "keys.announce": _reads("keys", "announce", lambda draw: draw.one(draw.keys, a_key).id),
    "keys.list_by_owner": _list_keys,
    "scopes.add": _add_scope,
    "scopes.find": _reads("scopes", "find", _defined),
    "scopes.list": _list_scopes,
    "scopes.list_by_names": _reads("scopes", "list_by_names", lambda draw: draw.random.sample(SCOPES, 4)),
    "scopes.save": _save_scope,
    "scopes.delete": _delete_scope,
    "scopes.has_key": _reads("scopes", "has_key", _defined),
    "keys.revoke_all": _revoke_all_keys,
    "projects.add": _add_project,
    "projects.get": _reads("projects", "get", lambda draw: draw.one(draw.projects, a_project).id),
    "projects.hold": _reads("projects", "hold", lambda draw: draw.project().id),
    "projects.lock": _reads("projects", "lock", lambda draw: draw.project().id),
    "projects.save": _save_project,
    "projects.delete": _delete_project,
    "projects.list_by_owner": _list_projects,
    "projects.list_by_member": _list_projects_of_member,
    "members.add": _add_member,
    "members.find": _find_member,
    "members.save": _save_member,
    "members.delete": _delete_member,
    "members.find_heir": _find_heir,
    "members.list_by_project": _list_members,
    "members.list_by_user": _list_memberships,
    "tasks.add": _add_task,
    "tasks.get": _finds_task("get"),
    "tasks.lock": _finds_task("lock"),
    "tasks.save": _save_task,
    "tasks.delete": _delete_task,
    "tasks.list_by_project": _list_tasks,
    "tasks.unassign": _unassign,
    "tasks.list_by_assignee": _lists_tasks_of_user("list_by_assignee"),
    "tasks.list_by_creator": _lists_tasks_of_user("list_by_creator"),
    "mails.add": _add_mail,
    "mails.claim": _claim_mails,
    "mails.remove": _reads("mails", "remove", lambda draw: draw.one(draw.mails, a_mail).id),
    "mails.count": lambda _: lambda work: work.mails.count(),
    "events.add": _add_event,
    "events.list": _list_events,
    "idempotency.claim": _claim,
    "idempotency.save": _save_record,
    "idempotency.release": _reads("idempotency", "release", _claimed),
    "idempotency.erase": _erase_answers,
    "idempotency.prune": _prune_records,
    "webhooks.add": _add_delivery,
    "webhooks.claim": _claim_delivery,
    "webhooks.payload": _reads("webhooks", "payload", lambda draw: draw.delivery().id),
    "webhooks.save": _save_delivery,
    "webhooks.list_by_source": _list_deliveries,
    "webhooks.prune": _prune_deliveries,
    "identities.add": _add_identity,
    "identities.find": _find_identity,
    "identities.list_by_user": _reads("identities", "list_by_user", lambda draw: draw.user().id),
    "identities.touch": _touch_identity,
    "identities.delete": _reads("identities", "delete", lambda draw: draw.one(draw.identities, an_identity).id),
    "identities.attach": _attach_session,
    "identities.list_sessions": _list_provider_sessions,
    "authorizations.add": _add_authorization,
    "authorizations.take": _reads(
        "authorizations", "take", lambda draw: draw.one(draw.authorizations, lambda _: an_authorization()).digest
    ),
    "authorizations.prune": _reads("authorizations", "prune", Draw.moment),
}
