"""Ed25519 keys, and the form of what they sign."""

import json
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt import PyJWS

from adapters.security.base64url import encode

ALGORITHM = "EdDSA"
JWS = PyJWS(algorithms=[ALGORITHM])


class SigningKey:
    """*jwk* is the public half (RFC 8037), its `kid` the thumbprint of RFC 7638."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key()
        members = {"crv": "Ed25519", "kty": "OKP", "x": encode(self.public.public_bytes_raw())}
        self.kid = encode(sha256(json.dumps(members, separators=(",", ":")).encode()).digest())
        self.jwk = members | {"use": "sig", "alg": ALGORITHM, "kid": self.kid}
        self.header = self.sign(b"").partition(".")[0]

    def sign(self, payload: bytes) -> str:
        """A JWS in the compact form; everything this key signs begins with *header* and a dot."""
        return JWS.encode(payload, self._private, ALGORITHM, headers={"typ": "at+jwt", "kid": self.kid})
