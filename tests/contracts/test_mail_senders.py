"""A mail sender means what its port says, whatever takes the mail."""

import asyncio

import pytest

from domain.errors import Unavailable
from domain.model.mails import Message
from domain.model.users import EmailAddress

from ..support.posting import Post

LINK = f"https://keys.example.org/reset-password?token=hko_{'aB3' * 20}"


def a_message(to: str = "ada@example.org", subject: str = "A new password", text: str = f"{LINK}\n") -> Message:
    return Message(EmailAddress(to), subject, text)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("A new password", f"Hello,\n\n{LINK}\n"),
        ("Ein neues Paßwort, 新密码", "Grüße, 你好 👋\n"),
        ("x" * 200, f"{'ü' * 3000}\n"),
        ("A line that is long", f"{LINK}{'x' * 5000}\n"),
        ("Dots", ".\n..\n.hidden\nFrom here\n"),
    ],
)
async def test_a_mail_arrives_as_it_was_written(post: Post, subject: str, text: str) -> None:
    message = a_message(subject=subject, text=text)
    assert await post.sender.send(message) is True
    assert post.arrived() == [message]


async def test_many_at_once_arrive_once_each(post: Post) -> None:
    messages = [a_message(to=f"person{number}@example.org") for number in range(20)]
    assert await asyncio.gather(*map(post.sender.send, messages)) == [True] * 20
    assert sorted(post.arrived(), key=str) == sorted(messages, key=str)


async def test_what_is_refused_for_good_is_told_and_the_next_arrives(post: Post) -> None:
    post.refuse()
    assert await post.sender.send(a_message(to="nobody@example.org")) is False
    assert post.arrived() == []
    assert await post.sender.send(a_message()) is True
    assert post.arrived() == [a_message()]


async def test_where_nobody_takes_it_it_is_to_be_tried_again(post: Post) -> None:
    await post.close()
    with pytest.raises(Unavailable) as refused:
        await post.sender.send(a_message())
    assert LINK not in str(refused.value)
