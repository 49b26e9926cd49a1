"""The sample files of docs/filing.md: what a newcomer files with them is a notice that this version takes."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter

from deploy.cli.main import app
from services.intake import xjustiz
from services.intake.law import deadlines, facts_from_json, load_rules
from services.intake.plausible import check
from services.intake.room import atlas_of
from services.intake.tabular import TableMapping, rows
from shared.city import load_city
from shared.contracts.topics.notices import HearingSet, Notice, SuitFiled, TerminationReported
from shared.runtime.settings import MUENSTER

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
FILING = (ROOT / "docs" / "filing.md").read_text(encoding="utf-8")
CITY = load_city(MUENSTER)
PARTNERS = {partner.id: partner for partner in CITY.partners}
SINCE = date(2026, 11, 22)


def takes(notice: Notice, partner: str) -> Notice:
    check(notice, SINCE)
    kind: str = TypeAdapter(str).validate_python(getattr(notice, "kind", None))
    assert kind in PARTNERS[partner].sends
    return notice


def in_city(suit: Notice) -> bool:
    assert isinstance(suit, SuitFiled)
    return all(each.address is not None and atlas_of(CITY).locate(each.address).in_city for each in suit.defendants)


def test_the_kafka_and_the_http_sample_are_suits_of_their_senders() -> None:
    plain = json.loads((EXAMPLES / "suit.json").read_text("utf-8"))
    assert plain["type"] == SuitFiled.TYPE
    assert in_city(takes(SuitFiled.model_validate(plain["data"]), "ag-muenster"))
    event = json.loads((EXAMPLES / "suit.cloudevent.json").read_text("utf-8"))
    assert (event["specversion"], event["type"]) == ("1.0", SuitFiled.TYPE)
    partner = event["source"].removeprefix("urn:bleibe:partner:")
    assert f"token partner-{partner}" in FILING
    assert in_city(takes(SuitFiled.model_validate(event["data"]), partner))


def test_the_xjustiz_sample_is_valid_and_files_a_suit_and_its_hearing() -> None:
    message = xjustiz.read((EXAMPLES / "suit.xjustiz.xml").read_bytes())
    filing = xjustiz.file(message, "urn:bleibe:partner:ag-muenster")
    assert message.validated
    assert [type(takes(each, "ag-muenster")) for _, each in filing.notices] == [SuitFiled, HearingSet]
    assert filing.warnings == ()
    assert in_city(filing.notices[0][1])


def test_the_table_files_two_rows_and_refuses_the_third() -> None:
    name = "wohnungsgesellschaft-kuendigungen"
    mapping = TableMapping.model_validate(tomllib.loads((MUENSTER / "mappings" / f"{name}.toml").read_text("utf-8")))
    found = rows((EXAMPLES / "kuendigungen.csv").read_bytes(), mapping, f"urn:bleibe:partner:{mapping.partner}")
    assert [(row.field, row.rule) for row in found] == [(None, None), (None, None), ("monthly_rent", "money")]
    filed = [takes(row.notice, mapping.partner) for row in found if row.notice is not None]
    assert [type(each) for each in filed] == [TerminationReported, TerminationReported]


def test_the_facts_give_deadlines() -> None:
    facts = facts_from_json((EXAMPLES / "facts.json").read_bytes())
    assert "SCHONFRIST_END" in {each.rule for each in deadlines(facts, load_rules())}


def test_every_sample_is_used_and_every_command_parses() -> None:
    used = set(re.findall(r"docs/examples/([\w.]+\w)", FILING))
    assert used == {path.name for path in EXAMPLES.iterdir()}
    commands = re.findall(r"\.venv/bin/bleibe (.+)", FILING)
    assert len(commands) >= 6
    for command in commands:
        app.parse_args(command, exit_on_error=False, print_error=False)
