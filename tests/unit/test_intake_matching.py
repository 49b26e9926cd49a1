"""Two spellings of one thing share a key; two things do not."""

from __future__ import annotations

import pytest

from services.intake.matching import docket_key, name_key, named
from shared.contracts.topics.notices import ProceedingRef
from tests.unit.intake_words import party, suit


def docket(text: str, court: str = "R2713") -> str:
    return docket_key(ProceedingRef(court_code=court, docket=text))


@pytest.mark.parametrize("spelling", ["05 C 0123/2026", "5C123/26", "5  c 123 / 26", "5 C 123-26", "5 C 123.26"])
def test_one_court_file_in_all_its_spellings(spelling: str) -> None:
    assert docket(spelling) == docket("5 C 123/26")


@pytest.mark.parametrize("other", ["5 C 124/26", "5 C 123/25", "15 C 123/26", "5 C 1231/26", "5 M 123/26"])
def test_other_court_files_stay_apart(other: str) -> None:
    assert docket(other) != docket("5 C 123/26")


def test_the_same_docket_at_another_court_is_another_file() -> None:
    assert docket("5 C 123/26", "R2700") != docket("5 C 123/26")


def test_a_name_in_any_order_case_and_transcription() -> None:
    assert name_key("Müller-Öz", "José") == name_key("OEZ Mueller", "Jose") == name_key("jose müller öz")
    assert name_key("Müller", "Jo") != name_key("Müller", "Jon")


def test_father_and_son_of_one_name_are_two_people() -> None:
    assert len({key for key, _ in named(suit(party("Beispiel", "Bernd"), party("Beispiel", "Bernd")))}) == 2
