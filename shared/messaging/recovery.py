"""One service's database restored alone from a backup: what its topics still know comes back into its journal.

Numbers go on above what was said. The service then reads again what it heard since (`rereading.py`) and decides anew what it
has forgotten: with the same ids (`ids.py`), and without saying again what has been said (`Told`). Table `recovered` is the
report on it: what came back, which of it was led to again, and what a person has to look at.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shared.messaging.journal import Entry, type_of
from shared.messaging.model import Said, Tx

CONTENT_GONE = "answered since the backup, and no topic has the message: ask its sender for it"
"""Why a person has to look at what came back of a message that nothing leads the service to again."""

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


Place = tuple[str, str, int]
"""Topic, key and number of an event."""


async def unknown(tx: Tx, events: Sequence[Imported]) -> list[Imported]:
    """Those above what the database numbered."""
    rows = await tx.fetch(
        """
        select t.position from unnest($1::text[], $2::text[], $3::bigint[]) with ordinality as t(topic, key, n, position)
        left join streams s using (topic, key) where t.n > coalesce(s.last, 0)
        """,
        [each.topic for each in events],
        [each.key for each in events],
        [each.n for each in events],
    )
    return [events[row["position"] - 1] for row in rows]


async def bring_back(tx: Tx, events: Sequence[Imported], look: Mapping[Place, str]) -> None:
    """Take them into the journal as written and sent, and into the report. `look`: why a person has to see to one."""
    await tx.execute(
        """
        with back as materialized (
            select * from unnest($1::text[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::timestamptz[], $7::text[],
                                 $8::uuid[], $9::text[], $10::text[])
                as t(topic, key, n, event_id, type, time, data, causation_id, traceparent, look)
        ), numbered as (
            insert into streams as s (topic, key, last) select topic, key, max(n) from back group by topic, key
            on conflict (topic, key) do update set last = greatest(s.last, excluded.last)
        ), remembered as (
            insert into recovered (topic, key, n, causation_id, type, time, look)
            select topic, key, n, causation_id, type, time, look from back
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
        [look.get((each.topic, each.key, each.n), "") for each in events],
    )


async def came_back(tx: Tx) -> list[tuple[str, str, int, str, datetime, str, datetime]]:
    """All that ever came back: topic, key, number, type, time, why a person has to look, when it came back; oldest first."""
    rows = await tx.fetch(
        "select topic, key, n, type, time, look, recovered_at from recovered order by recovered_at, topic, key, n"
    )
    return [tuple(row) for row in rows]


async def ask_to_read_again(tx: Tx) -> None:
    """Have the service read again, when it starts, what it has not heard yet."""
    await tx.execute("insert into recoveries default values")


@contextlib.asynccontextmanager
async def awaiting(connection: Tx) -> AsyncIterator[bool]:
    """While the block runs no other process does it: whether somebody asked to read again."""
    await connection.execute("select pg_advisory_lock(hashtext('bleibe.recovery'))", timeout=LONGEST_S)
    try:
        yield await connection.fetchval("select exists (select from recoveries where done_at is null)")
    finally:
        await connection.execute("select pg_advisory_unlock(hashtext('bleibe.recovery'))")


async def done(tx: Tx) -> None:
    """It was read again, all of it."""
    await tx.execute("update recoveries set done_at = now() where done_at is null")


async def not_heard(tx: Tx, topic: str, places: Sequence[tuple[str, int] | None]) -> list[bool]:
    """Of events of ours, by key and number: whether their turn has not come yet. True where there is no number."""
    rows = await tx.fetch(
        """
        select coalesce(t.n > p.last, true) as so
        from unnest($2::text[], $3::bigint[]) with ordinality as t(key, n, position)
        left join progress p on p.topic = $1 and p.key = t.key order by t.position
        """,
        topic,
        [place and place[0] for place in places],
        [place and place[1] for place in places],
    )
    return [row["so"] for row in rows]


async def unanswered(tx: Tx, receipts: Sequence[tuple[str, str] | None]) -> list[bool]:
    """Of messages from outside, by topic and key of their receipts: whether this database did not answer them itself.

    A receipt lasts where the message was erased; one that came back tells of an answer that was lost.
    """
    rows = await tx.fetch(
        """
        select s.last is null or exists (
            select from recovered r where (r.topic, r.key) = (t.topic, t.key) and r.again_at is null
                and r.recovered_at >= (select min(asked_at) from recoveries where done_at is null)  -- in this recovery
        ) as so
        from unnest($1::text[], $2::text[]) with ordinality as t(topic, key, position)
        left join streams s on (s.topic, s.key) = (t.topic, t.key) order by t.position
        """,
        [receipt and receipt[0] for receipt in receipts],
        [receipt and receipt[1] for receipt in receipts],
    )
    return [row["so"] for row in rows]


Kind = tuple[str, str, str]
"""Topic, key and type of an event."""


@dataclass(slots=True)
class Told:
    """The numbers of what had been told, by kind, oldest first. What is led to again in the same order is not said again."""

    before: Mapping[Kind, deque[int]]
    again: list[Place] = field(default_factory=list)

    def has(self, said: Said) -> bool:
        """Whether this had been told; each telling counts once."""
        numbers = self.before.get((said.topic, said.key, type_of(said)))
        if not numbers:
            return False
        self.again.append((said.topic, said.key, numbers.popleft()))
        return True


async def left_to_say(tx: Tx, entries: Sequence[Entry], outside: Collection[UUID]) -> list[Entry]:
    """Without what had been told before the database was lost: that is marked as led to again.

    `outside`: which of the causes are messages from outside. One that nothing came back of was not answered before: all that it
    leads to is new.
    """
    told = await _told(tx, {(each.said.topic, each.said.key) for each in entries})
    new = set(outside) - await _answered(tx, outside)
    left = [each for each in entries if each.causation in new or not told.has(each.said)]
    await tx.execute(
        """
        update recovered set again_at = now()
        where (topic, key, n) in (select * from unnest($1::text[], $2::text[], $3::bigint[]))
        """,
        [topic for topic, _, _ in told.again],
        [key for _, key, _ in told.again],
        [n for _, _, n in told.again],
    )
    return left


async def _told(tx: Tx, keys: Collection[tuple[str, str]]) -> Told:
    """What of these keys had been told, and this recovery has not led to again yet."""
    rows = await tx.fetch(
        """
        select topic, key, type, array_agg(n order by n) as numbers from recovered
        where (topic, key) in (select * from unnest($1::text[], $2::text[])) and again_at is null
            and causation_id is not null and look <> $3  -- what people, the clock or a lost message had caused, nothing leads to
            and recovered_at >= (select min(asked_at) from recoveries where done_at is null)
        group by topic, key, type
        """,
        [topic for topic, _ in keys],
        [key for _, key in keys],
        CONTENT_GONE,
    )
    return Told({(row["topic"], row["key"], row["type"]): deque(row["numbers"]) for row in rows})


async def _answered(tx: Tx, messages: Collection[UUID]) -> set[UUID]:
    """Those that something came back of in this recovery, be it a receipt alone."""
    rows = await tx.fetch(
        """
        select distinct causation_id from recovered where causation_id = any($1::uuid[])
            and recovered_at >= (select min(asked_at) from recoveries where done_at is null)
        """,
        list(messages),
    )
    return {row["causation_id"] for row in rows}
