"""The passwords that many people have: a sorted file beside this one, and where it comes from in its notice."""

from bisect import bisect_left
from functools import cached_property
from mmap import ACCESS_READ, mmap
from pathlib import Path

_FILE = Path(__file__).with_suffix(".txt")


class CommonPasswords:
    """100,000 of them, of 8 characters or more, after NFKC and case folding.

    The file is opened when it is first asked, mapped and never read in: a process pays for the few pages that its
    searches touch, and all processes share those.
    """

    def __contains__(self, password: object) -> bool:
        if not isinstance(password, str):
            return False
        line = password.encode("utf-8", "surrogatepass") + b"\n"
        start = bisect_left(range(len(self._lines)), line, key=self._line_at)
        return self._line_at(start) == line

    @cached_property
    def _lines(self) -> mmap:
        with _FILE.open("rb") as file:
            return mmap(file.fileno(), 0, access=ACCESS_READ)

    def _line_at(self, place: int) -> bytes:
        """The line, its end included, that the byte at *place* belongs to."""
        start = self._lines.rfind(b"\n", 0, place) + 1
        return self._lines[start : self._lines.find(b"\n", place) + 1]
