"""`bleibe import` and `bleibe deadlines` as a person types them; what is sent is answered by a stand-in for the broker."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from deploy.cli import importing
from deploy.cli.deadlines import deadlines
from shared.messaging.wire import Raw
from tests.unit.test_intake_tabular import ROW, table
from tests.unit.xjustiz_writer import Appointment, Letter, write

MAPPING = "wohnungsgesellschaft-kuendigungen"
Capture = pytest.CaptureFixture[str]


class City:
    """Answers as intake would, by what it has seen before."""

    def __init__(self) -> None:
        self.seen: dict[UUID, bytes] = {}
        self.topics: list[str] = []

    async def answer(self, _system: object, topic: str, raws: Mapping[UUID, Raw]) -> dict[UUID, dict[str, Any]]:
        self.topics.append(topic)
        answers = {each: {"answer": "duplicate" if each in self.seen else "accepted"} for each in raws}
        for each, raw in raws.items():
            assert self.seen.setdefault(each, raw.digest()) == raw.digest()
        return answers


@pytest.fixture
def city(monkeypatch: pytest.MonkeyPatch) -> City:
    city = City()
    monkeypatch.setattr(importing, "publish_and_wait", city.answer)
    monkeypatch.setattr(importing, "target", lambda: None)
    return city


def rows_file(folder: Path, *changes: dict[str, str]) -> Path:
    file = folder / "kuendigungen.csv"
    file.write_bytes(table(*changes).encode("cp1252"))
    return file


def test_a_table_imported_twice_changes_nothing(tmp_path: Path, city: City, capsys: Capture) -> None:
    file = rows_file(tmp_path, {}, {"PLZ": "48143"})
    importing.table(file, mapping=MAPPING)
    assert "2 angenommen, 0 schon bekannt" in capsys.readouterr().out
    importing.table(file, mapping=MAPPING)
    assert "0 angenommen, 2 schon bekannt" in capsys.readouterr().out
    assert city.topics == ["notices.wohnungsgesellschaft"] * 2
    assert len(city.seen) == 2


def test_a_dry_run_says_row_by_row_what_would_happen_and_sends_nothing(tmp_path: Path, city: City, capsys: Capture) -> None:
    future = f"01.01.{date.today().year + 2}"  # noqa: DTZ011  the command's own day
    file = rows_file(tmp_path, {"Stand": "02.01.2024"}, {"Rückstand": "viel"}, {"Stand": future})
    with pytest.raises(SystemExit) as ended:
        importing.table(file, mapping=MAPPING, dry_run=True)
    lines = capsys.readouterr().out.splitlines()
    assert ended.value.code == 1
    assert lines[0].startswith("Zeile 2: würde als Kündigung gemeldet")
    assert lines[1].startswith("Zeile 3: abgewiesen, money bei claimed_arrears.")
    assert lines[2].startswith("Zeile 4: abgewiesen, in_the_future bei received_on.")
    assert lines[3] == "Probelauf, nichts gesendet: 1 Zeilen bereit, 2 würden abgewiesen."
    assert city.topics == []


def test_the_report_has_row_column_field_and_rule_but_no_value(tmp_path: Path, city: City, capsys: Capture) -> None:
    file = rows_file(tmp_path, {}, {"Rückstand": "Geheimnis"}, {"Mieter 1 Name": "", "Mieter 1 Vorname": ""})
    report = tmp_path / "abgewiesen.csv"
    with pytest.raises(SystemExit):
        importing.table(file, mapping=MAPPING, report=report)
    text = report.read_text(encoding="utf-8-sig")
    header, *refused = csv.reader(text.splitlines(), delimiter=";")
    assert header == ["Zeile", "Spalte", "Feld", "Regel", "Was zu tun ist"]
    assert [row[:4] for row in refused] == [
        ["3", "Rückstand", "claimed_arrears", "money"],
        ["4", "Mieter 1 Name", "tenants.0.family_name", "missing"],
    ]
    said = capsys.readouterr().out
    assert "1 angenommen" in said
    assert not any(value in text + said for value in ("Geheimnis", ROW["Mieter 1 Vorname"], ROW["Straße"]))
    assert len(city.seen) == 1


def test_a_file_that_is_no_such_table_is_refused(tmp_path: Path, city: City, capsys: Capture) -> None:
    file = tmp_path / "andere.csv"
    file.write_text("Name;Ort\nMüller;Münster\n")
    with pytest.raises(SystemExit):
        importing.table(file, mapping=MAPPING)
    assert "andere.csv: abgewiesen, missing_column bei Art." in capsys.readouterr().out
    assert city.topics == []


def test_an_unknown_mapping_or_partner_is_named(tmp_path: Path, capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        importing.table(tmp_path, mapping="x")
    assert f"There is no mapping x. There are: gerichtsvollzieher-termine, {MAPPING}" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        importing.xjustiz(tmp_path, partner="x")
    assert "There is no partner x. There are: ag-muenster" in capsys.readouterr().err


def test_xjustiz_files_are_sent_in_the_court_s_name(tmp_path: Path, city: City, capsys: Capture) -> None:
    good, bad = tmp_path / "klage.xml", tmp_path / "sozial.xml"
    good.write_bytes(write(Letter(registered_on=date(2026, 11, 18), appointments=[Appointment()], version="3.6.2")))
    bad.write_bytes(write(Letter(subject="055")))
    with pytest.raises(SystemExit):
        importing.xjustiz(good, bad)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("klage.xml: Hinweis: Das Schema zu XJustiz 3.6")
    assert lines[1].startswith("klage.xml: Räumungsklage – Die Meldung ist gespeichert.")
    assert lines[2].startswith("klage.xml: Verhandlungstermin – ")
    assert lines[3].startswith("sozial.xml: abgewiesen, no_civil_suit bei sachgebiet.")
    assert lines[4] == "2 angenommen, 0 schon bekannt, 0 andere Antworten, 1 abgewiesen."
    assert city.topics == ["notices.ag-muenster"]


def test_what_gets_no_receipt_is_not_called_done(
    tmp_path: Path, city: City, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silence(*_: object) -> dict[UUID, dict[str, Any]]:
        return {}

    monkeypatch.setattr(importing, "publish_and_wait", silence)
    with pytest.raises(SystemExit):
        importing.table(rows_file(tmp_path, {}), mapping=MAPPING)
    assert "noch keine Quittung" in capsys.readouterr().out
    assert city.seen == {}


# deadlines


def test_deadlines_are_told_in_german_first_and_as_json(capsys: Capture) -> None:
    facts = Path(__file__).parents[2] / "docs" / "examples" / "facts.json"
    deadlines(facts)
    text = capsys.readouterr().out
    assert "2027-01-25  SCHONFRIST_END  (§ 569 Abs. 3 Nr. 2 BGB; exact)" in text
    assert text.index("Ende der Schonfrist") < text.index("End of the Schonfrist")
    deadlines(facts, as_json=True)
    told = {each["rule"]: each for each in json.loads(capsys.readouterr().out)}
    assert told["SCHONFRIST_END"]["date"] == "2027-01-25"
    assert set(told["SCHONFRIST_END"]["explanation"]) == {"de", "en"}


@pytest.mark.parametrize("document", ['{"filed_on": "Geheimnis"}', "{", '{"unheard_of": 1}', "[]"])
def test_facts_that_do_not_fit_are_named_without_their_value(document: str, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "facts.json"
    file.write_text(document)
    with pytest.raises(SystemExit) as ended:
        deadlines(file)
    assert ended.value.code == 2
    assert "Geheimnis" not in capsys.readouterr().err
    with pytest.raises(SystemExit):
        deadlines(tmp_path / "missing.json")


def test_the_documented_facts_are_the_ones_of_the_schema() -> None:
    from services.intake.law import FactsDocument

    example = FactsDocument.model_json_schema()["examples"][0]
    assert json.loads((Path(__file__).parents[2] / "docs" / "examples" / "facts.json").read_text()) == example
