"""The six stories of the demo as acceptance tests, and the demo itself: it keeps the promises and can be repeated."""

from __future__ import annotations

import pytest

from deploy.demo.digest import difference
from shared.calendar import is_working_day, next_working_day, working_days_between
from shared.contracts.codes import (
    Alarm,
    AttemptResult,
    Basis,
    CaseChange,
    Disclosure,
    ObligationClose,
    ObligationReason,
    Promise,
    Stage,
)
from shared.contracts.topics.visits import VisitAttempted, VisitPlanned
from tests.system.demo_run import CITY, Run, run
from tests.the_broker import BROKER

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

CASES = 6


@pytest.fixture(scope="module")
async def played() -> Run:
    """The stories, and a few court cases around them."""
    return await run(CASES)


def test_same_suit_from_two_offices_is_one_case_with_two_notices_and_each_defendant_is_covered_once(played: Run) -> None:
    told = played.told["two offices"]
    assert told.notices == 2
    assert len(told.case.proceedings) == 1
    covered = [told.name(each.person_id) for each in told.obligations.values()]
    assert sorted(covered) == ["Irmgard", "Joachim"]
    assert [len(each.residents) for each in told.assigned] == [2], "one visit for both"
    assert {end.how for end in told.ends.values()} == {ObligationClose.MET}


def test_bailiffs_date_as_the_first_thing_heard_of_is_an_eviction_with_a_visit_due_the_next_working_day(played: Run) -> None:
    story, told = played.stories["bailiff first"], played.told["bailiff first"]
    first = told.cases[0]
    assert first.stage is Stage.EVICTION_DATE_SET
    assert first.eviction is not None
    assert first.eviction.eviction_at.date() == story.days["eviction"]
    (owed,) = told.obligations.values()
    assert (owed.promise, owed.due_on) == (Promise.WD1, story.days["due"])
    (attempt,) = told.heard(VisitAttempted)
    assert attempt.attempted_on <= story.days["due"]


def test_three_attempts_in_vain_exhaust_the_visit_and_a_date_months_later_opens_a_new_round(played: Run) -> None:
    story, told = played.stories["three in vain"], played.told["three in vain"]
    first, second = sorted(told.obligations.values(), key=lambda each: each.round)
    in_vain = [each for each in told.heard(VisitAttempted) if first.obligation_id in each.obligation_ids]
    assert [each.result for each in in_vain] == [AttemptResult.NOT_MET] * 3
    assert len({each.attempted_on.weekday() for each in in_vain}) == 3
    assert len({each.window for each in in_vain}) == 3
    assert told.ends[first.obligation_id].how is ObligationClose.EXHAUSTED
    assert told.ends[first.obligation_id].closed_on == max(each.attempted_on for each in in_vain)
    assert (second.round, second.reason, second.owed_since) == (2, ObligationReason.EVICTION_DATE, story.days["again"])
    assert second.promise is Promise.WD1
    assert told.ends[second.obligation_id].how is ObligationClose.MET


def test_separated_couple_sued_together_is_visited_at_two_addresses_and_hers_is_not_told_to_him(played: Run) -> None:
    story, told = played.stories["separated"], played.told["separated"]
    stayed, gone = story.people
    assert stayed.address is not None
    assert gone.address is not None
    assert len(told.obligations) == 2
    assert len({each.address_id for each in told.obligations.values()}) == 2
    hers = next(each for each in told.household.addresses if each.address.street == gone.address.street)
    assert hers.disclosure is Disclosure.PERSON_ONLY
    assert [told.name(each) for each in hers.person_ids] == [gone.given_name]
    for _, event in told.assignments:
        text = event.model_dump_json()
        assert not (stayed.address.street in text and gone.address.street in text), "no assignment names both addresses"
    by_name = {each.residents[0].given_name: each.address.street for each in told.assigned}
    assert by_name == {stayed.given_name: stayed.address.street, gone.given_name: gone.address.street}


def test_notice_after_its_deadline_is_alarmed_and_the_visit_is_owed_as_soon_as_can_be(played: Run) -> None:
    story, told = played.stories["too late"], played.told["too late"]
    ended = next(each.on for each in told.cases[0].deadlines if each.rule == "SCHONFRIST_END")
    assert ended == story.days["ended"] < story.days["told"]
    (owed,) = told.obligations.values()
    planned = told.heard(VisitPlanned)[0]
    assert Alarm.AFTER_DEADLINE in planned.alarms
    assert story.days["told"] <= planned.planned_on <= next_working_day(story.days["told"], CITY.calendar)
    assert told.ends[owed.obligation_id].how is ObligationClose.MET


def test_undertaking_on_the_last_safe_day_heals_the_termination(played: Run) -> None:
    story, told = played.stories["last safe day"], played.told["last safe day"]
    healed = next(each for each in told.cases if each.stage is Stage.HEALED)
    before = told.cases[told.cases.index(healed) - 1]
    end = next(each for each in before.deadlines if each.rule == "SCHONFRIST_END")
    assert (end.on, end.basis) == (story.days["last"], Basis.EXACT)
    assert is_working_day(end.on, CITY.calendar)
    assert CaseChange.UNDERTAKING in healed.changes
    assert healed.changed_on == story.days["last"]
    assert told.case.stage is Stage.HEALED


def test_every_promise_holds_after_the_demo(played: Run) -> None:
    assert [check for check in played.checks if not check.ok] == []


def test_visits_keep_what_the_stories_were_promised(played: Run) -> None:
    for name, told in played.told.items():
        for owed in told.obligations.values():
            tried = [each.attempted_on for each in told.heard(VisitAttempted) if owed.obligation_id in each.obligation_ids]
            assert working_days_between(min(tried), owed.due_on, CITY.calendar) >= 0, name


async def test_same_seed_comes_to_the_same(played: Run) -> None:
    again = await run(CASES, killing=())
    assert difference(played.digest, again.digest) == []
    assert played.digest.sha256 == again.digest.sha256
    assert len(played.digest.cases) == played.households
    assert played.digest.deadlines > 0


@pytest.mark.fault
async def test_every_promise_holds_though_every_service_and_the_broker_are_killed_on_the_way(played: Run) -> None:
    again = await run(CASES, killing=("intake", "outreach", "referral", "reporting", BROKER))
    assert [check for check in again.checks if not check.ok] == []
    assert played.digest.notices == again.digest.notices
    assert len(played.digest.cases) == len(again.digest.cases)
