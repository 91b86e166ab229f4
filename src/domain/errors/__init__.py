"""Everything the domain refuses to do.

DomainError
├── Invalid                    the input can never be accepted; names each field at fault
│   └── IdempotencyKeyReused
├── Refused                    what somebody else vouches for, and does not hold
│   └── OidcRefused
├── Unauthenticated            we do not know who is asking
│   ├── InvalidCredential      a credential was sent, and it is not good
│   ├── KeyRevoked             told only to who proved the key's secret, like the next two
│   ├── KeyExpired
│   └── KeySuspended
├── Forbidden                  we know who is asking, and they may not
│   ├── PermissionDenied
│   │   └── ProjectRoleRequired
│   ├── CredentialKindNotAllowed
│   ├── RegistrationClosed
│   ├── WrongPassword
│   ├── PasswordChangeRequired
│   ├── ForbiddenInImpersonation
│   ├── OwnAccount
│   ├── TargetExceedsActor
│   ├── RoleExceedsActor
│   ├── ScopeExceedsActor
│   ├── BoundToProjects
│   └── ScopeExceedsMinter
├── NotFound                   absent, or not visible to who asks: the two look alike
│   ├── UserNotFound
│   ├── RoleNotFound
│   ├── SessionNotFound
│   ├── InvitationNotFound
│   ├── KeyNotFound
│   ├── ScopeNotFound
│   ├── ProjectNotFound
│   ├── MemberNotFound
│   ├── TaskNotFound
│   ├── DeliveryNotFound
│   └── IdentityNotFound
├── Conflict                   good input, wrong moment
│   ├── EmailTaken
│   ├── UsernameTaken
│   ├── IdentityTaken
│   ├── IdentityNotLinked
│   ├── LastSignInMethod
│   ├── RoleNameTaken
│   ├── RoleInUse
│   ├── ScopeInUse
│   ├── BuiltIn
│   ├── LastAdmin
│   ├── UserInactive
│   ├── KeyEnded
│   ├── ProjectNameTaken
│   ├── ProjectArchived
│   ├── LastOwner
│   ├── EditConflict
│   ├── IdempotencyInProgress
│   ├── IdempotencySecretGone
│   └── QuotaReached
├── PreconditionFailed         the caller acted on a version that is no longer current
├── QuotaExceeded              too many requests; come back later
└── Unavailable                something we stand on is away or overloaded; come back later

The second level is the category: a driving adapter maps categories, never leaves.
A code is contract: once published it keeps its meaning.

The categories stand in `categories`, what is refused because of who asks in `callers`, because of what is there in
`resources`. To add one: a class there, a line in the tree and here.
"""

from domain.errors.callers import (
    BoundToProjects,
    CredentialKindNotAllowed,
    ForbiddenInImpersonation,
    InvalidCredential,
    KeyExpired,
    KeyRevoked,
    KeySuspended,
    OidcRefused,
    OwnAccount,
    PasswordChangeRequired,
    PermissionDenied,
    ProjectRoleRequired,
    RegistrationClosed,
    RoleExceedsActor,
    ScopeExceedsActor,
    ScopeExceedsMinter,
    TargetExceedsActor,
    WrongPassword,
)
from domain.errors.categories import (
    Conflict,
    DomainError,
    FieldProblem,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    QuotaExceeded,
    Refused,
    Unauthenticated,
    Unavailable,
)
from domain.errors.resources import (
    BuiltIn,
    DeliveryNotFound,
    EditConflict,
    EmailTaken,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    IdempotencySecretGone,
    IdentityNotFound,
    IdentityNotLinked,
    IdentityTaken,
    InvitationNotFound,
    KeyEnded,
    KeyNotFound,
    LastAdmin,
    LastOwner,
    LastSignInMethod,
    MemberNotFound,
    ProjectArchived,
    ProjectNameTaken,
    ProjectNotFound,
    QuotaReached,
    RoleInUse,
    RoleNameTaken,
    RoleNotFound,
    ScopeInUse,
    ScopeNotFound,
    SessionNotFound,
    TaskNotFound,
    UserInactive,
    UsernameTaken,
    UserNotFound,
)

__all__ = (
    "BoundToProjects",
    "BuiltIn",
    "Conflict",
    "CredentialKindNotAllowed",
    "DeliveryNotFound",
    "DomainError",
    "EditConflict",
    "EmailTaken",
    "FieldProblem",
    "Forbidden",
    "ForbiddenInImpersonation",
    "IdempotencyInProgress",
    "IdempotencyKeyReused",
    "IdempotencySecretGone",
    "IdentityNotFound",
    "IdentityNotLinked",
    "IdentityTaken",
    "Invalid",
    "InvalidCredential",
    "InvitationNotFound",
    "KeyEnded",
    "KeyExpired",
    "KeyNotFound",
    "KeyRevoked",
    "KeySuspended",
    "LastAdmin",
    "LastOwner",
    "LastSignInMethod",
    "MemberNotFound",
    "NotFound",
    "OidcRefused",
    "OwnAccount",
    "PasswordChangeRequired",
    "PermissionDenied",
    "PreconditionFailed",
    "ProjectArchived",
    "ProjectNameTaken",
    "ProjectNotFound",
    "ProjectRoleRequired",
    "QuotaExceeded",
    "QuotaReached",
    "Refused",
    "RegistrationClosed",
    "RoleExceedsActor",
    "RoleInUse",
    "RoleNameTaken",
    "RoleNotFound",
    "ScopeExceedsActor",
    "ScopeExceedsMinter",
    "ScopeInUse",
    "ScopeNotFound",
    "SessionNotFound",
    "TargetExceedsActor",
    "TaskNotFound",
    "Unauthenticated",
    "Unavailable",
    "UserInactive",
    "UserNotFound",
    "UsernameTaken",
    "WrongPassword",
)
