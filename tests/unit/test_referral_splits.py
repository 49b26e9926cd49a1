"""What a split takes along, and what it leaves where it is."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.catalogue import ASSESSMENTS, CASES, HANDOVERS, HOUSEHOLDS
from shared.contracts.codes import (
    Channel,
    ReferralState,
    WithdrawReason,
)
from shared.contracts.topics.cases import ProceedingFact, Replaced
from shared.contracts.topics.handovers import HandoverMade, HandoverRecalled
from shared.contracts.topics.households import Claim
from shared.contracts.topics.offers import OfferWithdrawn
from shared.contracts.topics.referrals import ReferralsGivenUp, UndertakingSent
from tests.unit.referral_story import (
    ARREARS,
    CLARA,
    DEBTS,
    NEW_ANNA,
    PARTED,
    N,
    S,
    case,
    comes_to,
    consent,
    in_turn,
    one_case,
    play,
    split,
    talk,
    withdrawn,
)
from tests.unit.referral_town import ANNA, BEN, MONDAY, Town

OLD_SUIT, STAYING = UUID(int=81), UUID(int=82)
SUIT = ProceedingFact(proceeding_id=OLD_SUIT, channel=Channel.MIZI_FORM, received_on=MONDAY)
GOES = split(N, S, persons=(CLARA,), proceedings=(SUIT,), replaced=(Replaced(was=BEN, now=CLARA),))
STAYS = case(S, persons=(ANNA,), split_off=(N,))


def asked(of: UUID = OLD_SUIT) -> Town:
    """An authority was asked to take on the arrears of this suit."""
    town = Town()
    town.household()
    record = town.households[Town.household_id()]
    assert record is not None
    claims = [Claim.model_validate({"case_id": S, "proceeding_id": each}) for each in (OLD_SUIT, STAYING)]
    claims.append(Claim.model_validate({"case_id": S, "proceeding_id": of, "claimed_arrears": "2400.00"}))
    town.hear(HOUSEHOLDS.name, Town.household_id(), record.model_copy(update={"version": 2, "claims": tuple(claims)}))
    town.hear(CASES.name, S, case(S))
    town.hear("assessments", S, talk(S, 1, ARREARS))
    return town


@settings(max_examples=20, deadline=None)
@given(order=st.permutations([(N, GOES), (S, STAYS)]), when=st.integers(0, 2))
def test_an_undertaking_goes_with_its_suit_whenever_it_comes(order: list[tuple[UUID, object]], when: int) -> None:
    town = asked()
    referral = town.referral(ARREARS)
    for n, (key, event) in enumerate(order):
        if n == when:
            town.grant()
            town.undertake(MONDAY)
        town.hear(CASES.name, key, event)  # type: ignore[arg-type]  # an event
    if when == 2:
        town.grant(n=3)
        town.undertake(MONDAY, n=3)
    assert not town.files[S].referrals
    (moved,) = town.files[N].referrals
    assert (moved.referral_id, moved.undertaking_received_on) == (referral.referral_id, MONDAY)
    (told,) = [each for each in town.said if isinstance(each.data, UndertakingSent)]
    assert told.key == str(S if when < 2 else N)
    assert isinstance(told.data, UndertakingSent)
    assert told.data.proceeding_id == OLD_SUIT
    assert [each.data.to_case_id for each in town.said if isinstance(each.data, ReferralsGivenUp)] == [N]


def test_the_authority_keeps_nobody_of_the_case_that_its_referral_left() -> None:
    town = asked()
    for key, event in ((N, GOES), (S, STAYS)):
        town.hear(CASES.name, key, event)
    first, recalled, *_ = town.on(HANDOVERS.of("jobcenter"))
    assert isinstance(first, HandoverMade)
    assert {each.person_id for each in first.persons} == {ANNA, BEN}
    assert isinstance(recalled, HandoverRecalled)
    assert town.referral(ARREARS, 3).state is ReferralState.OFFERED


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_is_for_a_suit_that_stays_stays(order: tuple[int, int]) -> None:
    town = asked(STAYING)
    for n in order:
        town.hear(CASES.name, *((N, GOES), (S, STAYS))[n])
    assert [each.proceeding_id for each in town.files[S].referrals] == [STAYING]
    assert not town.files[N].referrals


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_what_rests_on_a_consent_follows_the_person_who_went_and_nobody_who_stayed(data: st.DataObject) -> None:
    town = play(PARTED, data.draw(st.permutations(in_turn(PARTED))))
    assert {(each.person_id) for each in town.files[S].consents} == {ANNA}
    assert {(each.person_id) for each in town.files[N].consents} == {NEW_ANNA}
    assert Counter(each.need for each in town.files[S].referrals if each.live) == Counter([DEBTS, ARREARS])
    assert not town.files[N].referrals
    assert comes_to(town) == comes_to(play(PARTED, in_turn(PARTED)))


def test_a_referral_goes_with_the_only_person_whose_consent_it_rests_on() -> None:
    town = one_case(
        (CASES.name, S, [case(S, persons=(ANNA, CLARA))]),
        (ASSESSMENTS.name, S, [consent(S, 2, CLARA), talk(S, 1, DEBTS)]),
        *PARTED[2:],
        (CASES.name, S, [case(S, persons=(ANNA,), split_off=(N,))]),
    )
    assert not town.files[S].referrals
    assert [each.state for each in town.files[N].referrals] == [ReferralState.OFFERED]
    assert not [each for each in town.said if isinstance(each.data, OfferWithdrawn)], "its provider hears nothing"
    town.hear(ASSESSMENTS.name, S, withdrawn(S, 2, CLARA))
    assert [each.state for each in town.files[N].referrals] == [ReferralState.RECALLED], "by the old case's key, too"


def test_what_an_authority_holds_of_persons_who_went_is_recalled_and_goes_out_without_them() -> None:
    town = Town()
    town.household()
    town.hear(CASES.name, S, case(S, persons=(ANNA, BEN)))
    town.hear(ASSESSMENTS.name, S, talk(S, 1, ARREARS))
    town.hear(CASES.name, N, split(N, S, persons=(CLARA,), replaced=(Replaced(was=BEN, now=CLARA),)))
    assert len(town.on(HANDOVERS.of("jobcenter"))) == 1, "who stays is not known yet"
    town.hear(CASES.name, S, case(S, persons=(ANNA,), split_off=(N,)))
    first, recalled, again = town.on(HANDOVERS.of("jobcenter"))
    assert isinstance(first, HandoverMade)
    assert isinstance(recalled, HandoverRecalled)
    assert recalled.reason is WithdrawReason.CASE_MOVED
    assert isinstance(again, HandoverMade)
    assert [each.person_id for each in again.persons] == [ANNA]
