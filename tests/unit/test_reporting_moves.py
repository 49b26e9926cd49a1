"""Merged and split cases in reporting: a pair comes to what one case would have come to, and nothing is counted twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from services.reporting import indicators
from services.reporting.fold import fold
from services.reporting.lines import CaseLine, Guarantee, line_of
from services.reporting.parts import Parts, VisitPart
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
    NoVisitReason,
    ObligationClose,
    ObligationReason,
    Promise,
    ReferralState,
    Stage,
    Window,
)
from shared.contracts.topics import assessments, cases, referrals, visits

S, X, N = UUID(int=1), UUID(int=2), UUID(int=3)
ANNA, BERND, TWIN = UUID(int=11), UUID(int=12), UUID(int=13)
"""TWIN is who Anna was in the other case."""
DAY = date(2026, 10, 1)
Story = dict[str, list[BaseModel]]


def day(n: int) -> date:
    return DAY + timedelta(days=n)


def suit(n: int, *persons: UUID) -> cases.ProceedingFact:
    return cases.ProceedingFact(
        proceeding_id=UUID(int=20 + n),
        channel=Channel.XJUSTIZ,
        received_on=day(n),
        defendants=tuple(cases.DefendantFact(person_id=person) for person in persons),
    )


def case(case_id: UUID, *suits: cases.ProceedingFact, **fields: object) -> cases.CaseUpdated:
    return cases.CaseUpdated.model_validate(_state(case_id, suits) | fields)


def _state(case_id: UUID, suits: Sequence[cases.ProceedingFact]) -> dict[str, object]:
    return {
        "case_id": case_id, "household_id": UUID(int=4), "household_version": 1, "district": "NORD", "status": CaseStatus.OPEN,
        "stage": Stage.SUIT_FILED, "received_on": DAY, "channel": Channel.XJUSTIZ, "changes": (CaseChange.SUIT,),
        "changed_on": DAY, "proceedings": suits,
        "deadlines": tuple(
            cases.DeadlineFact(
                rule="SCHONFRIST_END", on=date(2026, 12, 14), basis=Basis.LOWER_BOUND, rule_version="1",
                proceeding_id=each.proceeding_id,
            )
            for each in suits
        ),
    }  # fmt: skip


def owed(n: int, person: UUID, **fields: object) -> visits.TakenObligation:
    return visits.TakenObligation.model_validate(
        {
            "obligation_id": UUID(int=30 + n), "person_id": person, "address_id": UUID(int=21), "proceeding_id": UUID(int=20 + n),
            "district": "NORD", "round": 1, "reason": ObligationReason.SUIT, "promise": Promise.WD5, "owed_since": day(n),
            "due_on": day(n + 7),
        }
        | fields
    )  # fmt: skip


def told(case_id: UUID, n: int, person: UUID, excused: UUID) -> Story:
    """All that was said of one case but the case itself; `n` makes it differ."""
    obligation, referral = UUID(int=30 + n), UUID(int=40 + n)
    reports = [UUID(int=100 * n + k) for k in range(1, 4)]
    common = {"case_id": case_id, "obligation_ids": (obligation,), "window": Window.MORNING}
    about = {"case_id": case_id, "referral_id": referral, "provider": "jobcenter"}
    excuse = visits.Excused(person_id=excused, proceeding_id=UUID(int=20 + n), reason=NoVisitReason.OUTSIDE_CITY)
    changed = {**about, "group": NeedGroup.MONEY, "try_number": 1}
    return {
        "visits": [
            visits.VisitOwed(case_id=case_id, obligations=(owed(n, person),), excused=(excuse,)),
            visits.VisitAttempted(**common, report_id=reports[0], attempted_on=day(n + 1), result=AttemptResult.NOT_MET),
            visits.ContactMade(
                case_id=case_id, report_id=reports[1], kind=ContactKind.TELEPHONE, contacted_on=day(n + 2), reached=True
            ),
            visits.VisitAttempted(**common, report_id=reports[2], attempted_on=day(n + 3), result=AttemptResult.MET),
            visits.ObligationClosed(
                case_id=case_id, obligation_ids=(obligation,), how=ObligationClose.MET, closed_on=day(n + 3)
            ),
        ],
        "assessments": [
            assessments.AssessmentRecorded(
                case_id=case_id,
                report_id=reports[2],
                assessed_on=day(n + 3),
                causes=(assessments.Cause(cause=list(ArrearsCause)[n], primary=True, asserted_by=AssertedBy.TENANT),),
            )
        ],
        "referrals": [
            referrals.ReferralChanged(**changed, state=ReferralState.OFFERED, changed_on=day(n + 3)),
            referrals.ReferralChanged(**changed, state=ReferralState.DECIDED, changed_on=day(n + 5)),
            referrals.ApplicationDecided(**about, decision=ApplicationDecision.GRANTED, decided_on=day(n + 5)),
        ],
    }  # fmt: skip


def folded(*events: BaseModel) -> Parts:
    parts = Parts()
    for event in events:
        fold(parts, event)
    return parts


def taken_over(heard: Sequence[BaseModel], n: int, person: UUID, excused: UUID, to: UUID, from_: UUID) -> list[BaseModel]:
    """What whoever keeps the work says of it on the key that received it: all that was told, by the other case's ids."""
    ends = [each for each in heard if isinstance(each, visits.ObligationClosed)]
    was_owed = [each for each in heard if isinstance(each, visits.VisitOwed)]
    end = {"how": ends[0].how, "closed_on": ends[0].closed_on} if ends else {}
    excuse = visits.Excused(person_id=excused, proceeding_id=UUID(int=20 + n), reason=NoVisitReason.OUTSIDE_CITY)
    moved: list[BaseModel] = []
    if was_owed:
        moved.append(
            visits.VisitsTakenOver(
                case_id=to,
                from_case_id=from_,
                obligations=(owed(n, person, **end),),
                excused=(excuse,),
                attempts=tuple(
                    visits.TakenAttempt.model_validate(each.model_dump(include=set(visits.TakenAttempt.model_fields)))
                    for each in heard
                    if isinstance(each, visits.VisitAttempted)
                ),
                contacts=tuple(
                    visits.TakenContact.model_validate(each.model_dump(include=set(visits.TakenContact.model_fields)))
                    for each in heard
                    if isinstance(each, visits.ContactMade)
                ),
            )
        )
    moved += [
        assessments.AssessmentTakenOver(
            case_id=to, from_case_id=from_, report_id=each.report_id, assessed_on=each.assessed_on, causes=each.causes
        )
        for each in heard
        if isinstance(each, assessments.AssessmentRecorded)
    ]
    changes = [each for each in heard if isinstance(each, referrals.ReferralChanged)]
    if changes:
        answer = changes[1] if len(changes) > 1 else None
        moved.append(
            referrals.ReferralsTakenOver(
                case_id=to,
                from_case_id=from_,
                tries=(
                    referrals.TakenTry(
                        referral_id=changes[0].referral_id, group=changes[0].group, try_number=1,
                        offered_on=changes[0].changed_on, answered_on=answer and answer.changed_on,
                        answer=answer and answer.state,
                    ),
                ),
                rulings=tuple(
                    referrals.TakenRuling(referral_id=each.referral_id, decision=each.decision, decided_on=each.decided_on)
                    for each in heard
                    if isinstance(each, referrals.ApplicationDecided)
                ),
            )
        )  # fmt: skip
    return moved


FIRST, SECOND = suit(1, ANNA, BERND), suit(2, ANNA, BERND)
OWN, OTHER, OTHER_AS_OWN = told(S, 1, ANNA, BERND), told(X, 2, TWIN, BERND), told(S, 2, ANNA, BERND)
TOPICS = tuple(OWN)
OTHERS_CASE = case(X, suit(2, TWIN, BERND))
MERGED = cases.CaseMerged(
    case_id=X,
    household_id=UUID(int=5),
    into_case_id=S,
    into_household_id=UUID(int=4),
    merged_on=day(9),
    replaced=(cases.Replaced(was=TWIN, now=ANNA),),
)
BOTH = case(S, FIRST, SECOND, absorbed=(X,))


def events(story: Story) -> list[BaseModel]:
    return [event for topic in TOPICS for event in story[topic]]


AS_ONE = line_of(folded(BOTH, *events(OWN), *events(OTHER_AS_OWN)))


def interleaved(data: st.DataObject, *streams: Sequence[BaseModel]) -> list[BaseModel]:
    turns = data.draw(st.permutations([n for n, stream in enumerate(streams) for _ in stream]))
    waiting = [iter(stream) for stream in streams]
    return [next(waiting[n]) for n in turns]


@given(data=st.data())
def test_a_merged_pair_comes_to_one_case_that_had_everything_from_the_start(data: st.DataObject) -> None:
    """Whenever each topic's owner hears of the merge, and whatever comes between."""
    before: list[Sequence[BaseModel]] = [[OTHERS_CASE, MERGED]]
    after: list[Sequence[BaseModel]] = [[case(S, FIRST), BOTH]]
    for topic in TOPICS:
        cut = data.draw(st.integers(0, len(OTHER[topic])))
        heard, rest = OTHER[topic][:cut], OTHER_AS_OWN[topic][cut:]
        before.append(heard)
        after.append(interleaved(data, OWN[topic], [*taken_over(heard, 2, ANNA, BERND, S, X), *rest]))
    assert line_of(folded(*interleaved(data, *before))) is None
    line = line_of(folded(*interleaved(data, *after)))
    assert line == AS_ONE
    assert figures(line) == figures(AS_ONE)


def figures(line: CaseLine | None) -> object:
    assert line is not None
    return indicators.report([line] * 5, "2026Q4", date(2027, 1, 31)), indicators.guarantee_now([line], day(30))


@given(data=st.data())
def test_a_split_gives_each_its_own_again_in_any_order_across_topics(data: st.DataObject) -> None:
    together = [*events(OWN), *taken_over(events(OTHER), 2, ANNA, BERND, S, X)]
    old = {topic: [each for each in together if each.__class__.__module__.endswith(topic)] for topic in TOPICS}
    old["visits"].append(
        visits.VisitsGivenUp(
            case_id=S,
            to_case_id=N,
            obligation_ids=(UUID(int=32),),
            report_ids=tuple(UUID(int=200 + k) for k in range(1, 4)),
        )
    )
    old["referrals"].append(referrals.ReferralsGivenUp(case_id=S, to_case_id=N, referral_ids=(UUID(int=42),)))
    parted = [BOTH, case(S, FIRST, absorbed=(X,), split_off=(N,))]
    line = line_of(folded(*interleaved(data, parted, *old.values())))
    assert line == line_of(folded(case(S, FIRST), *events(OWN)))
    split = cases.CaseSplit.model_validate(
        _state(N, (suit(2, TWIN, BERND),)) | {"split_from": S, "undoes": X, "replaced": (cases.Replaced(was=ANNA, now=TWIN),)}
    )
    new = taken_over(events(OTHER), 2, TWIN, BERND, N, S)
    assert line_of(folded(*interleaved(data, [split], *([each] for each in new)))) == line_of(folded(OTHERS_CASE, *events(OTHER)))


def test_what_comes_back_after_a_split_counts_again() -> None:
    moved = taken_over(events(OTHER), 2, ANNA, BERND, S, X)
    gone = (
        visits.VisitsGivenUp(case_id=S, to_case_id=N, obligation_ids=(UUID(int=32),), report_ids=(UUID(int=201), UUID(int=203))),
        referrals.ReferralsGivenUp(case_id=S, to_case_id=N, referral_ids=(UUID(int=42),)),
    )
    assert line_of(folded(BOTH, *events(OWN), *moved, *gone, *moved)) == AS_ONE


def test_a_person_who_goes_by_another_id_is_still_covered() -> None:
    renamed = case(S, suit(1, TWIN, BERND), replaced=(cases.Replaced(was=ANNA, now=TWIN),))
    for order in ([case(S, FIRST), renamed, *events(OWN)], [*events(OWN), case(S, FIRST), renamed]):
        line = line_of(folded(*order))
        assert line is not None
        assert (line.suits[0].guarantee, line.uncovered) == (Guarantee.FULFILLED, 0)


def test_a_suit_that_goes_by_another_id_keeps_its_schonfrist_and_its_visits() -> None:
    now = suit(1, ANNA, BERND).model_copy(update={"proceeding_id": UUID(int=29)})
    was = cases.Replaced(was=UUID(int=21), now=UUID(int=29))
    parts = folded(case(S, FIRST), case(S, now, replaced=(was,), deadlines=()), *events(OWN))
    assert line_of(parts) == line_of(folded(case(S, FIRST), *events(OWN)))


def test_the_absorbed_cases_row_reads_back_as_it_was_written() -> None:
    from services.reporting.parts import PART_TYPES

    parts = folded(OTHERS_CASE, *events(OTHER), MERGED)
    row = row_of(X, parts)
    assert row[6] is None
    assert PART_TYPES["cases"].validate_json(str(row[1])) == parts.cases
    given = folded(visits.VisitsGivenUp(case_id=S, to_case_id=N, obligation_ids=(), report_ids=(UUID(int=201),)))
    assert given.visits == VisitPart(left=(str(UUID(int=201)),))
    assert PART_TYPES["visits"].validate_json(str(row_of(S, given)[2])) == given.visits
