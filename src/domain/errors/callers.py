"""What is refused because of who asks."""

from collections.abc import Iterable

from domain.errors.categories import Forbidden, Refused, Unauthenticated


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


class OidcRefused(Refused):
    """The sentence names what is wrong with what the browser brought back, or the provider said."""

    code = "oidc_refused"
    sentence = "this sign-in was not accepted; begin it again"


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


class PermissionDenied(Forbidden):
    code = "permission_denied"

    def __init__(self, missing: Iterable[str]) -> None:
        self.missing = tuple(sorted(missing))
        super().__init__(f"this needs {_listed(self.missing)}")


class ProjectRoleRequired(PermissionDenied):
    """Whoever sees a project and has too low a role in it. No permission is missing: *least* is a role."""

    def __init__(self, least: str) -> None:
        self.missing = ()
        Forbidden.__init__(self, f"this needs the role {least} in the project, or a higher one")


class CredentialKindNotAllowed(Forbidden):
    code = "credential_kind_not_allowed"
    sentence = "this kind of credential may not do this"


class RegistrationClosed(Forbidden):
    code = "registration_closed"
    sentence = "registration is closed"


class WrongPassword(Forbidden):
    code = "wrong_password"
    sentence = "this is not your current password"


class PasswordChangeRequired(Forbidden):
    code = "password_change_required"
    sentence = "somebody else set this password: change it first"


class ForbiddenInImpersonation(Forbidden):
    code = "forbidden_in_impersonation"
    sentence = "whoever acts as somebody else neither touches credentials nor acts as a third"


class OwnAccount(Forbidden):
    code = "own_account"
    sentence = "one's own password and address are changed as one's own, with the current password"


class TargetExceedsActor(Forbidden):
    code = "target_exceeds_actor"
    sentence = "nobody acts on the account of somebody who may do more than they"


class RoleExceedsActor(Forbidden):
    code = "role_exceeds_actor"

    def __init__(self, beyond: Iterable[str]) -> None:
        super().__init__(f"nobody makes, changes or gives a role that may do what they may not: {_listed(beyond)}")


class ScopeExceedsActor(Forbidden):
    code = "scope_exceeds_actor"

    def __init__(self, beyond: Iterable[str]) -> None:
        super().__init__(f"nobody defines or changes a scope that allows what they may not: {_listed(beyond)}")


class BoundToProjects(Forbidden):
    code = "bound_to_projects"
    sentence = "this key is bound to projects, and makes no others"


class ScopeExceedsMinter(Forbidden):
    code = "scope_exceeds_minter"
    sentence = "nobody makes or changes a key that may do more, or lives longer, than they do"
