"""A service small enough to see through: it adds up numbers per key, and says each new sum.

Hears `numbers` (ours, in sequence), `names` (a register) and `orders.shop` (from outside); says `sums`. On a broker that
several tests share, its topics carry a tag.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

import asyncpg
from pydantic import BaseModel

from shared.messaging.journal import Entry, append
from shared.messaging.migrate import CORE, migrate
from shared.messaging.model import Answer, Decision, Heard, Rejected, Said, Tx
from shared.messaging.pipeline import Pipeline
from shared.messaging.wire import Envelope, Raw, Reader, TopicRules, encode
from shared.runtime.clock import FixedClock
from shared.runtime.metrics import Metrics

WRITER, SHOP, RIVAL = "urn:test:writer", "urn:test:shop", "urn:test:rival"
NUMBERS, NAMES, ORDERS, RIVALS, SUMS, RECEIPTS = "numbers", "names", "orders.shop", "orders.rival", "sums", "receipts.shop"


class Number(BaseModel):
    TYPE: ClassVar[str] = "number"
    value: int
    text: str = ""


class Name(BaseModel):
    TYPE: ClassVar[str] = "name"
    name: str


class Order(BaseModel):
    TYPE: ClassVar[str] = "order"
    value: int
    account: str


class Sum(BaseModel):
    TYPE: ClassVar[str] = "sum"
    total: int
    seen: int


class Receipt(BaseModel):
    TYPE: ClassVar[str] = "receipt"
    answer: Answer
    field: str | None
    rule: str | None


TYPES: dict[str, type[BaseModel]] = {"number": Number, "name": Name, "order": Order}
HEARD = {
    NUMBERS: TopicRules(WRITER),
    NAMES: TopicRules(WRITER, register=True),
    ORDERS: TopicRules(SHOP, foreign=True),
    RIVALS: TopicRules(RIVAL, foreign=True),
}
SQL = """
create table accounts (
    id text primary key, total bigint not null, seen bigint[] not null, name text, text text,
    check (total <> 666)
);
"""


@dataclass
class Accounts:
    """The accounts a batch touches."""

    rows: dict[str, tuple[int, list[int], str | None, str]]
    dirty: set[str] = field(default_factory=set)


class Ledger:
    """The room. A value of 13 fails in the decision, a total of 666 in the statement, a negative order breaks a rule."""

    def __init__(self, tag: str = "") -> None:
        self._sums = SUMS + tag

    async def load(self, tx: Tx, heard: Sequence[Heard], now: datetime) -> Accounts:
        assert now.tzinfo
        ids = sorted({_account(h) for h in heard})
        await tx.execute(
            """
            insert into accounts (id, total, seen) select id, 0, '{}' from unnest($1::text[]) id order by id
            on conflict do nothing
            """,
            ids,
        )
        rows = await tx.fetch("select * from accounts where id = any($1) order by id for update", ids)
        return Accounts({row["id"]: (row["total"], list(row["seen"]), row["name"], row["text"] or "") for row in rows})

    def decide(self, state: Accounts, heard: Heard) -> Decision:
        account = _account(heard)
        total, seen, name, text = state.rows[account]
        match heard.data:
            case Number() as number:
                if number.value == 13:
                    raise ValueError("no thirteen")
                total, seen, text = total + number.value, [*seen, number.value], text + number.text
            case Order() as order:
                if order.value < 0:
                    raise Rejected("value", "greater_than_equal")
                if order.value == 13:
                    raise ValueError("no thirteen")
                total, seen = total + order.value, [*seen, order.value]
            case Name() as named:
                name = named.name
            case None:
                name = None
        state.rows[account] = total, seen, name, text
        state.dirty.add(account)
        return Decision(
            () if isinstance(heard.data, (Name, type(None))) else (Said(self._sums, account, Sum(total=total, seen=len(seen))),)
        )

    async def save(self, tx: Tx, state: Accounts) -> None:
        ids = sorted(state.dirty)
        for_sql = [state.rows[i] for i in ids]
        await tx.execute(
            """
            update accounts a set total = t.total, seen = t.seen::bigint[], name = t.name, text = t.text
            from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[]) as t(id, total, seen, name, text)
            where a.id = t.id
            """,
            ids,
            [total for total, _, _, _ in for_sql],
            ["{" + ",".join(map(str, seen)) + "}" for _, seen, _, _ in for_sql],
            [name for _, _, name, _ in for_sql],
            [text for _, _, _, text in for_sql],
        )


def _account(heard: Heard) -> str:
    return heard.data.account if isinstance(heard.data, Order) else heard.key


def receipt(_topic: str, message_id: UUID, decision: Decision) -> Said:
    return Said(RECEIPTS, str(message_id), Receipt(answer=decision.answer, field=decision.field, rule=decision.rule))


def raw(
    topic: str, key: str, n: int | None, data: BaseModel | bytes | None, *, kind: str | None = None, event_id: UUID | None = None
) -> Raw:
    """A record as its writer would send it."""
    body = data.model_dump_json().encode() if isinstance(data, BaseModel) else data
    event_type = kind or str(getattr(data, "TYPE", "number"))
    source = {ORDERS: SHOP, RIVALS: RIVAL}.get(topic, WRITER)
    return encode(topic, Envelope(event_id or uuid4(), source, event_type, datetime(2026, 11, 23, tzinfo=UTC), key, n), body)


def number(key: str, n: int, value: int, *, text: str = "") -> Raw:
    return raw(NUMBERS, key, n, Number(value=value, text=text))


def order(account: str, value: int, event_id: UUID | None = None, *, shop: str = SHOP) -> Raw:
    message_id = event_id or uuid4()
    return raw(
        ORDERS if shop == SHOP else RIVALS, str(message_id), None, Order(value=value, account=account), event_id=message_id
    )


@dataclass
class Toy:
    """The service on a database, without a broker."""

    dsn: str
    pool: asyncpg.Pool[asyncpg.Record]
    pipeline: Pipeline[Accounts]
    wakes: list[None]
    tag: str

    async def account(self, key: str) -> tuple[int, list[int]]:
        row = await self.pool.fetchrow("select total, seen from accounts where id = $1", key)
        return (0, []) if row is None else (row["total"], list(row["seen"]))

    async def progress(self, key: str, topic: str = NUMBERS) -> int:
        return await self.pool.fetchval("select last from progress where topic = $1 and key = $2", topic + self.tag, key) or 0

    async def parked(self) -> list[tuple[str | None, int | None, str, str]]:
        rows = await self.pool.fetch("select key, n, reason, rule from parked order by key, n, id")
        return [(row["key"], row["n"], row["reason"], row["rule"]) for row in rows]

    async def journal(self, topic: str = SUMS) -> list[tuple[str, int, str | None]]:
        rows = await self.pool.fetch("select key, n, data from journal where topic = $1 order by id", topic)
        return [(row["key"], row["n"], row["data"]) for row in rows]

    async def write(self, *said: Said) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            await append(connection, [Entry(one, None, None) for one in said], datetime.now(UTC))

    def says(self, key: str, *values: int) -> list[Said]:
        """Events of a writer, to be appended or written."""
        return [Said(NUMBERS + self.tag, key, Number(value=value)) for value in values]

    async def somebody_waits(self) -> bool:
        """Whether a transaction of this database waits for another's lock."""
        return bool(
            await self.pool.fetchval(
                "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
            )
        )

    async def outbox(self) -> int:
        return int(await self.pool.fetchval("select count(*) from outbox"))

    def handled(self, event_type: str, outcome: str, topic: str = NUMBERS) -> float:
        labels = {"topic": topic.partition(".")[0], "type": event_type, "outcome": outcome}
        return self.pipeline.metrics.registry.get_sample_value("bleibe_events_handled_total", labels) or 0.0


@contextlib.asynccontextmanager
async def toy(dsn: str, folder: Path, *, stop_at: int = 100, tag: str = "") -> AsyncIterator[Toy]:
    """The toy service on a fresh or an existing database."""
    migration = folder / "migrations" / "0001_toy.sql"
    migration.parent.mkdir(exist_ok=True)
    if not migration.exists():  # a child reads it while another one comes
        migration.write_text(SQL)
    await migrate(dsn, [CORE, folder / "migrations"])
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=6)
    wakes: list[None] = []
    clock = FixedClock(datetime(2026, 11, 23, 9, tzinfo=UTC))
    reader = Reader(TYPES, {topic + tag: rules for topic, rules in HEARD.items()})
    pipeline = Pipeline(
        "toy", Ledger(tag), reader, pool, clock, Metrics(TYPES), receipt, lambda: wakes.append(None), stop_at=stop_at
    )
    try:
        yield Toy(dsn, pool, pipeline, wakes, tag)
    finally:
        await asyncio.wait_for(pool.close(), 10)
