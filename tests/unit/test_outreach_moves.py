"""Merged and split cases: whichever key is read first, and whatever is reported meanwhile, the files come out the same."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.codes import (
    AttemptResult,
    Basis,
    CaseChange,
    ContactKind,
    Evidence,
    LegalFact,
    ObligationClose,
    Stage,
    WaiverReason,
    Window,
    WithdrawReason,
)
from shared.contracts.fields import Event
from shared.contracts.topics.assessments import AssessmentTakenOver
from shared.contracts.topics.assignments import AssignmentCreated, AssignmentWithdrawn
from shared.contracts.topics.cases import (
    CaseEvent,
    CaseMerged,
    DeadlineFact,
    DefendantFact,
    ProceedingFact,
    Replaced,
)
from shared.contracts.topics.field_reports import (
    ContactReported,
    LegalFactReported,
    ReportCorrection,
    SlotReported,
    Talk,
)
from shared.contracts.topics.visits import (
    LegalFactSeen,
    VisitsTakenOver,
)
from tests.unit.outreach_room import MONDAY, Town, changed
from tests.unit.outreach_story import Story, ids, orders, play, shapes, told_is_so


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("same", [False, True])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_interleaving_of_the_keys_and_reports_comes_to_the_same(same: bool, split: bool, data: st.DataObject) -> None:
    plain = Story(same)
    expected = shapes(play(plain, [plain.s, plain.x, *_rest(plain, split)]), same)
    story = Story(same)
    found = shapes(play(story, data.draw(orders(story.keys(split=split), story.reports()))), same)
    assert found == expected


def _rest(story: Story, split: bool) -> list[Event]:
    """In the order in which it happened, all reported before the merge."""
    new: list[Event] = [story.n, story.parted] if split else []
    reports = [each for line in story.reports() for each in line]
    return [story.shared_home, story.other_home, story.new_home, *reports, story.gone, story.merged, *new]


def test_what_was_met_in_one_case_is_not_owed_in_the_other() -> None:
    story = Story(same=True)
    town = play(story, [story.s, story.x, story.reports()[1][0]])
    assert town.file(story.s).open_owed
    play(story, [story.merged, story.gone])
    assert not town.file(story.s).open_owed
    (taken,) = town.events(VisitsTakenOver)
    assert isinstance(taken, VisitsTakenOver)
    assert [(each.how, each.closed_reason) for each in taken.obligations] == [
        (ObligationClose.VOID, WaiverReason.COVERED_ELSEWHERE)
    ]
    assert [each.result for each in taken.attempts] == [AttemptResult.MET]


def test_the_visit_keeps_its_id_and_its_chosen_slot_under_the_other_key() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.x, story.shared_home, story.other_home])
    visit = town.visit(story.x)
    who = visit.caseworker or ""
    day = MONDAY + timedelta(days=2)
    play(story, [SlotReported(**town.by(story.x, who), visit_id=visit.id, planned_on=day, window=Window.EVENING)])
    town.said.clear()
    for event in (story.gone, story.merged):
        town.hear(event, "cases", str(event.case_id))
    moved = town.file(story.s).visit(visit.id)
    assert moved is not None
    assert (moved.caseworker, moved.on, moved.window) == (who, day, Window.EVENING)
    left, came = [each for each in town.said if getattr(each.data, "visit_id", None) == visit.id and "assignments" in each.topic]
    assert isinstance(left.data, AssignmentWithdrawn)
    assert (left.key, left.data.reason) == (str(story.x.case_id), WithdrawReason.CASE_MOVED)
    assert isinstance(came.data, AssignmentCreated)
    assert came.key == str(story.s.case_id)
    assert came.data.version == left.data.version + 1


def test_reports_by_the_old_id_count_for_the_case_it_is_part_of_now() -> None:
    story = Story(same=True)
    town = play(story, [story.s, story.x])
    met = story.reports()[1][0]
    heard = town._heard(met, "field-reports.nord-west", None)
    town.said += town.room.decide(town.state, heard).said
    play(story, [story.gone, story.merged])
    seen = LegalFactReported(
        **town.by(story.x), fact=LegalFact.SERVED, on=MONDAY, evidence=Evidence.DOCUMENT, person_id=ids(story.x)[0]
    )
    play(story, [seen])
    (fact,) = town.events(LegalFactSeen)
    assert isinstance(fact, LegalFactSeen)
    assert (fact.case_id, fact.person_id) == (story.s.case_id, ids(story.s)[0])
    play(story, [ReportCorrection(**town.by(story.x), corrects=heard.id)])
    assert len(town.file(story.s).open_owed) == 1


def test_a_chain_of_merges_is_followed_to_its_end_in_any_order() -> None:
    story = Story(same=False)
    first, _ = story.town.suit()
    first_gone = story.gone.model_copy(
        update={"case_id": first.case_id, "into_case_id": story.x.case_id, "into_household_id": story.x.household_id}
    )
    suits = (*story.x.proceedings, *first.proceedings)
    x_with = changed(story.x, proceedings=suits, absorbed=(first.case_id,))
    gone = story.gone.model_copy(update={"absorbed": (first.case_id,)})
    whole = changed(
        story.merged, proceedings=(*story.s.proceedings, *suits), absorbed=(story.x.case_id, first.case_id), changed_on=MONDAY
    )
    town = play(story, [whole, story.x, x_with, gone])
    assert set(town.state.files) == {story.s.case_id, story.x.case_id}
    play(story, [first, first_gone])
    assert set(town.state.files) == {story.s.case_id}
    assert town.state.aliases == {story.x.case_id: story.s.case_id, first.case_id: story.s.case_id}
    assert len(town.file(story.s).open_owed) == 3


def test_an_assessment_newer_than_the_cases_own_is_told_on_its_key() -> None:
    story = Story(same=False)
    talk = {"contact": ContactKind.OFFICE, "reached": True, "talk": Talk()}
    town = play(story, [story.s, story.x])
    town.on(MONDAY + timedelta(days=1))
    older = ContactReported(**town.by(story.s), **talk, contacted_on=MONDAY)
    newer = ContactReported(**town.by(story.x), **talk, contacted_on=MONDAY + timedelta(days=1))
    play(story, [newer, older, story.gone, story.merged])
    (told,) = town.events(AssessmentTakenOver)
    assert isinstance(told, AssessmentTakenOver)
    assert (told.case_id, told.assessed_on) == (story.s.case_id, MONDAY + timedelta(days=1))
    assert town.file(story.s).talks[-1].on == told.assessed_on


def test_the_absorbed_households_tombstone_takes_nothing_from_a_case_on_its_way() -> None:
    story = Story(same=False)
    town = play(story, [story.x, story.other_home, story.gone])
    town.hear(None, "households", str(story.x.household_id))
    assert not town.events(AssignmentWithdrawn)
    play(story, [story.s, story.shared_home, story.merged])
    assert {each.reason for each in town.events(AssignmentWithdrawn)} == {WithdrawReason.CASE_MOVED}  # type: ignore[attr-defined]  # AssignmentWithdrawn
    assert len([each for each in town.file(story.s).visits if each.sent_to]) == 2


def test_an_event_behind_the_merge_is_not_swallowed() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.x, story.gone, story.merged])
    with suppress(ValueError):
        town.decide(story.x)
        pytest.fail("read as if the case were still there")


def test_a_state_is_acted_upon_only_with_the_moves_it_tells_of() -> None:
    story = Story(same=True)
    eviction = changed(story.merged, stage=Stage.EVICTION_DATE_SET, deadlines=(_security(story),))
    town = play(story, [story.s, story.x, eviction])
    assert town.file(story.s).case == _plain(story.s)
    play(story, [story.gone])
    assert town.file(story.s).case == _plain(eviction)


def _security(story: Story) -> DeadlineFact:
    del story
    return DeadlineFact(rule="SECURITY_ORDER", on=MONDAY + timedelta(days=3), basis=Basis.EXACT, rule_version="v1")


def _plain(case: CaseEvent) -> CaseEvent:
    return CaseEvent(**dict(case))


def test_persons_of_one_household_that_are_the_same_are_owed_one_visit() -> None:
    town = Town()
    case, _ = town.suit(persons=2)
    suit = case.proceedings[0]
    one, two = suit.defendants
    town.hear(case)
    assert len(town.file(case).open_owed) == 2
    only = ProceedingFact(**{**dict(suit), "defendants": (DefendantFact(**dict(one)),)})
    same = Replaced(was=two.person_id, now=one.person_id)
    town.hear(changed(case, proceedings=(only,), tenant_ids=(one.person_id,), replaced=(same,)))
    assert len(town.file(case).open_owed) == 1
    told_is_so(town)


def test_two_defendants_of_an_absorbed_case_who_are_one_person_after_it_are_owed_one_visit() -> None:
    town = Town()
    survivor, _ = town.suit()
    absorbed, _ = town.suit(persons=2)
    for case in (survivor, absorbed):
        town.hear(case)
    suit, (person, *_) = absorbed.proceedings[0], survivor.tenant_ids
    told = ProceedingFact(**{**dict(suit), "defendants": (DefendantFact(**{**dict(suit.defendants[0]), "person_id": person}),)})
    suits = (*survivor.proceedings, told)
    town.hear(changed(survivor, proceedings=suits, absorbed=(absorbed.case_id,), changes=(CaseChange.MERGED,)))
    town.hear(
        CaseMerged(
            case_id=absorbed.case_id,
            household_id=absorbed.household_id,
            into_case_id=survivor.case_id,
            into_household_id=survivor.household_id,
            merged_on=MONDAY,
            replaced=tuple(Replaced(was=each.person_id, now=person) for each in suit.defendants),
        )
    )
    assert {each.proceeding_id for each in town.file(survivor).open_owed} == {each.proceeding_id for each in suits}
    assert len(town.file(survivor).open_owed) == len(suits)
    told_is_so(town)
