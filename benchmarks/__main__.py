"""``python -m benchmarks [--quick] [--json FILE] [CASES …]``"""

import argparse
import json
import sys
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path

from benchmarks import flood, in_process, instructions, lists, over_http, peers, scale, sign_ins, starting, timing
from benchmarks.figures import Figure, table
from benchmarks.servers import CORES, wrk_is_missing

QUICK = {"in_process": in_process.figures, "starting": starting.figures}
ALL = {
    **QUICK,
    "instructions": instructions.figures,
    "sign_ins": sign_ins.figures,
    "timing": timing.figures,
    "flood": flood.figures,
    "lists": lists.figures,
    "scale": scale.figures,
    "over_http": over_http.figures,
    "peers": peers.figures,
}
PINNED = {"timing", "flood", "over_http", "peers"}
"""Those for which the server and the load have a core each."""
PACKAGES = ("hexkey", "litestar", "uvicorn", "msgspec", "sqlalchemy", "asyncpg", "uvloop")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only what needs no load generator, within a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(ALL)}; all by default")
    asked = parser.parse_args()
    chosen = asked.cases or list(QUICK if asked.quick else ALL)
    if unknown := set(chosen) - set(ALL):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if PINNED.intersection(chosen) and (mend := missing(chosen)):
        print(mend, file=sys.stderr)
        return 2
    figures = [shown(figure) for name in chosen for figure in ALL[name]()]
    print(f"\n{conditions()}\n\n{table(figures)}")
    if asked.json:
        asked.json.write_text(json.dumps([figure.plain() for figure in figures], indent=2, ensure_ascii=False) + "\n")
    return 0


def missing(chosen: Collection[str]) -> str | None:
    wrk = wrk_is_missing() if {"over_http", "peers"}.intersection(chosen) else None
    return wrk or ("two cores are needed: the server's and the load's" if len(CORES) < 2 else None)


def shown(figure: Figure) -> Figure:
    """A run takes minutes: what is known is said at once."""
    print("  ".join(filter(None, figure.cells())), file=sys.stderr, flush=True)
    return figure


def conditions() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"Python {sys.version.split()[0]}, {packages}; {len(CORES)} cores."


sys.exit(main())
