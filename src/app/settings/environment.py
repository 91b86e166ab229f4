"""Where the text of a setting comes from: a variable, or the file that its neighbour names."""

import difflib
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from app.settings.problems import Problem, Wrong

PREFIX: Final = "HEXKEY_"
OF_THE_TESTS: Final = "HEXKEY_TEST_"
_FILE_LIMIT = 65_536
_READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH

T = TypeVar("T")
D = TypeVar("D")


class Environment:
    """The ``HEXKEY_*`` variables, each to be read once; what nobody has read in the end is no setting.

    *problems* is what was wrong with those read, *exposed* the files among them that others can read.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        ours = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
        self._unread = {name: value for name, value in ours.items() if not name.startswith(OF_THE_TESTS)}
        self._known: list[str] = []
        self.problems: list[Problem] = []
        self.exposed: list[Problem] = []

    def unread(self, prefix: str = PREFIX) -> list[str]:
        return sorted(name for name in self._unread if name.startswith(prefix))

    def read(self, name: str, parse: Callable[[str], T], default: D, *, secret: bool = False) -> T | D:
        """*default* where *name* is absent, and where it is refused: then a problem is noted."""
        self._known += [name, f"{name}_FILE"] if secret else [name]
        try:
            text = self._text(name, secret=secret)
            return default if text is None else parse(_printable(text))
        except Wrong as wrong:
            self.problems.append(wrong.problem(name))
            return default

    def refuse_unread(self) -> None:
        for name in self.unread():
            near = difflib.get_close_matches(name, self._known, 1)
            self.problems.append(Problem(name, "is not a setting", f"did you mean {near[0]}?" if near else "remove it"))

    def _text(self, name: str, *, secret: bool) -> str | None:
        value = self._unread.pop(name, None)
        path = self._unread.pop(f"{name}_FILE", None) if secret else None
        if path is None:
            return value
        if value is not None:
            raise Wrong("is given beside the variable without _FILE", "keep one of the two", suffix="_FILE")
        return self._content(name, Path(path))

    def _content(self, name: str, path: Path) -> str:
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & _READABLE_BY_OTHERS:
                    self.exposed.append(
                        Problem(f"{name}_FILE", "names a file that group or others can read", "chmod 600 that file")
                    )
                return file.read(_FILE_LIMIT).decode("utf-8").strip()
        except (OSError, ValueError):
            raise Wrong("names no file of text that can be read", "correct the path", suffix="_FILE") from None


def _printable(text: str) -> str:
    if not text:
        raise Wrong("is empty", "give it a value or remove it")
    if not text.replace("\n", "").isprintable():
        raise Wrong("has characters that cannot be printed", "write it anew")
    return text
