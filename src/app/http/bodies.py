"""Strict request bodies, declared by their type.

A handler says ``data: RequestBody[NewProject]`` and the application ``dto=StrictBody``; nothing else reads bodies.
``Input`` is a JSON object, ``Patch`` one that must change something, ``Form`` what the OAuth routes take.
Subclasses repeat ``kw_only=True`` where a required member follows an optional one: msgspec does not inherit it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.connection.base import empty_receive, empty_send
from litestar.datastructures import FormMultiDict
from litestar.dto import AbstractDTO, DTOConfig
from litestar.openapi.spec import Reference, Schema
from litestar.types import Empty, Receive, Scope, Send
from litestar.typing import FieldDefinition
from litestar.utils.scope.state import CONNECTION_STATE_KEY, ScopeState

from app.http.errors import UnsupportedMediaType
from app.http.forms import form_of
from app.http.problems import invalid_input
from app.http.strict_json import parse_json

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""An RFC 3339 time with its offset; a naive one is 422."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    def __repr__(self) -> str:
        """What was sent may be a secret."""
        return f"{type(self).__name__}(…)"


class Input(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Patch(Input, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every member is ``T | UnsetType = UNSET``: absent leaves a value as it is, ``null`` clears it."""

    def __post_init__(self) -> None:
        if all(getattr(self, name) is msgspec.UNSET for name in self.__struct_fields__):
            raise ValueError("names nothing to change")


class Form(Body, frozen=True, kw_only=True):
    """Members are strings; names that are not declared are ignored, as OAuth asks."""


JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"


_ASKED_NOTHING: Request[Any, Any, Any] = Request({"type": "http", "state": {}})  # type: ignore[arg-type]


class GuardedRequest(Request[Any, Any, Any]):
    """Its body is received as the edge lets it through, which has judged its length: the framework would judge anew,
    and parse every header for that. It is made for every request, and nearly all that it keeps is what it was not asked
    for yet: so that stands here once.
    """

    def __init__(self, scope: Scope, receive: Receive = empty_receive, send: Send = empty_send) -> None:
        self.scope: Any = scope
        self.receive, self.send = receive, send

    @property
    def _connection_state(self) -> ScopeState:  # type: ignore[override]  # made once somebody asks
        return ScopeState.from_scope(self.scope)

    async def close(self) -> None:
        """Let go of the files of a form that was asked for."""
        state: ScopeState | None = self.scope["state"].get(CONNECTION_STATE_KEY)
        if state is not None and state.form is not Empty:
            await FormMultiDict.from_form_data(state.form).close()

    async def body(self) -> bytes:
        if self._connection_state.body is Empty:
            message: Any = await self.receive()
            chunks = [message.get("body", b"")]
            while message.get("more_body"):
                message = await self.receive()
                chunks.append(message.get("body", b""))
            self._connection_state.body = b"".join(chunks)
        return self._connection_state.body


for _name in {*ASGIConnection.__slots__, *Request.__slots__} - {"scope", "receive", "send", "_connection_state"}:
    setattr(GuardedRequest, _name, getattr(_ASKED_NOTHING, _name))


class StrictBody(AbstractDTO[Any]):
    """Decodes by the annotation of the handler's ``data``, without coercing anything."""

    config = DTOConfig()

    def decode_bytes(self, value: bytes) -> Any:
        annotation = self.asgi_connection.route_handler.parsed_data_field.annotation
        return decoded(value, annotation, self.asgi_connection.scope["headers"])

    @classmethod
    def create_for_field_definition(cls, *_: Any, **__: Any) -> None:
        """Nothing to prepare: the annotation is all there is."""

    @classmethod
    def is_supported_model_type_field(cls, field_definition: FieldDefinition) -> bool:
        """Answers go their own way; asked only about return types."""
        return False

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        schema: Reference | Schema = schema_creator.for_field_definition(field_definition)
        return schema

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Any:
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        return False


def decoded(body: bytes, annotation: Any, fields: Iterable[tuple[bytes, bytes]]) -> Any:
    """*body*, whose *fields* have to say the right thing about it."""
    if is_form(annotation):
        require_media_type(fields, FORM)
        return converted(form_of(body), annotation)
    require_media_type(fields, JSON)
    return converted(parse_json(body), annotation)


def is_form(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Form)


def converted(value: Any, annotation: Any) -> Any:
    try:
        return msgspec.convert(value, annotation, strict=True)
    except msgspec.ValidationError as error:
        raise invalid_input(error) from None


def require_media_type(fields: Iterable[tuple[bytes, bytes]], expected: bytes) -> None:
    """Exactly one ``Content-Type``, of that type, in UTF-8 if it names a charset."""
    sent = [value for name, value in fields if name == b"content-type"]
    if sent == [expected]:
        return
    media_type, *parameters = sent[0].lower().split(b";") if len(sent) == 1 else [b""]
    charsets = [p.strip() for p in parameters if p.strip().startswith(b"charset")]
    if media_type.strip() != expected or any(c not in (b"charset=utf-8", b'charset="utf-8"') for c in charsets):
        raise UnsupportedMediaType(f"this body is {expected.decode()} in UTF-8")
