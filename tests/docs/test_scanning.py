"""What scanners are told finds every key that is made, and nothing shorter or longer."""

import re
import tomllib
from pathlib import Path
from uuid import UUID

import pytest

from adapters.security.key_secrets import HmacKeySecrets, KeyFormat
from domain.model.ids import KeyId
from tests.docs.guide import blocks
from tests.support.ports import ROOTS

DOCS = Path(__file__).parents[2] / "docs"
RULE = tomllib.loads((DOCS / "gitleaks.toml").read_text())["rules"][0]
TOLD = [RULE["regex"], next(blocks(DOCS / "keys.md", "text")).strip()]


def test_there_is_one_expression_and_it_is_the_services_own() -> None:
    assert set(TOLD) == {KeyFormat("hk").pattern}


@pytest.mark.parametrize("number", [0, 1, 2**127, 2**128 - 1])
def test_the_rule_finds_every_key_and_its_keyword_is_in_it(number: int) -> None:
    plain = HmacKeySecrets(ROOTS).mint(KeyId(UUID(int=number))).plain
    assert re.search(RULE["regex"], f"KEY={plain};")
    assert RULE["keywords"][0] in plain
    assert not re.search(RULE["regex"], plain[:-1])
    assert not re.search(RULE["regex"], f"{plain}x")
