"""The fold of reporting: any interleaving across topics gives the same row, and what comes twice changes nothing."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from services.reporting.fold import fold
from services.reporting.lines import Guarantee, line_of
from services.reporting.parts import Parts, Ruling
from services.reporting.store import row_of
from shared.contracts.codes import (
    ApplicationDecision,
    ArrearsCause,
    AssertedBy,
    AttemptResult,
    Basis,
    CaseChange,
    CaseStatus,
    Channel,
    ContactKind,
    NeedGroup,
    ObligationClose,
    ObligationReason,
    Outcome,
    Promise,
    ReferralState,
    Stage,
    Window,
)
from shared.contracts.topics import assessments, cases, outcomes, referrals, visits

CASE, SUIT, REFERRAL = UUID(int=1), UUID(int=2), UUID(int=3)
ANNA, BERND = UUID(int=11), UUID(int=12)
FLAT = UUID(int=21)
OWED_ANNA, OWED_BERND = UUID(int=31), UUID(int=32)


def report(number: int) -> UUID:
    return UUID(int=100 + number)


def case_event(
    kind: type[cases.CaseEvent] = cases.CaseUpdated,
    *,
    schonfrist: date | None = date(2026, 11, 30),
    status: CaseStatus = CaseStatus.OPEN,
    persons: tuple[UUID, ...] = (ANNA, BERND),
) -> cases.CaseEvent:
    deadline = (
        (cases.DeadlineFact(rule="SCHONFRIST_END", on=schonfrist, basis=Basis.LOWER_BOUND, rule_version="1", proceeding_id=SUIT),)
        if schonfrist
        else ()
    )
    return kind(
        case_id=CASE,
        household_id=UUID(int=4),
        household_version=1,
        district="NORD",
        status=status,
        stage=Stage.SUIT_FILED,
        received_on=date(2026, 10, 1),
        channel=Channel.XJUSTIZ,
        changes=(CaseChange.SUIT,),
        changed_on=date(2026, 10, 1),
        proceedings=(
            cases.ProceedingFact(
                proceeding_id=SUIT,
                channel=Channel.XJUSTIZ,
                received_on=date(2026, 10, 1),
                filed_on=date(2026, 9, 28),
                defendants=tuple(cases.DefendantFact(person_id=person, district="NORD") for person in persons),
            ),
        ),
        deadlines=deadline,
    )


def obligation(obligation_id: UUID, person: UUID, round_: int = 1, due_on: date = date(2026, 10, 8)) -> visits.Obligation:
    return visits.Obligation(
        obligation_id=obligation_id,
        person_id=person,
        address_id=FLAT,
        proceeding_id=SUIT,
        district="NORD",
        round=round_,
        reason=ObligationReason.SUIT,
        promise=Promise.WD5,
        owed_since=date(2026, 10, 1),
        due_on=due_on,
    )


def owed(*obligations: visits.Obligation) -> visits.VisitOwed:
    return visits.VisitOwed(case_id=CASE, obligations=obligations)


BOTH = owed(obligation(OWED_ANNA, ANNA), obligation(OWED_BERND, BERND))


def attempt(number: int, on: date, result: AttemptResult, *obligations: UUID) -> visits.VisitAttempted:
    return visits.VisitAttempted(
        case_id=CASE,
        report_id=report(number),
        obligation_ids=obligations or (OWED_ANNA, OWED_BERND),
        attempted_on=on,
        window=Window.MORNING,
        result=result,
    )


def closed(how: ObligationClose, *obligations: UUID, on: date = date(2026, 10, 7)) -> visits.ObligationClosed:
    return visits.ObligationClosed(case_id=CASE, obligation_ids=obligations or (OWED_ANNA, OWED_BERND), how=how, closed_on=on)


def referral(state: ReferralState, on: date, try_number: int = 1) -> referrals.ReferralChanged:
    return referrals.ReferralChanged(
        case_id=CASE,
        referral_id=REFERRAL,
        group=NeedGroup.MONEY,
        state=state,
        provider="jobcenter",
        try_number=try_number,
        changed_on=on,
    )


STORY: dict[str, list[BaseModel]] = {
    "cases": [
        case_event(cases.CaseOpened),
        case_event(schonfrist=date(2026, 12, 14)),
        case_event(cases.CaseClosed, schonfrist=None),
    ],
    "visits": [
        BOTH,
        attempt(1, date(2026, 10, 5), AttemptResult.NOT_MET),
        attempt(2, date(2026, 10, 7), AttemptResult.MET),
        closed(ObligationClose.MET),
    ],
    "assessments": [
        assessments.AssessmentRecorded(
            case_id=CASE,
            report_id=report(2),
            assessed_on=date(2026, 10, 7),
            causes=(
                assessments.Cause(cause=ArrearsCause.UNEMPLOYMENT, primary=True, asserted_by=AssertedBy.TENANT),
                assessments.Cause(cause=ArrearsCause.ENERGY_DEBT, asserted_by=AssertedBy.CASEWORKER),
            ),
        )
    ],
    "referrals": [
        referral(ReferralState.OFFERED, date(2026, 10, 8)),
        referral(ReferralState.TIMED_OUT, date(2026, 10, 12)),
        referral(ReferralState.OFFERED, date(2026, 10, 12), 2),
        referral(ReferralState.ACCEPTED, date(2026, 10, 13), 2),
        referral(ReferralState.STARTED, date(2026, 10, 20), 2),
        referrals.ApplicationDecided(
            case_id=CASE,
            referral_id=REFERRAL,
            provider="jobcenter",
            decision=ApplicationDecision.GRANTED,
            decided_on=date(2026, 10, 21),
        ),
    ],
    "outcomes": [
        outcomes.OutcomeRecorded(case_id=CASE, outcome=Outcome.NEVER_REACHED, ended_on=date(2026, 11, 2)),
        outcomes.OutcomeRecorded(
            case_id=CASE, outcome=Outcome.TENANCY_KEPT_ASSUMPTION_SGB2, ended_on=date(2026, 11, 2), revises=True
        ),
    ],
}


def folded(*events: BaseModel) -> Parts:
    parts = Parts()
    for event in events:
        fold(parts, event)
    return parts


@given(data=st.data())
def test_any_interleaving_across_topics_gives_the_same_row_and_duplicates_change_nothing(data: st.DataObject) -> None:
    turns = data.draw(st.permutations([topic for topic, events in STORY.items() for _ in events]))
    waiting = {topic: iter(events) for topic, events in STORY.items()}
    heard: list[BaseModel] = []
    for topic in turns:
        heard.extend([next(waiting[topic])] * data.draw(st.integers(1, 2)))
    in_order = [event for events in STORY.values() for event in events]
    assert row_of(CASE, folded(*heard)) == row_of(CASE, folded(*in_order))


def test_the_whole_story_as_one_line() -> None:
    line = line_of(folded(*(event for events in STORY.values() for event in events)))
    assert line is not None
    (suit,) = line.suits
    assert (suit.guarantee, suit.due_on) == (Guarantee.FULFILLED, date(2026, 10, 8))
    assert (suit.attempt_on, suit.contact_on) == (date(2026, 10, 5), date(2026, 10, 7))
    # 7 Oct to 14 Dec 2026 in North Rhine-Westphalia: 48 weekdays, no holiday on a weekday (1 Nov is a Sunday).
    assert suit.slack == 48
    assert (line.primary, line.causes) == (ArrearsCause.UNEMPLOYMENT, (ArrearsCause.ENERGY_DEBT, ArrearsCause.UNEMPLOYMENT))
    assert [(each.offered_on, each.answered_on, each.answer) for each in line.tries] == [
        (date(2026, 10, 8), date(2026, 10, 12), ReferralState.TIMED_OUT),
        (date(2026, 10, 12), date(2026, 10, 13), ReferralState.ACCEPTED),
    ]
    assert line.rulings == (Ruling(date(2026, 10, 21), ApplicationDecision.GRANTED),)
    assert line.outcome is Outcome.TENANCY_KEPT_ASSUMPTION_SGB2
    assert (line.owed, line.uncovered) == ((), 0)


def test_visits_before_the_case_wait_for_it() -> None:
    assert line_of(folded(BOTH)) is None
    line = line_of(folded(BOTH, case_event()))
    assert line is not None
    assert line.suits[0].guarantee is Guarantee.OPEN
    assert line.owed == (date(2026, 10, 8), date(2026, 10, 8))


def test_a_defendant_nobody_covered_or_excused_breaks_the_promise() -> None:
    line = line_of(folded(case_event(), owed(obligation(OWED_ANNA, ANNA))))
    assert line is not None
    assert (line.suits[0].guarantee, line.uncovered) == (Guarantee.UNCOVERED, 1)


def test_a_corrected_report_takes_its_attempt_back_and_reopens() -> None:
    events = (
        case_event(),
        BOTH,
        attempt(1, date(2026, 10, 5), AttemptResult.MET),
        closed(ObligationClose.MET),
        visits.ReportCorrected(
            case_id=CASE, report_id=report(9), corrects=report(1), reopened_obligation_ids=(OWED_ANNA, OWED_BERND)
        ),
    )
    line = line_of(folded(*events))
    assert line is not None
    assert line.suits[0].guarantee is Guarantee.OPEN
    assert line.suits[0].contact_on is None
    assert len(line.owed) == 2


def test_telephone_is_contact_but_no_visit_and_a_waiver_is_reported_apart() -> None:
    call = visits.ContactMade(
        case_id=CASE, report_id=report(1), kind=ContactKind.TELEPHONE, contacted_on=date(2026, 10, 2), reached=True
    )
    letter = visits.ContactMade(
        case_id=CASE, report_id=report(2), kind=ContactKind.LETTER, contacted_on=date(2026, 10, 1), reached=True
    )
    line = line_of(folded(case_event(), BOTH, letter, call, closed(ObligationClose.WAIVED)))
    assert line is not None
    (suit,) = line.suits
    assert (suit.guarantee, suit.attempt_on, suit.contact_on) == (Guarantee.WAIVED, None, date(2026, 10, 2))


def test_a_later_round_is_owed_but_does_not_undo_the_suits_guarantee() -> None:
    again = owed(obligation(UUID(int=33), ANNA, round_=2, due_on=date(2026, 12, 1)))
    line = line_of(folded(case_event(), BOTH, closed(ObligationClose.EXHAUSTED), again))
    assert line is not None
    assert line.suits[0].guarantee is Guarantee.FULFILLED
    assert line.owed == (date(2026, 12, 1),)


def test_a_merged_case_counts_nowhere() -> None:
    assert line_of(folded(case_event(status=CaseStatus.MERGED), BOTH)) is None


def test_what_no_indicator_needs_changes_nothing() -> None:
    before = folded(case_event())
    fold(before, visits.AdviceOffered(case_id=CASE, due_on=date(2026, 10, 9)))
    assert before == folded(case_event())


def test_a_row_reads_back_as_it_was_written() -> None:
    from services.reporting.parts import PART_TYPES

    parts = folded(*(event for events in STORY.values() for event in events))
    row = row_of(CASE, parts)
    assert [adapter.validate_json(str(text)) for adapter, text in zip(PART_TYPES.values(), row[1:6], strict=True)] == [
        parts.cases,
        parts.visits,
        parts.assessments,
        parts.referrals,
        parts.outcomes,
    ]
