"""`/v1/auth`: signing in for tokens or for a cookie, and what becomes of both."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, delete, post
from litestar.di import NamedDependency
from litestar.params import RequestBody

from app.http import me
from app.http.bodies import Form, Input
from app.http.cookies import DEVICE, hint_in, jar_of
from app.http.doors import ActorRequest, public, revoking, user, user_or_key
from app.http.errors import UnsupportedGrantType
from app.http.fields import Login, Password, described
from app.http.origins import origin_of
from app.http.problems import grant_handlers, oauth_handlers
from domain.errors import Invalid
from domain.model.permissions import TokenPermission
from domain.services.introspection import Introspection, IntrospectionService
from domain.services.issuing import Tokens
from domain.services.sessions import SessionService
from domain.services.sign_in import SignInService

BEARER = "Bearer"
CLIENT = "hexkey"
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
AnyRequest = Request[Any, Any, Any]
PresentedToken = Annotated[
    str, msgspec.Meta(min_length=1), described("The token; what is too long for one is not active.")
]
Hint = Annotated[str, described("Ignored: a token shows what it is.", "refresh_token")]


class TokenForm(Form, frozen=True, kw_only=True):
    grant_type: Annotated[str, described("`password` or `refresh_token`.", "password", maxLength=64)]
    username: Login = ""
    password: Annotated[str, described("With `password`.", maxLength=128)] = ""
    refresh_token: Annotated[str, described("With `refresh_token`.", maxLength=256)] = ""


class TokenToJudge(Form, frozen=True, kw_only=True):
    token: PresentedToken
    token_type_hint: Hint = ""


class SignIn(Input, frozen=True, kw_only=True):
    login: Login
    password: Password


class TokensView(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 6749, 5.1; `expires_in` is in seconds."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str


class Act(msgspec.Struct, frozen=True):
    """Who acts as the subject (RFC 8693)."""

    sub: str


class IntrospectionView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 7662; of a token that is not good, nothing but `active`. `exp` is in seconds since 1970."""

    active: bool
    token_type: str | None = None
    scope: str | None = None
    client_id: str | None = None
    sub: str | None = None
    sid: str | None = None
    exp: int | None = None
    act: Act | None = None


class AuthController(Controller):
    path = "/auth"
    tags = ("Sign-in",)

    @post("/token", status_code=200, opt=public(), exception_handlers=grant_handlers)
    async def token(
        self,
        request: AnyRequest,
        data: RequestBody[TokenForm],
        sign_in: NamedDependency[SignInService],
        sessions: NamedDependency[SessionService],
    ) -> Response[TokensView]:
        """Sign in, or spend a refresh token for its successor (RFC 6749)."""
        match data.grant_type:
            case "password" if sign_in.offers_password_grant:
                _require(data, "username", "password")
                device = hint_in(request.scope["headers"], DEVICE)
                signed_in = await sign_in.for_tokens(
                    data.username, data.password, origin_of(request.scope), device=device
                )
                return tokens_answer(signed_in.tokens, cookies=[jar_of(request).device(signed_in.device)])
            case "refresh_token":
                _require(data, "refresh_token")
                return tokens_answer(await sessions.refresh(data.refresh_token, origin_of(request.scope)))
            case _:
                raise UnsupportedGrantType

    @post("/revoke", status_code=200, opt=public() | revoking(), exception_handlers=oauth_handlers)
    async def revoke(
        self, request: AnyRequest, data: RequestBody[TokenToJudge], sessions: NamedDependency[SessionService]
    ) -> None:
        """End the session of a token, which proves itself; of an unknown one there is nothing to end (RFC 7009)."""
        await sessions.revoke(data.token, origin_of(request.scope))

    @post(
        "/introspect",
        status_code=200,
        opt=user_or_key(TokenPermission.INTROSPECT),
        exception_handlers=oauth_handlers,
    )
    async def introspect(
        self,
        request: ActorRequest,
        data: RequestBody[TokenToJudge],
        introspection: NamedDependency[IntrospectionService],
    ) -> IntrospectionView:
        """Is this access token, refresh token or API key good now, and whose is it (RFC 7662)?"""
        return introspection_view(await introspection.introspect(request.user, data.token))

    @post("/session", opt=public(same_origin=True) | {"answers": (401, 403)})
    async def begin_session(
        self, request: AnyRequest, data: RequestBody[SignIn], sign_in: NamedDependency[SignInService]
    ) -> Response[me.SessionView]:
        """Sign in for a session cookie, and a CSRF cookie that unsafe requests repeat as `X-CSRF-Token`."""
        jar, headers = jar_of(request), request.scope["headers"]
        begun = await sign_in.for_cookie(
            data.login,
            data.password,
            origin_of(request.scope),
            device=hint_in(headers, DEVICE),
            replacing=hint_in(headers, jar.session_name),
        )
        view = me.session_view(begun.session, current=begun.session.id)
        return Response(view, headers=NO_STORE, cookies=jar.begin(begun))

    @delete("/session", status_code=204, opt=user(while_restricted=True) | revoking())
    async def end_session(self, request: ActorRequest, sessions: NamedDependency[SessionService]) -> Response[None]:
        """Sign out: end the session of the cookie or access token that is sent."""
        await sessions.sign_out(request.user)
        return Response(None, status_code=204, cookies=jar_of(request).end())


def _require(form: TokenForm, *names: str) -> None:
    for name in names:
        if not getattr(form, name):
            raise Invalid(name, "is required")


def tokens_answer(tokens: Tokens, **answer: Any) -> Response[TokensView]:
    view = TokensView(
        access_token=tokens.access_token,
        token_type=BEARER,
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token,
    )
    return Response(view, headers=NO_STORE, **answer)


def introspection_view(found: Introspection | None) -> IntrospectionView:
    if found is None:
        return IntrospectionView(active=False)
    bearer = found.actor
    return IntrospectionView(
        active=True,
        token_type=BEARER if found.kind == "access_token" else found.kind,
        scope=" ".join(found.scope) or None,
        client_id=CLIENT if bearer.key_id is None else str(bearer.key_id),
        sub=str(bearer.user_id),
        sid=None if bearer.session_id is None else str(bearer.session_id),
        exp=None if found.expires_at is None else int(found.expires_at.timestamp()),
        act=None if bearer.real_user_id is None else Act(str(bearer.real_user_id)),
    )
