"""Who holds which role."""

from collections.abc import Iterable

from domain.errors import Invalid, LastAdmin, RoleNotFound
from domain.model.actors import Actor
from domain.model.ids import RoleId, UserId
from domain.model.permissions import RolePermission
from domain.model.roles import ADMIN_ID, MEMBER_ID, ROLES_MAX, Role, permissions_of
from domain.model.scopes import Catalogue
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder


class MembershipService:
    """Nobody gives or takes a role that may do what they may not, nor acts on somebody who may do more than they."""

    def __init__(self, *, uow: UnitOfWorkFactory, catalogue: Catalogue, recorder: Recorder) -> None:
        self._uow = uow
        self._catalogue = catalogue
        self._recorder = recorder

    async def grant(self, actor: Actor, role_id: RoleId, user_id: UserId) -> None:
        """Said again, it changes nothing.

        Raises PermissionDenied, CredentialKindNotAllowed, ForbiddenInImpersonation, RoleNotFound, UserNotFound,
        RoleExceedsActor, TargetExceedsActor.
        """
        async with self._uow() as work:
            role, held = await self._asked(work, actor, role_id, user_id)
            if role not in held:
                await work.roles.grant(role_id, user_id)
                await self._recorder.record(work, actor, "role.granted", role_id, {"user_id": str(user_id)})

    async def revoke(self, actor: Actor, role_id: RoleId, user_id: UserId) -> None:
        """Said again, it changes nothing. Raises as `grant` does, and LastAdmin."""
        async with self._uow() as work:
            role, held = await self._asked(work, actor, role_id, user_id)
            if role in held:
                if role_id == ADMIN_ID:
                    await require_another_admin(work, user_id)
                await work.roles.revoke(role_id, user_id)
                await self._recorder.record(work, actor, "role.revoked", role_id, {"user_id": str(user_id)})

    async def _asked(
        self, work: UnitOfWork, actor: Actor, role_id: RoleId, user_id: UserId
    ) -> tuple[Role, tuple[Role, ...]]:
        """The role, and those that the user holds now; once *actor* may change it."""
        actor.require(RolePermission.MANAGE)
        actor.require_no_key()
        role, _ = await work.roles.get(role_id), await work.users.get(user_id)
        role.require_within(actor, self._catalogue)
        held = await work.roles.list_by_user(user_id)
        actor.require_covers(permissions_of(held, self._catalogue))
        return role, held


async def permissions_held(work: UnitOfWork, catalogue: Catalogue, user_id: UserId) -> frozenset[str]:
    """What the user may do now."""
    return permissions_of(await work.roles.list_by_user(user_id), catalogue)


async def require_another_admin(work: UnitOfWork, user_id: UserId) -> None:
    """Asked before the user stops being an active admin. Raises LastAdmin.

    It counts before it looks at the user, and whoever they are: whoever asks about another waits from then on, so that
    nobody becomes the last admin between the look and the change.
    """
    active = await work.roles.count_active_members(ADMIN_ID)
    user, held = await work.users.get(user_id), await work.roles.list_by_user(user_id)
    if active <= 1 and user.is_active and ADMIN_ID in {role.id for role in held}:
        raise LastAdmin


async def require_may_give(
    work: UnitOfWork, actor: Actor, role_ids: Iterable[RoleId], catalogue: Catalogue
) -> frozenset[RoleId]:
    """*role_ids*, which *actor* may give to somebody new; without any, the role of every member: who may let people
    in need not be able to do what all of them may.

    Raises Invalid for one that does not exist, RoleExceedsActor, CredentialKindNotAllowed, ForbiddenInImpersonation.
    """
    given = tuple(role_ids)
    if given:
        actor.require_no_key()
    if len(given) > ROLES_MAX:
        raise Invalid("role_ids", f"has at most {ROLES_MAX} roles")
    for place, role_id in enumerate(given):
        try:
            role = await work.roles.get(role_id)
        except RoleNotFound:
            raise Invalid(f"role_ids/{place}", "is not a role that exists") from None
        role.require_within(actor, catalogue)
    return frozenset(given) or frozenset({MEMBER_ID})
