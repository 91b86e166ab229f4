"""What the use cases are called by, whoever drives them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.background import Background
from app.ports import Action
from app.readings import Reading
from domain.model.scopes import Catalogue
from domain.ports.security import Cursors
from domain.services.access import AccessService
from domain.services.accounts import AccountService
from domain.services.audit import AuditService
from domain.services.exports import ExportService
from domain.services.federated_sign_in import FederatedSignIn
from domain.services.idempotency import IdempotencyService
from domain.services.identities import IdentityService
from domain.services.introspection import IntrospectionService
from domain.services.invitations import InvitationService
from domain.services.key_imports import KeyImports
from domain.services.key_uses import KeyUses
from domain.services.keys import KeyService
from domain.services.mails import MailService
from domain.services.members import MemberService
from domain.services.memberships import MembershipService
from domain.services.projects import ProjectService
from domain.services.recovery import RecoveryService
from domain.services.registration import RegistrationService
from domain.services.roles import RoleService
from domain.services.scopes import ScopeService
from domain.services.sessions import SessionService
from domain.services.sign_in import SignInService
from domain.services.tasks import TaskService
from domain.services.users import UserService
from domain.services.webhooks import WebhookService


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What every driving adapter is given."""

    access: AccessService
    accounts: AccountService
    audit: AuditService
    exports: ExportService
    federated_sign_in: FederatedSignIn
    idempotency: IdempotencyService
    identities: IdentityService
    introspection: IntrospectionService
    invitations: InvitationService
    key_imports: KeyImports
    key_uses: KeyUses
    keys: KeyService
    mails: MailService
    members: MemberService
    memberships: MembershipService
    projects: ProjectService
    recovery: RecoveryService
    registration: RegistrationService
    roles: RoleService
    scopes: ScopeService
    sessions: SessionService
    sign_in: SignInService
    tasks: TaskService
    users: UserService
    webhooks: WebhookService
    catalogue: Catalogue
    cursors: Cursors
    public_keys: Callable[[], dict[str, Any]]
    new_request_id: Callable[[], str]
    flush_access: Action
    start: Action
    checks: Mapping[str, Action]
    optional_checks: Mapping[str, Action]
    readings: tuple[Reading, ...]
    close: Action
    background: Background
    branches: tuple[Any, ...]
