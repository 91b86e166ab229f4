import msgspec
from litestar import Controller, Response, post
from litestar.di import NamedDependency

from app.http.doors import ActorRequest, user
from app.http.paths import PathId, path_id
from app.http.sign_in import NO_STORE
from domain.model.ids import UserId
from domain.model.permissions import UserPermission
from domain.services.sessions import SessionService


class ImpersonationView(msgspec.Struct, frozen=True, kw_only=True):
    """`expires_in` is in seconds; there is no refresh token."""

    access_token: str
    expires_in: int


class ImpersonationController(Controller):
    path = "/users"
    tags = ("Users",)

    @post("/{user_id:str}/impersonate", status_code=200, opt=user(UserPermission.IMPERSONATE))
    async def impersonate(
        self, request: ActorRequest, user_id: PathId, sessions: NamedDependency[SessionService]
    ) -> Response[ImpersonationView]:
        """Act as somebody who may do no more than you, for 15 minutes; the audit trail names you both."""
        tokens = await sessions.impersonate(request.user, UserId(path_id(user_id)))
        view = ImpersonationView(access_token=tokens.access_token, expires_in=tokens.expires_in)
        return Response(view, headers=NO_STORE)
