"""What mailed links carry: ``hko_<43 digits><checksum>``."""

from adapters.security.checked_tokens import digest_of, minted
from domain.ports.security import MintedToken

_HEAD = "hko_"


class OpaqueOneTimeSecrets:
    """No root secret has a part in it: a link that is under way outlives a change of secrets."""

    def mint(self) -> MintedToken:
        return minted(_HEAD)

    def digest(self, plain: str) -> bytes | None:
        return digest_of(plain, head=_HEAD)
