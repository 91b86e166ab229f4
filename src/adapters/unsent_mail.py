"""Mail where there is no server for it: shown to the developer, or refused."""

import json
import logging
from datetime import UTC, datetime
from typing import Literal, TextIO

from domain.model.mails import Message

log = logging.getLogger("hexkey.mail")


class ShownMailSender:
    """Writes whole mails, links and all, to *stream*: for development, where nobody else reads it.

    It goes past the log, which masks secrets; but with *form* ``json`` a mail is a line such as the log writes.
    """

    def __init__(self, stream: TextIO, form: Literal["console", "json"]) -> None:
        self._stream = stream
        self._show = _line if form == "json" else _block

    async def send(self, message: Message) -> bool:
        self._stream.write(self._show(message))
        self._stream.flush()
        return True


def _block(message: Message) -> str:
    head = f"Mail to {message.to}: {message.subject}"
    return "\n    ".join(("\n" + head, *message.text.splitlines())).rstrip() + "\n\n"


def _line(message: Message) -> str:
    line = {
        "ts": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": "info",
        "event": f"mail to {message.to}: {message.subject}",
        "logger": log.name,
        "text": message.text,
    }
    return json.dumps(line) + "\n"


class RefusingMailSender:
    """For production without a mail server: a mail with a link must not lie in a log."""

    async def send(self, message: Message) -> bool:
        log.warning("no mail server is set, so nobody is sent “%s”", message.subject)
        return False
