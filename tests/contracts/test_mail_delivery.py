"""Mail waits in every storage, and leaves it by whoever sends: at least once, and once if nobody dies."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from adapters.memory.limits import MemoryRateLimiter
from adapters.memory.mails import MemoryMailSender
from adapters.security.one_time_secrets import OpaqueOneTimeSecrets
from adapters.smtp import SmtpMailSender
from adapters.sql import SqlUnitOfWorkFactory
from adapters.sql.statements import Statement
from adapters.sql.tables import METADATA
from app.background import Background, mail_job
from domain.errors import Unavailable
from domain.model.ids import InvitationId, UserId
from domain.model.invitations import INVITATION_LIFETIME, Invitation
from domain.model.letters import LINKS
from domain.model.mails import ATTEMPTS_MAX, MailKind, Message
from domain.model.one_time_tokens import OneTimeToken, TokenPurpose
from domain.model.users import EmailAddress, User
from domain.ports.mails import MailSender
from domain.ports.unit_of_work import UnitOfWorkFactory
from domain.services.mails import MailService, Outbox
from tests.support.databases import Databases, Storage
from tests.support.examples import a_user, an_invitation
from tests.support.fakes import START, CountingIds, ManualClock
from tests.support.post import post_office, text_of

SITE = "https://keys.example.org"
SECRETS = OpaqueOneTimeSecrets()
ADA, EVE, NOBODY = (EmailAddress(f"{name}@example.org") for name in ("ada", "eve", "nobody"))
ABOUT_A_USER = [kind for kind in LINKS if kind is not MailKind.INVITATION]


class MoodySender(MemoryMailSender):
    """Refuses some for good; of others says for a while that the server is away."""

    def __init__(self, *, refused: Collection[str] = (), away: dict[str, float] | None = None) -> None:
        super().__init__()
        self.refused, self.away, self.calls = refused, away or {}, 0

    async def send(self, message: Message) -> bool:
        self.calls += 1
        await asyncio.sleep(0)
        if self.away.get(message.to, 0) > 0:
            self.away[message.to] -= 1
            raise Unavailable("the mail server answers 451")
        return message.to not in self.refused and await super().send(message)


class Post:
    """The use cases of mail over one storage."""

    def __init__(self, uow: UnitOfWorkFactory, clock: ManualClock, sender: MailSender, **given: Any) -> None:
        self.uow, self.clock = uow, clock
        self.limiter = MemoryRateLimiter(lambda: clock.now().timestamp())
        self.outbox = Outbox(clock=clock, ids=CountingIds())
        self.service = self.another(sender, **given)

    def another(self, sender: MailSender, **given: Any) -> MailService:
        ports = {"uow": self.uow, "sender": sender, "secrets": SECRETS, "limiter": self.limiter, "clock": self.clock}
        return MailService(**{**ports, "public_url": SITE, **given})

    async def queue(
        self,
        kind: MailKind,
        to: EmailAddress = ADA,
        *,
        user_id: UserId | None = None,
        invitation_id: InvitationId | None = None,
    ) -> None:
        async with self.uow() as work:
            await self.outbox.queue(work, kind, to, user_id=user_id, invitation_id=invitation_id)

    async def deliver(self) -> int:
        return await self.service.deliver()

    async def deliver_later(self, **by: float) -> int:
        self.clock.advance(timedelta(**by))
        return await self.deliver()

    async def take(self, message: Message) -> OneTimeToken | None:
        digest = SECRETS.digest(token_in(message.text))
        assert digest is not None
        async with self.uow() as work:
            return await work.one_time_tokens.take(digest)


def post_over(storage: Storage, sender: MailSender, **given: Any) -> Post:
    return Post(storage.uow, storage.clock, sender, **given)


def token_in(text: str) -> str:
    (link,) = (line for line in text.splitlines() if "://" in line)
    return parse_qs(urlsplit(link).query)["token"][0]


@pytest.fixture
def sender() -> MoodySender:
    return MoodySender()


@pytest.fixture
async def ada(storage: Storage) -> User:
    user = a_user(email=ADA)
    await storage.given(user)
    return user


@pytest.fixture
def post(storage: Storage, sender: MoodySender) -> Post:
    return post_over(storage, sender)


class TestLinks:
    @pytest.mark.parametrize("kind", ABOUT_A_USER)
    async def test_a_link_is_good_for_its_purpose_and_not_for_long(
        self, kind: MailKind, post: Post, sender: MoodySender, ada: User
    ) -> None:
        to = EVE if kind is MailKind.EMAIL_CHANGE else ADA
        await post.queue(kind, to, user_id=ada.id)
        assert await post.deliver() == 1
        (message,) = sender.sent
        assert message.to == to
        token = await post.take(message)
        assert token is not None
        assert (token.purpose, token.user_id, token.email) == (LINKS[kind].purpose, ada.id, to)
        assert token.expires_at == START + LINKS[kind].lifetime
        assert token.digest == SECRETS.digest(token_in(message.text))

    async def test_an_invitations_link_lives_as_long_as_the_invitation(
        self, post: Post, sender: MoodySender, ada: User
    ) -> None:
        invitation = await invite(post, invited_by=ada.id)
        assert await post.deliver_later(days=1) == 1
        (message,) = sender.sent
        assert f"{ADA} invites you" in message.text
        assert "within 6 days" in message.text
        token = await post.take(message)
        assert token is not None
        assert (token.purpose, token.invitation_id) == (TokenPurpose.INVITATION, invitation.id)
        assert (token.user_id, token.email) == (None, EVE)
        assert token.expires_at == invitation.expires_at

    async def test_the_operator_may_invite(self, post: Post, sender: MoodySender) -> None:
        await invite(post)
        await post.deliver()
        assert "The operator invites you" in sender.sent[0].text

    async def test_a_reset_is_found_by_its_address_alone(self, post: Post, sender: MoodySender, ada: User) -> None:
        await post.queue(MailKind.PASSWORD_RESET)
        await post.deliver()
        token = await post.take(sender.sent[0])
        assert token is not None
        assert token.user_id == ada.id

    async def test_what_was_done_is_told_without_a_link(self, post: Post, sender: MoodySender, ada: User) -> None:
        for kind in set(MailKind) - set(LINKS):
            await post.queue(kind, EVE, user_id=ada.id)
        await post.deliver()
        assert len(sender.sent) == len(set(MailKind) - set(LINKS))
        assert not any("://" in message.text for message in sender.sent)


class TestWhatIsNotSent:
    @pytest.mark.parametrize("kind", ABOUT_A_USER)
    async def test_nothing_to_somebody_inactive(
        self, kind: MailKind, storage: Storage, post: Post, sender: MoodySender
    ) -> None:
        user = a_user(email=EVE if kind is MailKind.EMAIL_CHANGE else ADA, is_active=False)
        await storage.given(user)
        await post.queue(kind, ADA, user_id=user.id)
        assert (await post.deliver(), await post.deliver_later(hours=2), sender.calls) == (1, 0, 0)

    async def test_no_reset_to_an_address_that_nobody_has(self, post: Post, sender: MoodySender, ada: User) -> None:
        await post.queue(MailKind.PASSWORD_RESET, NOBODY)
        assert (await post.deliver(), await post.deliver_later(hours=2), sender.calls) == (1, 0, 0)

    async def test_no_verification_of_what_is_verified(
        self, storage: Storage, post: Post, sender: MoodySender, ada: User
    ) -> None:
        await post.queue(MailKind.EMAIL_VERIFICATION, user_id=ada.id)
        async with storage.uow() as work:
            await work.users.save(ada.with_email(ADA, verified_at=START, now=START))
        assert (await post.deliver(), sender.calls) == (1, 0)

    @pytest.mark.parametrize("kind", [MailKind.WELCOME, MailKind.EMAIL_VERIFICATION])
    async def test_nothing_to_an_address_that_is_no_longer_the_users(
        self, kind: MailKind, storage: Storage, post: Post, sender: MoodySender, ada: User
    ) -> None:
        await post.queue(kind, user_id=ada.id)
        async with storage.uow() as work:
            await work.users.save(replace(ada, email=EVE))
        assert (await post.deliver(), sender.calls) == (1, 0)

    async def test_no_invitation_that_is_over(self, post: Post, sender: MoodySender) -> None:
        await invite(post)
        post.clock.advance(INVITATION_LIFETIME)
        assert (await post.deliver(), await post.deliver_later(hours=2), sender.calls) == (1, 0, 0)

    async def test_no_invitation_that_was_taken_back(self, storage: Storage, post: Post, sender: MoodySender) -> None:
        invitation = await invite(post)
        async with storage.uow() as work:
            await work.invitations.delete(invitation.id)
        assert (await post.deliver(), sender.calls) == (0, 0)


class TestResetsAreFew:
    async def test_three_an_hour_for_each_account(
        self, storage: Storage, post: Post, sender: MoodySender, ada: User
    ) -> None:
        await storage.given(a_user(email=EVE))
        for to in (ADA,) * 5 + (EVE,):
            await post.queue(MailKind.PASSWORD_RESET, to)
            await post.deliver()
        assert [message.to for message in sender.sent] == [ADA] * 3 + [EVE]
        assert await post.deliver_later(hours=1) == 0
        await post.queue(MailKind.PASSWORD_RESET)
        await post.deliver()
        assert [message.to for message in sender.sent] == [ADA] * 3 + [EVE, ADA]

    async def test_one_counts_once_however_often_it_is_tried(self, post: Post, sender: MoodySender, ada: User) -> None:
        sender.away = {ADA: 4}
        await post.queue(MailKind.PASSWORD_RESET)
        assert await post.deliver() == 1
        for minutes in (1, 2, 4, 8):
            assert await post.deliver_later(minutes=minutes) == 1
        assert len(sender.sent) == 1


class TestFailures:
    async def test_a_mail_that_cannot_be_sent_now_is_sent_later(
        self, post: Post, sender: MoodySender, ada: User
    ) -> None:
        sender.away = {ADA: 2}
        await post.queue(MailKind.WELCOME, user_id=ada.id)
        assert (await post.deliver(), await post.deliver_later(seconds=59)) == (1, 0)
        assert (await post.deliver_later(seconds=1), await post.deliver_later(seconds=119)) == (1, 0)
        assert sender.sent == []
        assert (await post.deliver_later(seconds=1), await post.deliver_later(days=1)) == (1, 0)
        assert len(sender.sent) == 1
        assert await post.take(sender.sent[0]) is not None

    async def test_one_that_is_refused_for_good_is_not_tried_again(
        self, storage: Storage, ada: User, caplog: pytest.LogCaptureFixture
    ) -> None:
        sender = MoodySender(refused={ADA})
        post = post_over(storage, sender)
        await post.queue(MailKind.WELCOME, user_id=ada.id)
        assert (await post.deliver(), await post.deliver_later(days=1), sender.calls) == (1, 0, 1)
        assert [record.levelname for record in caplog.records] == ["WARNING"]

    async def test_one_that_fails_does_not_stop_the_others(self, post: Post, sender: MoodySender, ada: User) -> None:
        sender.away, sender.refused = {NOBODY: 1}, {EVE}
        for to in (NOBODY, EVE, ADA):
            await post.queue(MailKind.PASSWORD_CHANGED, to, user_id=ada.id)
        assert await post.deliver() == 3
        assert [message.to for message in sender.sent] == [ADA]
        assert await post.deliver_later(minutes=1) == 1
        assert [message.to for message in sender.sent] == [ADA, NOBODY]

    async def test_a_fault_of_ours_does_not_stop_the_others_and_is_told(self, storage: Storage, ada: User) -> None:
        class Faulty(MemoryMailSender):
            async def send(self, message: Message) -> bool:
                if message.to == EVE:
                    raise LookupError("a fault of ours")
                return await super().send(message)

        sender = Faulty()
        post = post_over(storage, sender)
        for to in (EVE, ADA):
            await post.queue(MailKind.PASSWORD_CHANGED, to, user_id=ada.id)
        with pytest.raises(LookupError):
            await post.deliver()
        assert [message.to for message in sender.sent] == [ADA]
        assert await post.deliver_later(seconds=59) == 0

    async def test_one_that_is_hopeless_is_given_up(
        self, post: Post, sender: MoodySender, ada: User, caplog: pytest.LogCaptureFixture
    ) -> None:
        sender.away = {ADA: float("inf")}
        await post.queue(MailKind.WELCOME, user_id=ada.id)
        tries = [await post.deliver_later(hours=1) for _ in range(ATTEMPTS_MAX + 2)]
        assert sum(tries) == sender.calls == ATTEMPTS_MAX
        assert [record.levelname for record in caplog.records] == ["WARNING"] * (ATTEMPTS_MAX - 1) + ["ERROR"]
        assert ADA not in caplog.text
        assert "hko_" not in caplog.text


class TestManyWhoSend:
    async def test_each_mail_is_sent_once(self, storage: Storage, ada: User) -> None:
        first, second = MoodySender(), MoodySender()
        post = post_over(storage, first)
        people = [EmailAddress(f"person{number}@example.org") for number in range(12)]
        for to in people:
            await post.queue(MailKind.PASSWORD_CHANGED, to, user_id=ada.id)
        services = [post.service, post.another(second)]
        counts = await asyncio.gather(*(service.deliver(4) for service in services * 3))
        assert sum(counts) == len(people)
        assert sorted(message.to for message in first.sent + second.sent) == sorted(people)

    async def test_a_batch_has_its_limit_and_the_longest_due_come_first(
        self, post: Post, sender: MoodySender, ada: User
    ) -> None:
        for to in (EVE, NOBODY, ADA):
            await post.queue(MailKind.PASSWORD_CHANGED, to, user_id=ada.id)
            post.clock.advance(timedelta(seconds=1))
        assert await post.service.deliver(2) == 2
        assert {message.to for message in sender.sent} == {EVE, NOBODY}

    async def test_who_dies_after_sending_leaves_it_to_be_sent_again_with_a_fresh_link(
        self, post: Post, sender: MoodySender, ada: User
    ) -> None:
        class Dying(MemoryMailSender):
            async def send(self, message: Message) -> bool:
                await super().send(message)
                dead.set()
                await asyncio.sleep(60)
                return True

        dead, dying = asyncio.Event(), Dying()
        await post.queue(MailKind.WELCOME, user_id=ada.id)
        work = asyncio.create_task(post.another(dying).deliver())
        await dead.wait()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        assert await post.deliver() == 0
        assert await post.deliver_later(minutes=1) == 1
        assert token_in(sender.sent[0].text) != token_in(dying.sent[0].text)
        assert await post.take(dying.sent[0]) is None
        assert await post.take(sender.sent[0]) is not None


async def test_in_the_background_a_whole_batch_is_followed_by_the_next_at_once(
    post: Post, sender: MoodySender, ada: User
) -> None:
    for _ in range(25):
        await post.queue(MailKind.PASSWORD_CHANGED, user_id=ada.id)
    background = Background(replace(mail_job(post.service), period=60.0))
    await background.start()
    async with asyncio.timeout(5):
        while len(sender.sent) < 25:  # noqa: ASYNC110 - the sender tells nobody
            await asyncio.sleep(0.01)
    await background.stop()
    assert await post.deliver_later(days=1) == 0


@pytest.mark.parametrize("name", ["sqlite", "postgres"])
async def test_no_secret_is_ever_kept(name: str, databases: Databases) -> None:
    async with databases.sql(name) as database:
        sender, ada = MoodySender(), a_user(email=ADA)
        post = Post(SqlUnitOfWorkFactory(database), ManualClock(), sender)
        async with post.uow() as work:
            await work.users.add(ada)
        for kind in MailKind:
            if kind is not MailKind.INVITATION:
                await post.queue(kind, EVE if kind is MailKind.EMAIL_CHANGE else ADA, user_id=ada.id)
        await invite(post)
        sender.away = {ADA: 1}
        await post.deliver()
        async with database.writing() as connection:
            kept = [await connection.fetch(Statement(select(table))) for table in METADATA.sorted_tables]
        tokens = [token_in(message.text) for message in sender.sent if "://" in message.text]
        assert len(tokens) >= 2
        assert not [token for token in tokens if token in str(kept) or token[4:] in str(kept)]
        assert "hko_" not in str(kept)


async def test_a_mail_travels_from_the_store_to_a_mail_server(storage: Storage, ada: User) -> None:
    async with post_office() as office:
        sender = SmtpMailSender(f"smtp://127.0.0.1:{office.port}", "Hexkey <hexkey@example.org>")
        post = post_over(storage, sender)
        await post.queue(MailKind.PASSWORD_RESET)
        office.answers_to_rcpt = ["450 later"]
        assert await post.deliver() == 1
        assert office.accepted == []
        assert await post.deliver_later(minutes=1) == 1
    (letter,) = office.letters
    assert letter["To"] == ADA
    message = Message(ADA, letter["Subject"], text_of(letter))
    token = await post.take(message)
    assert token is not None
    assert token.user_id == ada.id


async def invite(post: Post, **given: Any) -> Invitation:
    now = post.clock.now()
    invitation: Invitation = an_invitation(email=EVE, created_at=now, expires_at=now + INVITATION_LIFETIME, **given)
    async with post.uow() as work:
        await work.invitations.add(invitation)
        await post.outbox.queue(work, MailKind.INVITATION, EVE, invitation_id=invitation.id)
    return invitation
