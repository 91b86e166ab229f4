"""What every write has in common: its refusal may not be swallowed, and a reading unit makes none."""

from dataclasses import replace

import pytest

from domain.errors import Conflict, NotFound
from domain.model.roles import ADMIN, MEMBER_ID

from ..support.databases import Storage
from ..support.examples import (
    a_key,
    a_mail,
    a_one_time_token,
    a_project,
    a_refresh_token,
    a_role,
    a_scope,
    a_secret,
    a_session,
    a_use,
    a_user,
    an_event,
    an_invitation,
    attempts,
)
from ..support.fakes import START

REFUSALS = {
    "users.save": lambda work, owner: work.users.save(a_user()),
    "users.save of an old value": lambda work, owner: work.users.save(replace(owner, version=7)),
    "roles.grant": lambda work, owner: work.roles.grant(MEMBER_ID, a_user().id),
    "roles.grant of no role": lambda work, owner: work.roles.grant(a_role().id, owner.id),
    "roles.add": lambda work, owner: work.roles.add(a_role(name="admin")),
    "roles.save": lambda work, owner: work.roles.save(a_role()),
    "roles.delete": lambda work, owner: work.roles.delete(a_role()),
    "sessions.add": lambda work, owner: work.sessions.add(a_session(a_user())),
    "sessions.save": lambda work, owner: work.sessions.save(a_session(owner)),
    "sessions.add_refresh_token": lambda work, owner: work.sessions.add_refresh_token(
        a_refresh_token(a_session(owner))
    ),
    "one_time_tokens.add": lambda work, owner: work.one_time_tokens.add(a_one_time_token(a_user())),
    "invitations.delete": lambda work, owner: work.invitations.delete(an_invitation().id),
    "mails.add": lambda work, owner: work.mails.add(a_mail(an_invitation())),
    "keys.add": lambda work, owner: work.keys.add(a_key(a_user()), live_at_most=9, now=START),
    "keys.add over quota": lambda work, owner: work.keys.add(a_key(owner), live_at_most=0, now=START),
    "keys.save": lambda work, owner: work.keys.save(a_key(owner)),
    "keys.save_secrets": lambda work, owner: work.keys.save_secrets(a_key(owner)),
    "keys.delete": lambda work, owner: work.keys.delete(a_key(owner)),
    "scopes.add over quota": lambda work, owner: work.scopes.add(a_scope(), at_most=0),
    "scopes.save": lambda work, owner: work.scopes.save(a_scope()),
    "scopes.delete": lambda work, owner: work.scopes.delete(a_scope()),
    "projects.add": lambda work, owner: work.projects.add(a_project(a_user()), at_most=9),
    "projects.add over quota": lambda work, owner: work.projects.add(a_project(owner), at_most=0),
    "projects.save": lambda work, owner: work.projects.save(a_project(owner)),
    "projects.delete": lambda work, owner: work.projects.delete(a_project(owner)),
}


@pytest.mark.parametrize("write", REFUSALS.values(), ids=REFUSALS)
async def test_no_refusal_of_a_write_may_be_swallowed(storage: Storage, owner, write) -> None:
    async def swallow() -> None:
        async with storage.uow() as work:
            with pytest.raises((NotFound, Conflict)):
                await write(work, owner)

    with pytest.raises(RuntimeError, match="a refused write was swallowed"):
        await swallow()


WRITES = {
    "users.add": lambda work, owner: work.users.add(a_user()),
    "users.save": lambda work, owner: work.users.save(owner),
    "users.lock": lambda work, owner: work.users.lock(owner.id),
    "roles.grant": lambda work, owner: work.roles.grant(MEMBER_ID, owner.id),
    "roles.grant of no role": lambda work, owner: work.roles.grant(a_role().id, owner.id),
    "roles.add": lambda work, owner: work.roles.add(a_role()),
    "roles.save": lambda work, owner: work.roles.save(ADMIN),
    "roles.delete": lambda work, owner: work.roles.delete(ADMIN),
    "roles.revoke": lambda work, owner: work.roles.revoke(MEMBER_ID, owner.id),
    "sessions.add": lambda work, owner: work.sessions.add(a_session(owner)),
    "sessions.touch": lambda work, owner: work.sessions.touch(a_session(owner)),
    "sessions.end_all": lambda work, owner: work.sessions.end_all(owner.id, now=START),
    "sessions.end_all but one": lambda work, owner: work.sessions.end_all(owner.id, now=START, but=a_session(owner).id),
    "attempts.lock": lambda work, owner: work.attempts.lock("user:1", "unknown", now=START),
    "attempts.save": lambda work, owner: work.attempts.save(attempts()),
    "attempts.forget": lambda work, owner: work.attempts.forget("user:1"),
    "attempts.forget on a device": lambda work, owner: work.attempts.forget("user:1", "phone"),
    "attempts.prune": lambda work, owner: work.attempts.prune(START),
    "one_time_tokens.add": lambda work, owner: work.one_time_tokens.add(a_one_time_token(owner)),
    "one_time_tokens.take": lambda work, owner: work.one_time_tokens.take(b"digest"),
    "one_time_tokens.remove_of_user": lambda work, owner: work.one_time_tokens.remove_of_user(owner.id),
    "one_time_tokens.prune": lambda work, owner: work.one_time_tokens.prune(START),
    "invitations.add": lambda work, owner: work.invitations.add(an_invitation()),
    "invitations.delete": lambda work, owner: work.invitations.delete(an_invitation().id),
    "mails.add": lambda work, owner: work.mails.add(a_mail()),
    "mails.claim": lambda work, owner: work.mails.claim(1, now=START),
    "mails.remove": lambda work, owner: work.mails.remove(a_mail().id),
    "keys.add": lambda work, owner: work.keys.add(a_key(owner), live_at_most=9, now=START),
    "keys.save_secrets": lambda work, owner: work.keys.save_secrets(a_key(owner)),
    "keys.note_uses": lambda work, owner: work.keys.note_uses([a_use(a_key(owner))]),
    "keys.save_digest": lambda work, owner: work.keys.save_digest(a_key(owner).id, a_secret(), seen=b"x"),
    "keys.delete": lambda work, owner: work.keys.delete(a_key(owner)),
    "scopes.add": lambda work, owner: work.scopes.add(a_scope(), at_most=9),
    "scopes.save": lambda work, owner: work.scopes.save(a_scope()),
    "scopes.delete": lambda work, owner: work.scopes.delete(a_scope()),
    "keys.revoke_all": lambda work, owner: work.keys.revoke_all(owner.id, now=START),
    "projects.add": lambda work, owner: work.projects.add(a_project(owner), at_most=9),
    "sessions.spend_refresh_token": lambda work, owner: work.sessions.spend_refresh_token(
        a_refresh_token(a_session(owner), spent_at=START)
    ),
    "events.add": lambda work, owner: work.events.add(an_event()),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_a_reading_unit_refuses_to_write(storage: Storage, owner, write) -> None:
    with pytest.raises(RuntimeError, match="writ"):
        async with storage.uow.reading() as work:
            await write(work, owner)
