"""Keys that other services made, with what those services kept of them.

Those of keyshield were made by ``ApiKeyService.create`` of keyshield 2.0.1 with argon2-cffi 25.1.0 and bcrypt 5.0.0,
over its ``InMemoryApiKeyRepository``, and accepted by its ``verify_key``; an HMAC of bcrypt holds a NUL.
Kwik 1.13.0 keeps ``hashlib.sha256(key.encode()).hexdigest()`` of the whole key (``kwik/dependencies/api_key.py``) and
makes none itself.
"""

from dataclasses import dataclass
from hashlib import sha256, sha512

from domain.model.keys import ForeignDigest, Scheme

PEPPER = "a pepper of the service that was before"


@dataclass(frozen=True)
class ForeignKey:
    scheme: Scheme
    plain: str
    digest: str
    key_id: str | None = None

    @property
    def kept(self) -> ForeignDigest:
        return ForeignDigest(scheme=self.scheme, digest=self.digest, foreign_id=self.key_id, pepper=PEPPER)

    @property
    def wrong(self) -> str:
        """It leads to the same key of keyshield, and proves nothing."""
        return self.plain[:-1] + ("a" if self.plain[-1] != "a" else "b")


ARGON2_OF_KEYSHIELD = ForeignKey(
    Scheme.KEYSHIELD_ARGON2,
    "ak_v1-65784fac79e44b8d-vdqX4yhJ6oZytGZkGkMzQcloeNP7MmJQPgzzZYetXTTFojN3d83a8sYFmJ9UY9th",
    "$argon2id$v=19$m=65536,t=3,p=4$vco5+POrHGiw6Q7BA+CNAQ$KoODb3VqZrWRaVXd20h8a74VGPBxyXbhOVIu3PkO5no",
    "65784fac79e44b8d",
)
CHEAP_ARGON2 = ForeignKey(
    Scheme.KEYSHIELD_ARGON2,
    "ak_v1-849a9589d2ed4d26-z8sCoJEZFDl26aS1YyQ74EA0UqVeocH1kQifmp3ceDvgYOD8ikwDKGeYhuxH1vuS",
    "$argon2id$v=19$m=1024,t=1,p=1$9XZpbfw+gpO52wCww296rw$45KjvwEgYa9FofAG1x3u7ySCrT4BVkuDxeM+eiO0MY4",
    "849a9589d2ed4d26",
)
CHEAP_BCRYPT = ForeignKey(
    Scheme.KEYSHIELD_BCRYPT,
    "ak_v1-f8ca10c125ed44fd-IUCfhflaJ8DxBs2YiqhqudCbEhrkhbcUK5xvn4xeEXtheYxvUsTThdJ5Mgq0zkod",
    "$2b$04$w2x7b1.KsKDeZGpxEjm1..6SCsOAdHWyRqqEBzf.bwKEKPFa7Rku6",
    "f8ca10c125ed44fd",
)
BCRYPT_WITH_NUL = ForeignKey(
    Scheme.KEYSHIELD_BCRYPT,
    "ak_v1-c2eb9f3b6a1648b8-gHjjGmK4dCjEySAZNHUcUO4OMqkBoOwoCXNDyrmkmu8pDeKXj0NKoUDiOYZYVuPD",
    "$2b$04$9olZV.tRttAd7OUkSf79vevF5y36pj1G5gaZdHMssSJ7hz0PdFfKe",
    "c2eb9f3b6a1648b8",
)
BCRYPT_OF_KEYSHIELD = ForeignKey(
    Scheme.KEYSHIELD_BCRYPT,
    "ak_v1-ee5585ef02d544d8-2Mu4wNkmS5ZX534Ey2ALse3jrfJFhjO1QqmeGZtxxfIYiwTEXPrqACj7CvHZEDPQ",
    "$2b$12$aPJJ6q1Ek.XT5H6p1Rmciuj6QjykAcTGpSnD8OuWZ7hLlH0FSQdqm",
    "ee5585ef02d544d8",
)
_PLAIN = "tbk_4f0c1b8e5d2a49c79b33a0d1e6f2c8b7"
OF_KWIK = ForeignKey(Scheme.SHA256, _PLAIN, sha256(_PLAIN.encode()).hexdigest())
OF_OTHERS = ForeignKey(Scheme.SHA512, "other" + _PLAIN, sha512(f"other{_PLAIN}".encode()).hexdigest())
CHEAP = (CHEAP_ARGON2, CHEAP_BCRYPT, BCRYPT_WITH_NUL, OF_KWIK, OF_OTHERS)
ALL = (*CHEAP, ARGON2_OF_KEYSHIELD, BCRYPT_OF_KEYSHIELD)
