"""One service's database restored alone from a backup: what its topics still know comes back into its journal.

Numbers go on above what was said. The service then reads its inputs again and decides anew what it has forgotten: with the
same ids (`ids.py`), and without saying again what has been said (`Told`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from asyncpg import Pool, Record

from shared.messaging.model import Said, Tx


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


@dataclass(slots=True)
class Told:
    """How many events each message had led to on each key before they were forgotten. Empty for a service never recovered."""

    counts: Counter[tuple[UUID, str, str]] = field(default_factory=Counter)

    def left_to_say(self, message: UUID | None, said: Sequence[Said]) -> Sequence[Said]:
        """What this message leads to, without what it had led to then."""
        if not self.counts or message is None:
            return said
        before = Counter({key: self.counts[message, *key] for key in {(one.topic, one.key) for one in said}})
        left = []
        for one in said:
            if before[one.topic, one.key] > 0:
                before[one.topic, one.key] -= 1
            else:
                left.append(one)
        return left


async def told(pool: Pool[Record]) -> Told:
    """What this service had told before its database was lost."""
    rows = await pool.fetch(
        """
        select causation_id, topic, key, count(*) as n from recovered
        where causation_id is not null group by causation_id, topic, key
        """
    )
    return Told(Counter({(row["causation_id"], row["topic"], row["key"]): row["n"] for row in rows}))
