"""The application: every controller behind its door, and the edge round it all."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from litestar import Router
from litestar.datastructures import State
from litestar.exceptions import ImproperlyConfiguredException
from litestar.types import ControllerRouterHandler

from app.beginning import begin
from app.composition import Services
from app.http.audit import AuditController
from app.http.bodies import GuardedRequest, StrictBody
from app.http.cookies import CookieJar
from app.http.documents import document_routes
from app.http.doors import Doors, user
from app.http.edge import Application, Edge
from app.http.exports import ExportController
from app.http.health import health_routes
from app.http.identities import IdentityController
from app.http.impersonation import ImpersonationController
from app.http.keys import KeyController
from app.http.left_out import LeftOut
from app.http.me import MeController
from app.http.members import MemberController
from app.http.oidc import OidcController
from app.http.problems import exception_handlers
from app.http.projects import ProjectController
from app.http.recovery import RecoveryController
from app.http.registration import InvitationController, RegistrationController
from app.http.request_log import RequestLog
from app.http.roles import HeldRoleController, RoleController
from app.http.routes import WrongRoutes, settle, singleton
from app.http.scopes import ScopeController
from app.http.sign_in import AuthController
from app.http.tasks import TaskController
from app.http.users import UserController
from app.http.views import ViewResponse
from app.http.watched_edge import WatchedEdge, Watcher
from app.http.webhooks import WebhookController
from app.http.well_known import server_metadata, well_known_routes
from app.settings import Secret, Settings
from app.tracing import Tracing

if TYPE_CHECKING:
    from app.http.metrics import Metering

CONTROLLERS = (
    AuthController,
    OidcController,
    RegistrationController,
    RecoveryController,
    MeController,
    IdentityController,
    ExportController,
    UserController,
    ImpersonationController,
    InvitationController,
    RoleController,
    HeldRoleController,
    ProjectController,
    TaskController,
    MemberController,
    KeyController,
    ScopeController,
    AuditController,
    WebhookController,
)
SERVICES = (
    "access",
    "accounts",
    "audit",
    "exports",
    "federated_sign_in",
    "idempotency",
    "identities",
    "introspection",
    "invitations",
    "keys",
    "members",
    "memberships",
    "projects",
    "recovery",
    "registration",
    "roles",
    "scopes",
    "sessions",
    "sign_in",
    "tasks",
    "users",
    "webhooks",
)
"""What a handler may ask for by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How the service is reached from outside."""

    public_url: str = "http://127.0.0.1:8000"
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    docs: Literal["on", "off", "auth"] = "on"
    log_requests: Literal["off", "refused", "all"] = "off"
    metrics_token: Secret | None = None
    """Who presents it is told the metrics; without it there are none."""
    metrics_folder: Path | None = None
    """Where several workers tell each other what they count."""

    @classmethod
    def of(cls, settings: Settings) -> "Exposure":
        return cls(
            public_url=settings.public_url,
            allowed_hosts=settings.allowed_hosts,
            trusted_proxies=tuple(map(str, settings.trusted_proxies)),
            cors_origins=settings.cors_origins,
            docs=settings.docs,
            log_requests=settings.log_requests,
            metrics_token=settings.metrics_token,
            metrics_folder=None if settings.metrics_folder is None else Path(settings.metrics_folder),
        )

    @property
    def https(self) -> bool:
        return self.public_url.startswith("https://")


def create_app(
    services: Services,
    exposure: Exposure | None = None,
    *,
    handlers: Iterable[ControllerRouterHandler] = (),
    without: Iterable[str] = (),
    tracing: Tracing | None = None,
) -> Application:
    """Hand *services* to the controllers; *handlers* are those of an extension, groups of routes among them.

    Built-in routes named in *without*, as ``POST /v1/auth/register`` or ``/docs``, are left out: the way to have one's
    own in their place. With *tracing* every request is in a span.

    Raises WrongRoutes, with everything that `routes.settle` finds, a name that is no route, and a route that is there
    twice.
    """
    exposed, left_out = exposure or Exposure(), LeftOut(without)
    metering = None if exposed.metrics_token is None else _metering(services, exposed, exposed.metrics_token)
    built_in = [*_routes(services, exposed, left_out), *left_out.kept(() if metering is None else (metering.route,))]
    left_out.require_met()
    try:
        app = _application(services, exposed, [*built_in, *handlers], metering, tracing)
    except ImproperlyConfiguredException as error:
        raise WrongRoutes(f"{error.detail}; a built-in route is left out by its name, in `without`") from error
    settle(app, services.catalogue)
    return app


def _metering(services: Services, exposed: Exposure, token: Secret) -> "Metering":
    from app.http.metrics import Metering

    return Metering(services, token, folder=exposed.metrics_folder)


def _application(
    services: Services,
    exposed: Exposure,
    handlers: list[ControllerRouterHandler],
    metering: "Metering | None",
    tracing: Tracing | None,
) -> Application:
    jar = CookieJar(https=exposed.https)
    metrics = [] if metering is None else [metering.metrics]
    return Application(
        route_handlers=handlers,
        dependencies={name: singleton(getattr(services, name)) for name in SERVICES},
        state=State({"access": services.access, "cookies": jar, "cursors": services.cursors, "services": services}),
        door=partial(
            Doors,
            access=services.access,
            idempotency=services.idempotency,
            webhooks=services.webhooks,
            jar=jar,
            public_url=exposed.public_url,
        ),
        exception_handlers=exception_handlers,
        request_class=GuardedRequest,
        response_class=ViewResponse,
        dto=StrictBody,
        openapi_config=None,
        logging_config=None,
        on_startup=[partial(begin, services), services.background.start, *(each.start for each in metrics)],
        on_shutdown=[
            *(each.stop for each in metrics),
            services.background.stop,
            services.close,
            *([] if tracing is None else [tracing.stop]),
        ],
        edge=partial(
            _edge(exposed, metering, tracing),
            new_id=services.new_request_id,
            allowed_hosts=exposed.allowed_hosts,
            trusted_proxies=exposed.trusted_proxies,
            cors_origins=exposed.cors_origins,
            https=exposed.https,
        ),
    )


def _edge(exposed: Exposure, metering: "Metering | None", tracing: Tracing | None) -> Callable[..., Edge]:
    """The plain one unless somebody watches."""
    watchers: list[Watcher] = [] if metering is None else [metering.requests]
    if exposed.log_requests != "off":
        watchers.append(RequestLog(exposed.log_requests))
    if tracing is not None:
        from app.http.traced_edge import TracedEdge

        return partial(TracedEdge, watchers=watchers, tracing=tracing)
    return partial(WatchedEdge, watchers=watchers) if watchers else Edge


def _routes(services: Services, exposed: Exposure, left_out: LeftOut) -> Iterable[ControllerRouterHandler]:
    docs = None if exposed.docs == "off" else "/docs"
    yield Router("/v1", route_handlers=list(left_out.kept(CONTROLLERS, under="/v1")))
    yield from left_out.kept(health_routes(docs=docs, checks=services.checks, optional=services.optional_checks))
    yield from left_out.kept(
        well_known_routes(
            services.public_keys,
            lambda: server_metadata(exposed.public_url, password_grant=services.sign_in.offers_password_grant),
        )
    )
    if docs is not None:
        documents = document_routes(
            version=version("hexkey"),
            secure_cookies=exposed.https,
            opt=user() if exposed.docs == "auth" else None,
        )
        yield from left_out.kept(documents)
