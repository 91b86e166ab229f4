"""A guide as its reader runs it: every block of README.md and docs/ in order, against a real service."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CHANGES = (
    (re.compile(r'(?<="request_id":")[0-9a-f]{32}(?=")'), "<request>"),
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "<token>"),
    (re.compile(r"hk_[0-9A-Za-z]{22}(_[0-9A-Za-z]{49})?"), "<key>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<time>"),
)
"""What is new in every run, and may be anything of its form."""


@dataclass(slots=True)
class Command:
    text: str
    output: list[str] = field(default_factory=list)


def blocks(guide: Path, language: str) -> Iterator[str]:
    return (text for kind, text in _FENCE.findall(guide.read_text()) if kind == language)


_NAME = re.compile(r"(?:#|//) (\S+\.\w+)\n")


def files(guide: Path) -> dict[str, str]:
    """Blocks that begin with a comment that is a file's name: the text of each file."""
    named = ((_NAME.match(text), text) for kind, text in _FENCE.findall(guide.read_text()) if kind in ("python", "js"))
    return {match[1]: text for match, text in named if match is not None}


def scripts(guide: Path) -> Iterator[str]:
    """The other Python blocks."""
    return (text for text in blocks(guide, "python") if _NAME.match(text) is None)


def languages(guide: Path) -> set[str]:
    return {kind for kind, _ in _FENCE.findall(guide.read_text())}


def commands(guide: Path) -> Iterator[Command]:
    """The lines after ``$ `` of its console blocks, each with what the guide says it prints."""
    for block in blocks(guide, "console"):
        command: Command | None = None
        for line in block.splitlines():
            if line.startswith("$ "):
                if command is not None:
                    yield command
                command = Command(line.removeprefix("$ "))
            elif command is not None and command.text.endswith("\\"):
                command.text += f"\n{line}"
            elif command is not None:
                command.output.append(line)
        if command is not None:
            yield command


def lasting(text: str) -> str:
    """*text* with what changes from run to run named instead of shown."""
    for pattern, name in _CHANGES:
        text = pattern.sub(name, text)
    return text


class Reader:
    """One shell for a whole guide, in which ``hexkey`` is ours and *address* stands for the one that it names."""

    def __init__(self, folder: Path, address: str) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HEXKEY_")}
        self._address = address
        self._shell = subprocess.Popen(
            ["bash", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=environment | {"PATH": path},
        )

    def run(self, command: str) -> list[str]:
        """The lines that it prints, errors included."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        text = command.replace("http://127.0.0.1:8000", self._address)
        self._shell.stdin.write(f"{text}\necho; echo '~ done'\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        while (line := self._shell.stdout.readline()) not in ("~ done\n", ""):
            lines.append(line.removesuffix("\n").replace(self._address, "http://127.0.0.1:8000"))
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def close(self) -> None:
        self._shell.communicate("exit\n", timeout=5)
