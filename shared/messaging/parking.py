"""Progress and parking in the database: what was read of each key, and what waits where a person sees it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from asyncpg import Record

from shared.messaging.model import Tx
from shared.messaging.sequence import Line, Task
from shared.messaging.wire import Headers, Raw, Reader

Keys = Sequence[tuple[str, str]]


async def lock_lines(tx: Tx, keys: Keys, reader: Reader) -> dict[tuple[str, str], Line]:
    """Create and lock the progress of these keys, sorted, and fetch what lies parked of them."""
    if not keys:
        return {}
    new = await tx.fetch(
        """
        insert into progress (topic, key, last)
        select topic, key, 0 from unnest($1::text[], $2::text[]) as t(topic, key) order by topic, key
        on conflict do nothing returning topic, key
        """,
        *_columns(keys),
    )
    lines = {(topic, key): Line(topic, key, 0, register=reader.rules(topic).register) for topic, key in new}
    known = [each for each in keys if each not in lines]
    if known:
        lines |= await _lock_known(tx, known, reader)
    return lines


def _columns(keys: Keys) -> tuple[list[str], list[str]]:
    return [topic for topic, _ in keys], [key for _, key in keys]


async def _lock_known(tx: Tx, keys: Keys, reader: Reader) -> dict[tuple[str, str], Line]:
    """Something was heard of these keys before, and some of it may lie parked."""
    columns = _columns(keys)
    rows = await tx.fetch(
        """
        select topic, key, last from progress
        where (topic, key) in (select * from unnest($1::text[], $2::text[])) order by topic, key for update
        """,
        *columns,
    )
    lines = {
        (row["topic"], row["key"]): Line(row["topic"], row["key"], row["last"], register=reader.rules(row["topic"]).register)
        for row in rows
    }
    for row in await tx.fetch(
        """
        select * from parked where n is not null and (topic, key) in (select * from unnest($1::text[], $2::text[]))
        """,
        *columns,
    ):
        line = lines[row["topic"], row["key"]]
        line.waiting[row["n"]] = _task(row, reader)
        line.known.add(row["n"])
    return lines


async def save_lines(tx: Tx, lines: Mapping[tuple[str, str], Line]) -> int:
    """Write how far each key came, let go what took effect, park the rest. Returns how many failed newly."""
    moved = [line for line in lines.values() if line.last != line.started_at]
    if moved:
        await tx.execute(
            """
            update progress p set last = t.last
            from unnest($1::text[], $2::text[], $3::bigint[]) as t(topic, key, last) where p.topic = t.topic and p.key = t.key
            """,
            [line.topic for line in moved],
            [line.key for line in moved],
            [line.last for line in moved],
        )
    await unpark(tx, [task.parked_id for line in lines.values() for task in line.done if task.parked_id is not None])
    to_park = [entry for line in lines.values() for entry in line.to_park()]
    await park(tx, to_park)
    return sum(1 for _, reason, _, _ in to_park if reason == "failed")


async def park(tx: Tx, entries: Sequence[tuple[Task, str, str | None, str]]) -> None:
    """Keep records as they came; one that is there already only learns its new reason."""
    if not entries:
        return
    entries = list({_place(entry[0]): entry for entry in entries}.values())
    tasks = [task for task, _, _, _ in entries]
    columns = (
        [task.raw.topic for task in tasks],
        [task.read.key for task in tasks],
        [task.read.n for task in tasks],
        [task.read.source for task in tasks],
        [task.read.id for task in tasks],
        [task.raw.digest() for task in tasks],
        [reason for _, reason, _, _ in entries],
        [field for _, _, field, _ in entries],
        [rule for _, _, _, rule in entries],
        [task.raw.key for task in tasks],
        [task.raw.value for task in tasks],
        [_headers_to_json(task.raw.headers) for task in tasks],
    )
    for having_sequence, target in ((True, "(topic, key, n) where n is not null"), (False, "(topic, digest) where n is null")):
        if any((task.read.n is not None) == having_sequence for task in tasks):
            await tx.execute(
                f"""
                insert into parked as p (topic, key, n, source, message_id, digest, reason, field, rule,
                                         record_key, record_value, record_headers)
                select * from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::uuid[], $6::bytea[], $7::text[],
                                     $8::text[], $9::text[], $10::bytea[], $11::bytea[], $12::jsonb[]) as t(topic, key, n)
                where (t.n is not null) = {having_sequence}
                on conflict {target} do update set reason = excluded.reason, field = excluded.field, rule = excluded.rule
                """,  # noqa: S608  two constants of ours, no input
                *columns,
            )


async def unpark(tx: Tx, parked_ids: Sequence[int]) -> None:
    """Let go what took effect."""
    if parked_ids:
        await tx.execute("delete from parked where id = any($1)", parked_ids)


async def resumable(tx: Tx, reader: Reader, limit: int = 500) -> tuple[list[tuple[str, str]], list[Task]]:
    """Keys whose next event lies parked and may be tried, and outside messages that a person put back."""
    keys = await tx.fetch(
        """
        select p.topic, p.key from parked p join progress g on g.topic = p.topic and g.key = p.key
        where p.n > g.last and (p.n = g.last + 1 or p.reason = 'retry') and p.reason <> 'failed' limit $1
        """,
        limit,
    )
    alone = await tx.fetch("select * from parked where n is null and reason = 'retry' order by id limit $1", limit)
    return [(row["topic"], row["key"]) for row in keys], [_task(row, reader) for row in alone]


async def still_put_back(tx: Tx, parked_ids: Sequence[int]) -> set[int]:
    """Which of these outside messages are still to be run again; locked, so that two processes never both run one."""
    if not parked_ids:
        return set()
    rows = await tx.fetch("select id from parked where id = any($1) and reason = 'retry' order by id for update", parked_ids)
    return {row["id"] for row in rows}


async def retry(tx: Tx, parked_id: int) -> bool:
    """Put a failed record back: the pipeline runs it again, and then what lies behind it. False if there is none."""
    return (
        await tx.fetchval("update parked set reason = 'retry' where id = $1 and reason = 'failed' returning true", parked_id)
        or False
    )


async def drop(tx: Tx, parked_id: int, who: str, why: str) -> bool:
    """Let a record go for good and move on past it, keeping who decided so and why.

    It must be the first of its key: a failed one, or one whose predecessors will never come. False if there is none.
    """
    await tx.execute(
        "select from progress where (topic, key) = (select topic, key from parked where id = $1) for update", parked_id
    )
    row = await tx.fetchrow(
        """
        select topic, key, n, message_id, rule from parked p
        where id = $1 and reason in ('failed', 'gap', 'behind')
          and not exists (select from parked e where e.topic = p.topic and e.key = p.key and e.n < p.n)
        for update
        """,
        parked_id,
    )
    if row is None:
        return False
    if row["n"] is not None:
        await tx.execute(
            "update progress set last = greatest(last, $3) where topic = $1 and key = $2", row["topic"], row["key"], row["n"]
        )
    await tx.execute(
        "insert into dropped (topic, key, n, message_id, rule, who, why) values ($1, $2, $3, $4, $5, $6, $7)",
        *row.values(),
        who,
        why,
    )
    await tx.execute("delete from parked where id = $1", parked_id)
    return True


async def overview(tx: Tx) -> list[Record]:
    """What lies parked, oldest first, without any content."""
    return await tx.fetch(
        "select id, topic, key, n, source, message_id, reason, field, rule, parked_at from parked order by topic, key, n, id"
    )


async def look(tx: Tx, parked_id: int) -> tuple[Record, Raw] | None:
    """One record with all it came with. Its content may be personal: say who reads it and why before showing it."""
    row = await tx.fetchrow("select * from parked where id = $1", parked_id)
    return (
        None
        if row is None
        else (row, Raw(row["topic"], row["record_key"], row["record_value"], _headers_from_json(row["record_headers"])))
    )


async def gaps(tx: Tx, older_than_s: float) -> int:
    """Keys whose next event has been missing for longer than this."""
    return int(
        await tx.fetchval(
            """
            select count(distinct (topic, key)) from parked p
            join progress g using (topic, key)
            where p.reason in ('gap', 'behind') and p.parked_at < now() - make_interval(secs => $1)
              and not exists (select from parked h where h.topic = g.topic and h.key = g.key and h.n = g.last + 1)
            """,
            older_than_s,
        )
    )


def _place(task: Task) -> tuple[object, ...]:
    """What makes two parked records the same one."""
    return (task.raw.topic, task.read.key, task.n) if task.read.n is not None else (task.raw.topic, task.raw.digest())


def _task(row: Record, reader: Reader) -> Task:
    raw = Raw(row["topic"], row["record_key"], row["record_value"], _headers_from_json(row["record_headers"]))
    return Task(raw, reader.read(raw), parked_id=row["id"], reason=row["reason"])


def _headers_to_json(headers: Headers) -> str:
    """PostgreSQL keeps no NUL; no header of ours has one in its name."""
    pairs = [(name.replace("\0", "\N{SYMBOL FOR NULL}"), value) for name, value in headers]
    return json.dumps([[name, None if value is None else base64.b64encode(value).decode()] for name, value in pairs])


def _headers_from_json(text: str) -> Headers:
    pairs: list[tuple[str, Any]] = json.loads(text)
    return tuple((name, None if value is None else base64.b64decode(value)) for name, value in pairs)
