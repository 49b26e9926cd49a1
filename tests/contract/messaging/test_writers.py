"""Numbers per key without gaps, in the order of the commits, whoever writes at the same time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from shared.messaging import journal
from shared.messaging.journal import Entry
from tests.contract.messaging.children import child, ended
from tests.contract.messaging.toy import Toy, toy
from tests.waiting import eventually


@pytest.fixture
async def service(database: str, tmp_path: Path) -> AsyncIterator[Toy]:
    async with toy(database, tmp_path) as running:
        yield running


async def append(connection: asyncpg.Connection[asyncpg.Record], service: Toy, key: str, *values: int) -> None:
    entries = [Entry(said, None, None) for said in service.says(key, *values)]
    await journal.append(connection, entries, datetime.now(UTC))


async def test_many_writers_of_the_same_keys_leave_no_gap_at_any_moment(service: Toy) -> None:
    """A watcher sees every key's sequence from 1 on without a hole, all the time: the order of commits is that of n."""

    async def write(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311  seeded
        for value in range(20):
            keys = chance.sample("abcd", k=chance.randint(1, 4))
            await service.write(*[said for key in keys for said in service.says(key, value, value)])

    async def watch() -> int:
        looks = 0
        while not writing.done():
            holes = await service.pool.fetch("select key from journal group by key having max(n) <> count(*)")
            assert holes == []
            looks += 1
        return looks

    writing = asyncio.gather(*(write(seed) for seed in range(8)))
    looks, _ = await asyncio.gather(watch(), writing)
    assert looks > 1
    rows = await service.pool.fetch("select key, array_agg(n order by id) as ns from journal group by key")
    assert [list(row["ns"]) for row in rows] == [list(range(1, len(row["ns"]) + 1)) for row in rows]
    outbox = await service.pool.fetch("select j.key, j.n from outbox o join journal j on j.id = o.journal_id order by o.id")
    for key in "abcd":
        assert (ns := [row["n"] for row in outbox if row["key"] == key]) == list(range(1, len(ns) + 1))


async def test_the_second_writer_of_a_key_waits_for_the_first(service: Toy) -> None:
    one, two = await asyncpg.connect(service.dsn), await asyncpg.connect(service.dsn)
    try:
        first, second = one.transaction(), two.transaction()
        await first.start()
        await append(one, service, "a", 1)
        await second.start()
        waiting = asyncio.create_task(append(two, service, "a", 2))

        async def blocked() -> bool:
            assert not waiting.done(), "the second writer numbered its event before the first had committed"
            return await service.somebody_waits()

        await eventually(blocked)
        await first.commit()
        await waiting
        await second.commit()
    finally:
        await one.close()
        await two.close()
    assert [(n, data) for _, n, data in await service.journal("numbers")] == [
        (1, '{"value":1,"text":""}'),
        (2, '{"value":2,"text":""}'),
    ]


async def test_other_keys_do_not_wait_and_commit_before_what_was_numbered_earlier(service: Toy) -> None:
    """Commit order is not the order of ids: what commits later with the lower id is neither lost nor late for its key."""
    one = await asyncpg.connect(service.dsn)
    try:
        first = one.transaction()
        await first.start()
        await append(one, service, "a", 1)
        await asyncio.wait_for(service.write(*service.says("b", 1)), 10)
        assert [key for key, _, _ in await service.journal("numbers")] == ["b"]
        assert await service.outbox() == 1
        await first.commit()
    finally:
        await one.close()
    assert [key for key, _, _ in await service.journal("numbers")] == ["a", "b"]
    assert await service.outbox() == 2


async def test_a_writer_that_rolls_back_leaves_no_gap(service: Toy) -> None:
    connection = await asyncpg.connect(service.dsn)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await append(connection, service, "a", 1, 2)
        await transaction.rollback()
    finally:
        await connection.close()
    await service.write(*service.says("a", 3))
    assert [n for _, n, _ in await service.journal("numbers")] == [1]


async def test_two_processes_write_one_key(service: Toy, tmp_path: Path) -> None:
    async with child(service.dsn, tmp_path, "append", "a", 40) as one, child(service.dsn, tmp_path, "append", "a", 40) as other:
        assert (await ended(one), await ended(other)) == (0, 0)
    rows = await service.journal("numbers")
    assert [n for _, n, _ in rows] == list(range(1, 81))
