"""Everything the domain refuses to do.

DomainError
├── Invalid                    the input can never be accepted; names each field at fault
├── Unauthenticated            we do not know who is asking
│   ├── InvalidCredential      a credential was sent, and it is not good
│   ├── KeyRevoked             told only to who proved the key's secret, like the next two
│   ├── KeyExpired
│   └── KeySuspended
├── Forbidden                  we know who is asking, and they may not
│   ├── PermissionDenied
│   ├── CredentialKindNotAllowed
│   ├── RegistrationClosed
│   ├── BoundToProjects
│   └── ScopeExceedsMinter
├── NotFound                   absent, or not visible to who asks: the two look alike
│   ├── UserNotFound
│   ├── RoleNotFound
│   ├── SessionNotFound
│   ├── KeyNotFound
│   └── ProjectNotFound
├── Conflict                   good input, wrong moment
│   ├── EmailTaken
│   ├── UsernameTaken
│   ├── ProjectNameTaken
│   ├── EditConflict
│   └── QuotaReached
├── PreconditionFailed         the caller acted on a version that is no longer current
├── QuotaExceeded              too many requests; come back later
└── Unavailable                something we stand on is away or overloaded; come back later

The second level is the category: a driving adapter maps categories, never leaves.
A code is contract: once published it keeps its meaning.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one member of the input; *field* is its path, such as ``limits/0``."""

    field: str
    detail: str


class DomainError(Exception):
    """A refusal with a stable *code* for programs and a sentence for people."""

    code: ClassVar[str] = "refused"
    sentence: ClassVar[str] = "the request was refused"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or self.sentence)

    @property
    def detail(self) -> str:
        return str(self)


class Invalid(DomainError):
    """``raise Invalid("name", "has 1 to 128 characters")``"""

    code = "invalid_input"

    def __init__(self, field: str, detail: str, *more: FieldProblem) -> None:
        self.problems = (FieldProblem(field, detail), *more)
        super().__init__("; ".join(f"{problem.field}: {problem.detail}" for problem in self.problems))


class Unauthenticated(DomainError):
    code = "unauthenticated"
    sentence = "a credential is required"


class InvalidCredential(Unauthenticated):
    code = "invalid_credential"
    sentence = "the credential is not valid"


class KeyRevoked(Unauthenticated):
    code = "key_revoked"
    sentence = "the API key was revoked"


class KeyExpired(Unauthenticated):
    code = "key_expired"
    sentence = "the API key has expired"


class KeySuspended(Unauthenticated):
    code = "key_suspended"
    sentence = "the API key is suspended"


class Forbidden(DomainError):
    code = "forbidden"
    sentence = "this is not allowed"


class PermissionDenied(Forbidden):
    code = "permission_denied"

    def __init__(self, missing: Iterable[str]) -> None:
        self.missing = tuple(sorted(missing))
        super().__init__(f"this needs {', '.join(self.missing)}")


class CredentialKindNotAllowed(Forbidden):
    code = "credential_kind_not_allowed"
    sentence = "this kind of credential may not do this"


class RegistrationClosed(Forbidden):
    code = "registration_closed"
    sentence = "registration is closed"


class BoundToProjects(Forbidden):
    code = "bound_to_projects"
    sentence = "this key is bound to projects, and makes no others"


class ScopeExceedsMinter(Forbidden):
    code = "scope_exceeds_minter"
    sentence = "nobody issues a key that may do more, or lives longer, than they do"


class NotFound(DomainError):
    code = "not_found"
    sentence = "there is nothing here that you may see"


class UserNotFound(NotFound):
    pass


class RoleNotFound(NotFound):
    pass


class SessionNotFound(NotFound):
    pass


class KeyNotFound(NotFound):
    pass


class ProjectNotFound(NotFound):
    pass


class Conflict(DomainError):
    code = "conflict"


class EmailTaken(Conflict):
    code = "email_taken"
    sentence = "this e-mail address is already registered"


class UsernameTaken(Conflict):
    code = "username_taken"
    sentence = "this user name is already taken"


class ProjectNameTaken(Conflict):
    code = "project_name_taken"
    sentence = "another project of the same owner has this name"


class EditConflict(Conflict):
    code = "edit_conflict"
    sentence = "somebody else changed this first; read it again"


class QuotaReached(Conflict):
    code = "quota_reached"


class PreconditionFailed(DomainError):
    code = "precondition_failed"
    sentence = "this is no longer the version that you read"


class QuotaExceeded(DomainError):
    """*retry_after* is in whole seconds."""

    code = "quota_exceeded"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"too many requests; try again in {retry_after} s")


class Unavailable(DomainError):
    """*retry_after* is in whole seconds."""

    code = "unavailable"

    def __init__(self, detail: str = "the service cannot answer now", *, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(detail)
