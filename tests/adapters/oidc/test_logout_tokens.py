"""OpenID Connect Back-Channel Logout 1.0, 2.6, sentence by sentence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.errors import OidcRefused, Unavailable
from domain.model.identities import LogoutClaims
from tests.adapters.oidc.conversations import Conversation, conversation
from tests.support.fakes import START
from tests.support.openid import ISSUER, LOGOUT_EVENT, MISSING, hs256, jws, said, signing_key

NOW = int(START.timestamp())


async def refusal(talk: Conversation, token: str) -> str:
    with pytest.raises(OidcRefused) as refused:
        await talk.ours.read_logout_token(token)
    assert refused.value.__cause__ is None
    return refused.value.detail


async def refused(**changes: Any) -> str:
    talk = conversation()
    return await refusal(talk, talk.provider.logout_token(**changes))


def members(**changes: Any) -> dict[str, Any]:
    said = {"iss": ISSUER, "aud": "hexkey", "iat": NOW, "jti": "1", "sub": "ada", "events": {LOGOUT_EVENT: {}}}
    return said | changes


async def test_it_says_who_signed_out_of_what_and_when() -> None:
    talk = conversation()
    claims = await talk.ours.read_logout_token(talk.provider.logout_token())
    assert claims == LogoutClaims(issuer=ISSUER, subject="ada", session="sid-of-ada", issued_at=START)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_it_is_signed_like_an_id_token(algorithm: str) -> None:
    talk = conversation(keys=[signing_key(algorithm)])
    assert (await talk.ours.read_logout_token(talk.provider.logout_token())).subject == "ada"


@pytest.mark.parametrize(("missing", "left"), [("sub", (None, "sid-of-ada")), ("sid", ("ada", None))])
async def test_one_of_person_and_session_is_enough(missing: str, left: tuple[str | None, str | None]) -> None:
    talk = conversation()
    claims = await talk.ours.read_logout_token(talk.provider.logout_token(**{missing: MISSING}))
    assert (claims.subject, claims.session) == left


async def test_neither_is_too_little() -> None:
    assert await refused(sub=MISSING, sid=MISSING) == "the logout token does not say who signed out"


@pytest.mark.parametrize("typ", ["logout+jwt", "LOGOUT+JWT", "JWT", "jwt", MISSING])
async def test_its_kind_stands_in_the_header_or_nothing_does(typ: object) -> None:
    talk = conversation()
    named = {} if typ is MISSING else {"typ": typ}
    token = jws({"alg": "ES256", "kid": "first", **named}, members(), signing_key().sign)
    assert (await talk.ours.read_logout_token(token)).subject == "ada"


@pytest.mark.parametrize("typ", ["at+jwt", "secevent+jwt", "id_token", ""])
async def test_a_token_of_another_kind_is_none(typ: str) -> None:
    token = jws({"alg": "ES256", "kid": "first", "typ": typ}, members(), signing_key().sign)
    assert await refusal(conversation(), token) == "the logout token is a token of another kind"


async def test_an_id_token_is_none() -> None:
    talk = conversation()
    (await talk.sent()).approved()
    (grant,) = talk.provider.grants.values()
    assert await refusal(talk, talk.provider.id_token("access", grant)) == "the logout token does not say what it must"
    dressed_up = talk.provider.id_token("access", grant, jti="1", events={LOGOUT_EVENT: {}})
    assert await refusal(talk, dressed_up) == "the logout token is a token of another kind"


@pytest.mark.parametrize("nonce", ["", "x", None, 7, {}])
async def test_there_is_no_nonce_in_it(nonce: object) -> None:
    assert await refused(nonce=nonce) == "the logout token is a token of another kind"


@pytest.mark.parametrize(
    "events", [{}, {LOGOUT_EVENT: None}, {LOGOUT_EVENT: True}, {LOGOUT_EVENT: []}, {LOGOUT_EVENT + "/": {}}], ids=str
)
async def test_it_tells_of_a_logout_and_nothing_else_will_do(events: object) -> None:
    assert await refused(events=events) == "the logout token is a token of another kind"


@pytest.mark.parametrize("claim", ["iss", "aud", "iat", "jti", "events"])
async def test_one_that_lacks_what_it_must_say_is_refused(claim: str) -> None:
    assert await refused(**{claim: MISSING}) == "the logout token does not say what it must"


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("sub", ""),
        ("sub", None),
        ("sub", "x" * 256),
        ("sub", "a\x00"),
        ("sid", ""),
        ("sid", 7),
        ("sid", "x" * 256),
        ("jti", ""),
        ("jti", 7),
        ("iat", "now"),
        ("exp", "now"),
        ("exp", None),
        ("events", []),
        ("events", LOGOUT_EVENT),
        ("events", [LOGOUT_EVENT]),
    ],
    ids=lambda value: repr(value)[:20],
)
async def test_one_that_says_it_in_another_form_is_refused(claim: str, value: object) -> None:
    assert await refused(**{claim: value}) == "the logout token does not say what it must"


@pytest.mark.parametrize("issuer", ["https://evil.example.org", f"{ISSUER}/"])
async def test_one_of_another_issuer_is_refused(issuer: str) -> None:
    assert await refused(iss=issuer) == "the logout token is from another issuer"


@pytest.mark.parametrize("audience", ["other", [], ["other"]])
async def test_one_for_another_client_is_refused(audience: object) -> None:
    assert await refused(aud=audience) == "the logout token was made for another client"


async def test_one_for_several_clients_is_for_us_too() -> None:
    talk = conversation()
    assert (await talk.ours.read_logout_token(talk.provider.logout_token(aud=["other", "hexkey"]))).subject == "ada"


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"exp": NOW - 60}, "has expired"),
        ({"iat": NOW - 361}, "has expired"),
        ({"iat": NOW - 361, "exp": MISSING}, "has expired"),
        ({"iat": NOW + 61}, "is not valid yet"),
        ({"nbf": NOW + 61}, "is not valid yet"),
    ],
    ids=str,
)
async def test_one_that_is_old_or_of_the_future_is_refused(changes: dict[str, Any], detail: str) -> None:
    assert await refused(**changes) == f"the logout token {detail}"


@pytest.mark.parametrize(
    "changes", [{"iat": NOW - 360}, {"iat": NOW + 60}, {"exp": NOW - 59}, {"exp": MISSING}], ids=str
)
async def test_clocks_may_differ_by_a_minute(changes: dict[str, Any]) -> None:
    talk = conversation()
    assert (await talk.ours.read_logout_token(talk.provider.logout_token(**changes))).subject == "ada"


async def test_a_fraction_of_a_second_counts() -> None:
    talk = conversation()
    claims = await talk.ours.read_logout_token(talk.provider.logout_token(iat=NOW - 1.5))
    assert claims.issued_at == datetime.fromtimestamp(NOW, UTC) - timedelta(seconds=1.5)


@pytest.mark.parametrize(
    "token",
    [
        jws({"alg": "none"}, members(), lambda _: b""),
        jws({"alg": "HS256", "kid": "first"}, members(), hs256(signing_key().pem)),
        jws({"alg": "ES256", "kid": "first"}, members(), signing_key("ES256", "stranger").sign),
        jws({"alg": "ES256", "jku": "https://evil.example.org"}, members(), signing_key("ES256", "stranger").sign),
        jws({"alg": "ES256", "kid": "stranger"}, members(), signing_key("ES256", "stranger").sign),
        "",
        "a.b.c",
        "x" * 100_000,
        "\ud800",
    ],
    ids=lambda token: token[:30],
)
async def test_anybody_may_send_one_and_only_the_providers_counts(token: str) -> None:
    await refusal(conversation(), token)


async def test_a_provider_that_is_away_cannot_vouch_for_it() -> None:
    talk = conversation(replies={"/jwks": said({}, 503)})
    with pytest.raises(Unavailable):
        await talk.ours.read_logout_token(talk.provider.logout_token())
