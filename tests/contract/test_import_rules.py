"""Who may import whom: the rules hold, and each of them bites when it is broken by hand."""

from __future__ import annotations

import ast
import configparser
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.contracts.publish import ROOT

EDGE = "services.*."
CLOCKS = {"now", "today", "utcnow", "uuid4", "uuid1"}


def test_the_import_rules_hold() -> None:
    assert _lint(ROOT) == ""


BROKEN = {
    "Services never import each other": ("services/intake/__init__.py", "import services.outreach"),
    "Libraries know neither services nor deployment": ("shared/calendar/periods.py", "import services.intake"),
    "Services know nothing of their deployment": ("services/intake/__init__.py", "import deploy.local.ports"),
    "The messaging core knows nothing of evictions": ("shared/messaging/wire.py", "import shared.contracts.catalogue"),
    "Contracts take the core's vocabulary and nothing else": ("shared/contracts/catalogue.py", "import shared.messaging.wire"),
    "The calendar stands alone": ("shared/calendar/periods.py", "import shared.contracts.codes"),
    "Decisions do no input or output": ("services/intake/stage.py", "import asyncpg"),
    "Demo clients speak to services over the wire alone": ("deploy/demo/__init__.py", "import services.intake.stage"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_import_rule_is_named(rule: str, tmp_path: Path) -> None:
    for package in ("services", "shared", "deploy"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=lambda folder, names: _no_python(Path(folder), names))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    file, line = BROKEN[rule]
    with (tmp_path / file).open("a") as module:
        module.write(f"\n{line}\n")
    assert f"{rule} BROKEN" in _lint(tmp_path)


def test_every_import_rule_is_shown_to_bite() -> None:
    rules = _rules()
    assert {rules[section]["name"] for section in rules.sections() if ":contract:" in section} == set(BROKEN)


def test_decisions_ask_no_clock_and_no_edge() -> None:
    decisions = list(_decisions())
    assert len(decisions) > 10
    assert [f"{file.relative_to(ROOT)}: {told}" for file in decisions for told in _told(file.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    "source",
    ["datetime.now(BERLIN)", "date.today()", "uuid4()", "from uuid import uuid4", "from services.intake.store import load"],
)
def test_a_decision_that_asks_is_found(source: str) -> None:
    assert list(_told(source))


def _lint(folder: Path) -> str:
    """What the linter says of this tree; nothing where all rules hold."""
    command = [
        sys.executable,
        "-c",
        "import sys; from importlinter.cli import lint_imports_command as c; c(sys.argv[1:])",
        "--no-cache",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, 1), done.stderr
    return "" if done.returncode == 0 else done.stdout


def _no_python(folder: Path, names: list[str]) -> list[str]:
    return [name for name in names if name == "__pycache__" or not ((folder / name).is_dir() or name.endswith(".py"))]


def _rules() -> configparser.ConfigParser:
    rules = configparser.ConfigParser()
    rules.read(ROOT / ".importlinter")
    return rules


def _edges() -> set[str]:
    ignored = _rules()["importlinter:contract:decisions-pure"]["ignore_imports"].split("\n")
    return {line.removeprefix(EDGE).removesuffix(" -> **") for line in ignored if line.startswith(EDGE)}


def _decisions() -> Iterator[Path]:
    edges = _edges()
    for service in sorted(folder for folder in (ROOT / "services").iterdir() if folder.is_dir()):
        for file in sorted(service.rglob("*.py")):
            if file.relative_to(service).parts[0].removesuffix(".py") not in edges:
                yield file


def _told(source: str) -> Iterator[str]:
    """The clock calls, random ids and imports of edges in a module's source."""
    edges = _edges()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in CLOCKS:
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            parts = (node.module or "").split(".")
            names = {alias.name for alias in node.names}
            if names & CLOCKS or (parts[0] == "services" and (names | set(parts[2:])) & edges):
                yield ast.unparse(node)
