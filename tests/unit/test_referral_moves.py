"""Merged and split cases: whichever key is read first, needs, consents and referrals end in the same case, and none twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from services.referral.casefile import CaseFile
from services.referral.referral import AT_PROVIDER, LEFT, Referral
from services.referral.settling import Desk, settle
from shared.contracts.catalogue import ASSESSMENTS, CASES, HANDOVERS, OFFERS, OUTCOMES, REFERRALS, VISITS
from shared.contracts.codes import (
    CaseChange,
    CaseStatus,
    Channel,
    ConsentForm,
    ConsentPurpose,
    HouseholdType,
    Need,
    Outcome,
    ReferralState,
    Stage,
    TransmissionBasis,
    WithdrawReason,
)
from shared.contracts.topics.assessments import AssessmentRecorded, ConsentGiven, ConsentWithdrawn
from shared.contracts.topics.cases import CaseErased, CaseMerged, CaseSplit, CaseUpdated, Replaced
from shared.contracts.topics.handovers import HandoverMade, HandoverRecalled
from shared.contracts.topics.offers import OfferMade, OfferWithdrawn
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.referrals import ReferralsGivenUp, ReferralsTakenOver
from shared.contracts.topics.replies import (
    ApplicationAnswered,
    DeclinedByHousehold,
    OfferAccepted,
    OfferRejected,
    Reply,
    SupportStarted,
)
from shared.contracts.topics.visits import ReportCorrected
from shared.messaging.model import Rejected
from tests.unit.referral_town import ANNA, BEN, MONDAY, POLICY, Town

S, X, W, N = (Town.case_id(n) for n in range(4))
OTHER_ANNA, CLARA, NEW_ANNA = UUID(int=3), UUID(int=4), UUID(int=5)
DEBTS, ARREARS, REHOUSING = Need.DEBT_COUNSELLING, Need.ARREARS_ASSUMPTION, Need.REHOUSING
Stream = tuple[str, UUID, Sequence[BaseModel]]


def case(case_id: UUID, *, persons: Iterable[UUID] = (ANNA, BEN), **fields: object) -> CaseUpdated:
    return CaseUpdated.model_validate(_state(case_id, tuple(persons)) | fields)


def _state(case_id: UUID, persons: tuple[UUID, ...]) -> dict[str, object]:
    return {
        "case_id": case_id, "household_id": Town.household_id(), "household_version": 1, "district": "NORD",
        "status": CaseStatus.OPEN, "stage": Stage.SUIT_FILED, "received_on": MONDAY, "channel": Channel.MIZI_FORM,
        "changes": (CaseChange.SUIT,), "changed_on": MONDAY, "tenant_ids": persons,
        "deadlines": (Town.deadline(date(2027, 1, 25)),),
    }  # fmt: skip


def merged(case_id: UUID, into: UUID, *, absorbed: tuple[UUID, ...] = (), **replaced: UUID) -> CaseMerged:
    return CaseMerged(
        case_id=case_id, household_id=Town.household_id(1), into_case_id=into, into_household_id=Town.household_id(),
        merged_on=MONDAY, absorbed=absorbed, replaced=_replaced(replaced),
    )  # fmt: skip


def split(case_id: UUID, from_: UUID, undoes: UUID | None = None, *, persons: Iterable[UUID], **fields: object) -> CaseSplit:
    return CaseSplit.model_validate(_state(case_id, tuple(persons)) | {"split_from": from_, "undoes": undoes} | fields)


def _replaced(names: dict[str, UUID]) -> tuple[Replaced, ...]:
    return tuple(Replaced(was=UUID(int=int(was.removeprefix("p"))), now=now) for was, now in names.items())


def report(n: int) -> UUID:
    return UUID(int=60_000 + n)


def talk(case_id: UUID, n: int, *needs: Need) -> AssessmentRecorded:
    return AssessmentRecorded(
        case_id=case_id, report_id=report(n), assessed_on=MONDAY + timedelta(days=n), district="NORD", needs=needs,
        household_type=HouseholdType.COUPLE,
    )  # fmt: skip


def consent(case_id: UUID, n: int, person: UUID) -> ConsentGiven:
    return ConsentGiven(
        case_id=case_id, consent_id=UUID(int=70_000 + n), person_id=person, purpose=ConsentPurpose.REFERRAL,
        form=ConsentForm.WRITTEN, given_on=MONDAY,
    )  # fmt: skip


def withdrawn(case_id: UUID, n: int, person: UUID) -> ConsentWithdrawn:
    return ConsentWithdrawn(case_id=case_id, consent_id=UUID(int=70_000 + n), person_id=person, withdrawn_on=MONDAY)


def corrected(case_id: UUID, n: int) -> ReportCorrected:
    return ReportCorrected(case_id=case_id, report_id=report(900 + n), corrects=report(n))


def outcome(case_id: UUID, on: date = MONDAY) -> OutcomeRecorded:
    return OutcomeRecorded(case_id=case_id, outcome=Outcome.TENANCY_KEPT_INSTALMENTS, ended_on=on)


TALKS: list[Stream] = [
    (ASSESSMENTS.name, S, [talk(S, 1, DEBTS), consent(S, 1, ANNA), talk(S, 2, REHOUSING)]),
    (ASSESSMENTS.name, X, [consent(X, 2, OTHER_ANNA), talk(X, 3, DEBTS, ARREARS), consent(X, 3, CLARA), talk(X, 4, Need.WOMEN)]),
    (VISITS.name, X, [corrected(X, 4)]),
]
MERGE: list[Stream] = [
    *TALKS,
    (CASES.name, S, [case(S), case(S, persons=(ANNA, BEN, CLARA), absorbed=(X,))]),
    (CASES.name, X, [case(X, persons=(OTHER_ANNA, CLARA)), merged(X, S, p3=ANNA)]),
]
CHAIN: list[Stream] = [
    *TALKS,
    (CASES.name, S, [case(S), case(S, persons=(ANNA, BEN, CLARA), absorbed=(X, W))]),
    (CASES.name, W, [case(W), case(W, absorbed=(X,)), merged(W, S, absorbed=(X,))]),
    (CASES.name, X, [case(X, persons=(OTHER_ANNA, CLARA)), merged(X, W, p3=ANNA)]),
    (ASSESSMENTS.name, W, [talk(W, 5, DEBTS)]),
]


def undone(*, still_listed: bool) -> list[Stream]:
    left = (X,) if still_listed else ()
    return [
        *TALKS,
        (CASES.name, S, [case(S), case(S, absorbed=(X,)), case(S, absorbed=left, split_off=(N,))]),
        (CASES.name, X, [case(X, persons=(OTHER_ANNA, CLARA)), merged(X, S, p3=ANNA)]),
        (CASES.name, N, [
            split(N, S, X, persons=(NEW_ANNA, CLARA), replaced=(Replaced(was=ANNA, now=NEW_ANNA),)),
            case(N, persons=(NEW_ANNA, CLARA)),
        ]),
        (ASSESSMENTS.name, N, [talk(N, 6, DEBTS)]),
    ]  # fmt: skip


CHAIN_UNDONE: list[Stream] = [
    *CHAIN[:-4],
    (CASES.name, S, [case(S), case(S, absorbed=(X, W)), case(S, absorbed=(X, W), split_off=(N,))]),
    *CHAIN[-3:],
    (CASES.name, N, [split(N, S, W, persons=(ANNA,), absorbed=(X,)), case(N, absorbed=(X,))]),
]
PARTED: list[Stream] = [
    (ASSESSMENTS.name, S, [consent(S, 1, ANNA), consent(S, 2, CLARA), talk(S, 1, DEBTS, ARREARS)]),
    (CASES.name, S, [case(S, persons=(ANNA, CLARA)), case(S, persons=(ANNA,), split_off=(N,))]),
    (CASES.name, N, [
        split(N, S, persons=(NEW_ANNA, CLARA), replaced=(Replaced(was=CLARA, now=NEW_ANNA), Replaced(was=ANNA, now=OTHER_ANNA)))
    ]),
]  # fmt: skip


def play(streams: Sequence[Stream], turns: Iterable[int]) -> Town:
    town = Town()
    waiting = [iter(events) for _, _, events in streams]
    for turn in turns:
        topic, key, _ = streams[turn]
        town.hear(topic, key, next(waiting[turn]))
    return town


def in_turn(streams: Sequence[Stream]) -> list[int]:
    return [n for n, (_, _, events) in enumerate(streams) for _ in events]


def comes_to(town: Town) -> dict[UUID, object]:
    """What must not depend on the order: where everything is, as whose, and which needs are being met."""
    return {case_id: _comes_to(file) for case_id, file in town.files.items()}


def _comes_to(file: CaseFile) -> object:
    own = {each.report_id for each in file.assessments} | {each.consent_id for each in file.consents}
    return (
        (file.merged_into, file.facts, file.taken_in, file.split_off, file.parted, file.ready),
        {(each.report_id, each.opened, each.came_with) for each in file.assessments},
        {(each.consent_id, each.person_id, each.came_with) for each in file.consents},
        file.void & own,
        Counter(each.need for each in file.referrals if each.live),
    )


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


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_what_rests_on_a_consent_follows_the_person_who_went_and_nobody_who_stayed(data: st.DataObject) -> None:
    town = play(PARTED, data.draw(st.permutations(in_turn(PARTED))))
    assert {(each.person_id) for each in town.files[S].consents} == {ANNA}
    assert {(each.person_id) for each in town.files[N].consents} == {NEW_ANNA}
    assert Counter(each.need for each in town.files[S].referrals if each.live) == Counter([DEBTS, ARREARS])
    assert not town.files[N].referrals
    assert comes_to(town) == comes_to(play(PARTED, in_turn(PARTED)))


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


def one_case(*streams: Stream) -> Town:
    return play(streams, in_turn(streams))


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


def merge_now(town: Town) -> None:
    town.hear(CASES.name, X, merged(X, S, p3=ANNA))
    town.hear(CASES.name, S, case(S, absorbed=(X,)))


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


def erased(case_id: UUID) -> CaseErased:
    return CaseErased(case_id=case_id, household_id=Town.household_id())


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
