"""What is done with a mailed link, and how one is asked for."""

from typing import Any

from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.params import RequestBody

from app.http.bodies import Input
from app.http.doors import ActorRequest, public, revoking, user
from app.http.fields import Email, MailedToken, NewPassword
from app.http.origins import origin_of
from domain.services.accounts import AccountService
from domain.services.recovery import RecoveryService

AnyRequest = Request[Any, Any, Any]


class Forgotten(Input, frozen=True, kw_only=True):
    email: Email


class Reset(Input, frozen=True, kw_only=True):
    token: MailedToken
    password: NewPassword


class Verification(Input, frozen=True, kw_only=True):
    token: MailedToken


class RecoveryController(Controller):
    path = "/auth"
    tags = ("Sign-in",)

    @post("/password/forgot", status_code=202, opt=public())
    async def forgot_password(
        self, request: AnyRequest, data: RequestBody[Forgotten], recovery: NamedDependency[RecoveryService]
    ) -> None:
        """Ask for a link to set a new password. The answer is the same whether or not the address is known."""
        await recovery.forgot(data.email, origin_of(request.scope))

    @post("/password/reset", status_code=204, opt=public() | revoking())
    async def reset_password(
        self, request: AnyRequest, data: RequestBody[Reset], recovery: NamedDependency[RecoveryService]
    ) -> None:
        """Set a new password with the token of a mailed link. All sessions of the user end."""
        await recovery.reset(data.token, data.password, origin_of(request.scope))

    @post("/email/verification", status_code=202, opt=user())
    async def request_verification(self, request: ActorRequest, accounts: NamedDependency[AccountService]) -> None:
        """Ask for a link that verifies one's own address."""
        await accounts.request_verification(request.user)

    @post("/email/verify", status_code=204, opt=public())
    async def verify_email(
        self, request: AnyRequest, data: RequestBody[Verification], accounts: NamedDependency[AccountService]
    ) -> None:
        """Verify an address, or change to it, with the token of a mailed link."""
        await accounts.verify_email(data.token, origin_of(request.scope))
