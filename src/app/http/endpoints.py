"""A plain handler, called without the framework's machinery; whatever is special about one leaves it to the framework.

Plain is an ``async`` handler that takes the request, texts from its path, a body that `StrictBody` reads and services
that are made once, with no hooks, guards, caches or headers of its own around it. Its answers are the same, byte for
byte: ``tests/app/test_endpoints.py`` asks everything both ways.

*Why not the framework's own.* It finds all of this out anew for each request, in a stack of exits and with a model of
the arguments: that was a fifth of a request behind a key, and half of one with a body.
"""

from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
from litestar import Response
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Empty, Receive, Scope, Send
from litestar.typing import FieldDefinition

from app.http.bodies import GuardedRequest, StrictBody, decoded
from app.http.views import ViewResponse, encoded


class Arguments(NamedTuple):
    """What a handler takes: *given* with every call, *path* by name, *body* by its annotation unless that is None."""

    given: dict[str, Any]
    path: tuple[str, ...]
    body: Any
    request: bool


def endpoint(app: ASGIApp, handler: Any) -> ASGIApp:
    """What serves as *app* does, which is what the framework found for *handler*."""
    if getattr(app, "__func__", None) is not HTTPRoute.handle or _is_special(handler):
        return app
    arguments = _arguments(app.__self__, handler)  # type: ignore[attr-defined]  # it is a method
    return app if arguments is None else Endpoint(app, handler, arguments)


class Endpoint:
    """Raises what the *handler* raises, and what is wrong with its body."""

    def __init__(self, framework: ASGIApp, handler: HTTPRouteHandler, arguments: Arguments) -> None:
        self._framework = framework
        self._handler = handler
        self._call: Any = handler.fn
        self._given, self._path, self._body, self._asks = arguments
        self._status = handler.status_code
        self._tells_views = not handler.parsed_fn_signature.return_type.is_subclass_of(Response)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, given = GuardedRequest(scope, receive, send), self._given.copy()
        for name in self._path:
            given[name] = scope["path_params"][name]
        if self._asks:
            given["request"] = request
        if self._body is not None:
            if not (body := await request.body()):
                await self._framework(scope, receive, send)  # it knows what to say without one
                return
            given["data"] = decoded(body, self._body, scope["headers"])
        try:
            await self._answer(await self._call(**given), request)
        finally:
            await request.close()

    async def _answer(self, said: Any, request: GuardedRequest) -> None:
        if type(said) is ViewResponse:
            status, headers, content = said.status_code or self._status, said.headers, said.content
        elif self._tells_views and (said is None or isinstance(said, msgspec.Struct)):
            status, headers, content = self._status, None, said
        else:
            response = await self._handler.to_response(app=request.app, data=said, request=request)
            await response(request.scope, request.receive, request.send)
            return
        fields, body = encoded(content, status, headers)
        await request.send({"type": "http.response.start", "status": status, "headers": fields})
        await request.send({"type": "http.response.body", "body": body, "more_body": False})


def _is_special(handler: HTTPRouteHandler) -> bool:
    return bool(
        handler.has_sync_callable
        or handler.cache
        or handler.background
        or handler.resolve_guards()
        or handler.resolve_before_request()
        or handler.resolve_after_response()
        or any(layer.after_request for layer in handler.ownership_layers)
        or handler.resolve_response_headers()
        or handler.resolve_response_cookies()
        or handler.resolve_return_dto()
        or handler.resolve_type_decoders()
        or handler.resolve_layered_parameters()
        or handler.resolve_response_class() is not ViewResponse
        or handler.resolve_request_class() is not GuardedRequest
        or handler.resolve_data_dto() is not StrictBody
    )


def _arguments(route: HTTPRoute, handler: HTTPRouteHandler) -> Arguments | None:
    """None where one of them is no plain one."""
    providers, given, path = handler.resolve_dependencies(), {}, []
    parameters = dict(handler.parsed_fn_signature.parameters)
    asks, data = parameters.pop("request", None), parameters.pop("data", None)
    for name, field in parameters.items():
        if name in providers and (service := _singleton(providers[name], field)) is not Empty:
            given[name] = service
        elif name in route.path_parameters and _is_text(field):
            path.append(name)
        else:
            return None
    return Arguments(given, tuple(path), None if data is None else data.annotation, asks is not None)


def _singleton(provider: Provide, field: FieldDefinition) -> Any:
    """What it has made, or makes now, once for all; Empty where it is none, or not what is asked for."""
    if provider.use_cache and provider.has_sync_callable and not provider.signature_model._fields:
        if provider.value is Empty:
            with suppress(Exception):  # the framework tries again, where somebody answers for it
                provider.value = provider.dependency()
        if isinstance(field.annotation, type) and isinstance(provider.value, field.annotation):
            return provider.value
    return Empty


def _is_text(field: FieldDefinition) -> bool:
    rules = field.kwarg_definition
    return field.annotation is str and isinstance(rules, ParameterKwarg) and not (rules.is_constrained or rules.name)
