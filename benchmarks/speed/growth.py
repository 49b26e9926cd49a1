"""What a notice costs intake with 10,000 and with 1,000,000 cases, side by side: all of its tables, its own pipeline.

Run: python -m benchmarks.speed.growth [CASES CASES]

Some thousand real suits go through intake; its tables are then filled by copies of what they left, each with ids, keys and
dockets of its own, so that more households are more towns, not a more crowded one. Both databases take the same batches in turn:
half of the notices tell of a known suit again, as another office does, half are new. Measured is a server that has served its
cases for a while: the indexes are in its memory. Needs some minutes, 16 GB of memory and 12 GB of disk. Prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
from pydantic import SecretStr

from benchmarks.speed.notices import suits
from deploy.local.supervisor import Local
from deploy.local.system import MUENSTER
from services.intake.app import build
from shared.city import load_city
from shared.contracts.catalogue import EVENT_TYPES
from shared.messaging.migrate import CORE, migrate
from shared.messaging.model import Tx
from shared.messaging.pipeline import BY_KEYS, Pipeline
from shared.messaging.wire import Raw
from shared.runtime.clock import clock_from
from shared.runtime.metrics import Metrics
from shared.runtime.service import Context, reader_for, receipt
from shared.runtime.settings import ServiceSettings

SIZES = (10_000, 1_000_000)
SEED, BATCH, BATCHES, WARMING = 2_000, 20, 120, 20
JOB_CENTRE = ("notices.jobcenter", "urn:bleibe:partner:jobcenter")

_COPIED: dict[str, dict[str, str]] = {
    "households": {"id": "uuid"},
    "cases": {"id": "uuid", "household_id": "uuid"},
    "match_keys": {"key": "text", "household_id": "uuid", "case_id": "uuid"},
    "statements": {"id": "uuid", "case_id": "uuid", "docket": "text"},
    "likeness_keys": {"key": "number", "household_id": "uuid"},
    "likenesses": {"household_id": "uuid", "person_id": "uuid"},
    "inbound": {"id": "uuid"},
    "streams": {"key": "key"},
    "journal": {"id": "", "key": "key", "event_id": "uuid", "causation_id": "uuid"},
}
"""The tables that grow with cases, and how their columns of ids and keys differ from copy to copy; "" is given anew."""

_OTHER = {
    "uuid": "md5({column}::text || copy)::uuid",
    "key": "md5({column} || copy)::uuid::text",
    "text": "{column} || ' #' || copy",
    "number": "hashint8extended({column}, copy)",
}


def main() -> None:
    """Fill, measure, print."""
    sizes = [int(each) for each in sys.argv[1:]] or list(SIZES)
    with tempfile.TemporaryDirectory(prefix="bleibe-growth-") as folder:
        with Local(Path(folder)) as local:  # durable: the setting outlives the server
            asyncio.run(_give_memory(local.start_postgres()))
        with Local(Path(folder), durable=False) as local:
            print(json.dumps(asyncio.run(_measured(local.start_postgres(), Path(folder), sizes)), indent=1))


async def _give_memory(dsn: str) -> None:
    """Room for what is asked often, as whoever serves a million cases gives it."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("alter system set shared_buffers = '7GB'")
    await connection.execute("alter system set max_wal_size = '8GB'")
    await connection.close()


async def _measured(dsn: str, folder: Path, sizes: Sequence[int]) -> dict[str, Any]:
    intakes = [await _Intake.of(await _database(dsn, size), folder) for size in sizes]
    for intake, size in zip(intakes, sizes, strict=True):
        await intake.fill(size)
    took: dict[int, list[float]] = defaultdict(list)
    pages: dict[int, float] = {}
    for n in range(BATCHES):
        batch = _batch(n)
        for intake, size in zip(intakes, sizes, strict=True) if n % 2 else list(zip(intakes, sizes, strict=True))[::-1]:
            if n == WARMING:
                pages[size] = await intake.pages()
            started = time.perf_counter()
            await intake.pipeline.handle(batch)
            took[size].append((time.perf_counter() - started) / BATCH * 1000)
    for intake, size in zip(intakes, sizes, strict=True):
        pages[size] = (await intake.pages() - pages[size]) / (BATCH * (BATCHES - WARMING))
        await asyncio.gather(intake.pool.close(), intake.pipeline.pool.close())
    medians = {size: statistics.median(took[size][WARMING:]) for size in sizes}
    return {
        "notice_ms": {size: round(each, 3) for size, each in medians.items()},
        "pages_a_notice": {size: round(each, 1) for size, each in pages.items()},
        "ratio": round(medians[sizes[-1]] / medians[sizes[0]], 3),
        "pages_ratio": round(pages[sizes[-1]] / pages[sizes[0]], 3),
    }


def _batch(n: int) -> list[Raw]:
    """Half of them known suits, told again by the job centre, half of them new ones."""
    half = BATCH // 2
    again = suits(
        range(n * half % SEED, n * half % SEED + half), topic=JOB_CENTRE[0], source=JOB_CENTRE[1], identity=f"again {n}"
    )
    return [*again, *suits(range(SEED + n * half, SEED + (n + 1) * half))]


async def _database(dsn: str, size: int) -> str:
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"create database cases_{size}")
    await connection.close()
    return f"{dsn.rsplit('/', 1)[0]}/cases_{size}"


class _Intake:
    """Intake's own pipeline on a database; nothing is sent."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], pipeline: Pipeline[Any]) -> None:
        self.pool, self.pipeline = pool, pipeline

    @classmethod
    async def of(cls, dsn: str, folder: Path) -> _Intake:
        """Made as the service makes it."""
        key = folder / "data.key"
        key.write_text(secrets.token_hex(32))
        settings = ServiceSettings(
            database_dsn=SecretStr(dsn), bootstrap_servers="127.0.0.1:1", tokens_file=key, data_key_file=key
        )
        city = load_city(MUENSTER)
        context = Context(settings, city, clock_from("wall"), Metrics(EVENT_TYPES))
        service = build(context)
        await migrate(dsn, [CORE, service.migrations])
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=2, command_timeout=3600)
        deciding = await asyncpg.create_pool(dsn, min_size=1, max_size=1, command_timeout=60, server_settings=BY_KEYS)
        pipeline = Pipeline(
            service.name, service.room, reader_for(service.hears), deciding, context.clock, context.metrics, receipt, _nobody
        )
        return cls(pool, pipeline)

    async def fill(self, size: int) -> None:
        """The seed's suits by the pipeline, the rest by copies. No key is checked twice: what is copied is whole."""
        raws = list(suits(range(SEED)))
        for start in range(0, SEED, 500):
            await self.pipeline.handle(raws[start : start + 500])
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("delete from outbox")
            await connection.execute("set local session_replication_role = replica")
            for table, other in _COPIED.items():
                await _copy(connection, table, other, size // SEED)
        await self.pool.execute("vacuum analyze")
        await self.pool.execute("create extension pg_prewarm")
        await self.pool.fetch("select pg_prewarm(indexrelid) from pg_stat_user_indexes")

    async def pages(self) -> float:
        """Pages touched in this database since it was made, as far as was noted; each connection notes its own."""
        async with self.pipeline.pool.acquire() as connection:
            await connection.execute("select pg_stat_force_next_flush()")
            return float(
                await connection.fetchval("select blks_hit + blks_read from pg_stat_database where datname = current_database()")
            )


def _nobody() -> None:
    """There is no relay to wake."""


async def _copy(connection: Tx, table: str, other: dict[str, str], times: int) -> None:
    columns = [
        row["name"]
        for row in await connection.fetch(
            "select column_name as name from information_schema.columns where table_schema = 'public' and table_name = $1", table
        )
        if other.get(row["name"]) != ""
    ]
    indexes = await connection.fetch(
        """
        select indexdef, indexrelid::regclass::text as name from pg_indexes
        join pg_index on indexrelid = (schemaname || '.' || indexname)::regclass
        where tablename = $1 and not exists (select from pg_constraint where conindid = indexrelid)
        """,
        table,
    )
    for row in indexes:
        await connection.execute(f"drop index {row['name']}")
    await connection.execute(
        f"""
        insert into {table} ({", ".join(columns)})
        select {", ".join(_expressions(columns, other))} from {table}, generate_series(1, {times - 1}) as copy
        """,  # noqa: S608  names from the catalogue, numbers of ours
        timeout=3600,
    )
    for row in indexes:
        await connection.execute(row["indexdef"], timeout=3600)


def _expressions(columns: Iterable[str], other: dict[str, str]) -> list[str]:
    return [_OTHER[other[column]].format(column=column) if column in other else column for column in columns]


if __name__ == "__main__":
    main()
