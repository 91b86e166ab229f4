import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.access_tokens import EdDsaAccessTokens
from adapters.security.roots import RootSecrets
from domain.model.ids import SessionId, UserId
from domain.ports.security import AccessClaims
from tests.support.fakes import START, CountingIds, ManualClock

OLD, NEW = "the first root secret, 32 bytes or more", "the second root secret, 32 bytes or more"
ISSUER = "https://hexkey.example"
USER_ID = UserId(UUID("01900000-0000-7000-8000-0000000000aa"))
SESSION_ID = SessionId(UUID("01900000-0000-7000-8000-0000000000bb"))
REAL_USER_ID = UserId(UUID("01900000-0000-7000-8000-0000000000cc"))
TEN_MINUTES = timedelta(minutes=10)
CLAIMS = AccessClaims(USER_ID, SESSION_ID, START + TEN_MINUTES)
IMPERSONATION = replace(CLAIMS, real_user_id=REAL_USER_ID)
SECOND = timedelta(seconds=1)
INSTANT = timedelta(microseconds=1)


def tokens(*secrets: str, clock: ManualClock | None = None, issuer: str = ISSUER) -> EdDsaAccessTokens:
    return EdDsaAccessTokens(
        RootSecrets(secrets or (OLD,)), issuer=issuer, clock=clock or ManualClock(), ids=CountingIds()
    )


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private_key(secret: str = OLD) -> Ed25519PrivateKey:
    extracted = hmac.digest(bytes(32), secret.encode(), "sha256")
    return Ed25519PrivateKey.from_private_bytes(hmac.digest(extracted, b"hexkey/jwt/ed25519/v1\x01", "sha256"))


def thumbprint(public: Ed25519PublicKey) -> str:
    text = f'{{"crv":"Ed25519","kty":"OKP","x":"{b64(public.public_bytes_raw())}"}}'
    return b64(hashlib.sha256(text.encode()).digest())


def our_header() -> dict[str, Any]:
    return {"alg": "EdDSA", "kid": thumbprint(private_key().public_key()), "typ": "at+jwt"}


def our_payload() -> dict[str, Any]:
    now = int(START.timestamp())
    named = {"iss": ISSUER, "aud": ISSUER, "sub": str(USER_ID), "client_id": "hexkey", "sid": str(SESSION_ID)}
    return {**named, "jti": str(CountingIds().new()), "iat": now, "exp": now + 600}


def dumped(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def by_hand(header: bytes, payload: bytes, sign: Callable[[bytes], bytes] | None = None) -> str:
    """A compact JWS of exactly these bytes, signed with our key unless told otherwise."""
    sign = sign or private_key().sign
    signing_input = f"{b64(header)}.{b64(payload)}"
    return f"{signing_input}.{b64(sign(signing_input.encode()))}"


def signed(payload: dict[str, Any]) -> str:
    return by_hand(dumped(our_header()), dumped(payload))


def test_a_token_is_these_bytes() -> None:
    assert tokens().sign(CLAIMS) == by_hand(dumped(our_header()), dumped(our_payload()))


def test_what_is_signed_is_read_back() -> None:
    ours = tokens()
    assert ours.read(ours.sign(CLAIMS)) == CLAIMS
    assert tokens().read(ours.sign(CLAIMS)) == CLAIMS


def test_who_acts_as_somebody_else_is_named_by_an_actor_claim() -> None:
    payload = {**our_payload(), "act": {"sub": str(REAL_USER_ID)}}
    assert tokens().sign(IMPERSONATION) == by_hand(dumped(our_header()), dumped(payload))
    assert tokens().read(tokens().sign(IMPERSONATION)) == IMPERSONATION
    assert tokens().read(signed({**our_payload(), "act": {"sub": str(REAL_USER_ID), "act": None}})) == IMPERSONATION


@pytest.mark.parametrize(
    "act",
    [
        *(None, True, 1, "", str(REAL_USER_ID), [], {}, [str(REAL_USER_ID)], {"act": {"sub": str(REAL_USER_ID)}}),
        *({"sub": sub} for sub in (None, "", "x", 1, True, [], {}, str(REAL_USER_ID) + "0", [str(REAL_USER_ID)])),
        {"SUB": str(REAL_USER_ID)},
    ],
    ids=str,
)
def test_a_malformed_actor_claim_is_refused_and_never_taken_for_none(act: object) -> None:
    assert tokens().read(signed({**our_payload(), "act": act})) is None


def test_a_repeated_actor_is_refused() -> None:
    text = dumped({**our_payload(), "act": {"sub": str(REAL_USER_ID)}}).decode()
    assert tokens().read(by_hand(dumped(our_header()), text.encode())) == IMPERSONATION
    for repeated in (text.replace('"act":', '"act":{},"act":'), text.replace('{"sub":', '{"sub":"","sub":')):
        assert repeated != text
        assert tokens().read(by_hand(dumped(our_header()), repeated.encode())) is None


def test_no_two_tokens_are_the_same() -> None:
    ours = tokens()
    assert ours.sign(CLAIMS) != ours.sign(CLAIMS)


def test_a_stranger_verifies_it_with_the_published_key() -> None:
    (jwk,) = tokens().public_keys()["keys"]
    token = jwt.encode(our_payload(), private_key(), "EdDSA", headers={"typ": "at+jwt", "kid": jwk["kid"]})
    assert tokens().read(token) == CLAIMS
    read = jwt.decode(token, jwt.PyJWK(jwk), ["EdDSA"], audience=ISSUER, issuer=ISSUER, options={"verify_exp": False})
    assert read == our_payload()


def test_the_key_set_has_the_public_members_only_and_the_signers_key_first() -> None:
    expected = [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": b64(private_key(secret).public_key().public_bytes_raw()),
            "use": "sig",
            "alg": "EdDSA",
            "kid": thumbprint(private_key(secret).public_key()),
        }
        for secret in (NEW, OLD)
    ]
    assert tokens(NEW, OLD).public_keys() == {"keys": expected}


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    public = Ed25519PublicKey.from_public_bytes(unb64("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("lost", sorted(our_payload()))
def test_every_claim_is_required(lost: str) -> None:
    assert tokens().read(signed({name: value for name, value in our_payload().items() if name != lost})) is None


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *[(claim, value) for claim in sorted(our_payload()) for value in (None, True, [], {}, 1.5, "", "x")],
        ("iss", ISSUER + "/"),
        ("iss", ISSUER.upper()),
        ("iss", "https://hexkey"),
        ("aud", [ISSUER]),
        ("aud", "https://other.example"),
        ("client_id", "HEXKEY"),
        ("exp", str(our_payload()["exp"])),
        ("exp", float(our_payload()["exp"])),
        ("exp", 10**12),
        ("exp", 10**300),
        ("exp", -1),
        ("iat", -1),
        ("nbf", None),
        ("nbf", our_payload()["iat"] + 61),
    ],
)
def test_a_claim_of_another_type_or_value_is_refused(claim: str, value: object) -> None:
    assert tokens().read(signed({**our_payload(), claim: value})) is None


def test_a_claim_that_we_do_not_know_changes_nothing() -> None:
    assert tokens().read(signed({**our_payload(), "permissions": ["users:impersonate"]})) == CLAIMS


def test_a_repeated_member_is_refused() -> None:
    text = dumped(our_payload()).decode()
    assert tokens().read(by_hand(dumped(our_header()), text.encode())) == CLAIMS
    repeated = text.replace('"sub":', f'"sub":"{UUID(int=1)}","sub":')
    assert tokens().read(by_hand(dumped(our_header()), repeated.encode())) is None


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 2500, b'{"a":' * 500, b"NaN"])
def test_a_payload_that_is_no_object_is_refused_even_under_our_signature(payload: bytes) -> None:
    assert tokens().read(by_hand(dumped(our_header()), payload)) is None


@pytest.mark.parametrize(
    "more",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"zip": "DEF"},
        {"jku": "https://evil.example/jwks.json"},
        {"jwk": tokens().public_keys()["keys"][0]},
        {"x5u": "https://evil.example/x5u"},
        {"x5c": ["MIIB"]},
        {"x5t": "x"},
        {"x5t#S256": "x"},
        {"typ": "JWT"},
        {"typ": "at+JWT"},
        {"typ": None},
        {"alg": "none"},
        {"alg": "Ed25519"},
        {"kid": "another"},
        {"kid": None},
        {"cty": "JWT"},
    ],
    ids=str,
)
def test_a_header_other_than_ours_is_refused_even_under_our_signature(more: dict[str, Any]) -> None:
    assert tokens().read(by_hand(dumped({**our_header(), **more}), dumped(our_payload()))) is None


@pytest.mark.parametrize("lost", ["alg", "kid", "typ"])
def test_a_header_that_lacks_a_member_is_refused(lost: str) -> None:
    header = {name: value for name, value in our_header().items() if name != lost}
    assert tokens().read(by_hand(dumped(header), dumped(our_payload()))) is None


def test_a_repeated_member_of_the_header_is_refused() -> None:
    header = dumped(our_header()).replace(b'"alg":', b'"alg":"none","alg":')
    assert tokens().read(by_hand(header, dumped(our_payload()))) is None


def public_key_texts() -> list[bytes]:
    jwk = tokens().public_keys()["keys"][0]
    return [private_key().public_key().public_bytes_raw(), dumped(jwk), jwk["x"].encode(), b""]


@pytest.mark.parametrize("secret", public_key_texts(), ids=["raw", "jwk", "x", "empty"])
@pytest.mark.parametrize("alg", ["HS256", "EdDSA"])
def test_our_public_key_is_no_secret_to_sign_with(secret: bytes, alg: str) -> None:
    header = dumped({**our_header(), "alg": alg})
    forged = by_hand(header, dumped(our_payload()), lambda text: hmac.digest(secret, text, "sha256"))
    assert tokens().read(forged) is None


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "EdDSA"])
def test_a_token_without_a_signature_is_refused(alg: str) -> None:
    header = dumped({**our_header(), "alg": alg})
    assert tokens().read(by_hand(header, dumped(our_payload()), lambda _: b"")) is None


def test_the_signature_of_another_key_is_refused() -> None:
    forged = by_hand(dumped(our_header()), dumped(our_payload()), Ed25519PrivateKey.generate().sign)
    assert tokens().read(forged) is None


def test_another_algorithm_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    headers = {"typ": "at+jwt", "kid": our_header()["kid"]}
    assert tokens().read(jwt.encode(our_payload(), key, "ES256", headers=headers)) is None


def test_another_installation_with_the_same_secret_is_another_issuer() -> None:
    assert tokens().read(tokens(issuer="https://staging.example").sign(CLAIMS)) is None


def test_every_changed_character_is_noticed() -> None:
    ours = tokens()
    token = ours.sign(CLAIMS)
    assert ours.read(token) == CLAIMS
    for place, character in enumerate(token):
        for other in {"A", "B", ".", "=", "-", "é", "\n"} - {character}:
            assert ours.read(token[:place] + other + token[place + 1 :]) is None


def test_a_token_has_one_spelling() -> None:
    ours = tokens()
    token = ours.sign(CLAIMS)
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(token[-1])
    same_bits = token[:-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last ^ 1]
    assert unb64(same_bits.rpartition(".")[2]) == unb64(token.rpartition(".")[2])
    for spelling in (same_bits, token + "=", token + "==", token + "\n", " " + token, token + ".", token + ".x"):
        assert ours.read(spelling) is None


def test_a_token_beyond_4_kib_is_not_looked_at() -> None:
    assert tokens().read(signed({**our_payload(), "note": "x" * 2000})) == CLAIMS
    assert tokens().read(signed({**our_payload(), "note": "x" * 3000})) is None


@given(st.text(max_size=300) | st.from_regex(re.compile(r"[\w-]{0,80}\.[\w-]{0,80}\.[\w-]{0,80}", re.ASCII)))
def test_no_text_makes_reading_fail(text: str) -> None:
    assert GARBAGE_READER.read(text) is None
    assert GARBAGE_READER.read(f"{tokens_header()}.{text}") is None


def tokens_header() -> str:
    return b64(dumped(our_header()))


GARBAGE_READER = tokens()


def test_a_token_is_good_until_a_minute_after_its_end() -> None:
    clock = ManualClock()
    ours = tokens(clock=clock)
    token = ours.sign(CLAIMS)
    clock.advance(TEN_MINUTES + 60 * SECOND - INSTANT)
    assert ours.read(token) == CLAIMS
    clock.advance(INSTANT)
    assert ours.read(token) is None
    assert tokens(clock=clock).read(token) is None


def test_a_token_from_a_clock_up_to_a_minute_ahead_is_good() -> None:
    token = tokens(clock=ManualClock(START + 60 * SECOND)).sign(CLAIMS)
    assert tokens().read(token) == CLAIMS
    assert tokens(clock=ManualClock(START - INSTANT)).read(token) is None


def test_an_end_within_a_second_is_cut_and_never_late() -> None:
    clock = ManualClock(START + timedelta(microseconds=999_999))
    ours = tokens(clock=clock)
    token = ours.sign(AccessClaims(USER_ID, SESSION_ID, clock.now() + TEN_MINUTES))
    assert json.loads(unb64(token.split(".")[1]))["iat"] == int(START.timestamp())
    assert ours.read(token) == CLAIMS


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each token whose signature is really looked at."""
    seen: list[str] = []
    real = jwt.PyJWS.decode

    def counted(self: jwt.PyJWS, token: str, *rest: Any) -> Any:
        seen.append(token)
        return real(self, token, *rest)

    monkeypatch.setattr(jwt.PyJWS, "decode", counted)
    return seen


def test_a_signature_is_verified_once_in_5_seconds(verifications: list[str]) -> None:
    clock = ManualClock()
    ours = tokens(clock=clock)
    token = ours.sign(CLAIMS)
    for _ in range(3):
        assert ours.read(token) == CLAIMS
    clock.advance(5 * SECOND - INSTANT)
    assert ours.read(token) == CLAIMS
    assert verifications == [token]
    clock.advance(INSTANT)
    assert ours.read(token) == CLAIMS
    assert verifications == [token, token]


def test_a_refused_token_is_never_remembered(verifications: list[str]) -> None:
    clock = ManualClock()
    ours = tokens(clock=clock)
    early = signed({**our_payload(), "iat": our_payload()["iat"] + 61})
    assert ours.read(early) is None
    clock.advance(SECOND)
    assert ours.read(early) == CLAIMS
    assert verifications == [early, early]


def test_trust_ends_with_the_token() -> None:
    clock = ManualClock(START + TEN_MINUTES + 58 * SECOND)
    ours = tokens(clock=clock)
    token = tokens().sign(CLAIMS)
    assert ours.read(token) == CLAIMS
    clock.advance(2 * SECOND)
    assert ours.read(token) is None


def test_a_clock_that_goes_back_prolongs_no_trust(verifications: list[str]) -> None:
    clock = ManualClock()
    ours = tokens(clock=clock)
    token = ours.sign(CLAIMS)
    ours.read(token)
    clock.advance(-SECOND)
    assert ours.read(token) == CLAIMS
    assert verifications == [token, token]


def test_what_is_remembered_is_bounded_and_the_oldest_goes(
    verifications: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.security.access_tokens._Proved._SIZE", 3)
    ours = tokens()
    made = [ours.sign(CLAIMS) for _ in range(4)]
    for token in made:
        ours.read(token)
    verifications.clear()
    for token in reversed(made):
        assert ours.read(token) == CLAIMS
    assert verifications == [made[0]]


def test_a_token_proved_again_is_among_the_youngest(verifications: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.security.access_tokens._Proved._SIZE", 2)
    clock = ManualClock()
    ours = tokens(clock=clock)
    first, second, third = (ours.sign(CLAIMS) for _ in range(3))
    for token, pause in ((first, SECOND), (second, 5 * SECOND), (first, SECOND), (third, SECOND)):
        ours.read(token)
        clock.advance(pause)
    verifications.clear()
    assert ours.read(first) == CLAIMS
    assert verifications == []


def test_a_new_root_secret_is_appended_moved_to_the_front_and_the_old_one_dropped() -> None:
    before = tokens(OLD).sign(CLAIMS)
    assert tokens(OLD, NEW).read(before) == CLAIMS
    assert tokens(NEW, OLD).read(before) == CLAIMS
    assert tokens(NEW).read(before) is None
    moved = tokens(NEW, OLD).sign(CLAIMS)
    assert tokens(OLD, NEW).read(moved) == CLAIMS
    assert tokens(NEW).read(moved) == CLAIMS
    assert tokens(OLD).read(moved) is None


def test_nothing_secret_is_shown() -> None:
    ours = tokens()
    assert OLD not in repr((ours, vars(ours)))
    assert "PRIVATE" not in repr((ours, vars(ours)))
