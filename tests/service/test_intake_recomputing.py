"""A late holiday or a new version of a rule: open cases are computed anew, and what changed is told with its cause."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import asyncpg
import pytest

from services.intake import recompute_job
from services.intake.desk import Desk
from services.intake.law import deadlines, load_rules
from services.intake.recompute_job import Recomputing
from services.intake.room import IntakeRoom
from shared.calendar import Calendar
from shared.city import load_city
from shared.contracts.codes import CaseChange, Outcome
from shared.contracts.topics.cases import CaseEvent, CaseUpdated
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.messaging.migrate import CORE, migrate
from shared.messaging.model import Heard, Said
from shared.runtime.settings import MUENSTER
from tests.unit.intake_words import NOW, heard, party, service, suit, told

pytestmark = pytest.mark.service

MIGRATIONS = Path(__file__).parents[2] / "services" / "intake" / "migrations"
CITY = load_city(MUENSTER)
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    await migrate(database, [CORE, MIGRATIONS])
    async with asyncpg.create_pool(database, min_size=1, max_size=2) as pool:
        yield pool


class Changed(IntakeRoom):
    """Intake with another legal clock."""

    def __init__(self, *, holidays: frozenset[date] = frozenset(), version: str | None = None) -> None:
        super().__init__(CITY)
        rules = tuple(
            rule.model_copy(update={"version": version}) if version and rule.id == "SCHONFRIST_END" else rule
            for rule in load_rules()
        )
        self._clockwork = lambda facts: deadlines(facts, rules, lambda land: Calendar(land, holidays))


async def take(pool: Pool, *messages: Heard) -> list[Said]:
    room = IntakeRoom(CITY)
    async with pool.acquire() as connection, connection.transaction():
        desk: Desk = await room.load(connection, messages, NOW)
        said = [one for message in messages for one in room.decide(desk, message).said]
        await room.save(connection, desk)
    return said


async def through(pool: Pool, job: Recomputing) -> list[CaseEvent]:
    """The job until it finds nothing more."""
    told_of: list[CaseEvent] = []
    portions = -1
    while portions:
        before = await pool.fetchval("select coalesce(sum(cases), 0) from recomputations")
        async with pool.acquire() as connection, connection.transaction():
            told_of += [each.data for each in await job.run(connection, NOW) if isinstance(each.data, CaseEvent)]
        portions = await pool.fetchval("select coalesce(sum(cases), 0) from recomputations") - before
    return told_of


def schonfrist(event: CaseEvent) -> tuple[date, str]:
    return next((each.on, each.rule_version) for each in event.deadlines if each.rule == "SCHONFRIST_END")


async def test_the_same_law_and_holidays_change_nothing(pool: Pool) -> None:
    await take(pool, heard(suit()), heard(service(date(2026, 11, 23))))
    assert await through(pool, Recomputing(IntakeRoom(CITY))) == []
    row = await pool.fetchrow("select cases, changed, done_at is not null as done from recomputations")
    assert row is not None
    assert tuple(row) == (1, 0, True)


async def test_a_new_holiday_moves_open_deadlines_and_says_so(pool: Pool) -> None:
    await take(pool, heard(suit()), heard(service(date(2026, 11, 23))))
    job = Recomputing(Changed(holidays=frozenset({date(2027, 1, 25)})))
    (event,) = await through(pool, job)
    assert isinstance(event, CaseUpdated)
    assert set(event.changes) == {CaseChange.DEADLINES, CaseChange.CALENDAR}
    assert schonfrist(event)[0] == date(2027, 1, 26)
    assert await through(pool, job) == []
    assert await through(pool, Recomputing(Changed(holidays=frozenset({date(2027, 1, 25)})))) == []


async def test_a_new_version_of_a_rule_is_told_as_the_law(pool: Pool) -> None:
    await take(pool, heard(suit()), heard(service(date(2026, 11, 23))))
    (event,) = await through(pool, Recomputing(Changed(version="2027-01-01")))
    assert set(event.changes) == {CaseChange.DEADLINES, CaseChange.LAW}
    assert schonfrist(event) == (date(2027, 1, 25), "2027-01-01")


async def test_every_open_case_is_reached_in_portions_and_a_closed_one_left_alone(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recompute_job, "PORTION", 2)
    names = ["Achtermann", "Brinkhaus", "Cordes", "Dahlhoff", "Elfering"]
    suits = [suit(party(name), proceeding=None, filed_on=date(2026, 11, 18)) for name in names]
    said = await take(pool, *(heard(each) for each in suits))
    cases = [each.data.case_id for each in said if isinstance(each.data, CaseEvent)]
    ended = OutcomeRecorded(case_id=cases[0], outcome=Outcome.TENANCY_KEPT_ASSUMPTION_SGB2, ended_on=NOW.date())
    await take(pool, replace(told("outcomes", "outreach", ended), key=str(cases[0])))
    events = await through(pool, Recomputing(Changed(version="2027-01-01")))
    assert {each.case_id for each in events} == set(cases[1:])


async def test_a_portion_that_was_not_committed_is_done_again(pool: Pool) -> None:
    await take(pool, heard(suit(), message_id=uuid4()))
    job = Recomputing(Changed(version="2027-01-01"))
    async with pool.acquire() as connection:
        lost = connection.transaction()
        await lost.start()
        assert await job.run(connection, NOW)
        await lost.rollback()
    assert len(await through(pool, job)) == 1
