from collections.abc import Callable, Collection, Iterable

from domain.errors import NotFound, RoleInUse
from domain.model.actors import Actor
from domain.model.changes import UNSET, Unset, require_version
from domain.model.ids import RoleId, UserId
from domain.model.permissions import RolePermission, UserPermission
from domain.model.queries import Operator, Page, Query
from domain.model.roles import ROLE_FIELDS, Role, known_permissions
from domain.model.scopes import Catalogue
from domain.model.texts import description_text, name_text
from domain.model.users import USER_FIELDS, User
from domain.ports.system import Clock, IdGenerator
from domain.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.services.audit import Recorder
from domain.services.idempotency import REPEATEDLY, Once
from domain.services.retries import settled

Change = Callable[[frozenset[str]], frozenset[str]]


class RoleService:
    """Nobody makes, changes or gives what they may not do themselves."""

    def __init__(
        self, *, uow: UnitOfWorkFactory, catalogue: Catalogue, recorder: Recorder, clock: Clock, ids: IdGenerator
    ) -> None:
        self._uow = uow
        self._catalogue = catalogue
        self._recorder = recorder
        self._clock = clock
        self._ids = ids

    def permissions(self, actor: Actor) -> tuple[str, ...]:
        """Every permission that exists, an extension's included. Raises PermissionDenied."""
        actor.require(RolePermission.READ)
        return tuple(sorted(self._catalogue.permissions))

    def grants(self, role: Role) -> frozenset[str]:
        """What *role* allows, or would if it were active."""
        return role.holds(self._catalogue)

    async def create(
        self,
        actor: Actor,
        *,
        name: str,
        permissions: Iterable[str],
        description: str | None = None,
        once: Once[Role] = REPEATEDLY,
    ) -> Role:
        """Raises PermissionDenied, ForbiddenInImpersonation, Invalid, RoleExceedsActor, RoleNameTaken."""
        _require_manager(actor)
        now = self._clock.now()
        role = Role(
            id=RoleId(self._ids.new()),
            name=name_text(name),
            description=description_text(description),
            permissions=known_permissions(permissions, self._catalogue.permissions),
            created_at=now,
            updated_at=now,
        )
        self._require_within(actor, role)
        async with self._uow() as work:
            await work.roles.add(role)
            changes = {"name": role.name, "permissions": sorted(role.permissions)}
            await self._recorder.record(work, actor, "role.created", role.id, changes)
            await once.keep(work, role)
        return role

    async def get(self, actor: Actor, role_id: RoleId) -> Role:
        """Raises PermissionDenied, RoleNotFound."""
        actor.require(RolePermission.READ)
        async with self._uow.reading() as work:
            return await work.roles.get(role_id)

    async def list(self, actor: Actor, query: Query) -> Page[Role]:
        """Raises PermissionDenied, Invalid."""
        actor.require(RolePermission.READ)
        checked = query.within(ROLE_FIELDS)
        async with self._uow.reading() as work:
            return await work.roles.list(checked)

    async def find(self, actor: Actor, name: str) -> Role | None:
        """By its exact name. Raises PermissionDenied."""
        actor.require(RolePermission.READ)
        query = Query(limit=1, filters=(ROLE_FIELDS.filter("name", Operator.EQ, name),))
        async with self._uow.reading() as work:
            return next(iter((await work.roles.list(query)).items), None)

    async def list_by_user(self, actor: Actor, user_id: UserId) -> tuple[Role, ...]:
        """By name, inactive ones too. Raises PermissionDenied, UserNotFound."""
        actor.require(RolePermission.READ)
        async with self._uow.reading() as work:
            await work.users.get(user_id)
            return await work.roles.list_by_user(user_id)

    async def list_members(self, actor: Actor, role_id: RoleId, query: Query) -> Page[User]:
        """Raises PermissionDenied, Invalid, RoleNotFound."""
        actor.require(RolePermission.READ, UserPermission.READ)
        checked = query.within(USER_FIELDS)
        async with self._uow.reading() as work:
            await work.roles.get(role_id)
            return await work.users.list(checked, role_id=role_id)

    async def update(
        self,
        actor: Actor,
        role_id: RoleId,
        *,
        name: str | Unset = UNSET,
        description: str | Unset | None = UNSET,
        permissions: Iterable[str] | Unset = UNSET,
        is_active: bool | Unset = UNSET,
        expected: Collection[int] | None = None,
    ) -> Role:
        """Change what is given; *expected* are the versions that the caller has read, None is whichever.

        Raises PermissionDenied, ForbiddenInImpersonation, Invalid, RoleNotFound, RoleExceedsActor,
        PreconditionFailed, BuiltIn, RoleNameTaken, EditConflict.
        """
        _require_manager(actor)
        every = self._catalogue.permissions
        new_name = name if isinstance(name, Unset) else name_text(name)
        text = description if isinstance(description, Unset) else description_text(description)
        allowed = permissions if isinstance(permissions, Unset) else known_permissions(permissions, every)
        async with self._uow() as work:
            role = await self._writable(work, actor, role_id, expected)
            edited = role.edit(
                name=new_name, description=text, permissions=allowed, is_active=is_active, now=self._clock.now()
            )
            return await self._saved(work, actor, role, edited)

    async def allow(self, actor: Actor, role_id: RoleId, permission: str) -> None:
        """Add *permission*; said again, it changes nothing.

        Raises PermissionDenied, ForbiddenInImpersonation, NotFound for an unknown permission, RoleNotFound,
        RoleExceedsActor, BuiltIn, EditConflict.
        """
        await self._permitting(actor, role_id, permission, lambda held: held | {permission})

    async def disallow(self, actor: Actor, role_id: RoleId, permission: str) -> None:
        """Take *permission* away; said again, it changes nothing. Raises as `allow` does."""
        await self._permitting(actor, role_id, permission, lambda held: held - {permission})

    async def delete(
        self, actor: Actor, role_id: RoleId, *, force: bool = False, expected: Collection[int] | None = None
    ) -> None:
        """With *force* it is taken from whoever holds it.

        Raises PermissionDenied, ForbiddenInImpersonation, RoleNotFound, RoleExceedsActor, PreconditionFailed,
        BuiltIn, RoleInUse, EditConflict.
        """
        _require_manager(actor)
        async with self._uow() as work:
            role = await self._writable(work, actor, role_id, expected)
            if not force and await work.roles.has_member(role_id):
                raise RoleInUse
            await work.roles.delete(role)
            await self._recorder.record(work, actor, "role.deleted", role_id, {"name": role.name})

    async def _permitting(self, actor: Actor, role_id: RoleId, permission: str, change: Change) -> None:
        _require_manager(actor)
        if permission not in self._catalogue.permissions:
            raise NotFound

        async def changed() -> None:
            async with self._uow() as work:
                role = await self._writable(work, actor, role_id)
                edited = role.edit(permissions=change(role.permissions), now=self._clock.now())
                await self._saved(work, actor, role, edited)

        await settled(changed)

    async def _writable(
        self, work: UnitOfWork, actor: Actor, role_id: RoleId, expected: Collection[int] | None = None
    ) -> Role:
        role = await work.roles.get(role_id)
        self._require_within(actor, role)
        require_version(role.version, expected)
        return role.writable()

    async def _saved(self, work: UnitOfWork, actor: Actor, role: Role, edited: Role) -> Role:
        self._require_within(actor, edited)
        if not (changes := role.difference(edited)):
            return role
        saved = await work.roles.save(edited)
        await self._recorder.record(work, actor, "role.updated", role.id, changes)
        return saved

    def _require_within(self, actor: Actor, role: Role) -> None:
        role.require_within(actor, self._catalogue)


def _require_manager(actor: Actor) -> None:
    """Raises PermissionDenied, ForbiddenInImpersonation."""
    actor.require(RolePermission.MANAGE)
    actor.require_themselves()
