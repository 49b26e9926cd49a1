"""Merged and split cases: whichever key is read first, needs, consents and referrals end in the same case, and none twice."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.referral import AT_PROVIDER, LEFT, Referral
from services.referral.settling import Desk, settle
from shared.contracts.catalogue import ASSESSMENTS, CASES, HANDOVERS, OFFERS, OUTCOMES, REFERRALS
from shared.contracts.codes import (
    Need,
    ReferralState,
    TransmissionBasis,
    WithdrawReason,
)
from shared.contracts.topics.handovers import HandoverMade, HandoverRecalled
from shared.contracts.topics.offers import OfferMade, OfferWithdrawn
from shared.contracts.topics.referrals import ReferralsGivenUp, ReferralsTakenOver
from shared.contracts.topics.replies import (
    ApplicationAnswered,
    DeclinedByHousehold,
    OfferAccepted,
    OfferRejected,
    Reply,
    SupportStarted,
)
from shared.messaging.model import Rejected
from tests.unit.referral_story import (
    ARREARS,
    CHAIN,
    CHAIN_UNDONE,
    CLARA,
    DEBTS,
    MERGE,
    OTHER_ANNA,
    PARTED,
    REHOUSING,
    N,
    S,
    Stream,
    X,
    case,
    comes_to,
    consent,
    in_turn,
    merge_now,
    merged,
    one_case,
    outcome,
    play,
    talk,
    undone,
    withdrawn,
)
from tests.unit.referral_town import ANNA, MONDAY, POLICY, Town


@pytest.mark.parametrize(
    ("streams", "live"),
    [
        (MERGE, {S: {DEBTS, ARREARS, REHOUSING}}),
        (CHAIN, {S: {DEBTS, ARREARS, REHOUSING}}),
        (undone(still_listed=True), {S: {DEBTS, REHOUSING}, N: {DEBTS, ARREARS}}),
        (undone(still_listed=False), {S: {DEBTS, REHOUSING}, N: {DEBTS, ARREARS}}),
        (CHAIN_UNDONE, {S: {DEBTS, REHOUSING}, N: {DEBTS, ARREARS}}),
    ],
    ids=["merge", "chain", "undone", "undone-unlisted", "chain-undone"],
)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_interleaving_of_the_keys_gives_the_same_cases(
    streams: list[Stream], live: dict[UUID, set[Need]], data: st.DataObject
) -> None:
    expected = play(streams, in_turn(streams))
    town = play(streams, data.draw(st.permutations(in_turn(streams))))
    assert comes_to(town) == comes_to(expected)
    for case_id, needs in live.items():
        assert town.files[case_id].ready
        assert Counter(each.need for each in town.files[case_id].referrals if each.live) == Counter(needs)
    held = [each.referral_id for file in town.files.values() for each in file.referrals]
    assert len(held) == len(set(held))
    assert all(each.case_id == case_id for case_id, file in town.files.items() for each in file.referrals)
    assert told_by_key(town) == {
        case_id: {each.referral_id for each in file.referrals if each.asked} for case_id, file in town.files.items()
    }
    made = Counter((each.topic, each.key) for each in town.said if each.topic.startswith(OFFERS.name))
    open_offers = sum(each.state is ReferralState.OFFERED for file in town.files.values() for each in file.referrals)
    assert len(made) - len([1 for each in town.said if isinstance(each.data, OfferWithdrawn)]) == open_offers


def told_by_key(town: Town) -> dict[UUID, set[UUID]]:
    """Which referrals somebody was asked about a reader of each key alone would count to that case; an alias counts nowhere."""
    told: dict[UUID, set[UUID]] = {case_id: set() for case_id in town.files}
    for said in town.said:
        if said.topic != REFERRALS.name:
            continue
        match said.data:
            case ReferralsTakenOver() as event:
                told[event.case_id] |= {each.referral_id for each in event.tries}
            case ReferralsGivenUp() as event:
                told[event.case_id] -= set(event.referral_ids)
            case data if getattr(data, "try_number", 0):
                told[UUID(said.key)].add(data.referral_id)  # type: ignore[union-attr]  # ReferralChanged
    return {case_id: ids if town.files[case_id].merged_into is None else set() for case_id, ids in told.items()}


ANSWERS: tuple[type[Reply], ...] = (
    OfferAccepted,
    OfferAccepted,
    OfferRejected,
    DeclinedByHousehold,
    SupportStarted,
    ApplicationAnswered,
)


@pytest.mark.parametrize("streams", [MERGE, undone(still_listed=True), CHAIN_UNDONE, PARTED], ids=["m", "u", "c", "p"])
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_whatever_providers_answer_in_between_they_hold_what_they_were_told_and_no_more(
    streams: list[Stream], data: st.DataObject
) -> None:
    town = Town()
    town.household()
    waiting = [iter(events) for _, _, events in streams]
    for turn in data.draw(st.permutations(in_turn(streams))):
        topic, key, _ = streams[turn]
        town.hear(topic, key, next(waiting[turn]))
        asked = [each for file in town.files.values() for each in file.referrals if each.provider]
        answered: bool = data.draw(st.booleans())
        if asked and answered:
            _answer(town, data.draw(st.sampled_from(asked)), data.draw(st.sampled_from(ANSWERS)))
        _holds(town)


def _answer(town: Town, referral: Referral, kind: type[Reply]) -> None:
    fields: dict[type[Reply], dict[str, object]] = {
        OfferRejected: {"reason": "NO_CAPACITY"},
        SupportStarted: {"started_on": MONDAY},
        ApplicationAnswered: {"decision": "GRANTED", "decided_on": MONDAY},
    }
    with suppress(Rejected):
        town.reply(str(referral.provider), kind, referral.referral_id, **fields.get(kind, {}))


def _holds(town: Town) -> None:
    """From the topics alone: whose data each provider holds, and which offers are still theirs to answer."""
    held: set[tuple[str, str]] = set()
    made: list[tuple[str, str]] = []
    withdrawn_: set[tuple[str, str]] = set()
    for said in town.said:
        if isinstance(said.data, HandoverMade):
            held.add((said.topic, said.key))
        elif isinstance(said.data, HandoverRecalled):
            held.remove((said.topic, said.key))
        elif isinstance(said.data, OfferMade):
            made.append((said.topic, said.key))
        elif isinstance(said.data, OfferWithdrawn):
            withdrawn_.add((said.topic, said.key))
    referrals = [each for file in town.files.values() for each in file.referrals if each.provider]
    assert held == {(HANDOVERS.of(str(each.provider)), str(each.referral_id)) for each in referrals if each.handed}
    assert len(made) == len(set(made)), "asked the same provider twice"
    still = {
        (OFFERS.of(str(each.provider)), str(each.referral_id))
        for each in referrals
        if each.state in {ReferralState.OFFERED, ReferralState.ESCALATED}
    }
    assert still <= set(made) - withdrawn_
    for file in town.files.values():
        for each in file.referrals:
            if each.basis is TransmissionBasis.CONSENT and each.state in AT_PROVIDER:
                standing = {one.person_id for one in file.consents_for(each.need)}
                assert standing, "rests on nobody's consent"
                assert standing.issuperset(each.handed)
        if file.ready:
            assert not [each for each in file.referrals if each.state in LEFT]
            elsewhere: Counter[str] = sum((one.held() for one in town.files.values() if one is not file), Counter())
            household = town.households.get(file.facts.household_id) if file.facts else None
            assert settle(file, Desk(town.now, POLICY, town.fresh, household, elsewhere)) == (file, ())


def test_of_two_referrals_for_one_need_the_one_that_is_further_goes_on() -> None:
    town = one_case(*MERGE[:2], (CASES.name, S, [case(S)]), (CASES.name, X, [case(X, persons=(OTHER_ANNA, CLARA))]))
    town.accept(DEBTS, 1)
    kept, other = town.referral(DEBTS, 1), town.referral(DEBTS)
    merge_now(town)
    left = {each.referral_id: each.state for each in town.files[S].referrals if each.need is DEBTS}
    assert left == {kept.referral_id: ReferralState.ACCEPTED, other.referral_id: ReferralState.RECALLED}
    [gone] = [each.data for each in town.said if isinstance(each.data, OfferWithdrawn)]
    assert gone == OfferWithdrawn(referral_id=other.referral_id, reason=WithdrawReason.CASE_MOVED)


def test_both_stay_where_both_were_handed_over() -> None:
    town = Town()
    town.household()
    for case_id, n in ((S, 1), (X, 2)):
        town.hear(CASES.name, case_id, case(case_id))
        town.hear(ASSESSMENTS.name, case_id, consent(case_id, n, ANNA))
        town.hear(ASSESSMENTS.name, case_id, talk(case_id, n, DEBTS))
    town.accept(DEBTS)
    town.accept(DEBTS, 1)
    before = len(town.said)
    merge_now(town)
    assert [each.state for each in town.files[S].referrals] == [ReferralState.ACCEPTED] * 2
    assert [type(each.data) for each in town.said[before:]] == [ReferralsTakenOver], "no provider hears of it"
    town.start(DEBTS)
    assert town.said[-1].key == str(S)


def test_between_the_two_keys_nobody_is_asked_and_a_withdrawn_consent_still_counts_at_once() -> None:
    town = one_case(*MERGE[:2], (CASES.name, S, [case(S)]), (CASES.name, X, [case(X, persons=(OTHER_ANNA, CLARA))]))
    referral = town.referral(DEBTS, 1).referral_id
    town.hear(CASES.name, X, merged(X, S, p3=ANNA))
    assert not town.files[S].ready
    assert not town.hear(ASSESSMENTS.name, X, talk(X, 7, Need.MIGRATION_LANGUAGE))
    town.reject(DEBTS)
    assert town.files[S].referral(referral).state is ReferralState.REJECTED_BY_PROVIDER  # type: ignore[union-attr]  # it is there
    told = [*town.hear(ASSESSMENTS.name, S, withdrawn(S, 1, ANNA))]
    for n, person in ((2, OTHER_ANNA), (3, CLARA)):
        told += town.hear(ASSESSMENTS.name, X, withdrawn(X, n, person))
    assert [type(each.data) for each in told if each.topic.startswith(OFFERS.name)] == [OfferWithdrawn]
    town.hear(CASES.name, S, case(S, absorbed=(X,)))
    assert town.referral(Need.MIGRATION_LANGUAGE).state is ReferralState.CONSENT_PENDING
    assert town.files[S].referral(referral).state is ReferralState.CONSENT_PENDING  # type: ignore[union-attr]  # it is there


def test_an_outcome_of_the_absorbed_case_does_not_close_the_other() -> None:
    town = one_case(*MERGE)
    town.hear(OUTCOMES.name, X, outcome(X))
    assert not town.files[S].closed
    town.hear(OUTCOMES.name, S, outcome(S, MONDAY + timedelta(days=1)))
    assert town.files[S].closed


def test_a_closed_case_that_absorbs_an_open_one_is_open() -> None:
    town = one_case((CASES.name, S, [case(S)]), (OUTCOMES.name, S, [outcome(S)]), MERGE[1])
    assert town.files[S].closed
    town.hear(CASES.name, X, case(X, persons=(OTHER_ANNA, CLARA)))
    merge_now(town)
    assert not town.files[S].closed
    assert town.referral(DEBTS).state is ReferralState.OFFERED
