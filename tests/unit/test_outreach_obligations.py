"""Who is owed a visit, and when a new round opens."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shared.contracts.codes import (
    AttemptResult,
    CaseChange,
    CaseStatus,
    Channel,
    EvictionStatus,
    NoVisitReason,
    ObligationClose,
    ObligationReason,
    ProceedingOutcome,
    Promise,
    Stage,
    TerminationType,
    WaiverReason,
)
from shared.contracts.topics.cases import CaseErased, CaseEvent, CaseReopened, DefendantFact, TerminationFact
from shared.contracts.topics.visits import AdviceOffered, ObligationClosed, VisitOwed
from tests.unit.outreach_room import MONDAY, Town, changed, heard_on, judged, with_eviction, with_proceeding

ANSWERED = date(2026, 12, 14)


def opened(town: Town, **more: object) -> CaseEvent:
    case, household = town.suit(**more)  # type: ignore[arg-type]  # handed on as they came
    town.hear(household)
    town.hear(case)
    return case


def test_each_defendant_is_owed_one_visit_and_one_visit_serves_an_address() -> None:
    town = Town()
    case = opened(town, persons=3, addresses=2)
    file = town.file(case)
    assert len(file.open_owed) == 3
    assert sorted(len(visit.obligation_ids) for visit in file.visits) == [1, 2]


def test_a_defendant_outside_the_city_or_without_an_address_is_excused_with_a_code() -> None:
    town = Town()
    case, _ = town.suit(persons=2)
    first, second = case.proceedings[0].defendants
    away = first.model_copy(update={"in_city": False})
    nowhere = second.model_copy(update={"address_id": None})
    town.hear(with_proceeding(case, MONDAY, defendants=(away, nowhere)))
    assert [each.reason for each in town.file(case).excused] == [NoVisitReason.OUTSIDE_CITY, NoVisitReason.ADDRESS_UNKNOWN]
    assert not town.file(case).owed


def test_an_excused_defendant_whose_address_becomes_known_is_owed_a_visit() -> None:
    town = Town()
    case, _ = town.suit()
    known = case.proceedings[0].defendants
    town.hear(with_proceeding(case, MONDAY, defendants=(known[0].model_copy(update={"address_id": None}),)))
    town.hear(case)
    assert len(town.file(case).open_owed) == 1
    assert not town.file(case).excused


def test_the_bailiffs_date_may_be_the_first_thing_heard() -> None:
    town = Town()
    case, _ = town.suit()
    first = changed(with_eviction(case, MONDAY + timedelta(days=14), MONDAY), proceedings=(), stage=Stage.EVICTION_DATE_SET)
    town.hear(first)
    (owed,) = town.file(case).open_owed
    assert (owed.reason, owed.promise, owed.due_on) == (
        ObligationReason.EVICTION_DATE,
        Promise.WD1,
        MONDAY + timedelta(days=1),
    )
    assert town.visit(case).on == MONDAY + timedelta(days=1)


def test_a_suit_that_becomes_known_after_the_bailiffs_date_is_covered_by_the_same_obligation() -> None:
    town = Town()
    case, _ = town.suit()
    eviction = with_eviction(case, MONDAY + timedelta(days=14), MONDAY)
    town.hear(changed(eviction, proceedings=(), stage=Stage.EVICTION_DATE_SET))
    town.hear(eviction)
    (owed,) = town.file(case).owed
    assert owed.proceeding_id == case.proceedings[0].proceeding_id


@pytest.mark.parametrize(
    ("grace_days", "promise"),
    [(63, Promise.WD5), (21, Promise.WD5), (20, Promise.WD2), (-3, Promise.WD2)],
)
def test_the_promise_tightens_with_the_slack(grace_days: int, promise: Promise) -> None:
    town = Town()
    case, _ = town.suit()
    deadline = case.deadlines[0].model_copy(update={"on": MONDAY + timedelta(days=grace_days)})
    town.hear(changed(case, deadlines=(deadline,)))
    assert town.file(case).owed[0].promise is promise


def test_a_hearing_set_later_tightens_the_open_promise_and_never_loosens_it() -> None:
    town = Town()
    case = opened(town)
    soon = heard_on(case, MONDAY + timedelta(days=11), MONDAY)
    town.hear(soon)
    (owed,) = town.file(case).owed
    assert (owed.promise, owed.due_on) == (Promise.WD2, MONDAY + timedelta(days=2))
    town.hear(heard_on(case, MONDAY + timedelta(days=60), MONDAY))
    assert town.file(case).owed[0].due_on == MONDAY + timedelta(days=2)


def test_a_new_eviction_date_opens_a_new_round_once() -> None:
    town = Town()
    case = opened(town)
    town.hear(town.attempt(case, AttemptResult.MET))
    town.on(ANSWERED)
    eviction = with_eviction(case, ANSWERED + timedelta(days=30), ANSWERED)
    town.hear(eviction)
    town.hear(eviction)
    rounds = [(owed.round, owed.reason, owed.open) for owed in town.file(case).owed]
    assert rounds == [(1, ObligationReason.SUIT, False), (2, ObligationReason.EVICTION_DATE, True)]
    town.hear(with_eviction(case, ANSWERED + timedelta(days=40), ANSWERED))
    assert len(town.file(case).owed) == 2, "an open obligation answers the postponed date"


def test_a_cancelled_eviction_opens_no_round() -> None:
    town = Town()
    case = opened(town)
    town.hear(town.attempt(case, AttemptResult.MET))
    town.hear(with_eviction(case, ANSWERED, MONDAY, EvictionStatus.CANCELLED))
    assert len(town.file(case).owed) == 1


@pytest.mark.parametrize(("result", "rounds"), [(AttemptResult.REFUSED_AT_DOOR, 2), (AttemptResult.MET, 1)])
def test_a_title_opens_a_round_only_for_a_household_never_met(result: AttemptResult, rounds: int) -> None:
    town = Town()
    case = opened(town)
    town.hear(town.attempt(case, result, information_handed_over=True))
    town.hear(judged(case, town.today))
    town.hear(judged(case, town.today))
    assert len(town.file(case).owed) == rounds


def test_a_withdrawn_suit_takes_nothing_back() -> None:
    town = Town()
    case = opened(town)
    town.hear(with_proceeding(changed(case, stage=Stage.WITHDRAWN), MONDAY, outcome=ProceedingOutcome.WITHDRAWN))
    assert len(town.file(case).open_owed) == 1


def test_a_revoked_notice_voids_the_obligation_and_takes_the_assignment_back() -> None:
    town = Town()
    case = opened(town)
    said = town.hear(changed(case, proceedings=(), stage=Stage.NONE, status=CaseStatus.CLOSED, changes=(CaseChange.REVOCATION,)))
    assert said == ["de.bleibe.visit.obligation-closed.v1", "de.bleibe.assignment.withdrawn.v1"]
    (closed,) = town.events(ObligationClosed)
    assert isinstance(closed, ObligationClosed)
    assert (closed.how, closed.reason) == (ObligationClose.VOID, WaiverReason.NOTICE_REVOKED)


def test_a_defendant_who_moves_is_owed_the_visit_at_the_new_address() -> None:
    town = Town()
    case = opened(town)
    (there,) = case.proceedings[0].defendants
    town.hear(with_proceeding(case, MONDAY, defendants=(there.model_copy(update={"address_id": town.id()}),)))
    old, new = town.file(case).owed
    assert old.void is not None
    assert (old.void.reason, new.open) == (WaiverReason.COVERED_ELSEWHERE, True)


def test_an_obligation_stays_while_another_suit_supports_it() -> None:
    town = Town()
    case, _ = town.suit()
    again = case.proceedings[0].model_copy(update={"proceeding_id": town.id()})
    town.hear(changed(case, proceedings=(*case.proceedings, again)))
    assert len(town.file(case).visits) == 1
    town.hear(changed(case, proceedings=(again,), changes=(CaseChange.REVOCATION,)))
    (still,) = town.file(case).open_owed
    assert still.proceeding_id == again.proceeding_id


def test_a_termination_alone_is_an_advice_offer() -> None:
    town = Town()
    case, _ = town.suit()
    ended = TerminationFact(termination_id=town.id(), types=(TerminationType.EXTRAORDINARY_ARREARS,), received_on=MONDAY)
    alone = changed(case, proceedings=(), terminations=(ended,), stage=Stage.TERMINATED, channel=Channel.LANDLORD)
    town.hear(alone)
    town.hear(alone)
    (offer,) = town.events(AdviceOffered)
    assert isinstance(offer, AdviceOffered)
    assert offer.due_on == MONDAY + timedelta(days=3)
    assert not town.events(VisitOwed)
    town.hear(case)
    assert len(town.file(case).open_owed) == 1, "the suit that follows is owed its visit"


def test_a_dead_defendant_is_not_owed_another_round() -> None:
    town = Town()
    case = opened(town)
    (owed,) = town.file(case).open_owed
    town.hear(town.waive(case, (owed.id,), WaiverReason.DECEASED))
    town.hear(with_eviction(case, ANSWERED, MONDAY))
    assert not town.file(case).open_owed
    other = DefendantFact(person_id=owed.person_id, address_id=town.id(), district="NORD")
    town.hear(with_proceeding(case, MONDAY, defendants=(other,)))
    assert [each.reason for each in town.file(case).excused] == [NoVisitReason.DECEASED]


def test_a_case_reopened_forgets_its_outcome() -> None:
    town = Town()
    case = opened(town)
    town.hear(town.attempt(case, AttemptResult.MET))
    town.hear(town.outcome(case))
    town.hear(CaseReopened(**dict(case)))
    assert town.file(case).outcome is None


def test_an_erased_case_leaves_nothing_and_takes_its_assignment_back() -> None:
    town = Town()
    case = opened(town)
    gone = CaseErased(case_id=case.case_id, household_id=case.household_id)
    assert town.hear(gone, "cases", str(case.case_id)) == ["de.bleibe.assignment.withdrawn.v1"]
    assert case.case_id not in town.state.files
    assert town.hear(None, "households", str(case.household_id)) == []
    assert case.household_id not in town.state.registers
