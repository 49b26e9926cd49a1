"""The tests that docs/architecture/acceptance.md names are there, and every situation has one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "architecture" / "acceptance.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TABLE)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_named_test_is_there(file: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_situation_has_a_test() -> None:
    rows = re.findall(r"^\| (\d+) \|.*$", TABLE, re.MULTILINE)
    assert [int(row) for row in rows] == list(range(1, 15))
    assert all("::" in line for line in TABLE.splitlines() if re.match(r"\| \d", line))
