"""A provider that is away, slow, too talkative, or sends us elsewhere; over real sockets."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.oidc import OpenIdProvider
from adapters.oidc.calls import LARGEST
from domain.errors import Unavailable
from domain.ports.identity_providers import Handshake
from tests.adapters.oidc.conversations import CALLBACK, HANDSHAKES, begin, conversation
from tests.support import openid
from tests.support.certificates import Authority
from tests.support.fakes import ManualClock
from tests.support.openid import ISSUER, Reply, listening, redirect, said
from tests.support.post import listening as listening_with
from tests.support.process import free_port

DISCOVERY = "/.well-known/openid-configuration"
HANDSHAKE: Handshake = HANDSHAKES.begin()


def at(port: int, *, patience: float = 5.0, scheme: str = "http", host: str = "127.0.0.1") -> OpenIdProvider:
    return OpenIdProvider(
        issuer=f"{scheme}://{host}:{port}",
        client_id="hexkey",
        client_secret="canary7f3a",
        scopes=("openid",),
        register_prompt=False,
        clock=ManualClock(),
        patience=patience,
    )


async def complaint(provider: OpenIdProvider) -> str:
    """Over the first thing that is asked of *provider*."""
    with pytest.raises(Unavailable) as refused:
        await provider.authorization_url(HANDSHAKE, redirect_uri=CALLBACK, registering=False)
    assert refused.value.__cause__ is None
    return refused.value.detail


@pytest.fixture
def theirs() -> Iterator[openid.OpenIdProvider]:
    with listening(openid.OpenIdProvider()) as provider:
        yield provider


class Says(asyncio.Protocol):
    """*words* as soon as it is asked something, again every *pause* seconds; then it hangs up or holds on."""

    def __init__(self, *words: bytes, pause: float = 0.0, holds_on: bool = False) -> None:
        self._words, self._pause, self._holds_on = words, pause, holds_on

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._task = asyncio.get_running_loop().create_task(self._speak())

    async def _speak(self) -> None:
        for word in self._words:
            if self._transport.is_closing():
                return
            self._transport.write(word)
            await asyncio.sleep(self._pause)
        if not self._holds_on:
            self._transport.close()


@asynccontextmanager
async def saying(*words: bytes, pause: float = 0.0, holds_on: bool = False) -> AsyncIterator[int]:
    async with listening_with(lambda: Says(*words, pause=pause, holds_on=holds_on)) as port:
        yield port


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


class TestAway:
    async def test_one_that_nobody_answers_for(self) -> None:
        assert await complaint(at(free_port())) == "the identity provider cannot be reached"

    async def test_one_whose_name_nobody_knows(self) -> None:
        assert await complaint(at(443, host="id.invalid")) == "the identity provider cannot be reached"

    async def test_one_that_was_away_is_asked_anew(self) -> None:
        port = free_port()
        provider = at(port)
        await complaint(provider)
        with listening(openid.OpenIdProvider(client_secret="canary7f3a"), port=port):
            url = await provider.authorization_url(HANDSHAKE, redirect_uri=CALLBACK, registering=False)
        assert url.startswith(f"http://127.0.0.1:{port}/authorize?")

    @pytest.mark.parametrize(
        "words",
        [
            b"",
            b"HTTP/1.1 200 OK\r\n",
            HEAD + b"content-length: 100\r\n\r\n{",
            HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
            b"SSH-2.0-nonsense\r\n",
            b"HTTP/1.1 " + b"x" * 200_000,
        ],
        ids=lambda words: repr(words)[:30],
    )
    async def test_one_that_hangs_up_or_speaks_otherwise(self, words: bytes) -> None:
        async with saying(words) as port:
            assert await complaint(at(port)) == "the identity provider ends the call in the midst of it"


class TestSlow:
    @pytest.mark.parametrize(
        "words",
        [b"", b"HTTP/1.1 200 OK\r\n", HEAD + b"content-length: 100\r\n\r\n{"],
        ids=lambda words: repr(words)[:30],
    )
    async def test_one_that_hangs_is_left_in_time(self, words: bytes) -> None:
        async with saying(words, holds_on=True) as port:
            began = time.monotonic()
            assert await complaint(at(port, patience=0.2)) == "the identity provider does not answer in time"
        assert time.monotonic() - began < 2

    async def test_one_that_goes_on_and_on_is_too(self) -> None:
        """Each step is quick, and all of them would take ten seconds."""
        async with saying(HEAD + b"content-length: 100\r\n\r\n", *[b"{"] * 100, pause=0.1) as port:
            began = time.monotonic()
            assert await complaint(at(port, patience=0.4)) == "the identity provider does not answer in time"
        assert time.monotonic() - began < 2

    async def test_the_time_is_that_of_all_calls_together(self) -> None:
        talk = conversation(patience=1.5)
        talk.provider.replies["/token"] = Reply(200, said({}).body, after=0.8)
        talk.provider.replies[DISCOVERY] = Reply(200, said(talk.provider.document()).body, after=0.8)
        visit = await talk.sent()
        talk.clock.advance(timedelta(minutes=10))
        visit.approved()
        with pytest.raises(Unavailable, match="does not answer in time"):
            await visit.back()

    async def test_whoever_waits_for_the_fetch_of_another_waits_no_longer(self) -> None:
        async with saying(b"", holds_on=True) as port:
            provider = at(port, patience=0.3)
            began = time.monotonic()
            await asyncio.gather(*(complaint(provider) for _ in range(10)))
        assert time.monotonic() - began < 2

    async def test_whoever_goes_away_leaves_the_fetch_to_the_next(self) -> None:
        talk = conversation(replies={DISCOVERY: Reply(after=60)})
        first = asyncio.create_task(talk.sent())
        await asyncio.sleep(0)
        second = asyncio.create_task(talk.sent())
        await asyncio.sleep(0.05)
        talk.provider.replies.clear()
        first.cancel()
        assert (await second).url.startswith(ISSUER)


class TestTooMuch:
    async def test_an_answer_may_be_as_long_as_it_may(self, theirs: openid.OpenIdProvider) -> None:
        body = said(theirs.document()).body
        assert isinstance(body, bytes)
        theirs.replies[DISCOVERY] = Reply(200, body.ljust(LARGEST))
        assert (await begin(theirs, None).sign_in()).subject == "ada"
        theirs.replies[DISCOVERY] = Reply(200, body.ljust(LARGEST + 1))
        with pytest.raises(Unavailable, match="answers too much"):
            await begin(theirs, None).sign_in()

    @pytest.mark.parametrize("path", [DISCOVERY, "/token", "/jwks", "/userinfo"])
    async def test_one_without_end_is_left_where_it_is_too_much(self, theirs: openid.OpenIdProvider, path: str) -> None:
        given = 0

        def without_end() -> Iterator[bytes]:
            nonlocal given
            while given < 100_000_000:
                given += 1000
                yield b" " * 1000

        talk = begin(theirs, theirs.transport)
        theirs.person = {"sub": "ada"}
        theirs.replies[path] = Reply(200, without_end())
        with pytest.raises(Unavailable, match="answers too much"):
            await talk.sign_in()
        assert given <= LARGEST + 1000

    @pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip", "unheard of"])
    async def test_a_packed_one_is_not_unpacked(self, theirs: openid.OpenIdProvider, encoding: str) -> None:
        bomb = gzip.compress(b" " * 50_000_000)
        assert len(bomb) < LARGEST
        theirs.replies[DISCOVERY] = Reply(200, bomb, {"content-type": "application/json", "content-encoding": encoding})
        assert "packs its answers" in await complaint(at(int(theirs.issuer.rpartition(":")[2])))

    async def test_nothing_packed_is_asked_for(self, theirs: openid.OpenIdProvider) -> None:
        await begin(theirs, None).sign_in()
        assert {request.headers["accept-encoding"] for request in theirs.requests} == {"identity"}


class TestElsewhere:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("path", [DISCOVERY, "/token", "/jwks", "/userinfo"])
    async def test_no_redirect_is_followed(self, path: str, status: int) -> None:
        with listening(openid.OpenIdProvider()) as other:
            for target in (f"{other.issuer}{path}", f"{path}?again", "file:///etc/passwd"):
                talk = conversation(person={"sub": "ada"})
                talk.provider.replies[path] = Reply(status, b"", {"location": target})
                with pytest.raises(Unavailable, match=f"answers {status}"):
                    await talk.sign_in()
                assert talk.provider.asked(path) == 1
            assert other.requests == []

    async def test_not_on_a_real_network_either(self, theirs: openid.OpenIdProvider) -> None:
        with listening(openid.OpenIdProvider()) as other:
            theirs.replies["/token"] = redirect(f"{other.issuer}/token")
            with pytest.raises(Unavailable, match="answers 302"):
                await begin(theirs, None).sign_in()
            assert other.requests == []

    async def test_neither_proxy_nor_password_of_the_environment_is_used(
        self, theirs: openid.OpenIdProvider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login eve password eve\n")
        monkeypatch.setenv("NETRC", str(netrc))
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
        assert (await begin(theirs, None).sign_in()).subject == "ada"
        assert "authorization" not in theirs.requests[0].headers


class TestOtherAnswers:
    @pytest.mark.parametrize("path", [DISCOVERY, "/token", "/jwks", "/userinfo"])
    @pytest.mark.parametrize(
        ("reply", "detail"),
        [
            (Reply(200, b"{}", {"content-type": "text/html"}), "answers in another form than JSON"),
            (Reply(200, b"{}", {}), "answers in another form than JSON"),
            (Reply(200, b"{}", {"content-type": "application/jsonp"}), "answers in another form than JSON"),
            (Reply(200, b"{}", {"content-type": "application/jwt"}), "answers in another form than JSON"),
            (said([]), "answers nonsense"),
            (said(None), "answers nonsense"),
            (Reply(200, b""), "answers nonsense"),
            (Reply(200, b"\xff"), "answers nonsense"),
            (Reply(200, '{"issuer": 1}'.encode("utf-16")), "answers nonsense"),
            (Reply(200, b'{"a": 1, "a": 2}'), "answers nonsense"),
            (Reply(200, b'{"a": {"b": 1, "b": 2}}'), "answers nonsense"),
            (Reply(200, b'{"a": NaN}'), "answers nonsense"),
            (Reply(200, b'{"a": ' + b"9" * 5000 + b"}"), "answers nonsense"),
            (Reply(200, b'{"a": ' + b"[" * 100_000), "answers nonsense"),
            (said({}, 201), "answers 201"),
            (Reply(204), "answers 204"),
            (said({}, 400), "answers 400"),
            (said({}, 404), "answers 404"),
            (said({}, 429), "answers 429"),
            (said({}, 500), "answers 500"),
            (said({}, 503), "answers 503"),
        ],
        ids=lambda value: repr(value)[:40],
    )
    async def test_what_is_no_good_answer_means_that_the_provider_is_not_well(
        self, path: str, reply: Reply, detail: str
    ) -> None:
        talk = conversation(person={"sub": "ada"}, replies={path: reply})
        with pytest.raises(Unavailable) as refused:
            await talk.sign_in()
        assert refused.value.detail == f"the identity provider {detail}"

    @pytest.mark.parametrize("charset", ["utf-16", "utf-32", "utf-8-sig", "utf-16-be"])
    async def test_json_is_in_utf_8(self, charset: str) -> None:
        talk = conversation()
        body = said(talk.provider.document()).body
        assert isinstance(body, bytes)
        talk.provider.replies[DISCOVERY] = Reply(200, body.decode().encode(charset))
        with pytest.raises(Unavailable, match="answers nonsense"):
            await talk.sent()

    async def test_the_media_type_of_json_may_have_parameters(self) -> None:
        talk = conversation()
        talk.provider.replies[DISCOVERY] = Reply(
            200, said(talk.provider.document()).body, {"content-type": "Application/JSON; charset=utf-8"}
        )
        assert (await talk.sign_in()).subject == "ada"


class TestTls:
    async def test_a_certificate_of_an_unknown_authority_is_not_trusted(self, tmp_path: Path) -> None:
        serving = Authority(tmp_path).serving("127.0.0.1")
        async with listening_with(lambda: Says(HEAD + b"\r\n{}"), tls=serving) as port:
            assert await complaint(at(port, scheme="https")) == (
                "the identity provider has a certificate that is not trusted"
            )

    async def test_one_of_an_authority_that_the_machine_trusts_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        authority = Authority(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.own_file))
        async with listening_with(lambda: Says(HEAD + b"\r\n{}"), tls=authority.serving("127.0.0.1")) as port:
            assert await complaint(at(port, scheme="https")) == "the identity provider answers nonsense"

    async def test_one_of_another_host_is_not(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        authority = Authority(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.own_file))
        async with listening_with(lambda: Says(HEAD + b"\r\n{}"), tls=authority.serving("other.test")) as port:
            assert "not trusted" in await complaint(at(port, scheme="https"))


async def test_no_secret_is_told_when_something_goes_wrong() -> None:
    provider = at(free_port())
    assert "canary" not in await complaint(provider) + repr(provider)
