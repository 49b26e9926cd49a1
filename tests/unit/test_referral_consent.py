"""What may be handed over: whose consent, whose address, and what comes back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shared.contracts.catalogue import HANDOVERS, OFFERS
from shared.contracts.codes import ConsentForm, ConsentPurpose, Disclosure, Need, ReferralState, WithdrawReason
from shared.contracts.topics.handovers import HandoverMade, HandoverRecalled
from shared.contracts.topics.offers import OfferWithdrawn
from tests.unit.referral_town import ANNA, BEN, MONDAY, Town, lives

DEBTS, ARREARS = Need.DEBT_COUNSELLING, Need.ARREARS_ASSUMPTION
PENDING, OFFERED = ReferralState.CONSENT_PENDING, ReferralState.OFFERED
BEFORE = MONDAY - timedelta(days=1)


def made(town: Town, provider: str) -> list[HandoverMade]:
    return [each for each in town.on(HANDOVERS.of(provider)) if isinstance(each, HandoverMade)]


def asked(need: Need) -> Town:
    town = Town()
    town.case()
    town.household()
    town.assess(need)
    return town


def test_without_consent_the_offer_waits_and_leaves_when_it_comes() -> None:
    town = asked(DEBTS)
    assert town.states(DEBTS) == ["CONSENT_PENDING"]
    assert not town.on(OFFERS.of("debts1"))
    town.consent(form=ConsentForm.ORAL)
    assert town.states(DEBTS) == ["CONSENT_PENDING", "OFFERED"]


@pytest.mark.parametrize(
    ("purpose", "form", "state"),
    [
        (ConsentPurpose.REFERRAL, ConsentForm.WRITTEN, PENDING),
        (ConsentPurpose.HEALTH_DATA, ConsentForm.ORAL, PENDING),
        (ConsentPurpose.HEALTH_DATA, ConsentForm.WRITTEN, OFFERED),
        (ConsentPurpose.HEALTH_DATA, ConsentForm.ELECTRONIC, OFFERED),
    ],
)
@pytest.mark.parametrize("need", [Need.ADDICTION, Need.MENTAL_HEALTH])
def test_health_data_needs_its_own_consent_in_writing_even_for_an_authority(
    need: Need, purpose: ConsentPurpose, form: ConsentForm, state: ReferralState
) -> None:
    town = asked(need)
    town.consent(purpose=purpose, form=form)
    assert town.referral(need).state is state
    assert not town.on(HANDOVERS.of("psychiatry")), "an authority hears of health only once it has accepted"


def test_consent_for_health_data_does_not_stand_for_any_other_help() -> None:
    town = asked(DEBTS)
    town.consent(purpose=ConsentPurpose.HEALTH_DATA)
    assert town.referral(DEBTS).state is PENDING


def test_only_who_consented_is_handed_over_and_the_other_follows_when_they_consent() -> None:
    town = asked(DEBTS)
    first = town.consent(ANNA)
    town.accept(DEBTS)
    second = town.consent(BEN)
    one, both = made(town, "debts1")
    assert [each.person_id for each in one.persons] == [ANNA]
    assert one.consent_ids == (first,)
    assert [each.person_id for each in both.persons] == [ANNA, BEN]
    assert both.consent_ids == (first, second)


def test_a_withdrawn_consent_recalls_and_ends_the_referral() -> None:
    town = asked(DEBTS)
    consent = town.consent()
    town.accept(DEBTS)
    town.start(DEBTS)
    town.withdraw(consent)
    assert town.on(HANDOVERS.of("debts1"))[-1] == HandoverRecalled(
        referral_id=town.referral(DEBTS).referral_id, reason=WithdrawReason.CONSENT_WITHDRAWN
    )
    assert town.referral(DEBTS).state is ReferralState.RECALLED
    town.consent()
    assert town.referral(DEBTS).state is ReferralState.RECALLED


def test_a_withdrawn_consent_withdraws_an_offer_nobody_answered() -> None:
    town = asked(DEBTS)
    town.withdraw(town.consent())
    assert isinstance(town.on(OFFERS.of("debts1"))[-1], OfferWithdrawn)
    assert not town.on(HANDOVERS.of("debts1"))


def test_one_of_two_withdraws_and_the_other_is_handed_over_alone() -> None:
    town = asked(DEBTS)
    annas = town.consent(ANNA)
    town.consent(BEN)
    town.accept(DEBTS)
    said = town.withdraw(annas)
    assert [type(each.data) for each in said] == [HandoverRecalled, HandoverMade]
    assert [each.person_id for each in made(town, "debts1")[-1].persons] == [BEN]
    assert town.referral(DEBTS).state is ReferralState.ACCEPTED


def test_an_authoritys_own_task_needs_no_consent_and_loses_nothing_when_one_is_withdrawn() -> None:
    town = asked(ARREARS)
    town.withdraw(town.consent())
    assert len(made(town, "jobcenter")) == 1
    assert town.referral(ARREARS).state is OFFERED


def test_a_separated_partners_new_address_is_not_told_to_the_others_provider() -> None:
    town = Town()
    town.case()
    town.household(addresses=(lives("Zuflucht", BEN, disclosure=Disclosure.PERSON_ONLY), lives("Hauptstraße", ANNA)))
    town.consent(ANNA)
    town.consent(BEN)
    town.assess(DEBTS)
    town.accept(DEBTS)
    [handover] = made(town, "debts1")
    assert len(handover.persons) == 2
    assert handover.address is not None
    assert handover.address.street == "Hauptstraße"


def test_a_person_only_address_goes_where_that_person_alone_goes() -> None:
    town = Town()
    town.case()
    town.household(
        addresses=(
            lives("Hauptstraße", ANNA, BEN, until=BEFORE),
            lives("Zuflucht", BEN, disclosure=Disclosure.PERSON_ONLY),
        )
    )
    town.consent(BEN)
    town.assess(DEBTS)
    town.accept(DEBTS)
    [handover] = made(town, "debts1")
    assert handover.address is not None
    assert handover.address.street == "Zuflucht"


@pytest.mark.parametrize("need", [DEBTS, ARREARS])
def test_a_blocked_address_is_never_handed_over(need: Need) -> None:
    town = Town()
    town.case()
    town.household(addresses=(lives("Geheim", ANNA, BEN, disclosure=Disclosure.BLOCKED), lives("Hauptstraße", ANNA, BEN)))
    town.consent(ANNA)
    town.assess(need)
    if need is DEBTS:
        town.accept(need)
    provider = town.referral(need).provider
    assert provider is not None
    [handover] = made(town, provider)
    assert handover.address is None
    assert "Geheim" not in handover.model_dump_json()


def test_only_the_tenants_of_the_case_are_handed_over_by_law() -> None:
    town = Town()
    town.case(tenant_ids=(ANNA,))
    town.household()
    town.assess(ARREARS)
    assert [each.person_id for each in made(town, "jobcenter")[0].persons] == [ANNA]


def test_a_timed_out_offer_waits_for_consent_again_only_if_it_is_missing() -> None:
    town = asked(DEBTS)
    town.consent()
    town.day(date(2026, 11, 26))
    assert town.states(DEBTS) == ["CONSENT_PENDING", "OFFERED", "TIMED_OUT", "OFFERED"]
