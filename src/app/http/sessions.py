from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import RequestBody

from app.http import users as users_http
from app.http.bodies import Form, Input
from app.http.doors import origin_of, public
from app.http.errors import UnsupportedGrantType
from app.http.fields import Name, described
from app.http.problems import grant_handlers
from domain.errors import Invalid
from domain.services.sessions import SessionService, Tokens
from domain.services.users import UserService

Email = Annotated[str, described("An e-mail address.", "ada@example.org", maxLength=254)]
NewPassword = Annotated[
    str, described("15 to 128 characters; any will do.", "correct horse battery staple", minLength=15, maxLength=128)
]
Username = Annotated[str, described("3 to 32 of a-z, 0-9, '.', '_' and '-'.", "ada", minLength=3, maxLength=32)]
BEARER = "Bearer"
AnyRequest = Request[Any, Any, Any]


class NewUser(Input, frozen=True, kw_only=True):
    email: Email
    password: NewPassword
    username: Username | None = None
    name: Name | None = None


class TokenForm(Form, frozen=True, kw_only=True):
    grant_type: Annotated[str, described("`password` or `refresh_token`.", "password", maxLength=64)]
    username: Annotated[str, described("An e-mail address or a user name.", "ada@example.org", maxLength=254)] = ""
    password: Annotated[str, described("With `password`.", maxLength=128)] = ""
    refresh_token: Annotated[str, described("With `refresh_token`.", maxLength=256)] = ""


class TokensView(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 6749, 5.1; `expires_in` is in seconds."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str


class AuthController(Controller):
    path = "/auth"
    tags = ("Sign-in",)

    @post("/register", opt=public())
    async def register(
        self, request: AnyRequest, data: RequestBody[NewUser], users: NamedDependency[UserService]
    ) -> users_http.UserView:
        """Register with an e-mail address. Signing in does not wait for its verification."""
        user = await users.register(
            origin_of(request.scope), email=data.email, password=data.password, login=data.username, name=data.name
        )
        return users_http.view(user)

    @post("/token", status_code=200, opt=public(), exception_handlers=grant_handlers)
    async def token(
        self, request: AnyRequest, data: RequestBody[TokenForm], sessions: NamedDependency[SessionService]
    ) -> Response[TokensView]:
        """Sign in, or spend a refresh token for its successor (RFC 6749)."""
        tokens = await granted(data, sessions, request)
        return Response(tokens_view(tokens), headers={"cache-control": "no-store", "pragma": "no-cache"})


async def granted(form: TokenForm, sessions: SessionService, request: AnyRequest) -> Tokens:
    origin = origin_of(request.scope)
    match form.grant_type:
        case "password" if sessions.offers_password_grant:
            required(form, "username", "password")
            return await sessions.sign_in(form.username, form.password, origin)
        case "refresh_token":
            required(form, "refresh_token")
            return await sessions.refresh(form.refresh_token, origin)
        case _:
            raise UnsupportedGrantType


def required(form: TokenForm, *names: str) -> None:
    for name in names:
        if not getattr(form, name):
            raise Invalid(name, "is required")


def tokens_view(tokens: Tokens) -> TokensView:
    return TokensView(
        access_token=tokens.access_token,
        token_type=BEARER,
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token,
    )


def well_known_routes(public_keys: Callable[[], dict[str, Any]]) -> list[HTTPRouteHandler]:
    """What others need to verify our access tokens by themselves."""

    @get("/.well-known/jwks.json", opt=public(limited=False), tags=("Sign-in",), media_type="application/json")
    async def jwks() -> Response[dict[str, Any]]:
        """The public keys of our access tokens (RFC 7517)."""
        return Response(public_keys(), headers={"cache-control": "public, max-age=300"})

    return [jwks]
