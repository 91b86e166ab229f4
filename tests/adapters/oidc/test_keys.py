"""Which keys are taken from a provider, how long, and how often it is asked for them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import OidcRefused, Unavailable
from tests.adapters.oidc.conversations import Conversation, conversation
from tests.support.openid import Reply, said, signing_key

UNKNOWN = "the ID token is signed with a key that the provider does not publish"


async def refusal(talk: Conversation) -> str:
    with pytest.raises(OidcRefused) as refused:
        await talk.sign_in()
    return refused.value.detail


def publishing(*keys: dict[str, Any], **provider: Any) -> Conversation:
    return conversation(replies={"/jwks": said({"keys": list(keys)})}, **provider)


class TestRotation:
    async def test_keys_are_fetched_once_in_ten_minutes(self) -> None:
        talk = conversation()
        for _ in range(5):
            await talk.sign_in()
        assert talk.provider.asked("/jwks") == 1
        talk.clock.advance(timedelta(minutes=10))
        await talk.sign_in()
        assert talk.provider.asked("/jwks") == 2

    async def test_many_at_once_fetch_them_once(self) -> None:
        talk = conversation()
        await asyncio.gather(*(talk.sign_in() for _ in range(20)))
        assert talk.provider.asked("/jwks") == 1

    async def test_a_new_key_is_known_at_once(self) -> None:
        talk = conversation()
        await talk.sign_in()
        talk.provider.keys.insert(0, signing_key("ES256", "second"))
        assert (await talk.sign_in()).subject == "ada"
        assert talk.provider.asked("/jwks") == 2

    async def test_one_of_another_kind_too(self) -> None:
        talk = conversation()
        await talk.sign_in()
        talk.provider.keys[:] = [signing_key("RS256", "second")]
        assert (await talk.sign_in()).subject == "ada"

    async def test_a_key_that_is_no_longer_published_is_forgotten_within_ten_minutes(self) -> None:
        talk = conversation()
        await talk.sign_in()
        talk.provider.replies["/jwks"] = said({"keys": [signing_key("ES256", "second").jwk]})
        assert (await talk.sign_in()).subject == "ada"
        talk.clock.advance(timedelta(minutes=10))
        assert await refusal(talk) == UNKNOWN

    async def test_a_flood_of_unknown_names_fetches_them_once_in_a_minute(self) -> None:
        talk = conversation()
        await talk.sign_in()
        tokens = [talk.provider.signed({}, kid=f"unknown-{number}", typ="logout+jwt") for number in range(100)]

        async def flood() -> None:
            for token in tokens:
                with pytest.raises(OidcRefused, match="does not publish"):
                    await talk.ours.read_logout_token(token)

        await asyncio.gather(flood(), flood())
        assert talk.provider.asked("/jwks") == 2
        talk.clock.advance(timedelta(seconds=59))
        await flood()
        assert talk.provider.asked("/jwks") == 2
        talk.clock.advance(timedelta(seconds=1))
        await flood()
        assert talk.provider.asked("/jwks") == 3

    async def test_known_names_go_on_meanwhile(self) -> None:
        talk = conversation()
        await talk.sign_in()
        for number in range(10):
            with pytest.raises(OidcRefused):
                await talk.ours.read_logout_token(talk.provider.signed({}, kid=f"unknown-{number}"))
        assert (await talk.sign_in()).subject == "ada"

    async def test_a_flood_while_the_keys_are_away_is_no_flood_for_the_provider(self) -> None:
        talk = conversation()
        await talk.sign_in()
        talk.provider.replies["/jwks"] = said({}, 503)
        token = talk.provider.signed({}, kid="unknown")
        with pytest.raises(Unavailable):
            await talk.ours.read_logout_token(token)
        for _ in range(50):
            with pytest.raises(OidcRefused):
                await talk.ours.read_logout_token(token)
        assert talk.provider.asked("/jwks") == 2
        assert (await talk.sign_in()).subject == "ada"

    async def test_keys_that_were_away_are_asked_for_anew(self) -> None:
        talk = conversation(replies={"/jwks": said({}, 500)})
        with pytest.raises(Unavailable):
            await talk.sign_in()
        talk.provider.replies.clear()
        assert (await talk.sign_in()).subject == "ada"


class TestWhichOneIsMeant:
    async def test_without_a_name_it_is_the_only_one_that_fits(self) -> None:
        nameless = signing_key("ES256", None)
        assert (await conversation(keys=[nameless]).sign_in()).subject == "ada"
        assert (await conversation(keys=[nameless, signing_key("RS256", "other")]).sign_in()).subject == "ada"

    async def test_without_a_name_two_that_fit_are_one_too_many(self) -> None:
        assert await refusal(conversation(keys=[signing_key("ES256", None), signing_key("ES256", "other")])) == UNKNOWN

    async def test_two_of_one_name_are_told_apart_by_their_kind(self) -> None:
        talk = conversation(keys=[signing_key("ES256", "one"), signing_key("RS256", "one")])
        assert (await talk.sign_in()).subject == "ada"

    async def test_two_of_one_name_and_kind_are_not(self) -> None:
        first, second = signing_key("ES256", "first"), signing_key("ES256", "second")
        assert await refusal(publishing(first.jwk, {**second.jwk, "kid": "first"})) == UNKNOWN

    @pytest.mark.parametrize(
        "member", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"key_ops": []}, {"alg": "RS256"}, {"alg": "HS256"}]
    )
    async def test_one_for_something_else_is_not(self, member: dict[str, Any]) -> None:
        assert await refusal(publishing({**signing_key().jwk, **member})) == UNKNOWN

    @pytest.mark.parametrize("member", [{"use": "sig"}, {"key_ops": ["verify"]}, {"alg": "ES256"}, {"x5t": "x"}])
    async def test_one_that_says_what_it_is_for_is(self, member: dict[str, Any]) -> None:
        assert (await publishing({**signing_key().jwk, **member}).sign_in()).subject == "ada"


class TestWhatIsNoKey:
    @pytest.mark.parametrize(
        "other",
        [
            {},
            {"kty": 7},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "first"},
            {"kty": "unheard of"},
            {"kty": "RSA", "kid": "first"},
            {"kty": "RSA", "n": "", "e": "AQAB"},
            {"kty": "RSA", "n": "A" * 5000, "e": "AQAB"},
            {"kty": "RSA", "n": 7, "e": "AQAB"},
            {"kty": "RSA", "n": "!!!", "e": "AQAB"},
            {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
            {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
            {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
            {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
            {"kty": ["EC"]},
        ],
        ids=str,
    )
    async def test_it_is_passed_over(self, other: dict[str, Any]) -> None:
        assert (await publishing(other, signing_key().jwk).sign_in()).subject == "ada"

    async def test_a_short_rsa_key_is_none(self) -> None:
        assert await refusal(conversation(keys=[signing_key("RS256", "short", 1024)])) == UNKNOWN

    async def test_a_curve_that_no_algorithm_of_ours_has_is_none(self) -> None:
        assert await refusal(conversation(keys=[signing_key("ES384")], header={"alg": "ES256"})) == UNKNOWN

    async def test_a_shared_secret_that_is_published_verifies_nothing(self) -> None:
        talk = publishing({"kty": "oct", "k": "c2VjcmV0", "kid": "first", "alg": "ES256"})
        assert await refusal(talk) == UNKNOWN

    @pytest.mark.parametrize(
        "reply",
        [
            said([]),
            said({}),
            said({"keys": None}),
            said({"keys": {}}),
            said({"keys": ["first"]}),
            said({"keys": [{}] * 101}),
            Reply(200, b'{"keys": [], "keys": []}'),
            Reply(200, b"{"),
        ],
        ids=lambda reply: repr(reply.body)[:30],
    )
    async def test_a_set_that_is_none_means_that_the_provider_is_not_well(self, reply: Reply) -> None:
        with pytest.raises(Unavailable):
            await conversation(replies={"/jwks": reply}).sign_in()

    async def test_a_set_may_come_under_its_own_media_type(self) -> None:
        body = said({"keys": [signing_key().jwk]}).body
        reply = Reply(200, body, {"content-type": "application/jwk-set+json; charset=utf-8"})
        assert (await conversation(replies={"/jwks": reply}).sign_in()).subject == "ada"
