"""What operators are told to watch is there to be watched."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.support.process import installation

DOCS = Path(__file__).parents[2] / "docs"
DEPLOY = DOCS / "deploy"
DASHBOARD = json.loads((DEPLOY / "dashboard.json").read_text())
ALERTS = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"][0]["rules"]
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


def suffixless(name: str) -> str:
    return re.sub(r"_(bucket|count|sum)$", "", name)


def expressions() -> dict[str, str]:
    """Every query of the dashboard and every condition of an alert, by its name."""
    panels = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    }
    return {**panels, **{rule["alert"]: rule["expr"] for rule in ALERTS}}


@pytest.mark.parametrize("name", expressions())
def test_what_is_drawn_and_what_rings_is_exported(name: str) -> None:
    named = {suffixless(metric) for metric in re.findall(r"hexkey_[a-z_]+", expressions()[name])}
    assert named <= set(ROWS)
    assert named or 'up{job="hexkey"}' in expressions()[name]


def test_every_metric_is_drawn() -> None:
    drawn = {suffixless(metric) for text in expressions().values() for metric in re.findall(r"hexkey_[a-z_]+", text)}
    assert drawn == set(ROWS)


def test_every_alert_has_its_paragraph_in_the_guide_and_rings_for_the_job_that_is_scraped() -> None:
    assert [rule["alert"] for rule in ALERTS] == re.findall(r"^\| `(Hexkey\w+)` \|", GUIDE, re.MULTILINE)
    assert len(ALERTS) == 5
    scraped = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text())
    assert [job["job_name"] for job in scraped["scrape_configs"]] == ["hexkey"]


promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool, of the Debian package prometheus, is not here"
)


@promtool
def test_prometheus_takes_every_expression(tmp_path: Path) -> None:
    """The dashboard's as if each were recorded."""
    rules = [
        {"record": f"a:{number}", "expr": text.replace("$__rate_interval", "1m")}
        for number, text in enumerate(expressions().values())
    ]
    written = tmp_path / "recorded.yaml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "drawn", "rules": rules}]}))
    for command in (["rules", written], ["rules", DEPLOY / "alerts.yaml"], ["config", DEPLOY / "prometheus.yaml"]):
        checked = subprocess.run(
            ["promtool", "check", command[0], *(["--syntax-only"] if command[0] == "config" else []), command[1]],
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stderr


@promtool
def test_alerts_ring_when_they_should_and_are_quiet_on_a_good_day(tmp_path: Path) -> None:
    days = tmp_path / "days.yaml"
    days.write_text((Path(__file__).parent / "alerts.yaml").read_text().replace("RULES", str(DEPLOY / "alerts.yaml")))
    played = subprocess.run(["promtool", "test", "rules", days], capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
