"""Events leave through here only: appended to the journal, numbered per key and queued, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from shared.messaging.model import Said, Tx

TOMBSTONE = "de.bleibe.tombstone.v1"
LONG_S = 900
"""A journal of years takes its time; longer than a connection's usual limit."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with what caused it and the trace it belongs to."""

    said: Said
    causation: UUID | None
    traceparent: str | None


async def append(tx: Tx, entries: Sequence[Entry], now: datetime) -> None:
    """Number, keep and queue events, in the order given, with one statement.

    The upsert on `streams` takes the keys' row locks in sorted order and holds them until commit, so a second writer of
    a key numbers only after the first has committed; journal and outbox ids are drawn after the lock, for the same reason.
    """
    if not entries:
        return
    await tx.execute(
        """
        with said as materialized (
            select * from unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[])
                with ordinality as t(topic, key, event_id, type, data, causation_id, traceparent, position)
        ), counted as materialized (
            select topic, key, count(*) as written from said group by topic, key
        ), raised as (
            insert into streams as s (topic, key, last)
            select topic, key, written from counted order by topic, key
            on conflict (topic, key) do update set last = s.last + excluded.last
            returning topic, key, last
        ), kept as (
            insert into journal (topic, key, n, event_id, type, time, data, causation_id, traceparent)
            select topic, key,
                   raised.last - counted.written + row_number() over (partition by topic, key order by position),
                   event_id, type, $8, data, causation_id, traceparent
            from said join counted using (topic, key) join raised using (topic, key)
            order by position
            returning id
        )
        insert into outbox (journal_id) select id from kept order by id
        """,
        [entry.said.topic for entry in entries],
        [entry.said.key for entry in entries],
        [uuid4() for _ in entries],
        [type_of(entry.said) for entry in entries],
        [entry.said.data.model_dump_json() if entry.said.data is not None else None for entry in entries],
        [entry.causation for entry in entries],
        [entry.traceparent for entry in entries],
        now,
    )


def type_of(said: Said) -> str:
    """As it is written."""
    return TOMBSTONE if said.data is None else str(said.data.TYPE)  # type: ignore[attr-defined]  # events have a TYPE


async def republish(tx: Tx, topics: Sequence[str] | None = None) -> int:
    """Queue the whole journal (or these topics) again, each event once, in the order written. Readers pass over what they know.

    Events already queued keep no earlier place: one still unsent would otherwise overtake those before it.
    """
    await tx.execute("lock table outbox in share row exclusive mode", timeout=LONG_S)
    await tx.execute(
        "delete from outbox using journal where journal.id = outbox.journal_id and ($1::text[] is null or topic = any($1))",
        topics,
        timeout=LONG_S,
    )
    done = await tx.execute(
        "insert into outbox (journal_id) select id from journal where $1::text[] is null or topic = any($1) order by id",
        topics,
        timeout=LONG_S,
    )
    return int(done.rsplit(" ", 1)[1])
