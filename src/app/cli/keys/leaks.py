"""Looking for keys in files: each is read once, a piece at a time, and never kept whole."""

import re
import stat
from collections.abc import Iterator
from os import walk
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20
LONGEST = 128
"""No key is as long: of what varies, its prefix has 16 characters at the most."""
LARGEST = 256 << 20
_LOOKED_AT = 8 << 10


class PassedOver(Exception):
    """Nobody keeps a key in such a file, or it cannot be read."""


def files_in(path: Path) -> Iterator[Path]:
    """*path*, or every file below it in the order of their names; what only points somewhere else is no file."""
    if path.is_file():
        yield path
    for folder, folders, names in walk(path):
        folders.sort()
        yield from (file for name in sorted(names) if stat.S_ISREG((file := Path(folder, name)).lstat().st_mode))


def matches_in_file(file: Path, pattern: re.Pattern[bytes]) -> list[tuple[int, str]]:
    """The number of its line, and the text of each match. Raises PassedOver."""
    try:
        with file.open("rb") as stream:
            if (size := file.stat().st_size) > LARGEST:
                raise PassedOver(f"{size >> 20} MiB are more than somebody wrote")
            if b"\0" in stream.read(_LOOKED_AT):
                return []
            stream.seek(0)
            return [(line, text.decode("ascii")) for line, text in matches_in(stream, pattern)]
    except OSError as error:
        raise PassedOver(error.strerror or "it cannot be read") from error


def matches_in(stream: BinaryIO, pattern: re.Pattern[bytes], chunk: int = CHUNK) -> Iterator[tuple[int, bytes]]:
    """Each match of *pattern*, shorter than LONGEST, with the number of its line, in time that grows with the stream.

    A match that begins close to the end of a piece waits for the next, and so does the byte before it: what stands
    around a match counts.
    """
    kept, begin, line = b"", 0, 1
    while True:
        piece = stream.read(chunk)
        text = kept + piece
        end = max(len(text) - LONGEST, begin) if piece else len(text)
        counted = 0
        for match in pattern.finditer(text, begin):
            if match.start() >= end:
                break
            line += text.count(b"\n", counted, match.start())
            counted = match.start()
            yield line, match[0]
        if not piece:
            return
        cut = max(end - 1, 0)
        line += text.count(b"\n", counted, cut)
        kept, begin = text[cut:], end - cut
