"""A Dockerfile without Docker: its instructions, and a folder in which they do what they would in an image.

What is absolute in an image is below that folder; nothing outside it is written. There is no isolation beyond that.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

MODES = re.compile(r"^--[a-z-]+=\S+$")


class Instruction(NamedTuple):
    word: str
    rest: str

    @property
    def arguments(self) -> list[str]:
        """As JSON has them, or else as a shell would."""
        found: list[str] = json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)
        return found

    @property
    def plain(self) -> list[str]:
        return [argument for argument in self.arguments if not MODES.match(argument)]

    @property
    def options(self) -> dict[str, str]:
        pairs = (tuple(argument[2:].split("=", 1)) for argument in self.arguments if MODES.match(argument))
        return dict(pairs)


def stages(text: str) -> list[list[Instruction]]:
    """One list for each FROM, which comes first in it; an ARG before all of them is not in any."""
    whole = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    found: list[list[Instruction]] = []
    for line in filter(str.strip, whole.splitlines()):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append(Instruction(word, rest.strip()))
    return found


def files_kept(ignore: Path, context: Path) -> Iterator[Path]:
    """What a ``.dockerignore`` that ignores all but a few names lets into the context."""
    lines = ignore.read_text().split()
    assert lines[0] == "*"
    yield from (context / line[1:] for line in lines if line.startswith("!"))


@dataclass
class Image:
    """What the stages leave below *root*. *here* are the paths of an image that lie there."""

    context: Path
    root: Path
    here: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def placed(self, text: str) -> str:
        """*text* with those paths where they are."""
        for path in self.here:
            text = re.sub(rf"(?<![\w.]){re.escape(path)}(?![\w-])", f"{self.root}{path}", text)
        return text

    def build(self, instructions: list[Instruction]) -> None:
        self.environment, self.folder = {}, "/"
        for instruction in instructions:
            getattr(self, f"_{instruction.word.lower()}", self._nothing)(instruction)

    def variables(self, around: Mapping[str, str]) -> dict[str, str]:
        return {**around, **{name: self.placed(value) for name, value in self.environment.items()}}

    def _run(self, instruction: Instruction) -> None:
        subprocess.run(
            ["bash", "-euc", self.placed(instruction.rest)],
            cwd=self.placed(self.folder),
            env=self.variables({**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}),
            check=True,
        )

    def _copy(self, instruction: Instruction) -> None:
        *sources, target = instruction.plain
        into = Path(self.placed(target if target.startswith("/") else f"{self.folder}/{target}"))
        for source in sources:
            if "from" in instruction.options:  # both stages are in one folder
                assert Path(self.placed(source)).exists()
                continue
            origin = self.context / source
            if origin.is_dir():
                shutil.copytree(origin, into, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                into.mkdir(parents=True, exist_ok=True)
                shutil.copy(origin, into)

    def _workdir(self, instruction: Instruction) -> None:
        self.folder = instruction.rest
        Path(self.placed(self.folder)).mkdir(parents=True, exist_ok=True)

    def _env(self, instruction: Instruction) -> None:
        for pair in instruction.arguments:
            name, _, value = pair.partition("=")
            self.environment[name] = value.replace("$PATH", os.environ["PATH"])

    def _user(self, instruction: Instruction) -> None:
        self.user = instruction.rest

    def _entrypoint(self, instruction: Instruction) -> None:
        self.entrypoint = instruction.arguments

    def _cmd(self, instruction: Instruction) -> None:
        self.command = instruction.arguments

    def _healthcheck(self, instruction: Instruction) -> None:
        self.health = Instruction("CMD", instruction.rest.partition("CMD ")[2]).arguments

    def _nothing(self, instruction: Instruction) -> None:
        assert instruction.word in {"FROM", "VOLUME", "EXPOSE"}, instruction
