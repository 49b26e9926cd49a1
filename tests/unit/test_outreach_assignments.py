"""From a suit to an assignment, in whichever order case and household come."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.contracts.codes import AttemptResult, WaiverReason
from shared.contracts.topics.assignments import AssignmentChanged
from shared.contracts.topics.cases import CaseMerged, Replaced
from tests.unit.outreach_room import MONDAY, Town, changed, with_eviction
from tests.unit.outreach_story import ids

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


def test_met_at_the_door_ends_nothing_that_the_team_was_not_sent_for() -> None:
    """A second defendant became known, and the register's entry is not there yet: nobody at the door knew of them."""
    town = Town()
    both, home = town.suit(persons=2)
    (suit,) = both.proceedings
    first = suit.model_copy(update={"defendants": suit.defendants[:1]})
    for each in (
        changed(both, proceedings=(first,), tenant_ids=both.tenant_ids[:1]),
        home.model_copy(update={"members": home.members[:1]}),
        changed(both, household_version=2),
    ):
        town.hear(each)
    town.hear(town.attempt(both, AttemptResult.MET))
    assert [each.person_id for each in town.file(both).open_owed] == [suit.defendants[1].person_id]
    town.hear(home.model_copy(update={"version": 2}))
    sent = [each for each in town.events(AssignmentChanged) if isinstance(each, AssignmentChanged)]
    assert [each.person_id for each in sent[-1].residents] == [suit.defendants[1].person_id]
    town.hear(town.attempt(both, AttemptResult.MET))
    assert not town.file(both).open_owed


def test_met_at_the_door_does_not_end_a_new_round_that_joined_unheard() -> None:
    """The register's newer entry is not there yet: the team knows the visit, and not that one of two persons is owed anew."""
    town = Town()
    case, home = town.suit(persons=2)
    town.hear(case)
    town.hear(home)
    first, _ = town.file(case).open_owed
    town.hear(town.waive(case, (first.id,), WaiverReason.UNSAFE))
    town.hear(changed(with_eviction(case, MONDAY + timedelta(days=30), town.today), household_version=2))
    town.hear(town.attempt(case, AttemptResult.MET))
    assert [(each.person_id, each.round) for each in town.file(case).open_owed] == [(first.person_id, 2)]


def test_inputs_that_are_read_again_days_later_end_what_they_ended() -> None:
    """After a database was lost the visit is planned and sent anew, later than the day on which somebody stood there."""
    town = Town()
    case, home = town.suit()
    town.on(MONDAY + timedelta(days=3))
    town.hear(case)
    town.hear(home)
    town.hear(town.attempt(case, AttemptResult.MET, on=MONDAY))
    assert not town.file(case).open_owed


def test_met_on_one_of_two_visits_that_became_one_ends_nothing_that_only_the_other_named() -> None:
    town = Town()
    (s, home), (x, other_home) = town.suit(), town.suit()
    (_, door, _), (guest, other_door, _) = ids(s), ids(x)
    same_door = Replaced(was=other_door, now=door)
    (suit,) = x.proceedings
    moved = suit.model_copy(update={"defendants": (suit.defendants[0].model_copy(update={"address_id": door}),)})
    for each in (s, home, x, other_home):
        town.hear(each)
    town.hear(changed(s, proceedings=(*s.proceedings, moved), absorbed=(x.case_id,), household_version=2))
    gone = CaseMerged(
        case_id=x.case_id,
        household_id=x.household_id,
        into_case_id=s.case_id,
        into_household_id=s.household_id,
        merged_on=MONDAY,
        replaced=(same_door,),
    )
    town.hear(gone, "cases", str(x.case_id))
    assert len(town.file(s).open_owed) == 2
    town.hear(town.attempt(s, AttemptResult.MET))
    assert [each.person_id for each in town.file(s).open_owed] == [guest]
