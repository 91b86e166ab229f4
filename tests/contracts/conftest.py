"""Every test in this folder runs once per storage, limiter or mail sender; a port means what these tests say."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial

import pytest

from adapters.smtp import SmtpMailSender
from domain.model.mails import Message
from domain.model.users import EmailAddress
from tests.support import limits
from tests.support.databases import NAMES, Databases, Storage
from tests.support.given import owner, project
from tests.support.post import post_office, text_of
from tests.support.posting import Post

__all__ = ("open_limits", "owner", "post", "project", "storage")


@pytest.fixture(params=NAMES)
async def storage(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[Storage]:
    async with databases.storage(request.param) as opened:
        yield opened


@pytest.fixture(params=limits.NAMES)
def open_limits(request: pytest.FixtureRequest) -> limits.OpenLimits:
    return partial(limits.limits, request.param)


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(post_office())

        def arrived() -> list[Message]:
            letters = office.letters
            return [Message(EmailAddress(one["To"]), str(one["Subject"]), text_of(one)) for one in letters]

        def refuse() -> None:
            office.answers_to_rcpt.append("550 5.1.1 no such mailbox")

        sender = SmtpMailSender(f"smtp://127.0.0.1:{office.port}", "hexkey@example.org")
        yield Post(sender, arrived, refuse, stack.aclose)
