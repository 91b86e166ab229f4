"""Mail where there is no server for it."""

import io
import json

import pytest

from adapters.unsent_mail import RefusingMailSender, ShownMailSender
from domain.model.mails import Message
from domain.model.users import EmailAddress

LINK = f"http://127.0.0.1:8000/reset-password?token=hko_{'aB3' * 20}"
MESSAGE = Message(EmailAddress("ada@example.org"), "A new password", f"Hello,\n\nGrüße:\n\n{LINK}\n")


async def test_a_developer_reads_it_as_one_block_with_its_link() -> None:
    stream = io.StringIO()
    assert await ShownMailSender(stream, "console").send(MESSAGE)
    head, *text = stream.getvalue().strip().splitlines()
    assert head == "Mail to ada@example.org: A new password"
    assert [line.strip() for line in text] == MESSAGE.text.splitlines()
    assert all(line.startswith("    ") for line in text)


async def test_where_lines_are_for_machines_it_is_one_of_them() -> None:
    stream = io.StringIO()
    sender = ShownMailSender(stream, "json")
    for _ in range(2):
        assert await sender.send(MESSAGE)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == 2
    assert lines[0].keys() == {"ts", "level", "event", "logger", "text"}
    assert (lines[0]["event"], lines[0]["text"]) == ("mail to ada@example.org: A new password", MESSAGE.text)


async def test_in_production_it_is_refused_and_the_log_has_no_link(caplog: pytest.LogCaptureFixture) -> None:
    assert not await RefusingMailSender().send(MESSAGE)
    assert caplog.messages == ["no mail server is set, so nobody is sent “A new password”"]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
