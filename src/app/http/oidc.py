"""`/v1/auth/oidc`: signing in through a provider of identities (OpenID Connect)."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, RequestBody
from litestar.response import Redirect

from app.http.bodies import Form
from app.http.cookies import DEVICE, hint_in, jar_of
from app.http.doors import ActorRequest, public, revoking, session
from app.http.fields import described
from app.http.lists import parameter, query_in
from app.http.origins import origin_of
from app.http.sign_in import NO_STORE
from app.http.views import ViewResponse
from domain.model.authorizations import RETURN_TO_LIMIT
from domain.services.federated_accounts import Browser
from domain.services.federated_sign_in import Answer, Departure, FederatedSignIn

AnyRequest = Request[Any, Any, Any]
Federated = NamedDependency[FederatedSignIn]
RETURN_TO = {
    "parameters": [
        parameter("return_to", type="string", default="/", pattern="^/[!-\\[\\]-~]*$", maxLength=RETURN_TO_LIMIT)
    ]
}
FROM_PROVIDER = {
    "parameters": [
        parameter(name, type="string") for name in ("state", "code", "error", "error_description", "error_uri", "iss")
    ],
    "open_query": True,
}
SENT_AWAY = {"answers": (400, 404, 422, 429)}


class ProviderView(msgspec.Struct, frozen=True):
    provider: str
    issuer: str


class ProvidersView(msgspec.Struct, frozen=True):
    data: tuple[ProviderView, ...]


class SignedOutView(msgspec.Struct, frozen=True):
    """Where to go to sign out at the provider as well."""

    redirect_to: str


class LogoutForm(Form, frozen=True, kw_only=True):
    logout_token: Annotated[str, msgspec.Meta(min_length=1), described("What the provider signed.", maxLength=16384)]


class OidcController(Controller):
    path = "/auth/oidc"
    tags = ("Sign-in",)

    @get("/", opt=public())
    async def list_providers(self, federated_sign_in: Federated) -> ProvidersView:
        """List the providers through which people may sign in."""
        return ProvidersView(tuple(ProviderView(*pair) for pair in federated_sign_in.issuers().items()))

    @get("/{provider:str}/login", status_code=302, opt=public() | RETURN_TO | SENT_AWAY)
    async def login(self, request: AnyRequest, provider: FromPath[str], federated_sign_in: Federated) -> Redirect:
        """Go to a provider to sign in; the browser comes back to `return_to`, a path of this service."""
        return _sent_away(
            request, await federated_sign_in.begin(provider, origin_of(request.scope), return_to=_to(request))
        )

    @get("/{provider:str}/register", status_code=302, opt=public() | RETURN_TO | SENT_AWAY)
    async def register(self, request: AnyRequest, provider: FromPath[str], federated_sign_in: Federated) -> Redirect:
        """Go to a provider to make an account there, where it offers that, and sign in with it."""
        departure = await federated_sign_in.begin(
            provider, origin_of(request.scope), return_to=_to(request), registering=True
        )
        return _sent_away(request, departure)

    @get("/{provider:str}/link", status_code=302, opt=session(same_origin=True) | RETURN_TO | SENT_AWAY)
    async def link(self, request: ActorRequest, provider: FromPath[str], federated_sign_in: Federated) -> Redirect:
        """Go to a provider for an identity that is to sign in to one's own account."""
        departure = await federated_sign_in.begin_linking(request.user, provider, return_to=_to(request))
        return _sent_away(request, departure)

    @get(
        "/{provider:str}/callback",
        status_code=302,
        opt=public() | FROM_PROVIDER | {"answers": (400, 401, 403, 404, 409, 422, 429)},
    )
    async def callback(self, request: AnyRequest, provider: FromPath[str], federated_sign_in: Federated) -> Redirect:
        """Come back from a provider, to a session and to where one wanted to go."""
        jar, headers = jar_of(request), request.scope["headers"]
        answer = _answer(request)
        browser = Browser(
            origin=origin_of(request.scope),
            replacing=hint_in(headers, jar.session_name),
            device=hint_in(headers, DEVICE),
        )
        arrival = await federated_sign_in.complete(provider, answer, browser)
        begun = [] if arrival.begun is None else jar.begin(arrival.begun)
        return _redirect(arrival.return_to, [*begun, jar.arrived(answer.state)])

    @post("/{provider:str}/logout", status_code=200, opt=session() | revoking() | {"answers": (404,)})
    async def logout(
        self, request: ActorRequest, provider: FromPath[str], federated_sign_in: Federated
    ) -> Response[SignedOutView]:
        """Sign out here, and learn where to go to sign out at the provider."""
        redirect_to = await federated_sign_in.sign_out(request.user, provider)
        return Response(SignedOutView(redirect_to), headers=NO_STORE, cookies=jar_of(request).end())

    @post(
        "/{provider:str}/backchannel-logout",
        status_code=200,
        opt=public(limited=False) | revoking() | {"answers": (404,)},
    )
    async def backchannel_logout(
        self,
        request: AnyRequest,
        provider: FromPath[str],
        data: RequestBody[LogoutForm],
        federated_sign_in: Federated,
    ) -> Response[None]:
        """End the sessions that came from a sign-in which has ended at the provider (Back-Channel Logout 1.0)."""
        await federated_sign_in.end_from_provider(provider, data.logout_token, origin_of(request.scope))
        return ViewResponse(None, headers=NO_STORE)


def _to(request: AnyRequest) -> str:
    return query_in(request).get("return_to", "/")


def _answer(request: AnyRequest) -> Answer:
    given = query_in(request)
    state = given.get("state", "")
    return Answer(
        state=state,
        code=given.get("code", ""),
        error=given.get("error", ""),
        issuer=given.get("iss"),
        cookie=hint_in(request.scope["headers"], jar_of(request).way_name(state)),
    )


def _sent_away(request: AnyRequest, departure: Departure) -> Redirect:
    return _redirect(departure.url, [jar_of(request).departed(departure)])


def _redirect(to: str, cookies: list[Cookie]) -> Redirect:
    return Redirect(to, status_code=302, headers=NO_STORE, cookies=cookies)
