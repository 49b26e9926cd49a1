"""What field reports do: attempts, waivers, slots, corrections, closing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from services.outreach.planning import distinct
from shared.contracts.catalogue import FIELD_REPORTS
from shared.contracts.codes import (
    Alarm,
    ArrearsCause,
    AttemptResult,
    Banner,
    ConsentForm,
    ConsentPurpose,
    ContactKind,
    Evidence,
    LegalFact,
    ObligationClose,
    Outcome,
    Stage,
    WaiverReason,
    Window,
)
from shared.contracts.topics.assessments import AssessmentRecorded, ConsentGiven, ConsentWithdrawn
from shared.contracts.topics.assignments import AssignmentChanged, AssignmentWithdrawn
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.field_reports import (
    ConsentReported,
    ConsentWithdrawalReported,
    ContactReported,
    HandedBack,
    LegalFactReported,
    ReportCorrection,
    ReportedCause,
    SlotReported,
    Talk,
)
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.visits import LegalFactSeen, ObligationClosed, ReportCorrected
from shared.messaging.model import Rejected
from tests.unit.outreach_room import MONDAY, Town, away, changed, heard_on

TUESDAY, WEDNESDAY, THURSDAY = (MONDAY + timedelta(days=n) for n in (1, 2, 3))


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def case(town: Town) -> CaseEvent:
    case, household = town.suit()
    town.hear(household)
    town.hear(case)
    return case


def refused(town: Town, report: Any, topic: str | None = None) -> tuple[str | None, str]:  # noqa: ANN401  any report
    before = dict(town.state.files)
    with pytest.raises(Rejected) as refusal:
        town.hear(report, topic)
    assert town.state.files == before
    return refusal.value.field, refusal.value.rule


def newest(town: Town, kind: type[Any]) -> Any:  # noqa: ANN401  an event of that kind
    return town.events(kind)[-1]


def test_three_attempts_at_the_slots_that_are_proposed_exhaust_the_obligation(town: Town, case: CaseEvent) -> None:
    for _ in range(3):
        assert town.file(case).open_owed
        town.hear(town.attempt(case))
    assert newest(town, ObligationClosed).how is ObligationClose.EXHAUSTED
    tried = town.file(case).attempts
    assert len({attempt.window for attempt in tried}) == 3
    assert (tried[-1].on - MONDAY).days <= 21


def test_attempts_at_the_same_window_or_weekday_do_not_add_up(town: Town, case: CaseEvent) -> None:
    for day, window in (
        (TUESDAY, Window.MORNING),
        (TUESDAY, Window.AFTERNOON),
        (WEDNESDAY, Window.MORNING),
        (THURSDAY, Window.MORNING),
    ):
        town.hear(town.attempt(case, on=day, window=window))
    assert town.file(case).open_owed
    town.hear(town.attempt(case, on=THURSDAY, window=Window.EVENING))
    assert not town.file(case).open_owed


def test_distinct_counts_the_largest_set_that_differs_in_weekday_and_window() -> None:
    crossed = [(TUESDAY, Window.MORNING), (WEDNESDAY, Window.MORNING), (TUESDAY, Window.AFTERNOON)]
    assert distinct(crossed) == 2
    assert distinct([*crossed, (WEDNESDAY, Window.EVENING)]) == 2
    assert distinct([*crossed, (THURSDAY, Window.EVENING)]) == 3


@pytest.mark.parametrize(
    "result",
    [
        AttemptResult.REFUSED_AT_DOOR,
        AttemptResult.UNSAFE_ABORTED,
        AttemptResult.LANGUAGE_BARRIER_ABORTED,
        AttemptResult.MINOR_ONLY,
    ],
)
def test_what_is_neither_met_nor_not_met_counts_for_nothing_and_is_planned_again(
    town: Town, case: CaseEvent, result: AttemptResult
) -> None:
    for _ in range(4):
        town.hear(town.attempt(case, result))
    assert town.visit(case).on is not None


def test_refused_with_information_handed_over_fulfils(town: Town, case: CaseEvent) -> None:
    town.hear(town.attempt(case, AttemptResult.REFUSED_AT_DOOR, information_handed_over=True))
    assert newest(town, ObligationClosed).how is ObligationClose.REFUSED_INFORMED


@pytest.mark.parametrize("result", [AttemptResult.MOVED_OUT, AttemptResult.DECEASED, AttemptResult.ADDRESS_NOT_FOUND])
def test_an_unclear_household_goes_to_the_teams_queue_with_an_alarm(town: Town, case: CaseEvent, result: AttemptResult) -> None:
    town.hear(town.attempt(case, result))
    visit = town.visit(case)
    assert (visit.caseworker, visit.on, visit.alarms) == (None, None, (Alarm.NEEDS_CLARIFICATION,))
    assert newest(town, AssignmentChanged).caseworker is None
    town.hear(heard_on(case, MONDAY + timedelta(days=11), MONDAY))
    assert town.visit(case).on is None, "only a person, or a corrected address, ends the clarification"


def test_a_corrected_address_is_visited_again(town: Town, case: CaseEvent) -> None:
    town.hear(town.attempt(case, AttemptResult.ADDRESS_NOT_FOUND))
    entry = town.state.registers[case.household_id]
    fixed = entry.addresses[0].model_copy(update={"address": entry.addresses[0].address.model_copy(update={"house_number": "7"})})
    town.hear(entry.model_copy(update={"version": 2, "addresses": (fixed,)}))
    assert town.visit(case).on is not None
    assert newest(town, AssignmentChanged).address.house_number == "7"


def test_a_waiver_needs_a_second_person_and_an_open_obligation(town: Town, case: CaseEvent) -> None:
    (owed,) = town.file(case).open_owed
    same = town.waive(case, (owed.id,), WaiverReason.UNSAFE, second="FK-06")
    assert refused(town, same) == ("second_person", "second_person")
    other = town.waive(case, (town.id(),), WaiverReason.UNSAFE)
    assert refused(town, other) == ("obligation_ids", "not_an_open_obligation")
    revoked = town.waive(case, (owed.id,), WaiverReason.NOTICE_REVOKED)
    assert refused(town, revoked) == ("reason", "not_for_a_waiver")
    town.hear(town.waive(case, (owed.id,), WaiverReason.UNSAFE))
    assert (newest(town, ObligationClosed).how, newest(town, ObligationClosed).reason) == ("WAIVED", "UNSAFE")


def test_no_visit_is_wanted_only_after_somebody_said_so(town: Town, case: CaseEvent) -> None:
    (owed,) = town.file(case).open_owed
    waiver = town.waive(case, (owed.id,), WaiverReason.HOUSEHOLD_WANTS_NO_VISIT)
    assert refused(town, waiver) == ("reason", "contact_first")
    letter = ContactReported(**town.by(case), contact=ContactKind.LETTER, contacted_on=MONDAY, reached=True)
    town.hear(letter)
    assert refused(town, waiver) == ("reason", "contact_first")
    town.hear(letter.model_copy(update={"contact": ContactKind.TELEPHONE}))
    town.hear(waiver)
    assert not town.file(case).open_owed


def test_contact_is_never_a_visit(town: Town, case: CaseEvent) -> None:
    said = town.hear(ContactReported(**town.by(case), contact=ContactKind.OFFICE, contacted_on=MONDAY, reached=True))
    assert said == ["de.bleibe.visit.contact-made.v1"]
    assert town.file(case).open_owed


def test_a_corrected_meeting_opens_the_obligation_again_and_takes_back_the_assessment(town: Town, case: CaseEvent) -> None:
    talk = Talk(causes=(ReportedCause(cause=ArrearsCause.UNEMPLOYMENT, primary=True),))
    decision = town.decide(town.attempt(case, AttemptResult.MET, talk=talk))
    wrong = decision.said[0].data.report_id  # type: ignore[union-attr]  # an attempt
    said = town.hear(ReportCorrection(**town.by(case), corrects=wrong))
    assert said == [
        "de.bleibe.visit.report-corrected.v1",
        "de.bleibe.assessment.recorded.v1",
        "de.bleibe.visit.planned.v1",
        "de.bleibe.assignment.created.v1",
    ]
    assert newest(town, ReportCorrected).reopened_obligation_ids == tuple(owed.id for owed in town.file(case).open_owed)
    assert newest(town, AssessmentRecorded).causes == ()
    assert refused(town, ReportCorrection(**town.by(case), corrects=wrong)) == ("corrects", "unknown_report")


def test_what_another_report_supports_stands_after_a_correction(town: Town, case: CaseEvent) -> None:
    visit = town.visit(case)
    first = town.decide(town.attempt(case, AttemptResult.MET)).said[0].data
    town.hear(town.attempt(case, AttemptResult.MET, on=WEDNESDAY, visit_id=visit.id))
    town.hear(ReportCorrection(**town.by(case), corrects=first.report_id))  # type: ignore[union-attr]  # an attempt
    assert newest(town, ReportCorrected).reopened_obligation_ids == ()
    assert not town.file(case).open_owed


def test_a_corrected_waiver_opens_the_obligation_again(town: Town, case: CaseEvent) -> None:
    (owed,) = town.file(case).open_owed
    town.hear(town.waive(case, (owed.id,), WaiverReason.UNSAFE))
    report = town.file(case).reports[-1].id
    town.hear(ReportCorrection(**town.by(case), corrects=report))
    assert newest(town, ReportCorrected).reopened_obligation_ids == (owed.id,)


def test_closing_is_refused_while_a_visit_is_owed(town: Town, case: CaseEvent) -> None:
    assert refused(town, town.outcome(case)) == ("outcome", "open_obligation")
    town.hear(town.attempt(case, AttemptResult.MET))
    town.hear(town.outcome(case))
    town.hear(town.outcome(case, Outcome.TENANCY_KEPT_SETTLEMENT))
    assert [each.revises for each in town.events(OutcomeRecorded)] == [False, True]  # type: ignore[attr-defined]  # outcomes


def test_a_tenancy_is_kept_only_when_the_ordinary_termination_is_settled(town: Town, case: CaseEvent) -> None:
    town.hear(changed(case, banners=(Banner.ORDINARY_TERMINATION_REMAINS,), stage=Stage.HEALED))
    town.hear(town.attempt(case, AttemptResult.MET))
    assert refused(town, town.outcome(case)) == ("ordinary_termination_settled", "ordinary_termination_remains")
    assert town.hear(town.outcome(case, settled=True)) == ["de.bleibe.outcome.recorded.v1"]


def test_a_slot_is_moved_by_its_caseworker(town: Town, case: CaseEvent) -> None:
    visit = town.visit(case)
    town.hear(SlotReported(**town.by(case), visit_id=visit.id, planned_on=THURSDAY, window=Window.EVENING))
    assert (town.visit(case).on, town.visit(case).window) == (THURSDAY, Window.EVENING)
    assert newest(town, AssignmentChanged).version == 2
    kept = SlotReported(**town.by(case), visit_id=visit.id, planned_on=THURSDAY, window=Window.EVENING)
    assert town.hear(kept) == []


def test_a_slot_after_the_promise_is_the_caseworkers_choice_until_a_deadline_moves(town: Town, case: CaseEvent) -> None:
    late = MONDAY + timedelta(days=14)
    town.hear(SlotReported(**town.by(case), visit_id=town.visit(case).id, planned_on=late, window=Window.MORNING))
    town.hear(changed(case, arrears_months=3))
    assert (town.visit(case).on, town.visit(case).alarms) == (late, (Alarm.AFTER_PROMISE,))
    town.hear(heard_on(case, MONDAY + timedelta(days=10), MONDAY))
    assert town.visit(case).on == TUESDAY


@pytest.mark.parametrize(
    ("day", "rule"), [(MONDAY - timedelta(days=3), "in_the_past"), (MONDAY + timedelta(days=5), "no_working_day")]
)
def test_a_slot_must_be_a_working_day_ahead(town: Town, case: CaseEvent, day: date, rule: str) -> None:
    slot = SlotReported(**town.by(case), visit_id=town.visit(case).id, planned_on=day, window=Window.MORNING)
    assert refused(town, slot) == ("planned_on", rule)


def test_a_full_window_takes_no_third_visit() -> None:
    town = Town(data=away("fk-07", "fk-08"))
    for fits in (True, True, False):
        case, _ = town.suit()
        town.hear(case)
        slot = SlotReported(**town.by(case), visit_id=town.visit(case).id, planned_on=THURSDAY, window=Window.EVENING)
        if fits:
            town.hear(slot)
        else:
            assert refused(town, slot) == ("window", "slot_taken")


def test_a_visit_handed_back_goes_to_somebody_else_and_at_last_to_the_queue(town: Town, case: CaseEvent) -> None:
    had = []
    while (who := town.visit(case).caseworker) is not None:
        had.append(who)
        town.hear(HandedBack(**town.by(case, who), visit_id=town.visit(case).id))
    assert sorted(had) == ["fk-06", "fk-07", "fk-08"]
    assert had[-1] == "fk-08", "who works in the district comes before who does not"
    assert town.visit(case).alarms == (Alarm.NO_CASEWORKER,)
    back = HandedBack(**town.by(case), visit_id=town.visit(case).id)
    assert refused(town, back) == ("visit_id", "already_in_the_queue")


def test_a_legal_fact_seen_is_told_and_never_as_the_courts_own(town: Town, case: CaseEvent) -> None:
    seen = LegalFactReported(**town.by(case), fact=LegalFact.SERVED, on=MONDAY, evidence=Evidence.DOCUMENT)
    assert town.hear(seen) == ["de.bleibe.visit.legal-fact-seen.v1"]
    assert newest(town, LegalFactSeen).evidence is Evidence.DOCUMENT
    assert refused(town, seen.model_copy(update={"evidence": Evidence.COURT})) == ("evidence", "document_or_word")
    assert refused(town, seen.model_copy(update={"person_id": town.id()})) == ("person_id", "unknown_person")


def test_consent_is_given_and_withdrawn_by_the_same_person(town: Town, case: CaseEvent) -> None:
    person = case.tenant_ids[0]
    consent = ConsentReported(
        **town.by(case), person_id=person, purpose=ConsentPurpose.HEALTH_DATA, form=ConsentForm.ORAL, given_on=MONDAY
    )
    assert refused(town, consent) == ("form", "written_or_electronic")
    town.hear(consent.model_copy(update={"form": ConsentForm.WRITTEN}))
    given = newest(town, ConsentGiven).consent_id
    gone = ConsentWithdrawalReported(**town.by(case), consent_id=given, person_id=town.id(), withdrawn_on=MONDAY)
    assert refused(town, gone) == ("person_id", "not_the_one_who_gave_it")
    town.hear(gone.model_copy(update={"person_id": person}))
    assert newest(town, ConsentWithdrawn).consent_id == given
    assert town.hear(gone.model_copy(update={"person_id": person})) == []


def test_exactly_one_cause_is_primary(town: Town, case: CaseEvent) -> None:
    two = tuple(ReportedCause(cause=cause, primary=True) for cause in (ArrearsCause.ENERGY_DEBT, ArrearsCause.UNEMPLOYMENT))
    report = town.attempt(case, AttemptResult.MET, talk=Talk(causes=two))
    assert refused(town, report) == ("talk.causes", "one_primary_none_twice")


def test_only_a_team_of_the_case_may_report_on_it(town: Town, case: CaseEvent) -> None:
    assert refused(town, town.attempt(case), FIELD_REPORTS.of("mitte")) == ("case_id", "case_of_another_team")
    unknown = town.attempt(case).model_copy(update={"case_id": town.id()})
    assert refused(town, unknown) == ("case_id", "unknown_case")


def test_tomorrow_has_not_been_tried_yet(town: Town, case: CaseEvent) -> None:
    report = town.attempt(case, on=MONDAY).model_copy(update={"attempted_on": TUESDAY})
    assert refused(town, report) == ("attempted_on", "in_the_future")


def test_notes_stay_in_outreachs_own_table(town: Town, case: CaseEvent) -> None:
    town.hear(town.attempt(case, note="Der Hund heißt Waldi."))
    assert [note.text for note in town.state.notes] == ["Der Hund heißt Waldi."]
    assert all("Waldi" not in said.data.model_dump_json() for said in town.said if said.data)
    assert "Waldi" not in str(town.file(case))


def test_an_attempt_without_a_visit_speaks_of_its_address_or_of_all(town: Town) -> None:
    case, household = town.suit(persons=2, addresses=2)
    town.hear(household)
    town.hear(case)
    first, second = town.file(case).open_owed
    town.hear(town.attempt(case, AttemptResult.MET, visit_id=None, address_id=first.address_id))
    assert [owed.id for owed in town.file(case).open_owed] == [second.id]
    town.hear(town.attempt(case, AttemptResult.MET, visit_id=None))
    assert not town.file(case).open_owed
    assert {each.version for each in town.events(AssignmentWithdrawn)} == {2}  # type: ignore[attr-defined]  # withdrawals
