"""Cases erased in the middle of a merge or split: nobody waits for what was emptied, and nobody keeps what is erased."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.catalogue import ASSESSMENTS, CASES
from shared.contracts.codes import (
    Need,
    WithdrawReason,
)
from shared.contracts.topics.cases import Replaced
from shared.contracts.topics.handovers import HandoverRecalled
from shared.contracts.topics.offers import OfferMade, OfferWithdrawn
from tests.unit.referral_story import (
    ARREARS,
    CLARA,
    DEBTS,
    MERGE,
    NEW_ANNA,
    OTHER_ANNA,
    PARTED,
    REHOUSING,
    TALKS,
    N,
    S,
    Stream,
    X,
    case,
    erased,
    in_turn,
    merged,
    one_case,
    play,
    report,
    split,
    talk,
)
from tests.unit.referral_town import ANNA, Town


@pytest.mark.parametrize("order", [(S, X), (X, S)])
def test_erasing_reaches_the_case_and_its_alias_in_either_order(order: tuple[UUID, UUID]) -> None:
    town = one_case(*MERGE)
    for case_id in order:
        town.hear(CASES.name, case_id, erased(case_id))
    for case_id in order:
        assert town.files[case_id].model_dump(exclude_defaults=True) == {"case_id": case_id, "erased": True}
        assert not town.hear(ASSESSMENTS.name, case_id, talk(case_id, 8, DEBTS))


def test_what_is_merged_into_an_erased_case_is_erased() -> None:
    town = one_case(*MERGE[:2], (CASES.name, S, [erased(S)]), (CASES.name, X, [case(X, persons=(OTHER_ANNA, CLARA))]))
    told = town.hear(CASES.name, X, merged(X, S, p3=ANNA))
    assert {each.data.reason for each in told if isinstance(each.data, OfferWithdrawn)} == {WithdrawReason.CASE_ERASED}
    assert town.files[X].model_dump(exclude_defaults=True) == {"case_id": X, "erased": True}


def test_a_split_from_an_erased_case_begins_with_nothing() -> None:
    town = one_case((CASES.name, S, [erased(S)]), (CASES.name, N, [split(N, S, X, persons=(ANNA,))]))
    assert town.files[N].ready
    assert town.files[S].model_dump(exclude_defaults=True) == {"case_id": S, "erased": True}


def test_who_went_to_a_case_that_is_erased_is_forgotten_by_the_other() -> None:
    town = one_case(*PARTED)
    assert N in town.files[S].parted
    town.hear(CASES.name, N, erased(N))
    assert not town.files[S].parted
    assert {each.person_id for each in town.files[S].consents} == {ANNA}


EMPTIED: list[Stream] = [
    *TALKS[:1],
    (CASES.name, S, [case(S), case(S, absorbed=(X,)), case(S, absorbed=(X,), split_off=(N,))]),
]


@pytest.mark.parametrize("of_x", range(3))
@pytest.mark.parametrize("of_n", range(2))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_case_that_gave_a_part_to_one_that_is_erased_goes_on_without_it(of_x: int, of_n: int, data: st.DataObject) -> None:
    """Of the keys of X and N only so much was read before they were emptied."""
    x = [case(X, persons=(OTHER_ANNA, CLARA)), merged(X, S, p3=ANNA)][:of_x]
    n = [split(N, S, X, persons=(NEW_ANNA, CLARA), replaced=(Replaced(was=ANNA, now=NEW_ANNA),))][:of_n]
    streams = [*EMPTIED, *TALKS[1:], (CASES.name, X, [*x, erased(X)]), (CASES.name, N, [*n, erased(N)])]
    town = play(streams, data.draw(st.permutations(in_turn(streams))))
    file = town.files[S]
    assert file.ready
    assert not file.parted
    assert {each.report_id for each in file.assessments} == {report(1), report(2)}
    assert {each.person_id for each in file.consents} == {ANNA}
    assert {each.need for each in file.referrals if each.live} == {DEBTS, REHOUSING}
    for gone in (X, N):
        assert town.files[gone].model_dump(exclude_defaults=True) == {"case_id": gone, "erased": True}
    made = {(each.topic, each.key) for each in town.said if isinstance(each.data, OfferMade)}
    back = {(each.topic, each.key) for each in town.said if isinstance(each.data, OfferWithdrawn)}
    assert {key for _, key in made - back} <= {str(each.referral_id) for each in file.referrals}


def test_what_an_authority_still_holds_of_who_went_comes_back_when_they_are_erased() -> None:
    town = Town()
    town.household()
    town.hear(CASES.name, S, case(S))
    town.hear("assessments", S, talk(S, 1, ARREARS))
    town.grant()
    town.hear(CASES.name, S, case(S, persons=(ANNA,), split_off=(N,)))
    told = town.hear(CASES.name, N, erased(N))
    assert [each.data.reason for each in told if isinstance(each.data, HandoverRecalled)] == [WithdrawReason.CASE_ERASED]
    assert town.files[S].ready


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_had_come_with_a_case_is_that_of_the_one_that_undoes_it_though_the_merged_one_is_erased(
    order: tuple[int, int],
) -> None:
    events = [(S, erased(S)), (N, split(N, S, X, persons=(NEW_ANNA, CLARA)))]
    town = one_case(TALKS[1], (CASES.name, X, [case(X, persons=(OTHER_ANNA, CLARA))]))
    for n in order:
        town.hear(CASES.name, *events[n])
    town.hear(CASES.name, X, merged(X, S))
    assert {each.need for each in town.files[N].referrals if each.live} == {DEBTS, ARREARS, Need.WOMEN}
    assert town.files[X].merged_into == N
