from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import RequestBody

from app.http.addresses import given_address
from app.http.doors import ActorRequest, key, revoking, user_or_key
from app.http.idempotency import once, repeatable
from app.http.keys.inputs import AT_ONCE, KeyPatch, KeyToVerify, NewKey, Rotation, edit_of, request_of
from app.http.keys.views import (
    IssuedKeyView,
    KeyView,
    ReceiptView,
    RotatedKeyView,
    VerificationView,
    issued_view,
    receipt_view,
    rotated_view,
    verification_view,
    view,
)
from app.http.lists import ListView, list_query, listed, listing
from app.http.paths import PathId, path_id
from app.http.versions import expected_versions, versioned
from app.http.views import ViewResponse
from domain.model.ids import KeyId
from domain.model.keys import KEY_FIELDS, IssuedKey, RotatedKey
from domain.model.permissions import KeyPermission
from domain.services.access import AccessService
from domain.services.keys import KeyService


def made(issued: IssuedKey) -> Response[IssuedKeyView]:
    return ViewResponse(
        issued_view(issued), status_code=201, headers={"location": f"/v1/api-keys/{issued.card.key.id}"}
    )


def turned(rotated: RotatedKey) -> Response[RotatedKeyView]:
    return ViewResponse(rotated_view(rotated))


class KeyController(Controller):
    path = "/api-keys"
    tags = ("API keys",)

    @post(opt=user_or_key(KeyPermission.CREATE) | repeatable(secret=True))
    async def create_key(
        self, request: ActorRequest, data: RequestBody[NewKey], keys: NamedDependency[KeyService]
    ) -> Response[IssuedKeyView]:
        """Create a key. Its secret is in this answer and never again."""
        return made(await keys.create(request.user, request_of(data), once(request, made)))

    @get(opt=user_or_key(KeyPermission.READ) | listing(KEY_FIELDS))
    async def list_keys(self, request: ActorRequest, keys: NamedDependency[KeyService]) -> ListView[KeyView]:
        """List the keys that the caller may see."""
        query = list_query(request, KEY_FIELDS)
        return listed(request, await keys.list(request.user, query), query, view)

    @get("/self", opt=key())
    async def get_own_key(self, request: ActorRequest, keys: NamedDependency[KeyService]) -> Response[KeyView]:
        """The key that calls."""
        card = await keys.get_self(request.user)
        return versioned(view(card), card.key.version)

    @get("/{key_id:str}", opt=user_or_key(KeyPermission.READ))
    async def get_key(
        self, request: ActorRequest, key_id: PathId, keys: NamedDependency[KeyService]
    ) -> Response[KeyView]:
        """Get one key."""
        card = await keys.get(request.user, KeyId(path_id(key_id)))
        return versioned(view(card), card.key.version)

    @patch("/{key_id:str}", opt=user_or_key(KeyPermission.UPDATE) | revoking())
    async def update_key(
        self, request: ActorRequest, key_id: PathId, data: RequestBody[KeyPatch], keys: NamedDependency[KeyService]
    ) -> Response[KeyView]:
        """Change some members of a key; `null` clears, an absent member stays."""
        card = await keys.update(
            request.user, KeyId(path_id(key_id)), edit_of(data), expected=expected_versions(request)
        )
        return versioned(view(card), card.key.version)

    @delete("/{key_id:str}", opt=user_or_key(KeyPermission.DELETE) | revoking())
    async def delete_key(self, request: ActorRequest, key_id: PathId, keys: NamedDependency[KeyService]) -> None:
        """Delete a key. The audit trail keeps what happened to it."""
        await keys.delete(request.user, KeyId(path_id(key_id)), expected=expected_versions(request))

    @post(
        "/{key_id:str}/rotate",
        status_code=200,
        opt=user_or_key(KeyPermission.ROTATE) | revoking() | repeatable(secret=True),
    )
    async def rotate_key(
        self,
        request: ActorRequest,
        key_id: PathId,
        keys: NamedDependency[KeyService],
        data: RequestBody[Rotation] = AT_ONCE,
    ) -> Response[RotatedKeyView]:
        """Give a key a new secret, which is in this answer and never again; the last one is good for `grace` more."""
        rotated = await keys.rotate(
            request.user,
            KeyId(path_id(key_id)),
            grace=data.grace,
            expected=expected_versions(request),
            once=once(request, turned),
        )
        return turned(rotated)

    @post("/{key_id:str}/suspend", status_code=200, opt=user_or_key(KeyPermission.UPDATE) | revoking())
    async def suspend_key(
        self, request: ActorRequest, key_id: PathId, keys: NamedDependency[KeyService]
    ) -> ReceiptView:
        """Refuse a key until it is resumed; said again, it changes nothing."""
        return receipt_view(
            await keys.suspend(request.user, KeyId(path_id(key_id)), expected=expected_versions(request))
        )

    @post("/{key_id:str}/resume", status_code=200, opt=user_or_key(KeyPermission.UPDATE) | revoking())
    async def resume_key(self, request: ActorRequest, key_id: PathId, keys: NamedDependency[KeyService]) -> ReceiptView:
        """Take a suspended key again; one that was revoked or has expired does not come back."""
        return receipt_view(
            await keys.resume(request.user, KeyId(path_id(key_id)), expected=expected_versions(request))
        )

    @post("/{key_id:str}/revoke", status_code=200, opt=user_or_key(KeyPermission.REVOKE) | revoking())
    async def revoke_key(self, request: ActorRequest, key_id: PathId, keys: NamedDependency[KeyService]) -> ReceiptView:
        """Revoke a key for good; said again, it changes nothing."""
        return receipt_view(
            await keys.revoke(request.user, KeyId(path_id(key_id)), expected=expected_versions(request))
        )

    @post("/revoke-self", status_code=204, opt=key() | revoking(itself=True))
    async def revoke_own_key(self, request: ActorRequest, keys: NamedDependency[KeyService]) -> None:
        """End the key that calls, for good; an older secret ends only itself."""
        await keys.revoke_self(request.user)

    @post("/verify", status_code=200, opt=user_or_key(KeyPermission.VERIFY))
    async def verify_key(
        self, request: ActorRequest, data: RequestBody[KeyToVerify], access: NamedDependency[AccessService]
    ) -> VerificationView:
        """Is this key good, now, for these permissions? Always 200 for a caller we know."""
        verdict = await access.verify(
            request.user,
            data.api_key,
            permissions=data.permissions,
            cost=data.cost,
            address=given_address(data.address),
        )
        return verification_view(verdict)
