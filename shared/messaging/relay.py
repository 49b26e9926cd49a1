"""The relay sends what the outbox holds, oldest first, and deletes it once the broker has acknowledged all of it.

One is active per service (session advisory lock). Anything that fails closes the producer and starts again at the oldest
row: readers pass over what they know. A broker that lost its memory shows by a lower offset than it once acknowledged;
then the whole journal is queued again before anything new.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from opentelemetry.trace import SpanKind

from shared.messaging.journal import republish
from shared.messaging.model import Tx
from shared.messaging.wire import Envelope, encode
from shared.runtime.metrics import Metrics
from shared.runtime.telemetry import parent_context, tracer

log = structlog.get_logger()

LOCK = 0x626C6569  # "blei": one relay per database
BATCH = 1000
PROBE_EVERY_S = 2.0


class DatabaseBehindTopics(RuntimeError):
    """The topics hold events that the database has no memory of: it was restored from a backup."""

    def __init__(self, service: str, topic: str) -> None:
        super().__init__(
            f"{service}: topic {topic} holds newer events than the database wrote. The database was restored from a backup. "
            "Nothing was sent. Restore all databases to one instant, or start with an empty broker and republish."
        )


class BrokerForgot(Exception):
    """The broker acknowledges lower offsets than before: it was restarted empty."""


@dataclass(slots=True)
class Relay:
    """Sends one service's events. `clients` are aiokafka's connection settings; `topics` creates missing topics."""

    service: str
    source: str
    dsn: str
    clients: Mapping[str, Any]
    topics: Callable[[], Awaitable[None]]
    metrics: Metrics
    poll_s: float = 0.02
    idempotent: bool = True
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    sent: int = 0
    active: bool = False

    async def run(self) -> None:
        """Send until cancelled. Raises DatabaseBehindTopics; all else is tried again."""
        while True:
            try:
                async with self._connection() as connection:
                    await self._lead(connection)
            except DatabaseBehindTopics:
                raise
            except Exception as error:  # noqa: BLE001  broker or database away, in whatever way: begin again at the oldest row
                log.warning("relay_again", error=type(error).__name__)
                await asyncio.sleep(0.5)
            finally:
                self.active = False

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        connection = await asyncpg.connect(self.dsn, timeout=10, command_timeout=30)
        try:
            yield connection
        finally:
            connection.terminate()

    async def _lead(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        while not await connection.fetchval("select pg_try_advisory_lock($1)", LOCK):  # noqa: ASYNC110  another process holds it
            await asyncio.sleep(0.5)
        await self.topics()
        async with self._broker() as (producer, probe):
            await self._compare(connection, probe)
            self.active = True
            since_probe = 0.0
            while True:
                self.wake.clear()
                try:
                    count = await self._send_batch(connection, producer)
                    if not count and since_probe >= PROBE_EVERY_S:
                        await self._compare(connection, probe, started=False)
                        since_probe = 0.0
                except BrokerForgot:
                    log.error("broker_forgot")  # noqa: TRY400  a finding, its traceback says nothing
                    await self.topics()
                    async with connection.transaction():
                        await connection.execute("delete from published")
                        await republish(connection)
                    continue
                if not count:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self.wake.wait(), self.poll_s)
                    since_probe += self.poll_s

    @contextlib.asynccontextmanager
    async def _broker(self) -> AsyncIterator[tuple[AIOKafkaProducer, AIOKafkaConsumer]]:
        producer = AIOKafkaProducer(
            **self.clients,
            acks="all",
            enable_idempotence=self.idempotent,
            linger_ms=0,
            request_timeout_ms=10_000,
            max_batch_size=262_144,
        )
        probe = AIOKafkaConsumer(**self.clients, group_id=None, enable_auto_commit=False)
        try:
            await asyncio.wait_for(producer.start(), 15)
            await asyncio.wait_for(probe.start(), 15)
            yield producer, probe
        finally:
            for client in (producer, probe):
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(client.stop(), 2)

    async def _send_batch(self, tx: Tx, producer: AIOKafkaProducer) -> int:
        rows = await tx.fetch(
            """
            select o.id as place, j.topic, j.key, j.n, j.event_id, j.type, j.time, j.data, j.causation_id, j.traceparent
            from outbox o join journal j on j.id = o.journal_id order by o.id limit $1
            """,
            BATCH,
        )
        if not rows:
            self.metrics.outbox(0, 0)
            return 0
        acknowledged = await asyncio.wait_for(self._send(producer, rows), 30)
        offsets: dict[tuple[str, int], tuple[int, int]] = {}
        for one in acknowledged:
            low, high = offsets.get((one.topic, one.partition), (one.offset, one.offset))
            offsets[one.topic, one.partition] = min(low, one.offset), max(high, one.offset)
        await self._forget(tx, [row["place"] for row in rows], offsets)
        self.sent += len(rows)
        return len(rows)

    async def _send(self, producer: AIOKafkaProducer, rows: list[asyncpg.Record]) -> list[Any]:
        waiting, spans = [], []
        for row in rows:
            envelope = Envelope(
                row["event_id"],
                self.source,
                row["type"],
                row["time"],
                row["key"],
                row["n"],
                row["causation_id"],
                row["traceparent"],
            )
            raw = encode(row["topic"], envelope, row["data"].encode() if row["data"] is not None else None)
            if row["traceparent"] and row["traceparent"].endswith("01"):
                span = tracer().start_span(
                    f"send {row['topic'].partition('.')[0]}",
                    context=parent_context(row["traceparent"]),
                    kind=SpanKind.PRODUCER,
                    attributes={
                        "messaging.system": "kafka",
                        "messaging.message.id": str(row["event_id"]),
                        "bleibe.event_type": row["type"],
                    },
                )
                spans.append(span)
            waiting.append(await producer.send(raw.topic, raw.value, raw.key, headers=list(raw.headers)))
        acknowledged = await asyncio.gather(*waiting)
        for span in spans:
            span.end()
        return list(acknowledged)

    async def _forget(self, tx: Tx, places: list[int], offsets: dict[tuple[str, int], tuple[int, int]]) -> None:
        """Delete what was acknowledged and remember how far the broker is.

        Raises:
            BrokerForgot: it acknowledged an offset that it had acknowledged before; nothing was deleted.
        """
        repeated = await tx.fetchval(
            """
            with now as (
                select * from unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[]) as t(topic, partition, low, high)
            ), repeated as (
                select count(*) as times from now join published p using (topic, partition) where now.low <= p.last_offset
            ), gone as (
                delete from outbox where id = any($1) and (select times from repeated) = 0
            ), kept as (
                insert into published (topic, partition, first_offset, last_offset)
                select topic, partition, low, high from now where (select times from repeated) = 0
                on conflict (topic, partition) do update
                    set first_offset = excluded.first_offset, last_offset = excluded.last_offset
            )
            select times from repeated
            """,
            places,
            [topic for topic, _ in offsets],
            [partition for _, partition in offsets],
            [low for low, _ in offsets.values()],
            [high for _, high in offsets.values()],
        )
        if repeated:
            raise BrokerForgot

    async def _compare(self, tx: Tx, probe: AIOKafkaConsumer, *, started: bool = True) -> None:
        """Hold the broker's memory against ours.

        Raises:
            BrokerForgot: it ends before what it once acknowledged.
            DatabaseBehindTopics: it holds events of ours that this database never wrote.
        """
        rows = await tx.fetch("select topic, partition, first_offset, last_offset from published")
        ours = {TopicPartition(row["topic"], row["partition"]): row["last_offset"] for row in rows}
        # Not the last offset: the embedded broker gives the start of its newest batch as the end of a partition.
        first = {TopicPartition(row["topic"], row["partition"]): row["first_offset"] for row in rows}
        if not ours:
            return
        ends = await asyncio.wait_for(probe.end_offsets(list(ours)), 15)
        if any(ends[partition] <= offset for partition, offset in first.items()):
            raise BrokerForgot
        beyond = {partition: last + 1 for partition, last in ours.items() if ends[partition] > last + 1}
        if started and beyond:
            await self._check_tail(tx, probe, beyond, ends)

    async def _check_tail(
        self, tx: Tx, probe: AIOKafkaConsumer, beyond: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> None:
        """Read what lies beyond what we remember: `streams` knows what was sent just before a crash, a restored one does not."""
        probe.assign(list(beyond))
        for partition, offset in beyond.items():
            probe.seek(partition, offset)
        left = set(beyond)
        while left:
            found = await asyncio.wait_for(probe.getmany(*left, timeout_ms=1000), 15)
            for partition, records in found.items():
                ours = [dict(record.headers) | {"key": record.key} for record in records if record.key is not None]
                keys = [
                    (headers["key"].decode(), int(headers.get("ce_keysequence") or 0))
                    for headers in ours
                    if headers.get("ce_source") == self.source.encode()
                ]
                unknown = await tx.fetchval(
                    """
                    select count(*) from unnest($2::text[], $3::bigint[]) as t(key, n)
                    left join streams s on s.topic = $1 and s.key = t.key where t.n > coalesce(s.last, 0)
                    """,
                    partition.topic,
                    [key for key, _ in keys],
                    [n for _, n in keys],
                )
                if unknown:
                    raise DatabaseBehindTopics(self.service, partition.topic)
            left = {p for p in left if await probe.position(p) < ends[p]}
