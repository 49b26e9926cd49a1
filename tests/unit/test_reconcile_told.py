"""What reconcile makes of merged and split cases, from events alone."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from deploy.cli.told import astray, cases_of, coverage_of, held_twice, referrals_of
from shared.contracts.codes import ObligationClose
from shared.contracts.topics.cases import CaseErased, CaseMerged, Replaced
from shared.contracts.topics.referrals import ReferralsGivenUp, ReferralsTakenOver
from shared.contracts.topics.visits import VisitOwed, VisitsGivenUp, VisitsTakenOver
from tests.unit.test_reporting_moves import ANNA, BERND, FIRST, OWN, TWIN, N, S, X, case, events, owed, taken_over, told

GONE = CaseErased(case_id=S, household_id=UUID(int=4))


def merged(case_id: UUID, into: UUID) -> CaseMerged:
    return CaseMerged.model_validate(
        {
            "case_id": case_id, "household_id": UUID(int=5), "into_case_id": into, "into_household_id": UUID(int=4),
            "merged_on": "2026-11-22",
        }
    )  # fmt: skip


def held(*said: BaseModel) -> dict[UUID, set[UUID]]:
    return {key: set(each.owed) for key, each in coverage_of(said).items()}


def test_an_absorbed_case_is_not_live_and_ids_are_followed() -> None:
    replaced = case(S, FIRST, replaced=(Replaced(was=ANNA, now=TWIN),))
    again = case(S, FIRST, replaced=(Replaced(was=TWIN, now=BERND),))
    cases = cases_of([case(X), merged(X, S), replaced, again])
    assert set(cases.live) == {S}
    assert cases.names == {S: {ANNA: BERND, TWIN: BERND}}
    coverage = coverage_of(events(told(S, 1, ANNA, TWIN)))[S].renamed(cases.names[S])
    assert {one.person for one in coverage.owed.values()} == {BERND}
    assert {person for person, _ in coverage.excused} == {BERND}
    assert set(cases_of([case(S), GONE]).live) == set()


def test_what_was_taken_over_counts_with_its_end_and_what_was_given_up_does_not() -> None:
    moved = VisitsTakenOver(case_id=S, from_case_id=X, obligations=(owed(1, ANNA, how=ObligationClose.MET), owed(2, BERND)))
    coverage = coverage_of([moved])[S]
    assert set(coverage.owed) == {UUID(int=31), UUID(int=32)}
    assert coverage.ends == {UUID(int=31): ObligationClose.MET}
    given = VisitsGivenUp(case_id=S, to_case_id=N, obligation_ids=(UUID(int=32),))
    assert set(coverage_of([moved, given])[S].owed) == {UUID(int=31)}
    assert set(coverage_of([moved, given, moved])[S].owed) == {UUID(int=31), UUID(int=32)}


def test_nothing_is_held_by_two_live_cases() -> None:
    mine = VisitOwed(case_id=X, obligations=(owed(1, ANNA),))
    both = held(mine, VisitsTakenOver(case_id=S, from_case_id=X, obligations=(owed(1, ANNA),)))
    assert held_twice({S, X}, both) == {UUID(int=31): [X, S]}
    assert not held_twice({S}, both), "the absorbed case holds nothing any more"


def test_a_referral_is_where_it_was_taken_over_last() -> None:
    own = [each for each in events(OWN) if each.__class__.__module__.endswith("referrals")]
    moved = [each for each in taken_over(own, 1, ANNA, BERND, N, S) if isinstance(each, ReferralsTakenOver)]
    referral = UUID(int=41)
    assert referrals_of([*own, *moved]) == {S: {referral}, N: {referral}}
    given = ReferralsGivenUp(case_id=S, to_case_id=N, referral_ids=(referral,))
    assert referrals_of([*own, *moved, given]) == {S: set(), N: {referral}}


def test_an_alias_leads_to_a_live_or_an_erased_case() -> None:
    newest = cases_of([case(S), merged(X, S), merged(N, X)]).newest
    assert astray({X: S, N: X}, newest) == []
    assert astray({X: S, N: X}, {**newest, S: GONE}) == []
    assert astray({X: S, N: UUID(int=9)}, newest) == [N], "of a case nobody knows"
    assert astray({X: N, N: X}, newest) == [X, N], "round in circles"
    assert astray({S: X, X: S}, newest)[:1] == [S], "what intake tells of is no alias"
