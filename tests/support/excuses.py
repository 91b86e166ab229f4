"""Why an answer may refuse what is right by the OpenAPI document: rules that no schema spells, each with its reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Excuse:
    """A refusal of what is right by the document: only *reason* tells why, since no schema could.

    It covers a failure of *check* whose answer is about nothing but *pointers*, or has one of *codes*.
    """

    reason: str
    check: str = "positive_data_acceptance"
    pointers: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()

    def covers(self, check: str, operation: str, answer: Any) -> bool:
        if check != self.check or (self.operations and operation not in self.operations):
            return False
        if not isinstance(answer, dict):
            return False
        pointed = {error["pointer"] for error in answer.get("errors", ())}
        by_pointer = bool(pointed) and all(any(p.startswith(own) for own in self.pointers) for p in pointed)
        return by_pointer or answer.get("code", answer.get("error")) in self.codes


def combined(excuses: Iterable[Excuse]) -> Excuse:
    """For an answer that has several reasons at once."""
    pointers = tuple(pointer for excuse in excuses if not excuse.operations for pointer in excuse.pointers)
    return Excuse("several of these at once", pointers=pointers)


_RULES = (
    Excuse("only what exists can be given", pointers=("/permissions", "/scopes", "/role_ids", "/project_ids")),
    Excuse("only what was mailed, or handed out by a list, is good", pointers=("/token", "/invitation", "/cursor")),
    Excuse("whether a password is easily guessed", pointers=("/password", "/new_password")),
    Excuse("mail addresses have rules that `email` does not spell", pointers=("/email",)),
    Excuse("user names are judged once their case and width are folded", pointers=("/username",)),
    Excuse("a name of nothing but what is taken out of it is none", pointers=("/name",), operations=(
        "PATCH /v1/me", "POST /v1/auth/register", "POST /v1/users", "PATCH /v1/users/{user_id}")),
    Excuse("one of the two, in the future, and not past what the caller may", pointers=("/expires_at", "/expires_in")),
    Excuse("a pattern does not spell addresses, nor that their host bits are zero", pointers=("/allowed_networks",)),
    Excuse("a pattern does not count days", pointers=("/grace",)),
    Excuse("a limit is given once for each period", pointers=("/limits",)),
    Excuse("metadata is bounded by its size in bytes", pointers=("/metadata",)),
    Excuse("each field is named once", pointers=("/sorting",)),
    Excuse("a parameter that is another word for one, or belongs to one, is judged beside it", pointers=(
        "/skip", "/offset", "/sort_by", "/order", "/filter_key", "/value")),
    Excuse("a pattern does not spell every calendar", pointers=(
        "/created_at", "/updated_at", "/last_used_at", "/archived_at", "/due_at", "/handled_at")),
    Excuse("a task is for a member of its project", pointers=("/assignee_id",)),
    Excuse("a pattern does not spell which paths are ours, however often they are decoded", pointers=("/return_to",)),
    Excuse("only a browser that was sent away comes back, and only a provider signs", codes=("oidc_refused",),
        operations=("GET /v1/auth/oidc/{provider}/callback", "POST /v1/auth/oidc/{provider}/backchannel-logout")),
    Excuse("a key is good for one body", codes=("idempotency_key_reused",)),
    Excuse("a scope's name has its own grammar", pointers=("/name",), operations=("PUT /v1/scopes/{name}",)),
    Excuse(
        "which members a form must have depends on its grant",
        codes=("invalid_request", "unsupported_grant_type", "invalid_grant"),
        operations=("POST /v1/auth/token",),
    ),
)  # fmt: skip

EXCUSES = (*_RULES, combined(_RULES))
