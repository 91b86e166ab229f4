"""What an ID token must be and say; every change of it is somebody's attack or a provider's mistake."""

import json
from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import OidcRefused, Unavailable
from tests.adapters.oidc.conversations import Conversation, conversation
from tests.support.openid import ISSUER, LOGOUT_EVENT, MISSING, b64, hs256, jws, redirect, signing_key

NOW = 1767225600
"""`START` of the clock, in seconds."""


async def refusal(talk: Conversation, **changes: Any) -> str:
    with pytest.raises(OidcRefused) as refused:
        await (await talk.sent()).back(**changes)
    assert refused.value.__cause__ is None
    return refused.value.detail


async def forged(talk: Conversation, token: str) -> str:
    """What is answered where the provider hands out *token* in place of its own."""
    talk.provider.granted = {"id_token": token}
    return await refusal(talk)


def good_claims(**changes: Any) -> dict[str, Any]:
    """But for the nonce, which none of these gets as far as."""
    return {"iss": ISSUER, "aud": "hexkey", "sub": "ada", "iat": NOW, "exp": NOW + 300, "nonce": "x"} | changes


class TestWhatItSays:
    @pytest.mark.parametrize(
        "issuer", ["https://evil.example.org", f"{ISSUER}/", ISSUER.upper(), f" {ISSUER}", "", "id.example.org"]
    )
    async def test_one_of_another_issuer_is_refused(self, issuer: str) -> None:
        assert await refusal(conversation(claims={"iss": issuer})) == "the ID token is from another issuer"

    @pytest.mark.parametrize("audience", ["other", "HEXKEY", "hexkey ", "", [], ["other"], ["hex", "key"]])
    async def test_one_for_another_client_is_refused(self, audience: object) -> None:
        assert await refusal(conversation(claims={"aud": audience, "azp": "hexkey"})) == (
            "the ID token was made for another client"
        )

    @pytest.mark.parametrize("party", ["other", "", "HEXKEY", MISSING])
    async def test_one_for_several_was_made_for_us_or_is_refused(self, party: object) -> None:
        talk = conversation(claims={"aud": ["other", "hexkey"], "azp": party})
        assert await refusal(talk) == "the ID token was made for another client"

    @pytest.mark.parametrize("party", ["other", "", "HEXKEY"])
    async def test_one_that_another_party_asked_for_is_refused(self, party: object) -> None:
        assert await refusal(conversation(claims={"azp": party})) == "the ID token was made for another client"

    @pytest.mark.parametrize(
        "claims", [{"aud": ["hexkey"]}, {"azp": "hexkey"}, {"aud": ["other", "hexkey"], "azp": "hexkey"}]
    )
    async def test_one_for_us_is_accepted_however_that_is_said(self, claims: dict[str, Any]) -> None:
        assert (await conversation(claims=claims).sign_in()).subject == "ada"

    @pytest.mark.parametrize("nonce", ["", "x", "é", "\ud800"])
    async def test_one_of_another_sign_in_is_refused(self, nonce: str) -> None:
        assert await refusal(conversation(claims={"nonce": nonce})) == "the ID token belongs to another sign-in"

    async def test_one_of_an_earlier_sign_in_is_refused(self) -> None:
        """Replay: good in everything else."""
        talk = conversation(claims={"at_hash": MISSING})
        earlier = (await talk.sent()).approved()
        (grant,) = talk.provider.grants.values()
        token = talk.provider.id_token("access", grant)
        assert (await earlier.back()).subject == "ada"
        assert await forged(talk, token) == "the ID token belongs to another sign-in"

    @pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
    async def test_one_that_goes_with_another_access_token_is_refused(self, algorithm: str) -> None:
        talk = conversation(keys=[signing_key(algorithm)], granted={"access_token": "another"})
        assert await refusal(talk) == "the ID token belongs to another access token"

    @pytest.mark.parametrize("at_hash", ["", "é", "x" * 43])
    async def test_a_hash_that_is_none_is_refused(self, at_hash: str) -> None:
        assert (
            await refusal(conversation(claims={"at_hash": at_hash})) == "the ID token belongs to another access token"
        )

    async def test_without_a_hash_there_is_nothing_to_compare(self) -> None:
        assert (await conversation(claims={"at_hash": MISSING}).sign_in()).subject == "ada"

    @pytest.mark.parametrize("claim", ["iss", "aud", "sub", "exp", "iat", "nonce"])
    async def test_one_that_lacks_what_it_must_say_is_refused(self, claim: str) -> None:
        assert await refusal(conversation(claims={claim: MISSING})) == "the ID token does not say what it must"

    @pytest.mark.parametrize(
        ("claim", "value"),
        [
            ("sub", ""),
            ("sub", "x" * 256),
            ("sub", "a\x00"),
            ("sub", "a\n"),
            ("sub", "é"),
            ("sub", 7),
            ("sub", None),
            ("sub", ["ada"]),
            ("iss", [ISSUER]),
            ("aud", 7),
            ("aud", None),
            ("aud", [["hexkey"]]),
            ("aud", {"hexkey": True}),
            ("exp", str(NOW + 300)),
            ("exp", True),
            ("exp", None),
            ("exp", -1),
            ("exp", 2**37),
            ("exp", 10**400),
            ("exp", 1e300),
            ("iat", "now"),
            ("nbf", "now"),
            ("nonce", None),
            ("nonce", ["x"]),
            ("azp", None),
            ("azp", ["hexkey"]),
            ("at_hash", None),
        ],
        ids=lambda value: repr(value)[:20],
    )
    async def test_one_that_says_it_in_another_form_is_refused(self, claim: str, value: object) -> None:
        assert await refusal(conversation(claims={claim: value})) == "the ID token does not say what it must"

    @pytest.mark.parametrize("subject", ["a", "x" * 255, "auth0|5f7c8", "kp_0123", "A b~"])
    async def test_a_subject_has_up_to_255_characters_of_ascii(self, subject: str) -> None:
        assert (await conversation(claims={"sub": subject}).sign_in()).subject == subject


class TestTimes:
    @pytest.mark.parametrize(
        "claims",
        [
            {"exp": NOW - 59},
            {"exp": NOW + 0.5},
            {"iat": NOW + 60},
            {"iat": NOW - 660},
            {"iat": NOW - 0.5},
            {"nbf": NOW + 60},
        ],
        ids=str,
    )
    async def test_clocks_may_differ_by_a_minute(self, claims: dict[str, Any]) -> None:
        assert (await conversation(claims=claims).sign_in()).subject == "ada"

    @pytest.mark.parametrize("claims", [{"exp": NOW - 60}, {"exp": 0}, {"iat": NOW - 661}, {"iat": 0}], ids=str)
    async def test_one_that_has_expired_or_is_old_is_refused(self, claims: dict[str, Any]) -> None:
        assert await refusal(conversation(claims=claims)) == "the ID token has expired"

    @pytest.mark.parametrize("claims", [{"iat": NOW + 61}, {"nbf": NOW + 61}, {"iat": NOW + 250}], ids=str)
    async def test_one_of_the_future_is_refused(self, claims: dict[str, Any]) -> None:
        assert await refusal(conversation(claims=claims)) == "the ID token is not valid yet"


class TestHowItIsSigned:
    @pytest.mark.parametrize("alg", ["none", "None", "NONE", ""])
    @pytest.mark.parametrize("signature", [b"", b"x"])
    async def test_one_without_a_signature_is_refused(self, alg: str, signature: bytes) -> None:
        token = jws({"alg": alg, "kid": "first"}, good_claims(), lambda _: signature)
        assert await forged(conversation(), token) == "the ID token is signed in a way that is not accepted"

    @pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
    @pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
    async def test_a_public_key_is_never_taken_for_a_shared_secret(self, algorithm: str, alg: str) -> None:
        key = signing_key(algorithm)
        for secret in (key.pem, key.pem.strip(), json.dumps(key.jwk).encode(), b"a secret of the client: ", b""):
            talk = conversation(keys=[key], discovery={"id_token_signing_alg_values_supported": [alg, algorithm]})
            token = jws({"alg": alg, "kid": "first"}, good_claims(), hs256(secret))
            assert await forged(talk, token) == "the ID token is signed in a way that is not accepted"

    async def test_a_client_secret_does_not_sign_either(self) -> None:
        talk = conversation(discovery={"id_token_signing_alg_values_supported": ["HS256"]})
        assert talk.provider.client_secret is not None
        token = jws({"alg": "HS256"}, good_claims(), hs256(talk.provider.client_secret.encode()))
        assert await forged(talk, token) == "the ID token is signed in a way that is not accepted"

    @pytest.mark.parametrize("alg", ["RS1", "RS384", "RS512", "PS512", "ES384", "ES512", "ES256K", "Ed448", "rs256"])
    async def test_only_four_ways_are_known(self, alg: str) -> None:
        talk = conversation(header={"alg": alg}, discovery={"id_token_signing_alg_values_supported": [alg]})
        assert await refusal(talk) == "the ID token is signed in a way that is not accepted"

    @pytest.mark.parametrize("listed", [["RS256"], MISSING, None, []])
    async def test_a_way_that_discovery_does_not_list_is_not_accepted(self, listed: object) -> None:
        talk = conversation(discovery={"id_token_signing_alg_values_supported": listed})
        assert await refusal(talk) == "the ID token is signed in a way that is not accepted"

    async def test_without_a_list_it_is_rs256(self) -> None:
        listed = {"id_token_signing_alg_values_supported": MISSING}
        assert (await conversation(keys=[signing_key("RS256")], discovery=listed).sign_in()).subject == "ada"

    @pytest.mark.parametrize(
        ("key", "alg"), [("ES256", "RS256"), ("RS256", "ES256"), ("EdDSA", "ES256"), ("ES256", "EdDSA")]
    )
    async def test_a_key_goes_with_its_own_algorithm_only(self, key: str, alg: str) -> None:
        talk = conversation(keys=[signing_key(key)], header={"alg": alg})
        assert await refusal(talk) == "the ID token is signed with a key that the provider does not publish"

    async def test_a_signature_of_one_kind_is_not_one_of_another_with_the_same_key(self) -> None:
        talk = conversation(keys=[signing_key("RS256")], header={"alg": "PS256"})
        assert await refusal(talk) == "the signature of the ID token is not the provider's"

    async def test_one_signed_by_somebody_else_under_a_known_name_is_refused(self) -> None:
        token = jws({"alg": "ES256", "kid": "first"}, good_claims(), signing_key("ES256", "stranger").sign)
        assert await forged(conversation(), token) == "the signature of the ID token is not the provider's"

    async def test_one_that_was_changed_after_it_was_signed_is_refused(self) -> None:
        talk = conversation()
        visit = (await talk.sent()).approved()
        (grant,) = talk.provider.grants.values()
        header, payload, signature = talk.provider.id_token("access", grant).split(".")
        said = json.loads(urlsafe_b64decode(payload + "=="))
        for part in (b64(json.dumps({**said, "sub": "eve"}).encode()), payload + "A", ""):
            talk.provider.granted = {"id_token": f"{header}.{part}.{signature}"}
            with pytest.raises(OidcRefused):
                await visit.back(code=_again(talk, grant))

    @pytest.mark.parametrize("signature", ["", "AAAA", "A" * 86, "!" * 86])
    async def test_a_signature_that_is_none_is_refused(self, signature: str) -> None:
        talk = conversation()
        (await talk.sent()).approved()
        (grant,) = talk.provider.grants.values()
        unsigned = talk.provider.id_token("access", grant).rpartition(".")[0]
        assert await forged(talk, f"{unsigned}.{signature}") == "the signature of the ID token is not the provider's"


def _again(talk: Conversation, grant: Any) -> str:
    """The same grant under a new code."""
    code = f"code-{len(talk.provider.requests)}"
    talk.provider.grants[code] = grant
    return code


class TestItsHeader:
    @pytest.mark.parametrize(
        "member",
        [
            {"jku": "https://evil.example.org/jwks"},
            {"jwk": signing_key("ES256", "stranger").jwk},
            {"x5u": "https://evil.example.org/chain"},
            {"x5c": ["MIIB"]},
            {"crit": ["exp"]},
            {"crit": []},
            {"b64": False, "crit": ["b64"]},
            {"b64": True},
        ],
        ids=list,
    )
    async def test_one_that_brings_its_own_key_or_rules_is_refused(self, member: dict[str, Any]) -> None:
        """Well signed or by the stranger whose key it brings; and nobody is called."""
        talk = conversation(header=member)
        assert await refusal(talk) == "the ID token brings its own key or its own rules"
        stranger = signing_key("ES256", "stranger")
        token = jws({"alg": "ES256", "kid": "stranger", **member}, good_claims(), stranger.sign)
        assert await forged(talk, token) == "the ID token brings its own key or its own rules"
        assert {request.path for request in talk.provider.requests} == {"/.well-known/openid-configuration", "/token"}

    @pytest.mark.parametrize("typ", ["logout+jwt", "at+jwt", "secevent+jwt", "", "JWT "])
    async def test_a_token_of_another_kind_is_none(self, typ: str) -> None:
        assert await refusal(conversation(header={"typ": typ})) == "the ID token is a token of another kind"

    @pytest.mark.parametrize("typ", ["jwt", "JWT", MISSING])
    async def test_its_kind_may_be_written_in_any_case_or_not_at_all(self, typ: object) -> None:
        assert (await conversation(header={"typ": typ}).sign_in()).subject == "ada"

    async def test_a_logout_token_is_none(self) -> None:
        talk = conversation()
        assert await forged(talk, talk.provider.logout_token()) == "the ID token is a token of another kind"

    async def test_nor_is_one_that_does_not_say_in_its_header_what_it_is(self) -> None:
        talk = conversation()
        claims = good_claims(events={LOGOUT_EVENT: {}}, jti="1")
        del claims["nonce"]
        assert await forged(talk, talk.provider.signed(claims)) == "the ID token does not say what it must"

    @pytest.mark.parametrize("kid", [7, None, ["first"], {"kid": "first"}, True])
    async def test_a_key_is_named_by_a_text(self, kid: object) -> None:
        assert await refusal(conversation(header={"kid": kid})) == "the ID token cannot be read"

    @pytest.mark.parametrize("kid", ["../../../dev/null", "' OR 1=1 --", "first\x00", "FIRST", "", "x" * 10_000])
    async def test_a_name_that_no_key_has_is_looked_for_in_the_published_ones_only(self, kid: str) -> None:
        talk = conversation(header={"kid": kid})
        assert await refusal(talk) == "the ID token is signed with a key that the provider does not publish"


class TestItsForm:
    @pytest.mark.parametrize(
        "token",
        [
            "",
            "x",
            "..",
            "a.b",
            "a.b.c",
            "a.b.c.d",
            "a.b.c.d.e",
            "é.b.c",
            "\ud800.b.c",
            "[].e30.x",
            f"{b64(b'[]')}.e30.x",
            f"{b64(b'7')}.e30.x",
            f"{b64(b'{}')}.e30.x",
            f"{b64(bytes([0xFF]))}.e30.x",
            f"{b64(b'{' * 5000)}.e30.x",
            f"{b64(b'[' * 40_000)}.e30.x",
            f"{b64(json.dumps({'alg': 7}).encode())}.e30.x",
            "x" * (64 * 1024 + 1),
        ],
        ids=lambda token: token[:20],
    )
    async def test_what_is_no_signed_token_is_refused(self, token: str) -> None:
        assert await forged(conversation(), token) == "the ID token cannot be read"

    async def test_one_that_is_longer_than_any_is_refused(self) -> None:
        assert await refusal(conversation(claims={"more": "x" * 50_000})) == "the ID token cannot be read"
        assert (await conversation(claims={"more": "x" * 40_000}).sign_in()).subject == "ada"

    async def test_one_with_spaces_or_padding_in_it_is_not_ours_to_mend(self) -> None:
        talk = conversation()
        (await talk.sent()).approved()
        (grant,) = talk.provider.grants.values()
        token = talk.provider.id_token("access", grant)
        for spoilt in (f" {token}", f"{token}\n", token.replace(".", " .", 1), token.replace(".", ".\n", 1)):
            await forged(talk, spoilt)

    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b"[]",
            b"7",
            b"null",
            b'"x"',
            b"{",
            b"\xff",
            b"{'sub': 1}",
            b'{"exp": NaN}',
            b'{"exp": Infinity}',
            b"[" * 40_000,
        ],
        ids=lambda payload: repr(payload)[:20],
    )
    async def test_what_is_signed_has_to_be_an_object(self, payload: bytes) -> None:
        token = jws({"alg": "ES256", "kid": "first"}, payload, signing_key().sign)
        assert await forged(conversation(), token) == "the ID token cannot be read"

    @pytest.mark.parametrize("member", ["sub", "aud", "nonce", "iss"])
    async def test_a_member_that_is_repeated_is_refused(self, member: str) -> None:
        """Two readers might take different ones."""
        payload = json.dumps(good_claims())[:-1] + f', "{member}": "eve"}}'
        token = jws({"alg": "ES256", "kid": "first"}, payload.encode(), signing_key().sign)
        assert await forged(conversation(), token) == "the ID token cannot be read"

    @pytest.mark.parametrize(
        "header", [b'{"alg": "none", "alg": "ES256", "kid": "first"}', b'{"alg": "ES256", "kid": "x", "kid": "first"}']
    )
    async def test_a_member_that_is_repeated_in_the_header_is_refused(self, header: bytes) -> None:
        token = jws(header, good_claims(), signing_key().sign)
        assert await forged(conversation(), token) == "the ID token cannot be read"

    async def test_nothing_of_it_is_shown_in_a_refusal(self) -> None:
        detail = await refusal(conversation(claims={"iss": "<script>", "aud": "<script>"}, header={"kid": "<script>"}))
        assert "script" not in detail

    async def test_nor_is_a_redirect_followed_to_get_one(self) -> None:
        talk = conversation(replies={"/token": redirect("https://evil.example.org/token")})
        with pytest.raises(Unavailable, match="answers 302"):
            await talk.sign_in()
        assert talk.provider.asked("/token") == 1


async def test_an_id_token_is_good_until_it_expires_by_our_clock() -> None:
    talk = conversation()
    visit = (await talk.sent()).approved()
    (grant,) = talk.provider.grants.values()
    token = talk.provider.id_token("access", grant)
    talk.provider.granted = {"id_token": token, "access_token": "access"}
    talk.clock.advance(timedelta(seconds=359))
    assert (await visit.back(code=_again(talk, grant))).subject == "ada"
    talk.clock.advance(timedelta(seconds=1))
    with pytest.raises(OidcRefused, match="has expired"):
        await visit.back(code=_again(talk, grant))
