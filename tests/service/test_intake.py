"""Intake on a real database: what a batch leaves behind, and what two processes make of one suit."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from services.intake.room import IntakeRoom
from shared.city import load_city
from shared.contracts.codes import Answer
from shared.contracts.topics.parts import FromOutside
from shared.messaging.migrate import CORE, migrate
from shared.messaging.model import Decision, Heard
from shared.runtime.settings import MUENSTER
from tests.unit.intake_words import NOW, hearing_set, heard, suit

pytestmark = pytest.mark.service

MIGRATIONS = Path(__file__).parents[2] / "services" / "intake" / "migrations"


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    await migrate(database, [CORE, MIGRATIONS])
    pool = await asyncpg.create_pool(database, min_size=1, max_size=4)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
def room() -> IntakeRoom:
    return IntakeRoom(load_city(MUENSTER))


async def batch(pool: asyncpg.Pool[asyncpg.Record], room: IntakeRoom, *messages: Heard) -> tuple[list[Decision], int]:
    statements = 0

    def seen(_: object) -> None:
        nonlocal statements
        statements += 1

    async with pool.acquire() as connection, connection.transaction():
        with connection.query_logger(seen):
            desk = await room.load(connection, messages, NOW)
            decided = [room.decide(desk, message) for message in messages]
            await room.save(connection, desk)
    return decided, statements


async def test_a_suit_opens_one_case_and_its_household(pool: asyncpg.Pool[asyncpg.Record], room: IntakeRoom) -> None:
    ((decision,), _) = await batch(pool, room, heard(suit()))
    assert decision.answer is Answer.ACCEPTED
    assert [one.topic for one in decision.said] == ["households", "cases"]
    assert await pool.fetchval("select count(*) from cases where status = 'OPEN' and stage = 'SUIT_FILED'") == 1
    assert await pool.fetchval("select count(*) from households where version = 1") == 1
