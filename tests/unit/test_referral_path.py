"""From a need to somebody who helps: offers, answers, time, capacity."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations

import pytest

from services.referral.jobs import alarm_until
from services.referral.routing import Directory
from shared.calendar import NRW
from shared.contracts.catalogue import HANDOVERS, OFFERS, REFERRALS
from shared.contracts.codes import MoneyBand, Need, NeedGroup, ReferralState, WithdrawReason
from shared.contracts.topics.handovers import HandoverMade, HandoverRecalled
from shared.contracts.topics.offers import OfferMade, OfferWithdrawn
from shared.contracts.topics.referrals import ApplicationDecided, ReferralChanged, UndertakingSent
from shared.contracts.topics.replies import OfferAccepted, SupportEnded, SupportStarted, UndertakingReported
from tests.unit.referral_town import ANNA, LAW, MONDAY, POLICY, SERVICES, Town, at

DEBTS, ARREARS = Need.DEBT_COUNSELLING, Need.ARREARS_ASSUMPTION


def known_household(town: Town) -> Town:
    town.case()
    town.household()
    town.consent()
    return town


def test_a_need_finds_help() -> None:
    town = known_household(Town())
    town.assess(DEBTS)
    assert town.on(OFFERS.of("debts1")) == [
        OfferMade(
            referral_id=town.referral(DEBTS).referral_id,
            service="debts1",
            group=NeedGroup.ADVICE,
            district="NORD",
            household_type=town.file().household_type,
            answer_by=date(2026, 11, 25),
            next_deadline_on=date(2027, 1, 25),
        )
    ]
    assert not town.on(HANDOVERS.of("debts1"))
    town.accept(DEBTS)
    [handover] = town.on(HANDOVERS.of("debts1"))
    assert isinstance(handover, HandoverMade)
    assert [each.given_name for each in handover.persons] == ["Anna"]
    assert handover.address is not None
    assert handover.claimed_arrears is None
    town.start(DEBTS)
    town.end(DEBTS)
    assert town.states(DEBTS) == ["OFFERED", "ACCEPTED", "STARTED", "ENDED"]


def test_whichever_comes_last_of_case_household_consent_and_assessment_the_handover_leaves_once() -> None:
    for order in permutations(("case", "household", "consent", "assess")):
        town = Town()
        for step in order:
            town.assess(DEBTS) if step == "assess" else getattr(town, step)()
        town.accept(DEBTS)
        assert len(town.on(HANDOVERS.of("debts1"))) == 1, order
        assert town.states(DEBTS)[-2:] == ["OFFERED", "ACCEPTED"]


def test_the_handover_waits_for_the_version_of_the_household_that_belongs_to_the_case() -> None:
    town = Town()
    town.case(household_version=3)
    town.consent()
    town.assess(DEBTS)
    town.accept(DEBTS)
    town.household(version=2)
    assert not town.on(HANDOVERS.of("debts1"))
    town.household(version=3)
    assert len(town.on(HANDOVERS.of("debts1"))) == 1


def test_an_authority_hears_at_once_and_decides_instead_of_accepting() -> None:
    town = Town()
    town.case()
    town.household()
    town.assess(ARREARS)
    [handover] = town.on(HANDOVERS.of("jobcenter"))
    assert isinstance(handover, HandoverMade)
    assert handover.basis is LAW
    assert not handover.consent_ids
    assert str(handover.claimed_arrears) == "2400.00"
    assert len(handover.persons) == 2
    town.grant()
    town.undertake()
    town.now += timedelta(days=3)
    town.undertake(received=town.now.date())
    assert town.states(ARREARS) == ["OFFERED", "DECIDED"]
    decided = [each for each in town.on(REFERRALS.name) if isinstance(each, ApplicationDecided)]
    assert [each.amount for each in decided] == [MoneyBand.FROM_2000]
    sent = [each for each in town.on(REFERRALS.name) if isinstance(each, UndertakingSent)]
    assert [each.received_by_landlord_on for each in sent] == [None, town.now.date()]
    assert not town.referral(ARREARS).undertaking_missing


def test_the_silence_of_a_competent_authority_goes_to_the_team_lead_and_its_late_decision_counts() -> None:
    town = Town()
    town.case()
    town.household()
    town.assess(ARREARS)
    town.day(date(2026, 11, 26))
    assert town.states(ARREARS) == ["OFFERED", "TIMED_OUT", "ESCALATED"]
    assert len(town.on(HANDOVERS.of("jobcenter"))) == 1
    town.grant()
    assert town.referral(ARREARS).state is ReferralState.DECIDED


def test_a_rejection_goes_to_the_next_and_after_three_more_to_the_team_lead() -> None:
    town = known_household(Town())
    town.assess(DEBTS)
    for _ in range(4):
        town.reject(DEBTS)
    assert town.referral(DEBTS).state is ReferralState.ESCALATED
    assert town.referral(DEBTS).tried == ("debts1", "debts2", "debts3", "debts4")
    assert not town.on(OFFERS.of("debts5"))
    assert town.states(DEBTS) == [*["OFFERED", "REJECTED_BY_PROVIDER"] * 4, "ESCALATED"]


def test_silence_times_out_after_the_promised_working_days() -> None:
    town = known_household(Town())
    town.assess(DEBTS)
    assert not town.day(date(2026, 11, 25))
    town.day(date(2026, 11, 26))
    assert town.on(OFFERS.of("debts1"))[-1] == OfferWithdrawn(
        referral_id=town.referral(DEBTS).referral_id, reason=WithdrawReason.TIMED_OUT
    )
    assert town.referral(DEBTS).provider == "debts2"
    assert not town.day(date(2026, 11, 26)), "timing out again changes nothing"


def test_nothing_times_out_from_good_friday_to_easter_monday() -> None:
    town = known_household(Town(date(2027, 3, 23)))
    town.now = at(date(2027, 3, 23))
    town.assess(DEBTS)
    assert town.referral(DEBTS).answer_by == date(2027, 3, 25)
    for day in range(26, 30):
        assert not town.day(date(2027, 3, day))
    assert town.day(date(2027, 3, 30))


@pytest.mark.parametrize(("deadline", "days"), [(date(2026, 12, 4), 1), (date(2026, 12, 7), 2)])
def test_little_slack_leaves_one_working_day(deadline: date, days: int) -> None:
    town = Town()
    town.case(deadlines=(Town.deadline(deadline),))
    town.assess(ARREARS)
    assert town.referral(ARREARS).answer_by == MONDAY + timedelta(days=days)


def test_a_household_may_decline_after_acceptance_and_another_is_asked() -> None:
    town = known_household(Town())
    town.assess(DEBTS)
    town.accept(DEBTS)
    town.decline(DEBTS)
    assert isinstance(town.on(HANDOVERS.of("debts1"))[-1], HandoverRecalled)
    assert town.referral(DEBTS).provider == "debts2"


def test_a_provider_at_capacity_is_passed_over() -> None:
    town = Town()
    for n in range(11):
        town.case(n)
        town.consent(n=n)
        town.assess(DEBTS, n=n)
    asked = [town.referral(DEBTS, n).provider for n in range(10)]
    assert sorted(asked, key=str) == [f"debts{k}" for k in range(1, 6) for _ in range(2)]
    assert town.referral(DEBTS, 10).state is ReferralState.ESCALATED
    assert town.referral(DEBTS, 10).tried == ()


def test_who_speaks_the_language_is_asked_first() -> None:
    town = known_household(Town())
    town.assess(Need.MIGRATION_LANGUAGE, languages=("tr",))
    assert town.referral(Need.MIGRATION_LANGUAGE).provider == "turkish"


def test_a_provider_of_another_district_is_not_asked_but_an_unknown_district_is_nobodys_fault() -> None:
    town = known_household(Town())
    town.assess(Need.REHOUSING)
    assert town.referral(Need.REHOUSING).state is ReferralState.ESCALATED
    other = Town()
    other.case(district="UNKNOWN")
    other.consent()
    other.assess(Need.REHOUSING, district="UNKNOWN")
    assert other.referral(Need.REHOUSING).provider == "homes"


def test_late_and_foreign_answers_are_refused_with_their_rule() -> None:
    town = known_household(Town())
    town.assess(DEBTS)
    referral = town.referral(DEBTS).referral_id
    assert town.refused("debts2", OfferAccepted, referral) == ("referral_id", "not_asked")
    assert town.refused("debts1", OfferAccepted, ANNA) == ("referral_id", "unknown")
    assert town.refused("debts1", SupportStarted, referral, started_on=MONDAY) == ("referral_id", "not_open")
    town.day(date(2026, 11, 26))
    assert town.refused("debts1", OfferAccepted, referral) == ("referral_id", "too_late")
    town.accept(DEBTS)
    assert town.refused("debts2", OfferAccepted, referral) == ("referral_id", "not_open")
    tomorrow = date(2026, 11, 27)
    assert town.refused("debts2", SupportStarted, referral, started_on=tomorrow) == ("started_on", "in_future")
    town.start(DEBTS)
    early = {"ended_on": MONDAY, "result": "GOAL_REACHED"}
    assert town.refused("debts2", SupportEnded, referral, **early) == ("ended_on", "before_start")
    town.close()
    town.end(DEBTS)


def test_only_an_authority_decides_and_only_what_was_granted_is_undertaken() -> None:
    town = known_household(Town())
    town.assess(DEBTS, ARREARS)
    arrears = town.referral(ARREARS).referral_id
    assert town.refused("jobcenter", UndertakingReported, arrears, sent_on=MONDAY) == ("referral_id", "not_granted")
    debts = town.referral(DEBTS)
    assert debts.provider is not None
    with pytest.raises(Exception, match="not_an_authority"):
        town.grant(DEBTS)


def test_naming_a_need_again_starts_nothing_while_it_is_being_met_and_anew_once_it_is_over() -> None:
    town = known_household(Town())
    town.assess(DEBTS)
    town.assess(DEBTS)
    assert len(town.file().referrals) == 1
    town.accept(DEBTS)
    town.end(DEBTS)
    town.assess(DEBTS)
    assert [each.state for each in town.file().referrals] == [ReferralState.ENDED, ReferralState.OFFERED]


def test_closing_withdraws_what_is_open_and_leaves_help_in_place() -> None:
    town = known_household(Town())
    town.assess(DEBTS, ARREARS, Need.MIGRATION_LANGUAGE)
    town.accept(Need.MIGRATION_LANGUAGE)
    town.close()
    assert town.referral(DEBTS).state is ReferralState.RECALLED
    assert isinstance(town.on(OFFERS.of("debts1"))[-1], OfferWithdrawn)
    assert isinstance(town.on(HANDOVERS.of("jobcenter"))[-1], HandoverRecalled)
    assert town.referral(Need.MIGRATION_LANGUAGE).state is ReferralState.ACCEPTED
    town.decline(Need.MIGRATION_LANGUAGE)
    assert town.referral(Need.MIGRATION_LANGUAGE).state is ReferralState.RECALLED
    town.now += timedelta(days=1)
    town.reopen()
    town.assess(DEBTS)
    assert town.referral(DEBTS).state is ReferralState.OFFERED


def test_an_assessment_that_comes_after_the_outcome_asks_nobody() -> None:
    town = known_household(Town())
    town.close()
    town.assess(DEBTS)
    assert not town.file().referrals


def test_a_corrected_report_takes_its_needs_back_also_before_it_comes() -> None:
    town = known_household(Town())
    wrong, later = town.fresh(), town.fresh()
    town.assess(DEBTS, ARREARS, report=wrong)
    town.assess(ARREARS)
    town.correct(wrong)
    assert town.referral(DEBTS).state is ReferralState.RECALLED
    assert town.referral(ARREARS).state is ReferralState.OFFERED
    town.correct(later)
    town.assess(Need.MIGRATION_LANGUAGE, report=later)
    assert not [each for each in town.file().referrals if each.need is Need.MIGRATION_LANGUAGE]


def test_erasing_takes_everything_back_and_nothing_comes_again() -> None:
    town = known_household(Town())
    town.assess(DEBTS, ARREARS)
    town.accept(DEBTS)
    referral = town.referral(DEBTS).referral_id
    said = town.erase()
    reasons = {(each.topic, type(each.data)) for each in said}
    assert (HANDOVERS.of("debts1"), HandoverRecalled) in reasons
    assert (HANDOVERS.of("jobcenter"), HandoverRecalled) in reasons
    assert (OFFERS.of("jobcenter"), OfferWithdrawn) in reasons
    assert not town.assess(DEBTS)
    assert not town.case()
    assert town.file().model_dump(exclude_defaults=True) == {"case_id": town.case_id(), "erased": True}
    assert town.refused("debts1", SupportEnded, referral, ended_on=MONDAY, result="GOAL_REACHED") == ("referral_id", "unknown")


def test_an_erased_household_is_handed_to_nobody() -> None:
    town = known_household(Town())
    town.assess(DEBTS)
    town.hear("households", town.household_id(), None)
    town.accept(DEBTS)
    assert not town.on(HANDOVERS.of("debts1"))


def test_a_service_out_of_order_is_not_asked() -> None:
    services = tuple(replace(each, active=each.code != "debts1") for each in SERVICES)
    town = known_household(Town(policy=replace(POLICY, directory=Directory(services))))
    town.assess(DEBTS)
    assert town.referral(DEBTS).provider == "debts2"


def test_facts_do_not_name_a_provider_whose_name_tells_the_condition() -> None:
    town = Town()
    town.case()
    town.consent(purpose="HEALTH_DATA")  # type: ignore[arg-type]  # validated from its code
    town.assess(Need.ADDICTION)
    town.accept(Need.ADDICTION)
    changed = [each for each in town.on(REFERRALS.name) if isinstance(each, ReferralChanged)]
    assert [each.provider for each in changed] == [None, None]
    assert "addiction" not in repr(changed).lower()


def test_the_alarm_for_the_undertaking_begins_five_working_days_before_the_schonfrist_ends() -> None:
    assert alarm_until(date(2027, 1, 18), 5, NRW) == date(2027, 1, 25)
    assert alarm_until(date(2027, 1, 17), 5, NRW) == date(2027, 1, 22), "a Sunday adds nothing"
