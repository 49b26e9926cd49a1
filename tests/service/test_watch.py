"""What operations watch of partners, visits and the promise: the numbers on /metrics against what the databases hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TypeAlias, cast

import asyncpg
import pytest

from services.outreach import store as outreach_store
from services.outreach.jobs import Watch as VisitsWatched
from services.outreach.jobs import slack_left
from services.reporting.jobs import Watch as PromiseWatched
from services.reporting.store import load_lines
from shared.calendar import NRW
from shared.contracts.catalogue import NOTICES
from shared.messaging.consumer import Consumer
from shared.messaging.wire import Raw
from shared.runtime.health import Health
from shared.runtime.metrics import Metrics, Name, Slack
from shared.runtime.process import _look
from tests.service.intake_process import CITY, Intake
from tests.service.test_outreach import Process, registered, told
from tests.service.test_outreach import pool as outreach
from tests.service.test_outreach_moves import _begun, _on, _stories
from tests.service.test_reporting import NOW, Story, hear
from tests.service.test_reporting import pool as reporting
from tests.unit.intake_words import suit
from tests.unit.outreach_room import MONDAY, Town, city, deadline

__all__ = ["outreach", "reporting"]
pytestmark = pytest.mark.service
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

BACKFILL = (Path(outreach_store.__file__).parent / "migrations" / "0003_slack.sql").read_text().partition(";")[2]


def slack(metrics: Metrics) -> dict[Slack, float]:
    found = {each: metrics.registry.get_sample_value(Name.OPEN_VISITS, {"slack": each}) for each in Slack}
    return {each: visits for each, visits in found.items() if visits}


def test_slack_is_counted_in_working_days() -> None:
    friday = date(2026, 11, 27)
    later = {7: 2, 10: 4, 14: 8, 17: 16}  # 5, 6, 10 and 11 working days
    days: dict[date | None, int] = {friday + timedelta(days=n): visits for n, visits in later.items()}
    days |= {friday - timedelta(days=1): 32, friday: 1}
    assert slack_left(days | {None: 64}, friday, NRW) == {
        Slack.NONE: 33,
        Slack.UP_TO_5: 2,
        Slack.UP_TO_10: 12,
        Slack.MORE: 16,
        Slack.NO_DEADLINE: 64,
    }


async def test_open_visits_are_counted_by_the_slack_left(outreach: Pool) -> None:
    process, town = Process(outreach), Town()
    for days in (63, 63, 4, 0):
        await process.hear(*_suit(town, days))
    await process.job(VisitsWatched(process.metrics, city()).run)
    assert slack(process.metrics) == {Slack.MORE: 2, Slack.UP_TO_5: 1, Slack.NONE: 1}


async def test_a_database_of_before_learns_the_deadlines_of_its_open_visits(outreach: Pool) -> None:
    process, town = Process(outreach), Town()
    for days in (63, 4):
        await process.hear(*_suit(town, days))
    known = await outreach.fetch("select visit_id, deadline_on from open_visits order by visit_id")
    await outreach.execute("update open_visits set deadline_on = null")
    await outreach.execute(BACKFILL)
    assert await outreach.fetch("select visit_id, deadline_on from open_visits order by visit_id") == known


async def test_a_case_that_waits_for_its_other_half_is_counted_until_it_came(outreach: Pool) -> None:
    process, stories = Process(outreach), _stories(2)
    watch = VisitsWatched(process.metrics, city())
    await process.hear(*_begun(stories), *(_on(each.gone, 2) for each in stories), _on(stories[0].merged, 2))
    for waiting, further in ((1, [_on(stories[1].merged, 2)]), (0, [])):
        await process.job(watch.run)
        assert process.metrics.registry.get_sample_value(Name.WAITING_MOVES) == waiting
        await process.hear(*further)


async def test_the_promise_is_counted_as_the_page_counts_it(reporting: Pool) -> None:
    metrics = Metrics([])
    tried, untried = [Story(n) for n in range(3)], [Story(n, closed=False) for n in range(3, 8)]
    nobody_told = Story(9)
    await hear(reporting, [fact for story in (*tried, *untried) for fact in story.heard()])
    await hear(reporting, [fact for fact in nobody_told.heard() if fact.topic == "cases"])
    assert len(await load_lines(reporting)) == 9
    for now, overdue in ((NOW, 5), (NOW.replace(month=7, day=6), 0)):
        async with reporting.acquire() as connection:
            assert await PromiseWatched(metrics).run(connection, now) == ()
        numbers = [
            metrics.registry.get_sample_value(name) for name in (Name.OWED_VISITS, Name.OVERDUE_VISITS, Name.UNCOVERED_DEFENDANTS)
        ]
        assert numbers == [5, overdue, 1]


async def test_a_partner_was_heard_when_it_last_wrote_itself_and_one_that_never_did_when_the_database_was_made(
    intake: Intake,
) -> None:
    first = intake.clock.now()
    wrote = {"ag-muenster": first + timedelta(days=2), "jobcenter": first + timedelta(days=1)}
    for partner, last in wrote.items():
        for moment in (first, last):
            intake.clock.set(moment)
            await intake.hear(suit(), topic=NOTICES.of(partner))
    system = replace(intake.running, health=Health(loops=(), conditions=("assigned", "outbox_young")))
    await _look(system, cast("Consumer", SimpleNamespace(assigned=lambda: True, lag=dict)))
    made = await intake.pool.fetchval("select min(applied_at) from migrations")
    sample = system.metrics.registry.get_sample_value
    heard = {each.id: sample(Name.LAST_NOTICE, {"partner": each.id}) for each in CITY.partners}
    assert heard == {each.id: wrote.get(each.id, made).timestamp() for each in CITY.partners}


def _suit(town: Town, days: int) -> tuple[Raw, Raw]:
    case, household = town.suit(deadlines=(deadline("SCHONFRIST_END", MONDAY + timedelta(days=days)),))
    return told(case), registered(household)
