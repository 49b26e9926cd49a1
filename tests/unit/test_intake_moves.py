"""Merges, and merges and splits in any order: every statement counts in one case, and what is derived is what was said."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given, settings

from services.intake.deriving import case_of, derive
from services.intake.moves import _replaced
from services.intake.snapshot import same
from shared.contracts.codes import CaseChange, CaseStatus
from shared.contracts.topics.cases import CaseMerged, CaseReopened, CaseSplit, Replaced
from shared.contracts.topics.households import HouseholdRecorded
from shared.messaging.model import Rejected
from tests.unit.intake_office import JOBCENTER
from tests.unit.intake_town import SLIP, Town, ended, play, ref, seen, steps, two_cases
from tests.unit.intake_words import days, party, suit


def test_the_case_heard_of_first_survives_and_the_other_ends_its_key() -> None:
    town = Town()
    one, other = two_cases(town)
    into, absorbed = town.merge(other, one)
    assert {into, absorbed} == {one, other}
    ended = [each.data for each in town.said if each.key == str(absorbed)][-1]
    assert isinstance(ended, CaseMerged)
    assert ended.into_case_id == into
    event = town.event(into)
    assert event.absorbed == (absorbed,)
    assert CaseChange.MERGED in event.changes
    assert len(event.proceedings) == 2
    gone = [each for each in town.said if each.topic == "households" and each.data is None]
    assert [each.key for each in gone] == [str(ended.household_id)]


def test_who_is_the_same_goes_by_the_surviving_households_id() -> None:
    town = Town()
    one, other = two_cases(town)
    persons = {case: town.event(case).tenant_ids for case in (one, other)}
    into, absorbed = town.merge(one, other)
    assert town.event(into).tenant_ids == persons[into]
    ended = next(each.data for each in town.said if isinstance(each.data, CaseMerged))
    now = {each.was: each.now for each in ended.replaced}
    assert now[persons[absorbed][0]] == persons[into][0]
    homes = {each.address_id for suit_ in town.event(into).proceedings for each in suit_.defendants}
    assert len(homes) == 1


def test_relatives_of_one_household_stay_two_people() -> None:
    town = Town()
    one = town.hear(suit(party("Beispiel", "Berta"), proceeding=ref(1)))
    other = town.hear(suit(party("Beispiel", "Otto"), proceeding=ref(2)))
    into, _ = town.merge(one, other)
    assert len(town.event(into).tenant_ids) == 2


def test_the_same_suit_told_twice_is_one_proceeding_after_the_merge() -> None:
    town = Town()
    one = town.hear(suit(party("Beispiel", "Berta"), proceeding=None))
    other = town.hear(suit(party("Beyspil", "B.", SLIP), proceeding=ref(2)), JOBCENTER)
    was = {town.event(case).proceedings[0].proceeding_id for case in (one, other)}
    into, absorbed = town.merge(one, other)
    (proceeding,) = town.event(into).proceedings
    ended = next(each.data for each in town.said if isinstance(each.data, CaseMerged))
    renamed = {each.was: each.now for each in (*ended.replaced, *town.event(into).replaced)}
    assert {renamed.get(each, each) for each in was} == {proceeding.proceeding_id}
    assert absorbed in town.event(into).absorbed


def test_a_closed_case_that_absorbs_an_open_one_is_reopened() -> None:
    town = Town()
    one, other = two_cases(town)
    into, absorbed = sorted((one, other), key=lambda case: (town.event(case).received_on, case))
    town.told("outcomes", "outreach", ended(into))
    assert town.event(into).status is CaseStatus.CLOSED
    town.merge(into, absorbed)
    assert isinstance(town.event(into), CaseReopened)


def test_what_names_an_alias_means_the_case_that_it_is_part_of() -> None:
    town = Town()
    one, other = two_cases(town)
    fact_about = town.event(other).proceedings[0].proceeding_id
    into, absorbed = town.merge(one, other)
    town.told("visits", "outreach", seen(absorbed, proceeding_id=fact_about))
    served = [suit_ for suit_ in town.event(into).proceedings if suit_.proceeding_id == fact_about]
    assert served[0].defendants[0].served_on == days(-3).date()


def test_a_fact_about_a_person_who_goes_by_another_id_now_is_about_that_person() -> None:
    town = Town()
    one, other = two_cases(town)
    person = {case: town.event(case).tenant_ids[0] for case in (one, other)}
    suits = {case: town.event(case).proceedings[0].proceeding_id for case in (one, other)}
    into, absorbed = town.merge(one, other)
    town.told("visits", "outreach", seen(absorbed, proceeding_id=suits[absorbed], person_id=person[absorbed]))
    served = {each.proceeding_id: each.defendants[0].served_on for each in town.event(into).proceedings}
    assert served[suits[absorbed]] == days(-3).date()


def test_an_outcome_said_before_the_merge_was_known_leaves_the_case_open() -> None:
    town = Town()
    into, absorbed = town.merge(*two_cases(town))
    town.told("outcomes", "outreach", ended(into))
    assert town.event(into).status is CaseStatus.OPEN
    town.told("outcomes", "outreach", ended(into, absorbed))
    assert town.event(into).status is CaseStatus.CLOSED


def test_a_case_does_not_merge_with_itself_or_with_nothing() -> None:
    town = Town()
    one, other = two_cases(town)
    town.merge(one, other)
    for pair, rule in (((one, other), "same_case"), ((one, UUID(int=0)), "unknown_case")):
        with pytest.raises(Rejected) as refused:
            town.merge(*pair)
        assert refused.value.rule == rule


@settings(max_examples=80)
@given(steps)
def test_whatever_is_merged_and_split_nothing_is_lost(story: list[object]) -> None:
    town = Town()
    play(town, story)
    living = {case.id: case for case in town.living()}
    for statement in town.desk.statements.values():
        assert statement.case_id in living
    for alias in (each for each in town.desk.cases.values() if each.merged_into is not None):
        assert alias.merged_into in living
        assert living[alias.merged_into].household_id == alias.household_id
        assert alias.household_before is None or town.home(alias.household_before) == alias.household_id
    for case in living.values():
        household = town.desk.households[case.household_id]
        assert case.last is not None
        assert case.last.household_id == household.id
        derived = derive(town.desk, household, town.desk.cases_of(household.id), {})
        _, event, _ = case_of(town.desk, derived, case.id)
        assert same(case.last, event)
        assert derived.state.record == household.record
        assert derived.keys.keys() <= {key for key, by in town.desk.keys.items() if household.id in by}


@settings(max_examples=80)
@given(steps)
def test_the_events_alone_tell_where_every_case_went(story: list[object]) -> None:
    town = Town()
    play(town, story)
    merged = {each.data.case_id: each.data.into_case_id for each in town.said if isinstance(each.data, CaseMerged)}
    came = [each.data for each in town.said if isinstance(each.data, CaseSplit)]

    def now(case_id: UUID) -> UUID:
        while case_id in merged:
            case_id = merged[case_id]
        return case_id

    for case in town.living():
        event = town.event(case.id)
        assert set(event.absorbed) == {each for each in merged if now(each) == case.id}
        assert set(event.split_off) == {each.case_id for each in came if now(each.split_from) == case.id}
        record = town.desk.households[case.household_id].record
        assert isinstance(record, HouseholdRecorded)
        assert set(event.tenant_ids) <= {each.person_id for each in record.members}
    for case_id in merged:
        assert isinstance([each.data for each in town.said if each.key == str(case_id)][-1], CaseMerged)


def test_a_person_keeps_their_id_where_an_earlier_one_of_theirs_means_somebody_else_now() -> None:
    """An id of an absorbed case is remembered for whom it meant; another merge may find somebody more like it."""
    town = Town()
    one = town.hear(suit(party("Beispiel", "Berta"), proceeding=ref(1)))
    other = town.hear(suit(party("Beispiel", "Otto"), proceeding=ref(2)))
    into, _ = town.merge(one, other)
    state = town.desk.households[town.desk.cases[into].household_id]
    household = derive(town.desk, state, town.desk.cases_of(state.id), {})
    berta, otto = town.event(into).tenant_ids
    earlier = f"was|{UUID(int=7)}"
    household.ids.known[earlier] = otto
    assert _replaced({earlier: berta}, household, into, into) == ()
    assert _replaced({earlier: UUID(int=7)}, household, into, into) == (Replaced(was=UUID(int=7), now=otto),)
