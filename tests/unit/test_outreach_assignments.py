"""From a suit to an assignment, in whichever order case and household come."""

from __future__ import annotations

import pytest

from shared.contracts.codes import AttemptResult
from tests.unit.outreach_room import Town

OWED = "de.bleibe.visit.owed.v1"
PLANNED = "de.bleibe.visit.planned.v1"
CREATED = "de.bleibe.assignment.created.v1"
CHANGED = "de.bleibe.assignment.changed.v1"
WITHDRAWN = "de.bleibe.assignment.withdrawn.v1"


def test_a_suit_is_owed_and_planned_at_once_and_leaves_with_the_household() -> None:
    town = Town()
    case, household = town.suit()
    assert town.hear(case) == [OWED, PLANNED]
    assert town.hear(household) == [CREATED]


def test_the_household_may_come_first() -> None:
    town = Town()
    case, household = town.suit()
    assert town.hear(household) == []
    assert town.hear(case) == [OWED, PLANNED, CREATED]


@pytest.mark.parametrize("again", ["case", "household"])
def test_hearing_either_again_sends_nothing(again: str) -> None:
    town = Town()
    case, household = town.suit()
    town.hear(case)
    town.hear(household)
    assert town.hear(case if again == "case" else household) == []


def test_met_fulfils_and_withdraws() -> None:
    town = Town()
    case, household = town.suit(persons=2)
    town.hear(case)
    town.hear(household)
    said = town.hear(town.attempt(case, AttemptResult.MET))
    assert said == ["de.bleibe.visit.attempted.v1", "de.bleibe.visit.obligation-closed.v1", WITHDRAWN]
    assert not town.file(case).open_owed
