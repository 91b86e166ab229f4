"""How many instructions a request takes: the same to a hundredth, whatever the neighbours do."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.counted import COUNTED, NOTHING
from benchmarks.figures import Figure
from benchmarks.servers import HERE

WHAT = {
    "bare": "a bare Litestar route",
    "key": "behind a key, known",
    "token": "behind an access token, known",
    "cookie": "behind a cookie, known",
    "verify": "verify, known",
    "get": "get one project from SQLite",
    "read": "behind a key, directory read from SQLite each time",
}
_CALLGRIND = ("valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no")
_DUMP = re.compile(r"^desc: Trigger: dump (\w+)$.*?^totals: (\d+)$", re.MULTILINE | re.DOTALL)


def figures() -> Iterator[Figure]:
    try:
        per_request = _counted()
    except FileNotFoundError:
        note = "valgrind is missing: install the Debian package valgrind"
        yield Figure(goal="", what="instructions of a request", note=note)
        return
    for name, what in WHAT.items():
        count, ratio = per_request[name], per_request["bare"] / per_request[name]
        yield Figure(goal="", what=what, rounds=[count], unit="k instructions", note=f"bare ÷ it is {ratio:.3f}")


def _counted() -> dict[str, float]:
    """In thousands. Raises FileNotFoundError without Valgrind."""
    with tempfile.TemporaryDirectory(prefix="hexkey-bench-") as directory:
        command = [*_CALLGRIND, f"--callgrind-out-file={directory}/out", sys.executable, "-m", "benchmarks.counted"]
        environ = {**os.environ, "PYTHONHASHSEED": "0"}
        subprocess.run(command, env=environ, cwd=HERE.parent, check=True, stdout=subprocess.DEVNULL)
        dumps = [_DUMP.search(file.read_text()) for file in Path(directory).iterdir()]
    totals = {dump[1]: int(dump[2]) for dump in dumps if dump}
    idle = totals.pop(NOTHING)
    return {name: (total - idle) / COUNTED / 1000 for name, total in totals.items()}
