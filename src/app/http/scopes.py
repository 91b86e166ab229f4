"""`/v1/scopes`: named sets of permissions that a key may be given."""

import msgspec
from litestar import Controller, Response, delete, get, put
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, RequestBody

from app.http.bodies import Input
from app.http.doors import ActorRequest, revoking, user_or_key
from app.http.fields import Description
from app.http.lists import ListView, flag, switches
from app.http.roles import Permissions
from app.http.versions import expected_versions, tagged
from app.http.views import ViewResponse
from domain.model.permissions import ScopePermission
from domain.services.scopes import ScopeCard, ScopeService


class Definition(Input, frozen=True, kw_only=True):
    permissions: Permissions
    description: Description | None = None


class ScopeView(msgspec.Struct, frozen=True, kw_only=True):
    """A built-in one can be given, and not be changed."""

    name: str
    description: str | None
    permissions: tuple[str, ...]
    built_in: bool


class ScopeController(Controller):
    path = "/scopes"
    tags = ("Scopes",)

    @get(opt=user_or_key(ScopePermission.READ))
    async def list_scopes(self, request: ActorRequest, scopes: NamedDependency[ScopeService]) -> ListView[ScopeView]:
        """List all scopes; beside them each permission is one by itself."""
        return ListView.whole(map(view, await scopes.list(request.user)))

    @get("/{name:str}", opt=user_or_key(ScopePermission.READ))
    async def get_scope(
        self, request: ActorRequest, name: FromPath[str], scopes: NamedDependency[ScopeService]
    ) -> Response[ScopeView]:
        """Get one scope."""
        return answer(request, await scopes.get(request.user, name))

    @put(
        "/{name:str}",
        opt=user_or_key(ScopePermission.MANAGE) | revoking(),
        responses={201: ResponseSpec(ScopeView, description="It was not there before.")},
    )
    async def define_scope(
        self,
        request: ActorRequest,
        name: FromPath[str],
        data: RequestBody[Definition],
        scopes: NamedDependency[ScopeService],
    ) -> Response[ScopeView]:
        """Define a scope, of permissions that the caller has: for every key that holds it, too."""
        card = await scopes.put(
            request.user,
            name,
            permissions=data.permissions,
            description=data.description,
            expected=expected_versions(request),
        )
        return answer(request, card)

    @delete("/{name:str}", opt=user_or_key(ScopePermission.MANAGE) | switches("force") | revoking())
    async def delete_scope(
        self, request: ActorRequest, name: FromPath[str], scopes: NamedDependency[ScopeService]
    ) -> None:
        """Delete a scope that no key holds; with `force=true` it is taken from those that do."""
        await scopes.delete(request.user, name, force=flag(request, "force"), expected=expected_versions(request))


def answer(request: ActorRequest, card: ScopeCard) -> Response[ScopeView]:
    if card.version is None:
        return ViewResponse(view(card))
    if card.is_new:
        return tagged(
            request, view(card), card.version, status_code=201, headers={"location": f"/v1/scopes/{card.name}"}
        )
    return tagged(request, view(card), card.version)


def view(card: ScopeCard) -> ScopeView:
    return ScopeView(
        name=card.name,
        description=card.description,
        permissions=tuple(sorted(card.permissions)),
        built_in=card.version is None,
    )
