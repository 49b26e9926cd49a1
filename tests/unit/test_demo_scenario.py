"""The demo's notices: constructed from real material, repeatable, on days on which somebody works."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time
from decimal import Decimal

import pytest

from deploy.demo.chance import Chance
from deploy.demo.material import Step, Timeline, amount, load_material, office_time, profile
from deploy.demo.play import waves
from deploy.demo.scenario import ACTOR, FIRST_DAY, scenario
from deploy.demo.stories import stories
from deploy.demo.timeline import Ended, Eviction, Hearing, Served, told
from deploy.local.system import MUENSTER
from shared.calendar import NRW, is_working_day
from shared.city import load_city
from shared.contracts.codes import EvictionStatus, ProceedingOutcome
from shared.contracts.topics.notices import EvictionDateNotified, Notice, ProceedingEnded, ServiceReported, SuitFiled
from shared.runtime.clock import BERLIN

CITY = load_city(MUENSTER)
MATERIAL = load_material(CITY)
PLAYED = scenario(MATERIAL, 1, 500, FIRST_DAY, NRW)


@pytest.mark.parametrize(
    ("text", "euros"), [("$3,187.75", "3187.75"), ("$0.00", "0.00"), ("1200", "1200.00"), ("1428.86", "1428.86"), ("N/A", None)]
)
def test_sums_are_read_however_they_were_typed(text: str, euros: str | None) -> None:
    assert amount(text) == (None if euros is None else Decimal(euros))


@pytest.mark.parametrize(
    ("text", "hour"), [("09:00 AM", time(9)), ("01:30 PM", time(13, 30)), ("10:30 PM", time(10, 30)), (None, time(9))]
)
def test_hours_are_a_courts(text: str | None, hour: time) -> None:
    assert office_time(text) == hour


def test_arrears_that_only_months_tell_are_reckoned_from_the_rent() -> None:
    row = {"reason": "Rental Arrearage", "tenant_monthly_rent": "890", "amount_owed_at_filing": "N/A", "months_of_rent_owed": "2"}
    assert profile(row).arrears == Decimal("1780.00")


def test_all_of_the_material_is_read() -> None:
    assert (len(MATERIAL.timelines), len(MATERIAL.profiles)) == (500, 161)
    assert set(MATERIAL.addresses) >= set(CITY.districts)
    assert all(MATERIAL.addresses.values())


def test_same_seed_gives_the_same_scenario_and_another_seed_another() -> None:
    again = scenario(MATERIAL, 1, 40, FIRST_DAY, NRW)
    assert again == scenario(MATERIAL, 1, 40, FIRST_DAY, NRW)
    assert again != scenario(MATERIAL, 2, 40, FIRST_DAY, NRW)


def test_more_cases_leave_the_first_ones_as_they_were() -> None:
    assert scenario(MATERIAL, 1, 10, FIRST_DAY, NRW).households == PLAYED.households[:10]


def test_every_notice_says_that_it_is_constructed() -> None:
    assert {each.notice.actor for each in PLAYED.happenings} == {ACTOR}
    assert "constructed" in ACTOR


def test_notices_and_courts_keep_to_working_days() -> None:
    for each in PLAYED.happenings:
        assert is_working_day(each.on), each
        for name in ("hearing_at", "eviction_at"):
            at = getattr(each.notice, name, None)
            assert at is None or is_working_day(at.date()), each


def test_nobody_tells_of_what_has_not_happened_yet() -> None:
    happened = {SuitFiled: "filed_on", ServiceReported: "served_on", ProceedingEnded: "decided_on"}
    for each in PLAYED.happenings:
        field = happened.get(type(each.notice))
        assert field is None or getattr(each.notice, field) <= each.on, each
        if isinstance(each.notice, EvictionDateNotified) and each.notice.status is EvictionStatus.EXECUTED:
            assert each.notice.eviction_at.date() <= each.on


def test_senders_send_what_the_citys_registry_lets_them() -> None:
    sends = {partner.id: partner.sends for partner in CITY.partners}
    assert {(each.sender, each.notice.model_dump()["kind"]) for each in PLAYED.happenings} <= {
        (partner, kind) for partner, kinds in sends.items() for kind in kinds
    }


def test_court_files_and_homes_are_nobody_elses() -> None:
    assert max(Counter(each.proceeding.docket for each in PLAYED.households).values()) == 1
    assert max(Counter(key for each in PLAYED.households for key in each.keys).values()) == 1


def test_a_later_demo_has_other_court_files_and_other_people() -> None:
    later = scenario(MATERIAL, 1, 500, date(2027, 11, 23), NRW)
    assert {each.proceeding.docket for each in later.households}.isdisjoint(each.proceeding.docket for each in PLAYED.households)
    assert later.households[0].people != PLAYED.households[0].people


def test_a_docket_becomes_what_the_city_is_told() -> None:
    docket = Timeline(
        "T",
        2,
        "company",
        (
            Step(0, "filed", None, time(9)),
            Step(8, "served", None, time(9)),
            Step(30, "hearing", "adjourned", time(9)),
            Step(37, "hearing", "judgment", time(10)),
            Step(40, "writ_filed", None, time(9)),
            Step(44, "money_claim_hearing", "judgment", time(9)),
            Step(58, "eviction_date", "eviction_cancelled_late", time(9)),
        ),
    )
    filed = date(2026, 11, 23)

    def at(day: date, hour: int) -> datetime:
        return datetime.combine(day, time(hour), BERLIN)

    assert told(docket, filed, date(2026, 11, 25), NRW) == [
        (date(2026, 12, 2), Hearing(at(date(2026, 12, 23), 9))),
        (date(2026, 12, 4), Served(date(2026, 12, 1), None)),
        (date(2026, 12, 23), Hearing(at(date(2026, 12, 30), 10), previous=at(date(2026, 12, 23), 9))),
        (date(2026, 12, 30), Ended(ProceedingOutcome.JUDGMENT, date(2026, 12, 30))),
        (date(2027, 1, 4), Eviction(at(date(2027, 1, 20), 9), EvictionStatus.SET)),
        (date(2027, 1, 20), Eviction(at(date(2027, 1, 20), 9), EvictionStatus.CANCELLED)),
    ]


def test_a_household_gets_one_notice_at_a_time_in_order() -> None:
    busiest = Counter((each.on, each.household) for each in PLAYED.happenings).most_common(1)[0]
    (day, household), count = busiest
    happenings = [each for each in PLAYED.happenings if each.on == day]
    found = waves(happenings)
    assert sum(map(len, found)) == len(happenings)
    assert all(len({each.household for each in wave}) == len(wave) for wave in found)
    assert [each for wave in found for each in wave if each.household == household] == [
        each for each in happenings if each.household == household
    ]
    assert count > 1


def test_stories_play_on_working_days_with_people_of_their_own() -> None:
    told_of = stories(MATERIAL, FIRST_DAY, NRW)
    assert len(told_of) == 6
    assert all(is_working_day(each.on) for story in told_of for each in story.happenings)
    families = [story.people[0].family_name for story in told_of]
    known = {name for group in MATERIAL.groups for name in group.family}
    assert len(set(families)) == 6
    assert not known & set(families)
    assert all(isinstance(each.notice, Notice) for story in told_of for each in story.happenings)


def test_chance_answers_the_same_question_the_same_way() -> None:
    def asked(question: str) -> list[int]:
        dice = Chance(1, question)
        return [dice.between(0, 1000) for _ in range(5)]

    assert asked("opens") == asked("opens")
    assert asked("opens") != asked("talks")
