"""One service's database restored alone from a backup: what its topics still know comes back into its journal.

Numbers go on above what was said. The service then reads again what it heard since (`rereading.py`) and decides anew what it
has forgotten: with the same ids (`ids.py`), and without saying again what has been said (`Told`).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shared.messaging.journal import type_of
from shared.messaging.model import Said, Tx

LONGEST_S = 3600
"""How long a process waits for another one that is reading again."""


@dataclass(frozen=True, slots=True)
class Imported:
    """An event of ours that the database has no memory of, as its topic has it."""

    topic: str
    key: str
    n: int
    event_id: UUID
    type: str
    time: datetime
    data: str | None
    causation: UUID | None
    traceparent: str | None


async def unknown(tx: Tx, events: Sequence[Imported]) -> list[Imported]:
    """Those above what the database numbered, each once, in the order of their keys."""
    rows = await tx.fetch("select topic, key, last from streams")
    last = {(row["topic"], row["key"]): row["last"] for row in rows}
    found = {(each.topic, each.key, each.n): each for each in events if each.n > last.get((each.topic, each.key), 0)}
    return [found[place] for place in sorted(found)]


async def bring_back(tx: Tx, events: Sequence[Imported]) -> None:
    """Take them into the journal as written and sent, and remember whose words they were."""
    await tx.execute(
        """
        with back as materialized (
            select * from unnest($1::text[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::timestamptz[], $7::text[],
                                 $8::uuid[], $9::text[])
                as t(topic, key, n, event_id, type, time, data, causation_id, traceparent)
        ), numbered as (
            insert into streams as s (topic, key, last) select topic, key, max(n) from back group by topic, key
            on conflict (topic, key) do update set last = greatest(s.last, excluded.last)
        ), remembered as (
            insert into recovered (topic, key, n, causation_id) select topic, key, n, causation_id from back
        )
        insert into journal (topic, key, n, event_id, type, time, data, causation_id, traceparent)
        select topic, key, n, event_id, type, time, data, causation_id, traceparent from back order by time, topic, key, n
        """,
        [each.topic for each in events],
        [each.key for each in events],
        [each.n for each in events],
        [each.event_id for each in events],
        [each.type for each in events],
        [each.time for each in events],
        [each.data for each in events],
        [each.causation for each in events],
        [each.traceparent for each in events],
    )


async def ask_to_read_again(tx: Tx) -> None:
    """Have the service read again, when it starts, what it heard since this database's last sign of life."""
    await tx.execute(
        """
        insert into recoveries (alive_at)
        select greatest((select max(ran_at) from ticks), (select max(recorded_at) from inbound), 'epoch'::timestamptz)
        """
    )


@contextlib.asynccontextmanager
async def awaiting(connection: Tx) -> AsyncIterator[datetime | None]:
    """While the block runs no other process does it: since when it must be read again, None where nobody asked for it."""
    await connection.execute("select pg_advisory_lock(hashtext('bleibe.recovery'))", timeout=LONGEST_S)
    try:
        yield await connection.fetchval("select min(alive_at) from recoveries where done_at is null")
    finally:
        await connection.execute("select pg_advisory_unlock(hashtext('bleibe.recovery'))")


async def done(tx: Tx) -> None:
    """It was read again, all of it."""
    await tx.execute("update recoveries set done_at = now() where done_at is null")


Kind = tuple[str, str, str]
"""Topic, key and type of an event."""


@dataclass(slots=True)
class Told:
    """The numbers of what had been told, by kind, oldest first. What is led to again in the same order is not said again."""

    before: dict[Kind, list[int]] = field(default_factory=dict)
    again: list[tuple[str, str, int]] = field(default_factory=list)

    def left_to_say(self, said: Sequence[Said]) -> Sequence[Said]:
        """Without what had been told."""
        left = []
        for one in said:
            numbers = self.before.get((one.topic, one.key, type_of(one)))
            if numbers:
                self.again.append((one.topic, one.key, numbers.pop(0)))
            else:
                left.append(one)
        return left


async def told(tx: Tx) -> Told:
    """What this service had told before its database was lost, and has not been led to again yet."""
    rows = await tx.fetch(
        """
        select topic, key, type, array_agg(n order by n) as numbers
        from recovered join journal using (topic, key, n)
        where recovered.causation_id is not null  -- what people or the clock had caused, no message leads to again
        group by topic, key, type
        """
    )
    return Told({(row["topic"], row["key"], row["type"]): row["numbers"] for row in rows})


async def led_to_again(tx: Tx, told_now: Told) -> None:
    """Of these nothing is left to find out."""
    if told_now.again:
        await tx.execute(
            "delete from recovered where (topic, key, n) in (select * from unnest($1::text[], $2::text[], $3::bigint[]))",
            *(list(column) for column in zip(*told_now.again, strict=True)),
        )
