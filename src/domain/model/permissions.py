"""What can be allowed: ``resource:action``.

An extension brings a ``StrEnum`` of its own and names it at composition; the core lists only its own features.
``…:any`` lifts the row rule: without it, a caller sees their own rows only.
"""

from enum import StrEnum
from itertools import chain


class ProjectPermission(StrEnum):
    CREATE = "projects:create"
    READ = "projects:read"
    UPDATE = "projects:update"
    DELETE = "projects:delete"
    ANY = "projects:any"


class TaskPermission(StrEnum):
    CREATE = "tasks:create"
    READ = "tasks:read"
    UPDATE = "tasks:update"
    DELETE = "tasks:delete"


class KeyPermission(StrEnum):
    CREATE = "api_keys:create"
    READ = "api_keys:read"
    UPDATE = "api_keys:update"
    ROTATE = "api_keys:rotate"
    REVOKE = "api_keys:revoke"
    DELETE = "api_keys:delete"
    VERIFY = "api_keys:verify"
    ANY = "api_keys:any"


class ScopePermission(StrEnum):
    READ = "scopes:read"
    MANAGE = "scopes:manage"


class UserPermission(StrEnum):
    READ = "users:read"
    CREATE = "users:create"
    UPDATE = "users:update"
    DEACTIVATE = "users:deactivate"
    RESET_PASSWORD = "users:reset_password"
    UNLOCK = "users:unlock"
    IMPERSONATE = "users:impersonate"
    INVITE = "users:invite"


class RolePermission(StrEnum):
    READ = "roles:read"
    MANAGE = "roles:manage"


class WebhookPermission(StrEnum):
    READ = "webhooks:read"
    MANAGE = "webhooks:manage"


class AuditPermission(StrEnum):
    READ = "audit:read"


class TokenPermission(StrEnum):
    INTROSPECT = "tokens:introspect"


CORE_PERMISSIONS: frozenset[str] = frozenset(
    chain(
        ProjectPermission,
        TaskPermission,
        KeyPermission,
        ScopePermission,
        UserPermission,
        RolePermission,
        WebhookPermission,
        AuditPermission,
        TokenPermission,
    )
)
MEMBER_PERMISSIONS: frozenset[str] = frozenset(
    {
        ProjectPermission.CREATE,
        ProjectPermission.READ,
        ProjectPermission.UPDATE,
        ProjectPermission.DELETE,
        KeyPermission.CREATE,
        KeyPermission.READ,
        KeyPermission.UPDATE,
        KeyPermission.ROTATE,
        KeyPermission.REVOKE,
        *TaskPermission,
    }
)
"""What the role `member` grants, unless an extension adds to it."""
