"""What is refused because of what is there, or is not."""

from domain.errors.categories import Conflict, Invalid, NotFound


class UserNotFound(NotFound):
    pass


class RoleNotFound(NotFound):
    pass


class SessionNotFound(NotFound):
    pass


class InvitationNotFound(NotFound):
    pass


class KeyNotFound(NotFound):
    pass


class ScopeNotFound(NotFound):
    pass


class ProjectNotFound(NotFound):
    pass


class MemberNotFound(NotFound):
    pass


class TaskNotFound(NotFound):
    pass


class DeliveryNotFound(NotFound):
    pass


class IdentityNotFound(NotFound):
    pass


class IdentityTaken(Conflict):
    code = "identity_taken"
    sentence = "this identity signs somebody in already"


class IdentityNotLinked(Conflict):
    code = "identity_not_linked"
    sentence = "the e-mail address belongs to an account: sign in there, and link this identity to it"


class LastSignInMethod(Conflict):
    code = "last_sign_in_method"
    sentence = "without this identity nobody could sign in to the account: set a password first"


class EmailTaken(Conflict):
    code = "email_taken"
    sentence = "this e-mail address is already registered"


class UsernameTaken(Conflict):
    code = "username_taken"
    sentence = "this user name is already taken"


class RoleNameTaken(Conflict):
    code = "role_name_taken"
    sentence = "another role has this name"


class RoleInUse(Conflict):
    code = "role_in_use"
    sentence = "somebody holds this role; take it from them first, or force it"


class ScopeInUse(Conflict):
    code = "scope_in_use"
    sentence = "keys hold this scope; take it from them first, or force it"


class BuiltIn(Conflict):
    code = "built_in"
    sentence = "this is built in: it can be given, and not be changed"


class LastAdmin(Conflict):
    code = "last_admin"
    sentence = "this would leave no active admin"


class UserInactive(Conflict):
    code = "user_inactive"
    sentence = "this user is not active"


class KeyEnded(Conflict):
    code = "key_ended"
    sentence = "the key was revoked or has expired, and does not come back"


class ProjectNameTaken(Conflict):
    code = "project_name_taken"
    sentence = "another project of the same owner has this name"


class ProjectArchived(Conflict):
    code = "project_archived"
    sentence = "the project is archived, and is only read until it is unarchived"


class LastOwner(Conflict):
    code = "last_owner"
    sentence = "this would leave the project without an owner"


class EditConflict(Conflict):
    code = "edit_conflict"
    sentence = "somebody else changed this first; read it again"


class QuotaReached(Conflict):
    code = "quota_reached"


class IdempotencyKeyReused(Invalid):
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", "was sent before with another body")


class IdempotencyInProgress(Conflict):
    code = "idempotency_in_progress"
    sentence = "what was asked for under this Idempotency-Key is still being done; ask again shortly"


class IdempotencySecretGone(Conflict):
    code = "idempotency_secret_gone"
    sentence = "this was done, and its answer held a secret that is shown again for ten minutes only"
