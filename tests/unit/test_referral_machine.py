"""Any history of any cases: what must hold after every step, checked from what was said alone where it can be."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.referral.referral import AT_PROVIDER, WAITING, Referral
from services.referral.routing import HEALTH, Directory
from services.referral.settling import Desk, settle
from shared.contracts.catalogue import HANDOVERS, OFFERS
from shared.contracts.codes import ConsentForm, ConsentPurpose, Need, ReferralState, TransmissionBasis
from shared.contracts.topics.handovers import HandoverMade, HandoverRecalled
from shared.contracts.topics.offers import OfferMade, OfferWithdrawn
from shared.messaging.model import Rejected
from tests.unit.referral_town import ANNA, BEN, POLICY, SERVICES, Town

CASES = st.integers(0, 2)
NEEDS = st.sampled_from(
    [Need.ARREARS_ASSUMPTION, Need.DEBT_COUNSELLING, Need.DEBT_COUNSELLING, Need.ADDICTION, Need.MENTAL_HEALTH]
)
ANSWERS = st.sampled_from(["reject", "decline", "start", "end", "grant"])
# Little room and few to ask, so that a short history meets every limit.
SCARCE = replace(
    POLICY,
    directory=Directory(tuple(replace(each, capacity=1) for each in SERVICES if each.code not in {"debts4", "debts5"})),
    tries=2,
)


class Referrals(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.town = Town(policy=SCARCE)
        self.consents: list[tuple[int, UUID, UUID]] = []
        self.reports: list[tuple[int, UUID]] = []
        self.withdrawn: set[UUID] = set()
        self.answered: set[tuple[str, str]] = set()
        self.seen = 0
        self.out: dict[tuple[str, str], frozenset[UUID]] = {}

    @initialize()
    def two_households_are_known(self) -> None:
        for n in range(2):
            self.town.case(n)
            self.town.household(n)
            for purpose in ConsentPurpose:
                self.consents.append((n, ANNA, self.town.consent(ANNA, purpose, n=n)))

    @rule(n=CASES)
    def case(self, n: int) -> None:
        self.town.case(n)

    @rule(n=CASES, version=st.integers(0, 2))
    def household(self, n: int, version: int) -> None:
        self.town.household(n, version=version)

    @rule(n=CASES, needs=st.lists(NEEDS, min_size=1, max_size=3))
    def assess(self, n: int, needs: list[Need]) -> None:
        report = self.town.fresh()
        self.reports.append((n, report))
        self.town.assess(*needs, n=n, report=report)

    @rule(
        n=CASES, person=st.sampled_from([ANNA, BEN]), purpose=st.sampled_from(ConsentPurpose), form=st.sampled_from(ConsentForm)
    )
    def consent(self, n: int, person: UUID, purpose: ConsentPurpose, form: ConsentForm) -> None:
        self.consents.append((n, person, self.town.consent(person, purpose, form, n)))

    @precondition(lambda self: self.consents)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        n, person, consent = data.draw(st.sampled_from(self.consents))
        self.withdrawn.add(consent)
        self.town.withdraw(consent, person, n)

    @precondition(lambda self: self.reports)
    @rule(data=st.data())
    def correct(self, data: st.DataObject) -> None:
        n, report = data.draw(st.sampled_from(self.reports))
        self.town.correct(report, n)

    @precondition(lambda self: self.held_somewhere())
    @rule(data=st.data(), answer=ANSWERS)
    def answer(self, data: st.DataObject, answer: str) -> None:
        self.say(data.draw(st.sampled_from(self.held_somewhere())), answer)

    @precondition(lambda self: self.offered())
    @rule(data=st.data(), answer=st.sampled_from(["accept", "accept", "reject"]))
    def answer_an_offer(self, data: st.DataObject, answer: str) -> None:
        self.say(data.draw(st.sampled_from(self.offered())), answer)

    def say(self, referral: Referral, answer: str) -> None:
        n = referral.case_id.int - self.town.case_id(0).int
        if self.town.referral(referral.need, n) == referral and referral.provider is not None:
            with suppress(Rejected):
                getattr(self.town, answer)(referral.need, n)
                self.answered.add((OFFERS.of(referral.provider), str(referral.referral_id)))

    def offered(self) -> list[Referral]:
        return [each for each in self.all_referrals() if each.state is ReferralState.OFFERED]

    @rule(days=st.integers(1, 4))
    def days_pass(self, days: int) -> None:
        for _ in range(days):
            self.town.day(self.town.now.date() + timedelta(days=1))

    @rule(n=CASES, sure=st.integers(0, 2))
    def close(self, n: int, sure: int) -> None:
        if sure == 0:
            self.town.close(n)

    @rule(n=CASES)
    def reopen(self, n: int) -> None:
        self.town.reopen(n)

    @rule(n=CASES, sure=st.integers(0, 4))
    def erase(self, n: int, sure: int) -> None:
        if sure == 0:
            self.town.erase(n)

    def all_referrals(self) -> list[Referral]:
        return [each for file in self.town.files.values() for each in file.referrals]

    def held_somewhere(self) -> list[Referral]:
        return [each for each in self.all_referrals() if each.provider is not None]

    @invariant()
    def providers_hold_what_they_were_told_and_no_more(self) -> None:
        """From the topics alone: whom each provider knows of, per referral; equal to what the referral remembers."""
        for said in self.town.said[self.seen :]:
            match said.data:
                case HandoverMade() as made:
                    self.out[said.topic, said.key] = frozenset(each.person_id for each in made.persons)
                    assert made.persons
                    assert not self.withdrawn & set(made.consent_ids)
                    assert made.consent_ids or made.basis is TransmissionBasis.SGB10_69_1_1
                    assert made.basis is TransmissionBasis.CONSENT or made.need not in HEALTH
                case HandoverRecalled():
                    assert self.out.pop((said.topic, said.key)), "recalled what was never handed over"
        self.seen = len(self.town.said)
        known = {
            (HANDOVERS.of(each.provider), str(each.referral_id)): frozenset(each.handed)
            for each in self.all_referrals()
            if each.handed and each.provider
        }
        assert known == self.out

    @invariant()
    def nobody_holds_a_person_who_no_longer_consents(self) -> None:
        for referral in self.all_referrals():
            if referral.basis is TransmissionBasis.CONSENT and referral.state in AT_PROVIDER:
                standing = {
                    person
                    for n, person, consent in self.consents
                    if consent not in self.withdrawn and self.town.case_id(n) == referral.case_id
                }
                assert standing
                assert standing.issuperset(referral.handed)

    @invariant()
    def what_is_unanswered_at_a_provider_is_an_open_offer(self) -> None:
        made = [(said.topic, said.key) for said in self.town.said if isinstance(said.data, OfferMade)]
        assert len(set(made)) == len(made), "asked the same provider twice"
        withdrawn = {(said.topic, said.key) for said in self.town.said if isinstance(said.data, OfferWithdrawn)}
        waiting = {
            (OFFERS.of(each.provider), str(each.referral_id))
            for each in self.all_referrals()
            if each.provider and each.state in {ReferralState.OFFERED, ReferralState.ESCALATED}
        }
        assert set(made) - withdrawn - self.answered == waiting

    @invariant()
    def nobody_is_asked_beyond_their_capacity(self) -> None:
        held: Counter[str] = sum((file.held() for file in self.town.files.values()), Counter())
        assert all(held[each.code] <= each.capacity for each in SCARCE.directory.services)

    @invariant()
    def tries_end_with_the_team_lead(self) -> None:
        for referral in self.all_referrals():
            assert len(referral.tried) <= SCARCE.tries
            assert len(set(referral.tried)) == len(referral.tried)
            assert referral.state not in {ReferralState.TIMED_OUT, ReferralState.REJECTED_BY_PROVIDER, None}

    @invariant()
    def a_closed_case_keeps_nobody_waiting(self) -> None:
        for file in self.town.files.values():
            if file.facts is not None and file.closed:
                assert not [each for each in file.referrals if each.state in WAITING]

    @invariant()
    def one_referral_at_a_time_meets_a_need(self) -> None:
        for file in self.town.files.values():
            assert max(Counter(each.need for each in file.referrals if each.live).values(), default=0) <= 1

    @invariant()
    def settling_again_says_nothing(self) -> None:
        for case_id, file in self.town.files.items():
            household = self.town.households.get(file.facts.household_id) if file.facts else None
            elsewhere: Counter[str] = sum((f.held() for i, f in self.town.files.items() if i != case_id), Counter())
            assert settle(file, Desk(self.town.now, SCARCE, self.town.fresh, household, elsewhere)) == (file, ())


TestReferrals = Referrals.TestCase
TestReferrals.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
