"""Rebuild the read model from the log, beside the live one while new facts arrive, then swap.

1. Mark how far the log has come, and fold all of it into `rebuilding.case_rows`, in bulk.
2. Again and again fold the cases anew of which more has come since, until few are left.
3. Lock the live rows, fold those few, compare row by row, and put the new table in the old one's place.

Writers lock `case_rows` before `facts`, and so does the swap. The mark is taken under a lock that waits for every writer
in flight, because the order of positions is not the order of commits.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg

from services.reporting.fold import fold
from services.reporting.parts import Parts
from services.reporting.store import row_of
from shared.contracts.catalogue import EVENT_TYPES
from shared.messaging.model import Tx
from shared.runtime.settings import ServiceSettings

CHUNK = 5_000
"""Facts read, and cases written, at a time."""

FEW = 500
"""So many cases may be folded while the live read model waits."""

COLUMNS = ("case_id", "cases", "visits", "assessments", "referrals", "outcomes", "line")
LIVE, NEW = "case_rows", "rebuilding.case_rows"


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a rebuild did. `differing`: cases whose live row was not what the log says."""

    facts: int
    cases: int
    differing: int
    seconds: float
    locked_seconds: float

    @property
    def equal(self) -> bool:
        """Whether the live read model was what the log says, row by row."""
        return self.differing == 0


async def rebuild(dsn: str) -> RebuildReport:
    """Rebuild and swap. Raises asyncpg's errors; the live read model then stays as it was."""
    return await _rebuild(dsn, swap=True)


async def check(dsn: str) -> RebuildReport:
    """Rebuild and compare only: the live read model is left alone."""
    return await _rebuild(dsn, swap=False)


async def compare(tx: Tx, live: str = LIVE, rebuilt: str = NEW) -> int:
    """How many cases have not the same row in both tables."""
    rows: int = await tx.fetchval(
        f"""
        select count(*) from {live} as live full join {rebuilt} as rebuilt using (case_id)
        where (live.*) is distinct from (rebuilt.*)
        """  # noqa: S608  names of tables, written above
    )
    return rows


async def _rebuild(dsn: str, *, swap: bool) -> RebuildReport:
    started = time.perf_counter()
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("select pg_advisory_lock(hashtext('reporting.rebuild'))")
        await connection.execute("drop table if exists rebuilding.case_rows")
        await connection.execute("create table rebuilding.case_rows (like case_rows including all)")
        mark = await _mark(connection)
        facts = await _fold_all(connection, mark)
        few = False
        while not few:
            further = await _mark(connection)
            behind = await _touched_since(connection, mark)
            facts += await _fold_again(connection, behind)
            mark, few = further, len(behind) <= FEW
        async with connection.transaction():
            locked = time.perf_counter()
            await connection.execute("lock table case_rows in access exclusive mode")
            await connection.execute("lock table facts in share mode")
            facts += await _fold_again(connection, await _touched_since(connection, mark))
            await connection.execute("delete from rebuilding.case_rows where case_id in (select case_id from erased)")
            differing = await compare(connection)
            cases: int = await connection.fetchval("select count(*) from rebuilding.case_rows")
            if swap:
                await _swap(connection)
            else:
                await connection.execute("drop table rebuilding.case_rows")
        done = time.perf_counter()
        return RebuildReport(facts, cases, differing, done - started, done - locked)
    finally:
        await connection.close()


async def _mark(connection: Tx) -> int:
    """How far the log has come: all up to here is committed, all that comes later lies beyond."""
    async with connection.transaction():
        await connection.execute("lock table facts in share mode")
        mark: int = await connection.fetchval("select coalesce(max(position), 0) from facts")
    return mark


async def _touched_since(connection: Tx, mark: int) -> list[UUID]:
    rows = await connection.fetch("select distinct key from facts where position > $1", mark)
    return [row["key"] for row in rows]


async def _fold_all(connection: Tx, mark: int) -> int:
    """Fold the whole log up to the mark, case by case in the order of its key."""
    facts, rows = 0, []
    async with connection.transaction():
        cursor = connection.cursor(
            "select key, topic, type, data from facts where position <= $1 order by key, topic, n", mark, prefetch=CHUNK
        )
        async for case_id, events in _by_case(aiter(cursor)):
            facts += len(events)
            rows.append(_row(case_id, events))
            if len(rows) >= CHUNK:
                await _write(connection, rows)
                rows = []
        await _write(connection, rows)
    return facts


async def _fold_again(connection: Tx, case_ids: Sequence[UUID]) -> int:
    """Fold these cases anew from all that is there of them."""
    facts = await connection.fetch(
        "select key, topic, type, data from facts where key = any($1) order by key, topic, n", list(case_ids)
    )
    await connection.execute("delete from rebuilding.case_rows where case_id = any($1)", list(case_ids))
    await _write(connection, [_row(case_id, list(events)) for case_id, events in groupby(facts, key=lambda fact: fact["key"])])
    return len(facts)


async def _by_case(facts: AsyncIterator[asyncpg.Record]) -> AsyncIterator[tuple[UUID, list[asyncpg.Record]]]:
    events: list[asyncpg.Record] = []
    async for fact in facts:
        if events and events[0]["key"] != fact["key"]:
            yield events[0]["key"], events
            events = []
        events.append(fact)
    if events:
        yield events[0]["key"], events


def _row(case_id: UUID, facts: Iterable[asyncpg.Record]) -> tuple[Any, ...]:
    parts = Parts()
    for fact in facts:
        fold(parts, EVENT_TYPES[fact["type"]].model_validate_json(fact["data"]))
    return row_of(case_id, parts)


async def _write(connection: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
    await connection.copy_records_to_table("case_rows", schema_name="rebuilding", records=rows, columns=COLUMNS)


async def _swap(connection: Tx) -> None:
    """Put the new table in the live one's place; whoever waits for the old one finds the new."""
    schema = await connection.fetchval(
        "select quote_ident(relnamespace::regnamespace::text) from pg_class where oid = 'case_rows'::regclass"
    )
    await connection.execute("drop table case_rows")
    await connection.execute(f"alter table rebuilding.case_rows set schema {schema}")


def main() -> None:
    """`python -m services.reporting.rebuild`: rebuild what the settings name, and say how it went."""
    report = asyncio.run(rebuild(ServiceSettings().dsn()))
    sys.stdout.write(
        f"{report.facts} facts of {report.cases} cases in {report.seconds:.1f} s, {report.locked_seconds:.2f} s of it locked; "
        f"{report.differing} rows differed\n"
    )


if __name__ == "__main__":
    main()
