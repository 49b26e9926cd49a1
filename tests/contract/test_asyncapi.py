"""The AsyncAPI initiative's own parser judges our document."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.contracts.asyncapi import document
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.publish import ROOT
from tests.npm import installed

HERE = Path(__file__).parent / "asyncapi"


@pytest.fixture(scope="module")
def parser() -> Path:
    """The installed parser's folder; installed once, kept for later runs."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("NOT CHECKED: AsyncAPI document against @asyncapi/parser, because node and npm are not on this machine")
    modules = installed(HERE / "package.json")
    if modules is None:
        pytest.skip("NOT CHECKED: AsyncAPI document against @asyncapi/parser, because npm could not install it here")
    return modules


def test_the_parser_accepts_the_published_document(parser: Path) -> None:
    judged = _judge(parser, ROOT / "docs/contracts/asyncapi.yaml")
    assert [each for each in judged["said"] if each["severity"] in {"error", "warning"}] == []
    assert judged["counts"]["channels"] == len(CATALOGUE)
    assert judged["counts"]["operations"] == len(document()["operations"])


@pytest.mark.parametrize("flaw", ["no channel", "no message", "wrong schema", "wrong binding"])
def test_the_parser_refuses_a_flawed_document(parser: Path, tmp_path: Path, flaw: str) -> None:
    flawed = document()
    match flaw:
        case "no channel":
            del flawed["channels"]["visits"]
        case "no message":
            del flawed["components"]["messages"]["CaseOpened"]
        case "wrong schema":
            flawed["components"]["schemas"]["CaseOpened"]["type"] = "text"
        case "wrong binding":
            flawed["channels"]["visits"]["bindings"]["kafka"]["partitions"] = 0
    file = tmp_path / "flawed.yaml"
    file.write_text(yaml.safe_dump(flawed), "utf-8")
    assert any(each["severity"] == "error" for each in _judge(parser, file)["said"])


def _judge(modules: Path, file: Path) -> dict[str, Any]:
    command = ["node", str(HERE / "check.js"), str(modules), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    judged: dict[str, Any] = json.loads(done.stdout)
    return judged
