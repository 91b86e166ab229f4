"""The guide to the settings says of each what the code does."""

import re
from pathlib import Path

import pytest

from app.settings import parse
from app.settings.problems import Wrong
from app.settings.table import Rule, rules, variable

GUIDE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
ROWS = {
    name: (default, meaning)
    for name, default, meaning in re.findall(r"^\| `(HEXKEY_[A-Z_<>]+)`[ †]*\| (.*?) \| (.*) \|$", GUIDE, re.MULTILINE)
}
RULES = {variable(field, rule): rule for field, rule in rules().items()}
each = pytest.mark.parametrize(("name", "rule"), RULES.items(), ids=RULES)


def section(title: str) -> str:
    return GUIDE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_it_lists_every_setting_and_no_other() -> None:
    named = {name for name in ROWS if "<" not in name}
    assert named == set(RULES)


def test_what_a_deployment_names_itself_is_listed_as_it_is_read() -> None:
    groups = {name for name in ROWS if "<" in name}
    assert len(groups) == 6
    members = {name.rpartition("__")[2] for name in groups if "OIDC" in name}
    values = {"ISSUER": "https://id.example.org", "SCOPES": "openid", "REGISTER_PROMPT": "on"}
    assert parse({f"HEXKEY_OIDC__A__{member}": values.get(member, "x") for member in members}).oidc.keys() == {"a"}
    assert parse({"HEXKEY_WEBHOOK_SECRET__A": "x"}).webhook_secrets.keys() == {"a"}


@each
def test_it_shows_the_default(name: str, rule: Rule) -> None:
    shown, _ = ROWS[name]
    if rule.default is None:
        assert shown == "none"
    elif isinstance(rule.default, str):
        assert shown == f"`{rule.default}`"
    else:
        assert shown


def range_of(rule: Rule) -> str | None:
    """As its refusal tells it."""
    for text in ("999999999d", "999999999"):
        try:
            rule.parse(text)
        except Wrong as wrong:
            if wrong.rule.endswith("in its range"):
                return wrong.mend.removeprefix("write ")
    return None


RANGES = {name: shown for name, rule in RULES.items() if (shown := range_of(rule))}


@pytest.mark.parametrize(("name", "shown"), RANGES.items(), ids=RANGES)
def test_it_shows_the_range(name: str, shown: str) -> None:
    _, meaning = ROWS[name]
    assert shown in meaning


@each
def test_it_names_those_that_may_come_from_a_file(name: str, rule: Rule) -> None:
    assert (f"`{name}`" in section("Secrets from files").partition("need not stand")[0]) == rule.secret


def test_it_names_every_parameter_of_a_postgresql_url() -> None:
    with pytest.raises(Wrong) as refused:
        RULES["HEXKEY_DATABASE_URL"].parse("postgresql:///x?nonsense=1")
    listed = section("PostgreSQL").partition("it may have")[2].partition("Anything else")[0]
    assert re.findall(r"`(\w+)`", listed) == refused.value.mend.removeprefix("keep to ").split(", ")
