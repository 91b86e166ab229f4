"""What operators are told to watch is there to be watched."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.process import installation

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "operating.md").read_text()
ROWS = dict(re.findall(r"^\| `(hexkey_[a-z_]+)` \| (\w+) \|", GUIDE, re.MULTILINE))
TOKEN = "what only the operator's own collector has"
NO_REDIS = "redis://127.0.0.1:1"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """By a service that has everything there is a metric of."""
    settings = {"HEXKEY_METRICS_TOKEN": TOKEN, "HEXKEY_REDIS_URL": NO_REDIS}
    with installation(tmp_path_factory.mktemp("told"), "sqlite", **settings) as installed:
        installed.migrate()
        with installed.server() as server:
            yield httpx.get(f"{server.url}/metrics", headers={"authorization": f"Bearer {TOKEN}"}).text


def test_the_guide_names_every_metric_and_its_kind_and_no_other(told: str) -> None:
    exported = dict(re.findall(r"^# TYPE (\S+) (\w+)$", told, re.MULTILINE))
    assert exported == ROWS
