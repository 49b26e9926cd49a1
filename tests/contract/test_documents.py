"""What the documents say to type, open or look up is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.runtime.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/*/README.md"), *ROOT.glob("deploy/**/README.md")]
)
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in DOCUMENTS}
MADE_ON_DEMAND = "deploy/secrets"
NOT_SETTINGS = {"BLEIBE_DATA", "BLEIBE_TEST_KAFKA"}
"""Read by the local system and by the tests, not by services."""


@pytest.mark.parametrize("document", TEXTS)
def test_links_lead_somewhere(document: str) -> None:
    folder = (ROOT / document).parent
    targets = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", TEXTS[document]) if "://" not in link]
    assert [link for link in targets if not (folder / link).exists()] == []


@pytest.mark.parametrize("document", TEXTS)
def test_named_files_exist(document: str) -> None:
    named = re.findall(r"`((?:shared|services|deploy|tests|docs|requirements)/[\w./-]+)`", TEXTS[document])
    assert [path for path in named if not path.startswith(MADE_ON_DEMAND) and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", TEXTS)
def test_commands_exist(document: str) -> None:
    from deploy.cli.main import app  # the import is part of the subject

    for command in re.findall(r"`(?:\.venv/bin/)?bleibe ([a-z]+)|^ +\S*bleibe ([a-z]+)", TEXTS[document], re.MULTILINE):
        assert "".join(command) in app, f"bleibe {''.join(command)}"
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^ +)make ([a-z]+)", TEXTS[document], re.MULTILINE)) <= targets


@pytest.mark.parametrize("document", TEXTS)
def test_settings_exist(document: str) -> None:
    known = {f"BLEIBE_{name.upper()}" for name in ServiceSettings.model_fields} | NOT_SETTINGS
    assert set(re.findall(r"\bBLEIBE_[A-Z_]+\b", TEXTS[document])) <= known


def test_the_readme_names_every_command() -> None:
    from deploy.cli.main import app  # the import is part of the subject

    commands = [name for name in app if not name.startswith("-")]
    assert len(commands) > 5
    assert [name for name in commands if f"`{name}`" not in TEXTS["README.md"]] == []


@pytest.mark.parametrize(("folder", "lines"), [("docs/architecture", 150), ("docs/decisions", 40)])
def test_pages_stay_short(folder: str, lines: int) -> None:
    pages = {name: text for name, text in TEXTS.items() if name.startswith(folder) and "<!-- Made by" not in text}
    assert pages
    assert {name: text.count("\n") for name, text in pages.items() if text.count("\n") >= lines} == {}


def test_every_decision_is_listed_and_has_its_four_parts() -> None:
    decisions = [name for name in TEXTS if re.match(r"docs/decisions/\d{4}-", name)]
    numbers = [int(Path(name).name[:4]) for name in decisions]
    assert numbers == list(range(1, len(decisions) + 1))
    for name in decisions:
        assert re.findall(r"^## (.+)$", TEXTS[name], re.MULTILINE) == ["Context", "Decision", "Rejected", "Look again when"], name
        title = re.match(rf"# {int(Path(name).name[:4])}\. (.+)\n", TEXTS[name])
        assert title, name
        assert f"[{Path(name).name[:4]}]({Path(name).name}) {title[1]}\n" in TEXTS["docs/decisions/README.md"]
