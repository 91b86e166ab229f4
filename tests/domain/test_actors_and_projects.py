from datetime import timedelta
from uuid import UUID

import pytest

from domain.errors import (
    CredentialKindNotAllowed,
    PermissionDenied,
    PreconditionFailed,
    ProjectArchived,
    ProjectNotFound,
    ProjectRoleRequired,
)
from domain.model.actors import Actor, ActorKind, Origin, anonymous, system
from domain.model.changes import UNSET, changed, require_version
from domain.model.events import Event
from domain.model.ids import EventId, KeyId, ProjectId
from domain.model.members import ProjectRole
from domain.model.permissions import CORE_PERMISSIONS, ProjectPermission
from tests.support.examples import a_member, a_project, a_user
from tests.support.fakes import START

OWNER, OTHER = a_user(), a_user()
PROJECT = a_project(OWNER, name="first", description="what it is")
LATER = START + timedelta(hours=1)
OWNS = ProjectRole.OWNER


def user(*permissions: str) -> Actor:
    return Actor(kind=ActorKind.USER, permissions=frozenset(permissions), user_id=OWNER.id)


def test_a_refusal_names_every_permission_that_is_missing() -> None:
    actor = user("projects:read")
    actor.require("projects:read")
    actor.require()
    with pytest.raises(PermissionDenied) as refusal:
        actor.require("users:read", "projects:read", "audit:read")
    assert refusal.value.missing == ("audit:read", "users:read")


def test_a_permission_is_held_whole_or_not_at_all() -> None:
    assert user("projects:read").may("projects:read")
    assert not user("projects:read").may("projects")
    assert not user("projects:any").may("projects:read")


def test_the_system_owns_nothing_and_only_a_key_is_a_key() -> None:
    assert user().owner() == OWNER.id
    with pytest.raises(CredentialKindNotAllowed):
        system(CORE_PERMISSIONS).owner()
    with pytest.raises(CredentialKindNotAllowed):
        user().own_key()
    key_id = KeyId(UUID(int=5))
    assert Actor(kind=ActorKind.KEY, permissions=frozenset(), key_id=key_id).own_key() == key_id


def test_the_operator_may_what_he_is_given_and_somebody_unknown_may_nothing() -> None:
    assert system(CORE_PERMISSIONS).permissions == CORE_PERMISSIONS
    stranger = anonymous(Origin(address="192.0.2.1"), OTHER.id)
    assert stranger.permissions == frozenset()
    assert (stranger.user_id, stranger.origin.address) == (OTHER.id, "192.0.2.1")


def test_own_rows_are_seen_and_anybodys_where_the_row_rule_is_lifted() -> None:
    assert user().sees(OWNER.id, any_permission="projects:any")
    assert not user("projects:read").sees(OTHER.id, any_permission="projects:any")
    assert user("projects:any").sees(OTHER.id, any_permission="projects:any")
    assert not system(frozenset()).sees(OWNER.id, any_permission="projects:any")


def test_a_project_is_seen_by_its_owner_and_by_who_may_see_any() -> None:
    theirs = a_project(OTHER)
    assert PROJECT.require_role(user(), None, OWNS) is PROJECT
    assert theirs.require_role(user(ProjectPermission.ANY), None, OWNS) is theirs
    with pytest.raises(ProjectNotFound):
        theirs.require_role(user(*(set(ProjectPermission) - {ProjectPermission.ANY})), None, ProjectRole.VIEWER)


@pytest.mark.parametrize("least", ProjectRole)
@pytest.mark.parametrize("role", ProjectRole)
def test_a_member_does_what_their_role_covers_and_is_told_what_is_missing(
    role: ProjectRole, least: ProjectRole
) -> None:
    order = [ProjectRole.VIEWER, ProjectRole.EDITOR, ProjectRole.OWNER]
    theirs = a_project(OTHER)
    member = a_member(theirs, OWNER, role=role)
    if order.index(role) >= order.index(least):
        assert theirs.require_role(user(), member, least) is theirs
    else:
        with pytest.raises(ProjectRoleRequired, match=f"the role {least} in the project") as refused:
            theirs.require_role(user(), member, least)
        assert (refused.value.code, refused.value.missing) == ("permission_denied", ())


def test_who_may_touch_any_project_needs_no_role_in_it() -> None:
    theirs = a_project(OTHER)
    viewer = a_member(theirs, OWNER, role=ProjectRole.VIEWER)
    assert theirs.require_role(user(ProjectPermission.ANY), viewer, OWNS) is theirs


def test_a_project_is_archived_once() -> None:
    archived = PROJECT.archive(now=LATER)
    assert (archived.archived_at, archived.updated_at) == (LATER, LATER)
    assert archived.archive(now=START) is archived
    with pytest.raises(ProjectArchived):
        archived.writable()
    assert archived.unarchive(now=LATER).writable().archived_at is None
    assert PROJECT.unarchive(now=LATER) is PROJECT is PROJECT.writable()


@pytest.mark.parametrize("permissions", [(), (ProjectPermission.ANY,)])
def test_a_key_bound_to_projects_sees_no_other_even_with_any(permissions: tuple[str, ...]) -> None:
    def bound(project_id: ProjectId) -> Actor:
        return Actor(
            kind=ActorKind.KEY,
            permissions=frozenset(permissions),
            user_id=OWNER.id,
            project_ids=frozenset({project_id}),
        )

    assert PROJECT.require_role(bound(PROJECT.id), None, OWNS) is PROJECT
    for member in (None, PROJECT.founder()):
        with pytest.raises(ProjectNotFound):
            PROJECT.require_role(bound(a_project(OWNER).id), member, ProjectRole.VIEWER)


def test_an_edit_changes_what_is_named_and_the_time() -> None:
    renamed = PROJECT.edit(name="second", now=LATER)
    assert (renamed.name, renamed.description, renamed.updated_at) == ("second", "what it is", LATER)
    cleared = PROJECT.edit(description=None, now=LATER)
    assert (cleared.name, cleared.description) == ("first", None)


def test_the_difference_is_what_was_changed() -> None:
    assert PROJECT.difference(PROJECT.edit(now=LATER)) == {}
    assert PROJECT.difference(PROJECT.edit(name="second", description=None, now=LATER)) == {
        "name": {"before": "first", "after": "second"},
        "description": {"before": "what it is", "after": None},
    }


def test_what_is_not_given_stays() -> None:
    assert changed(UNSET, "present") == "present"
    assert changed("", "present") == ""
    assert changed(None, "present") is None


def test_a_version_is_one_of_those_that_were_read_or_nobody_asked() -> None:
    require_version(3, None)
    require_version(3, {2, 3})
    for read in ({2}, (), {4, 5}):
        with pytest.raises(PreconditionFailed):
            require_version(3, read)


def test_an_event_says_who_did_what_to_which_from_where() -> None:
    origin = Origin(address="192.0.2.1", request_id="r-1")
    actor = Actor(kind=ActorKind.USER, permissions=frozenset(), user_id=OWNER.id, origin=origin)
    event = Event.by(actor, "project.created", PROJECT.id, id=EventId(UUID(int=1)), now=START)
    assert (event.action, event.subject, event.at) == ("project.created", f"project:{PROJECT.id}", START)
    assert (event.actor_kind, event.user_id) == (ActorKind.USER, OWNER.id)
    assert (event.address, event.request_id) == ("192.0.2.1", "r-1")
    assert event.changes == {}
