"""The kinds of refusal that a driving adapter tells apart."""

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


class Refused(DomainError):
    """What somebody else vouches for, and does not hold."""


class Unauthenticated(DomainError):
    code = "unauthenticated"
    sentence = "a credential is required"


class Forbidden(DomainError):
    code = "forbidden"
    sentence = "this is not allowed"


class NotFound(DomainError):
    code = "not_found"
    sentence = "there is nothing here that you may see"


class Conflict(DomainError):
    code = "conflict"


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
