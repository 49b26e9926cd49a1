"""Intake on a real database: what a batch leaves behind, and what two processes make of one suit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import asyncpg
import pytest

from services.intake.room import IntakeRoom
from shared.city import load_city
from shared.contracts.codes import Answer
from shared.contracts.topics.cases import CaseClosed, CaseEvent
from shared.contracts.topics.notices import NoticeRevoked, ProceedingRef
from shared.messaging.migrate import CORE, migrate
from shared.messaging.model import Decision, Heard
from shared.runtime.settings import MUENSTER
from tests.unit.intake_office import corrected
from tests.unit.intake_words import NOW, days, heard, hearing_set, said, service, stranger, suit

pytestmark = pytest.mark.service

MIGRATIONS = Path(__file__).parents[2] / "services" / "intake" / "migrations"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    await migrate(database, [CORE, MIGRATIONS])
    pool = await asyncpg.create_pool(database, min_size=2, max_size=4)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
def room() -> IntakeRoom:
    return IntakeRoom(load_city(MUENSTER))


async def batch(pool: Pool, room: IntakeRoom, *messages: Heard) -> list[Decision]:
    async with pool.acquire() as connection, connection.transaction():
        desk = await room.load(connection, messages, NOW)
        decided = [room.decide(desk, message) for message in messages]
        await room.save(connection, desk)
    return decided


async def statements_of(pool: Pool, room: IntakeRoom, *messages: Heard) -> int:
    statements = 0

    def seen(_: object) -> None:
        nonlocal statements
        statements += 1

    async with pool.acquire() as connection, connection.transaction():
        with connection.query_logger(seen):
            desk = await room.load(connection, messages, NOW)
            for message in messages:
                room.decide(desk, message)
            await room.save(connection, desk)
    return statements


def suits(n: int) -> list[Heard]:
    return [heard(suit(stranger(i), proceeding=ProceedingRef(court_code="R2713", docket=f"{i} C 1/26"))) for i in range(n)]


async def test_a_suit_opens_one_case_and_its_household(pool: Pool, room: IntakeRoom) -> None:
    (decision,) = await batch(pool, room, heard(suit()))
    assert decision.answer is Answer.ACCEPTED
    assert [one.topic for one in decision.said] == ["households", "cases"]
    assert await pool.fetchval("select count(*) from cases where status = 'OPEN' and stage = 'SUIT_FILED'") == 1
    assert await pool.fetchval("select count(*) from households where version = 1") == 1


async def test_what_is_stored_reads_back_the_same(pool: Pool, room: IntakeRoom) -> None:
    await batch(pool, room, heard(suit(monthly_rent="612.50", hearing_at=days(20)), "jobcenter"))
    (second,) = await batch(pool, room, heard(suit(monthly_rent="612.50", hearing_at=days(20)), "jobcenter"))
    assert second.said == []


async def test_what_came_before_its_suit_takes_effect_with_it(pool: Pool, room: IntakeRoom) -> None:
    notice = uuid4()
    await batch(pool, room, heard(hearing_set(days(20)), message_id=notice))
    await batch(pool, room, heard(service(date(2026, 11, 25))))
    await batch(pool, room, heard(said(NoticeRevoked, revokes=notice)))
    (decision,) = await batch(pool, room, heard(suit()))
    (event,) = [one.data for one in decision.said if isinstance(one.data, CaseEvent)]
    assert event.stage == "LIS_PENDENS"
    assert await pool.fetchval("select count(*) from statements where case_id is null") == 0


async def test_a_revocation_reaches_a_notice_of_an_earlier_batch(pool: Pool, room: IntakeRoom) -> None:
    notice = uuid4()
    await batch(pool, room, heard(suit(), message_id=notice))
    (decision,) = await batch(pool, room, heard(said(NoticeRevoked, revokes=notice)))
    assert any(isinstance(one.data, CaseClosed) for one in decision.said)
    assert await pool.fetchval("select count(*) from match_keys") == 0


@pytest.mark.parametrize("without_file", [False, True])
async def test_two_processes_with_the_same_suit_open_one_case(pool: Pool, room: IntakeRoom, *, without_file: bool) -> None:
    changes = {"proceeding": None} if without_file else {}
    for n in range(10):
        people = stranger(n), stranger(n + 100)
        ref = ProceedingRef(court_code="R2713", docket=f"{n} C 1/26")
        both = suit(*people, **{"proceeding": ref, **changes}), suit(*reversed(people), **{"proceeding": ref, **changes})
        await asyncio.gather(
            batch(pool, room, heard(both[0], "jobcenter"), heard(suit(), "jobcenter")),
            batch(pool, room, heard(suit(), "sozialamt"), heard(both[1], "sozialamt")),
        )
    assert await pool.fetchval("select count(*) from cases") == 11
    assert await pool.fetchval("select count(*) from statements where case_id is not null") == 40


async def test_a_suit_corrected_to_another_households_court_file_leaves_it_there(pool: Pool, room: IntakeRoom) -> None:
    file = ProceedingRef(court_code="R2713", docket="1 C 1/26")
    await batch(pool, room, heard(suit(stranger(1), proceeding=file)))
    owners = await pool.fetch("select household_id from match_keys where key like 'docket|%'")
    without = heard(suit(stranger(2), proceeding=None))
    await batch(pool, room, without)
    await batch(pool, room, heard(corrected(without.id, suit(stranger(2), proceeding=file))))
    (decision,) = await batch(pool, room, heard(suit(stranger(2), proceeding=None)))
    assert decision.answer is Answer.ACCEPTED
    assert await pool.fetch("select household_id from match_keys where key like 'docket|%'") == owners
    assert len(owners) == 1
    assert await pool.fetchval("select count(*) from cases") == 2


async def test_what_waited_for_a_court_file_that_was_nobodys_comes_with_the_next_that_names_it(
    pool: Pool, room: IntakeRoom
) -> None:
    file, other = (ProceedingRef(court_code="R2713", docket=f"{n} C 1/26") for n in (1, 2))
    mistaken, without = heard(suit(stranger(1), proceeding=file)), heard(suit(stranger(2), proceeding=None))
    await batch(pool, room, mistaken, without)
    await batch(pool, room, heard(corrected(without.id, suit(stranger(2), proceeding=file))))
    await batch(pool, room, heard(corrected(mistaken.id, suit(stranger(1), proceeding=other))))
    hearings = [heard(hearing_set(days(n), proceeding=file)) for n in (20, 30)]
    await batch(pool, room, hearings[0])
    assert await pool.fetchval("select count(*) from statements where case_id is null") == 1
    await batch(pool, room, heard(suit(stranger(2), proceeding=None)))
    await batch(pool, room, hearings[1])
    cases = await pool.fetch("select case_id from statements where id = any($1)", [without.id, *(each.id for each in hearings)])
    assert len(cases) == 3
    assert len(set(cases)) == 1


async def test_a_batch_costs_few_statements_whatever_its_size(pool: Pool, room: IntakeRoom) -> None:
    await statements_of(pool, room, *suits(1))  # a new connection first asks about types
    assert await statements_of(pool, room, *suits(200)) == await statements_of(pool, room, *suits(400)) <= 20
    assert await statements_of(pool, room, *suits(401)[400:]) <= 12  # nobody knows this one: nothing of theirs is read


async def test_a_case_goes_with_its_household(pool: Pool, room: IntakeRoom) -> None:
    await batch(pool, room, *suits(2))
    await pool.execute(
        "delete from households where id = (select household_id from match_keys where key like 'docket|%' limit 1)"
    )
    left = "select (select count(*) from households), (select count(*) from cases), (select count(*) from statements)"
    assert tuple(await pool.fetchrow(left) or ()) == (1, 1, 1)
