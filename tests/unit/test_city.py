"""Münster's data fits together, and what would not fit is refused with the file's name."""

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.calendar import answer_by
from shared.city import UNKNOWN, CityDataError, load_city
from shared.contracts.codes import Evidence, Need

MUENSTER = Path(__file__).parents[2] / "deploy" / "muenster"
CITY = load_city(MUENSTER)


def test_six_districts_and_forty_five_quarters() -> None:
    assert list(CITY.districts) == ["MITTE", "WEST", "NORD", "OST", "SUEDOST", "HILTRUP"]
    assert len(CITY.quarters) == 45
    assert (CITY.ags, CITY.land) == ("05515000", "NW")
    assert {court.code for court in CITY.courts} == {"R2713", "R2700"}
    assert len(CITY.postcodes) == 13


def test_every_need_is_served_in_every_district() -> None:
    for need in Need:
        served = {
            district
            for provider in CITY.providers
            for service in provider.services
            if need in service.needs and service.active and service.capacity
            for district in service.districts
        }
        assert served == CITY.districts.keys(), need


def test_every_district_has_a_team_and_the_unknown_one_too() -> None:
    assert {CITY.team_of(district).id for district in CITY.districts} == {team.id for team in CITY.teams}
    assert CITY.team_of(UNKNOWN).takes_unknown
    with pytest.raises(KeyError):
        CITY.team_of("ATLANTIS")


def test_absences_are_whole_days() -> None:
    away = next(worker for worker in CITY.caseworkers if worker.absences)
    absence = away.absences[0]
    assert away.absent(absence.first)
    assert away.absent(absence.last)
    assert not away.absent(date(2020, 1, 1))


def test_the_court_outranks_word_of_mouth() -> None:
    partners = {partner.id: partner for partner in CITY.partners}
    assert partners["ag-muenster"].rank is Evidence.COURT
    assert partners["selbstmeldung"].rank is Evidence.WORD
    assert "SUIT_FILED" not in partners["gerichtsvollzieher"].sends


def test_the_promised_cut_off_is_usable() -> None:
    friday_noon = datetime(2026, 11, 20, 11, 0, 1, tzinfo=UTC)
    assert answer_by(friday_noon, 0, CITY.calendar, CITY.promises.assign_cut_off) == date(2026, 11, 23)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MUENSTER, tmp_path / "city"))


def edit(path: Path, change: Any) -> None:  # noqa: ANN401  a change to any JSON
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "teams.json").unlink()
    with pytest.raises(CityDataError, match=r"teams\.json: cannot be read"):
        load_city(folder)


def test_a_broken_file_is_named(folder: Path) -> None:
    (folder / "partners.json").write_text("[", encoding="utf-8")
    with pytest.raises(CityDataError, match=r"partners\.json"):
        load_city(folder)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("teams.json", lambda teams: teams[0]["districts"].clear(), r"teams\.json: 0\.districts"),
        ("teams.json", lambda teams: teams[0]["districts"].append("NORD"), "exactly one team: NORD"),
        ("teams.json", lambda teams: teams[1].update(takes_unknown=True), "exactly one team takes"),
        ("caseworkers.json", lambda staff: staff["caseworkers"][0].update(team="sued-ost"), "fk-01 works for no team"),
        ("caseworkers.json", lambda staff: staff["caseworkers"][0].update(cover=["fk-01"]), "fk-01 is covered by"),
        ("caseworkers.json", lambda staff: staff["caseworkers"][1].update(id="fk-01"), "must be unique: fk-01"),
        (
            "caseworkers.json",
            lambda staff: staff["caseworkers"][0].update(absences=[{"from": "2027-01-02", "to": "2027-01-01"}]),
            "ends before it begins",
        ),
        ("partners.json", lambda partners: partners[0].update(ce_source="urn:x"), "ce_source must be"),
        ("partners.json", lambda partners: partners[0].update(sends=["GOSSIP"]), "no such kind of notice: GOSSIP"),
        ("providers.json", lambda hsds: hsds["services"][0].pop("bleibe"), r"providers\.json: .*bleibe"),
        ("providers.json", lambda hsds: hsds["services"][0]["bleibe"].update(districts=["SUED"]), "no such district: SUED"),
    ],
)
def test_what_does_not_fit_is_refused(folder: Path, file: str, change: Any, message: str) -> None:  # noqa: ANN401  see edit
    edit(folder / file, change)
    with pytest.raises(CityDataError, match=message):
        load_city(folder)


def test_a_wrong_row_is_named(folder: Path) -> None:
    (folder / "addresses.csv").write_text("street,number,quarter\nDomplatz,1,99\n", encoding="utf-8")
    with pytest.raises(CityDataError, match="no such quarter: 99"):
        load_city(folder)
    (folder / "addresses.csv").write_text("street,number\nDomplatz,1\n", encoding="utf-8")
    with pytest.raises(CityDataError, match=r"addresses\.csv: 0\.quarter"):
        load_city(folder)
