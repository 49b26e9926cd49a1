"""The register's pulse on a real database: into every partition, once a day, and never before there is a register."""

from __future__ import annotations

from datetime import datetime, timedelta

import asyncpg
import pytest

from services.intake.pulse import KEYS, pulse
from shared.contracts.catalogue import HOUSEHOLDS
from shared.messaging.journal import Entry, append
from shared.messaging.migrate import CORE, migrate
from shared.messaging.model import Said
from shared.messaging.wire import partition_of
from tests.unit.intake_words import NOW

pytestmark = pytest.mark.service


def test_the_keys_lie_in_all_partitions() -> None:
    partitions = list(range(HOUSEHOLDS.partitions))
    assert sorted(partition_of(key.encode(), len(partitions)) for key in KEYS) == partitions


async def test_the_pulse_beats_once_a_day(database: str) -> None:
    await migrate(database, [CORE])
    connection, beat = await asyncpg.connect(database), HOUSEHOLDS.partitions

    async def beats(at: datetime) -> int:
        async with connection.transaction():
            said = await pulse(connection, at)
            await append(connection, [Entry(each, None, None) for each in said], at)
        assert all(each.data is None and each.topic == HOUSEHOLDS.name for each in said)
        return len(said)

    try:
        assert await beats(NOW) == 0
        await append(connection, [Entry(Said(HOUSEHOLDS.name, "a household", None), None, None)], NOW)
        assert [await beats(NOW + timedelta(hours=hours)) for hours in (1, 2, 14, 15, 38, 40)] == [beat, 0, 0, beat, 0, beat]
    finally:
        await connection.close()
