"""Each read of personal data is recorded with the read itself, or neither happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.local.folder import POSTGRES
from deploy.local.outside import remove
from deploy.local.supervisor import Local
from shared.runtime.access_log import record_read
from shared.runtime.persons import Person, Role

pytestmark = pytest.mark.service

KIM = Person("kim", frozenset({Role.CASEWORKER, Role.OPERATOR}))
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
READS = Path(__file__).parents[2] / "shared" / "messaging" / "migrations" / "0002_reads.sql"


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    with Local(tmp_path / "data") as local:
        local.start_postgres()
        connection = await asyncpg.connect(local.ensure_databases(["intake"])["intake"])
        await connection.execute(READS.read_text())
        yield connection
        await connection.close()
    remove(tmp_path / "data", POSTGRES)


async def test_a_read_is_recorded_with_its_transaction(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    cases: list[UUID] = [uuid4(), uuid4()]
    async with connection.transaction():
        await record_read(connection, KIM.acting_as(Role.CASEWORKER), "visit", cases, "day_sheet", AT)
    rows = await connection.fetch("select at, person_id, role, purpose, what, subject_id from reads order by id")
    assert [tuple(row) for row in rows] == [(AT, "kim", "caseworker", "visit", "day_sheet", case) for case in cases]

    undone = connection.transaction()
    await undone.start()
    await record_read(connection, KIM.acting_as(Role.OPERATOR), "repair", cases, "parked_message", AT)
    await undone.rollback()
    assert await connection.fetchval("select count(*) from reads") == 2

    with pytest.raises(ValueError, match="role it was made in"):
        await record_read(connection, KIM, "visit", cases, "day_sheet", AT)
    with pytest.raises(asyncpg.CheckViolationError):
        await record_read(connection, KIM.acting_as(Role.OPERATOR), "repair", cases, "Frau Honey", AT)
