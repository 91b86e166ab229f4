"""A whole sign-in with each kind of provider, and what is refused on the way."""

import asyncio
from base64 import b64decode
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest

from domain.errors import DomainError, OidcRefused, Unavailable
from domain.model.identities import Claims
from tests.adapters.oidc.conversations import CALLBACK, begin, conversation
from tests.support.openid import ISSUER, MISSING, OpenIdProvider, listening, redirect, said, signing_key


async def refusal(kind: type[DomainError], asking: Awaitable[object]) -> str:
    with pytest.raises(kind) as refused:
        await asking
    assert refused.value.__cause__ is None
    return refused.value.detail


class TestTheWayThere:
    async def test_it_is_the_code_flow_with_pkce_state_and_nonce(self) -> None:
        visit = await conversation(scopes=("openid", "email", "profile")).sent()
        assert visit.url.startswith(f"{ISSUER}/authorize?")
        assert visit.query == {
            "response_type": "code",
            "client_id": "hexkey",
            "redirect_uri": CALLBACK,
            "scope": "openid email profile",
            "state": visit.handshake.state,
            "nonce": visit.handshake.nonce,
            "code_challenge": visit.handshake.challenge,
            "code_challenge_method": "S256",
        }

    async def test_neither_cookie_nor_verifier_nor_secret_travels(self) -> None:
        talk = conversation()
        visit = await talk.sent()
        assert visit.handshake.cookie not in visit.url
        assert visit.handshake.verifier not in visit.url
        assert "secret" not in visit.url

    @pytest.mark.parametrize(
        ("listed", "prompt", "asked"),
        [(["create"], False, "create"), (["none"], True, "create"), (["none"], False, None), (MISSING, False, None)],
    )
    async def test_registering_is_asked_for_where_discovery_or_the_setting_says_so(
        self, listed: object, prompt: bool, asked: str | None
    ) -> None:
        talk = conversation(register_prompt=prompt, discovery={"prompt_values_supported": listed})
        assert (await talk.sent(registering=True)).query.get("prompt") == asked
        assert "prompt" not in (await talk.sent()).query

    async def test_what_the_endpoint_asks_for_already_stays(self) -> None:
        talk = conversation(discovery={"authorization_endpoint": f"{ISSUER}/authorize?tenant=a"})
        visit = await talk.sent()
        assert visit.url.startswith(f"{ISSUER}/authorize?tenant=a&response_type=code&")


class TestTheWayBack:
    @pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
    async def test_whoever_signed_in_there_is_told(self, algorithm: str) -> None:
        person = {
            "sub": "ada",
            "email": "ada@example.org",
            "email_verified": True,
            "name": "Ada Lovelace",
            "given_name": "Ada",
            "family_name": "Lovelace",
            "sid": "sid-1",
        }
        talk = conversation(keys=[signing_key(algorithm)], person=person)
        assert await talk.sign_in() == Claims(
            issuer=ISSUER,
            subject="ada",
            email="ada@example.org",
            email_verified=True,
            name="Ada Lovelace",
            given_name="Ada",
            family_name="Lovelace",
            session="sid-1",
        )

    async def test_it_works_over_a_real_network(self) -> None:
        with listening(OpenIdProvider()) as theirs:
            assert (await begin(theirs, None).sign_in()).subject == "ada"

    async def test_a_code_is_good_once(self) -> None:
        visit = (await conversation().sent()).approved()
        await visit.back()
        assert await refusal(OidcRefused, visit.back()) == "the provider does not accept the code"

    async def test_a_code_of_another_browser_is_refused(self) -> None:
        """Code injection: the code was given for another challenge, and its ID token has another nonce."""
        talk = conversation()
        mine, stolen = await talk.sent(), (await talk.sent()).approved()
        assert await refusal(OidcRefused, mine.back(code=stolen.brought["code"])) == (
            "the provider does not accept the code"
        )

    async def test_a_code_of_another_browser_is_refused_even_where_the_provider_ignores_pkce(self) -> None:
        talk = conversation()
        mine, stolen = await talk.sent(), (await talk.sent()).approved()
        (grant,) = talk.provider.grants.values()
        talk.provider.grants["code"] = grant.challenged_by(mine.handshake.challenge)
        assert await refusal(OidcRefused, mine.back(code="code")) == "the ID token belongs to another sign-in"
        assert stolen.handshake.nonce != mine.handshake.nonce

    @pytest.mark.parametrize("code", ["", "x" * 4097, "a\nb", "é", "a\x00", "\ud800"])
    async def test_what_is_no_code_is_sent_to_nobody(self, code: str) -> None:
        talk = conversation()
        visit = (await talk.sent()).approved()
        assert await refusal(OidcRefused, visit.back(code=code)) == "the code is none"
        assert talk.provider.asked("/token") == 0

    async def test_nothing_that_the_provider_says_is_repeated(self) -> None:
        visit = (await conversation().sent()).approved()
        assert "script" not in await refusal(OidcRefused, visit.back(code="<script>"))


class TestMixUp:
    @pytest.mark.parametrize("issuer", ["https://evil.example.org", f"{ISSUER}/", ISSUER.upper(), "", "\ud800"])
    async def test_a_browser_that_comes_from_another_issuer_is_refused_and_its_code_sent_nowhere(
        self, issuer: str
    ) -> None:
        talk = conversation()
        visit = (await talk.sent()).approved()
        assert "another issuer" in await refusal(OidcRefused, visit.back(iss=issuer))
        assert talk.provider.asked("/token") == 0

    async def test_a_browser_that_does_not_say_where_it_comes_from_is_refused_where_it_would(self) -> None:
        talk = conversation()
        visit = (await talk.sent()).approved()
        assert "does not say which issuer" in await refusal(OidcRefused, visit.back(iss=None))
        assert talk.provider.asked("/token") == 0

    @pytest.mark.parametrize("listed", [False, MISSING, None])
    async def test_a_provider_that_does_not_promise_it_need_not_say_it(self, listed: object) -> None:
        talk = conversation(discovery={"authorization_response_iss_parameter_supported": listed})
        visit = (await talk.sent()).approved()
        assert (await visit.back(iss=None)).subject == "ada"

    @pytest.mark.parametrize("listed", [False, MISSING])
    async def test_what_is_said_without_a_promise_is_compared_all_the_same(self, listed: object) -> None:
        talk = conversation(discovery={"authorization_response_iss_parameter_supported": listed})
        visit = (await talk.sent()).approved()
        await refusal(OidcRefused, visit.back(iss="https://evil.example.org"))


class TestTheClient:
    @pytest.mark.parametrize(
        "listed", [["client_secret_basic", "client_secret_post"], ["client_secret_basic"], [], MISSING, None]
    )
    async def test_its_secret_goes_into_the_header(self, listed: object) -> None:
        talk = conversation(discovery={"token_endpoint_auth_methods_supported": listed})
        await talk.sign_in()
        (request,) = [request for request in talk.provider.requests if request.path == "/token"]
        name, _, secret = b64decode(request.headers["authorization"].removeprefix("Basic ")).decode().partition(":")
        assert (unquote_plus(name), unquote_plus(secret)) == ("hexkey", talk.provider.client_secret)
        assert not {"client_id", "client_secret"} & set(request.form)

    @pytest.mark.parametrize("listed", [["client_secret_post"], ["private_key_jwt"]])
    async def test_or_into_the_form_where_the_header_is_not_listed(self, listed: list[str]) -> None:
        talk = conversation(discovery={"token_endpoint_auth_methods_supported": listed})
        visit = await talk.sent()
        if listed == ["client_secret_post"]:
            await visit.back()
        else:
            await refusal(Unavailable, visit.back())
        (request,) = [request for request in talk.provider.requests if request.path == "/token"]
        assert (request.form["client_id"], request.form["client_secret"]) == ("hexkey", talk.provider.client_secret)
        assert "authorization" not in request.headers

    async def test_a_public_one_only_says_its_name(self) -> None:
        talk = conversation(client_secret=None)
        await talk.sign_in()
        (request,) = [request for request in talk.provider.requests if request.path == "/token"]
        assert request.form["client_id"] == "hexkey"
        assert "client_secret" not in request.form
        assert "authorization" not in request.headers

    async def test_one_that_is_not_accepted_is_the_operators_to_mend(self) -> None:
        talk = conversation()
        talk.provider.client_secret = "another"
        assert await refusal(Unavailable, talk.sign_in()) == "the identity provider answers 401"

    @pytest.mark.parametrize("error", ["unauthorized_client", "unsupported_grant_type", "server_error", 7, None])
    async def test_what_is_not_about_the_code_is_not_blamed_on_the_browser(self, error: object) -> None:
        talk = conversation(replies={"/token": said({"error": error}, 400)})
        assert await refusal(Unavailable, talk.sign_in()) == "the identity provider answers 400"


class TestWhatIsToldOfAPerson:
    async def test_an_address_that_the_id_token_lacks_is_asked_for(self) -> None:
        userinfo = {"email": "ada@example.org", "email_verified": True, "name": "Ada of userinfo", "given_name": "Ada"}
        talk = conversation(person={"sub": "ada", "name": "Ada of the token"}, userinfo=userinfo)
        claims = await talk.sign_in()
        assert (claims.email, claims.email_verified) == ("ada@example.org", True)
        assert (claims.name, claims.given_name) == ("Ada of the token", "Ada")

    async def test_one_that_it_has_is_not(self) -> None:
        talk = conversation()
        await talk.sign_in()
        assert talk.provider.asked("/userinfo") == 0

    async def test_an_address_is_not_verified_by_what_was_said_of_another(self) -> None:
        talk = conversation(person={"sub": "ada", "email_verified": True}, userinfo={"email": "eve@example.org"})
        claims = await talk.sign_in()
        assert (claims.email, claims.email_verified) == ("eve@example.org", False)

    async def test_without_an_address_anywhere_there_is_none(self) -> None:
        claims = await conversation(person={"sub": "ada"}).sign_in()
        assert (claims.email, claims.email_verified) == (None, False)

    async def test_a_provider_without_userinfo_is_not_asked(self) -> None:
        talk = conversation(person={"sub": "ada"}, discovery={"userinfo_endpoint": MISSING})
        assert (await talk.sign_in()).email is None

    @pytest.mark.parametrize("subject", ["eve", "ADA", "ada "])
    async def test_userinfo_of_somebody_else_is_refused(self, subject: str) -> None:
        talk = conversation(person={"sub": "ada"}, userinfo={"sub": subject, "email": "eve@example.org"})
        assert "somebody else" in await refusal(OidcRefused, talk.sign_in())

    @pytest.mark.parametrize(
        "reply", [said({"email": "a@example.org"}), said({"sub": 7}), said([]), said({}, 401), redirect("/x")]
    )
    async def test_userinfo_that_is_none_means_that_the_provider_is_not_well(self, reply: Any) -> None:
        talk = conversation(person={"sub": "ada"}, replies={"/userinfo": reply})
        await refusal(Unavailable, talk.sign_in())

    @pytest.mark.parametrize(
        ("verified", "meant"),
        [(True, True), ("true", True), (False, False), ("false", False), (1, False), ("True", False), ([True], False)],
    )
    async def test_an_address_is_verified_only_where_that_is_said(self, verified: object, meant: bool) -> None:
        talk = conversation(claims={"email_verified": verified})
        assert (await talk.sign_in()).email_verified is meant

    @pytest.mark.parametrize("name", ["", 7, None, ["Ada"], "x" * 256, "A\x00da", "A\nda", "\ud800", {"a": 1}])
    async def test_what_is_no_name_of_sane_length_counts_as_not_said(self, name: object) -> None:
        claims = await conversation(claims={"name": name, "given_name": name, "family_name": name}).sign_in()
        assert (claims.name, claims.given_name, claims.family_name) == (None, None, None)

    @pytest.mark.parametrize("email", ["", 7, "x" * 255, "a\r\nb@example.org", ["ada@example.org"]])
    async def test_what_is_no_address_is_not_verified_either(self, email: object) -> None:
        talk = conversation(claims={"email": email}, discovery={"userinfo_endpoint": MISSING})
        claims = await talk.sign_in()
        assert (claims.email, claims.email_verified) == (None, False)

    @pytest.mark.parametrize("sid", ["", 7, None, "x" * 256, MISSING])
    async def test_a_session_without_a_usable_name_has_none(self, sid: object) -> None:
        assert (await conversation(claims={"sid": sid}).sign_in()).session is None


class TestTheTokenAnswer:
    @pytest.mark.parametrize(
        "granted",
        [
            {"id_token": MISSING},
            {"access_token": MISSING},
            {"token_type": MISSING},
            {"id_token": 7},
            {"access_token": ""},
            {"access_token": "a b"},
            {"access_token": "a\r\nCookie: b"},
            {"access_token": "é"},
            {"token_type": "mac"},
        ],
        ids=str,
    )
    async def test_one_without_what_it_needs_means_that_the_provider_is_not_well(self, granted: dict[str, Any]) -> None:
        assert await refusal(Unavailable, conversation(granted=granted).sign_in()) == (
            "the identity provider answers nonsense"
        )

    async def test_the_type_of_a_token_is_written_in_any_case(self) -> None:
        assert (await conversation(granted={"token_type": "bEARER"}).sign_in()).subject == "ada"


class TestSigningOutThere:
    async def test_it_is_told_who_asks_and_where_to_come_back(self) -> None:
        url = await conversation().ours.end_session_url(return_to="https://keys.example.org/")
        assert url == (f"{ISSUER}/logout?client_id=hexkey&post_logout_redirect_uri=https%3A%2F%2Fkeys.example.org%2F")

    async def test_not_every_provider_offers_it(self) -> None:
        talk = conversation(discovery={"end_session_endpoint": MISSING})
        assert await talk.ours.end_session_url(return_to="https://keys.example.org/") is None


class TestDiscovery:
    async def test_nothing_is_fetched_before_it_is_needed_and_then_once(self) -> None:
        talk = conversation()
        assert talk.provider.requests == []
        await asyncio.gather(*(talk.sent() for _ in range(20)))
        assert talk.provider.asked("/.well-known/openid-configuration") == 1

    async def test_it_is_believed_for_ten_minutes(self) -> None:
        talk = conversation()
        await talk.sent()
        talk.clock.advance(timedelta(minutes=10, microseconds=-1))
        await talk.sent()
        assert talk.provider.asked("/.well-known/openid-configuration") == 1
        talk.clock.advance(timedelta(microseconds=1))
        await talk.sent()
        assert talk.provider.asked("/.well-known/openid-configuration") == 2

    async def test_a_clock_that_is_set_back_does_not_make_it_last(self) -> None:
        talk = conversation()
        await talk.sent()
        talk.clock.advance(timedelta(days=-1))
        await talk.sent()
        assert talk.provider.asked("/.well-known/openid-configuration") == 2

    async def test_a_failure_is_not_kept(self) -> None:
        talk = conversation(replies={"/.well-known/openid-configuration": said({}, 503)})
        assert await refusal(Unavailable, talk.sent()) == "the identity provider answers 503"
        talk.provider.replies.clear()
        assert (await talk.sign_in()).subject == "ada"

    @pytest.mark.parametrize("issuer", ["https://id.example.org/realms/a", "https://id.example.org/realms/a/"])
    async def test_an_issuer_may_have_a_path_and_a_slash_at_its_end_counts(self, issuer: str) -> None:
        talk = conversation(issuer=issuer)
        visit = await talk.sent()
        assert visit.conversation.provider.asked("/realms/a/.well-known/openid-configuration") == 1
        talk = conversation(
            issuer=issuer, discovery={"issuer": issuer.removesuffix("/") if issuer[-1] == "/" else f"{issuer}/"}
        )
        assert "another issuer" in await refusal(Unavailable, talk.sent())

    @pytest.mark.parametrize("issuer", ["https://evil.example.org", ISSUER.upper(), f"{ISSUER}:443", MISSING, 7, None])
    async def test_the_document_of_another_issuer_is_not_believed(self, issuer: object) -> None:
        await refusal(Unavailable, conversation(discovery={"issuer": issuer}).sent())

    @pytest.mark.parametrize(
        "name",
        ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"],
    )
    @pytest.mark.parametrize(
        "url",
        [
            "http://id.example.org/x",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "//id.example.org/x",
            "/x",
            "https://",
            "https:///x",
            "https://user:password@id.example.org/x",
            "https://id.example.org/x#y",
            "https://id.example.org/x y",
            "https://id.example.org/\r\nx",
            "https://id.example.org:port/x",
            "https://[id.example.org/x",
            "https://id.exämple.org/x",
            7,
        ],
    )
    async def test_no_address_is_used_that_is_not_whole_and_safe(self, name: str, url: object) -> None:
        await refusal(Unavailable, conversation(discovery={name: url}).sent())

    async def test_an_issuer_without_tls_may_have_addresses_without(self) -> None:
        assert (await conversation(issuer="http://localhost:3000").sign_in()).subject == "ada"

    @pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
    async def test_what_a_sign_in_needs_has_to_be_there(self, name: str) -> None:
        assert await refusal(Unavailable, conversation(discovery={name: MISSING}).sent()) == (
            "the identity provider answers nonsense"
        )
