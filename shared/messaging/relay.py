"""The relay sends what the outbox holds, oldest first, and deletes it once the broker has acknowledged all of it.

One is active per service (session advisory lock). Anything that fails closes the producer and starts again at the oldest
row: readers pass over what they know. When the broker has lost its memory (`memory.py` tells how that shows), the whole
journal is queued again before anything new.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from opentelemetry.trace import Span, SpanKind

from shared.messaging.closing import closed, consumer_closed
from shared.messaging.journal import republish
from shared.messaging.memory import BrokerForgot, DatabaseBehindTopics, compare_ends, compare_records, remember
from shared.messaging.model import Tx
from shared.messaging.wire import Envelope, Raw, encode, partition_of
from shared.runtime.metrics import Metrics
from shared.runtime.telemetry import parent_context, tracer

log = structlog.get_logger()

Rows = Sequence[asyncpg.Record]

LOCK = 0x626C6569  # "blei": one relay per database
BATCH = 1000


@dataclass(slots=True)
class Relay:
    """Sends one service's events. `clients` are aiokafka's connection settings; `topics` creates missing topics.

    `looked` tells that the topics it `writes` were seen to hold nothing that this database does not know: before that, nobody
    may decide anything, since a database restored from a backup would give numbers that have been given.
    """

    service: str
    source: str
    dsn: str
    clients: Mapping[str, Any]
    topics: Callable[[], Awaitable[None]]
    metrics: Metrics
    poll_s: float = 0.02
    probe_every_s: float = 2.0
    request_timeout_s: float = 10.0
    idempotent: bool = True
    writes: Collection[str] = ()
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    looked: asyncio.Event = field(default_factory=asyncio.Event)
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
                self.active = False
                log.warning("relay_again", error=type(error).__name__)
                await asyncio.sleep(0.5)
            finally:
                self.active = False

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """A connection of our own. When it breaks, its lock is gone: stop at once, another relay may already send."""
        connection = await asyncpg.connect(self.dsn, timeout=10, command_timeout=30)
        try:
            async with asyncio.timeout(None) as unbroken:

                def broken(_: object) -> None:
                    unbroken.reschedule(0)

                connection.add_termination_listener(broken)
                try:
                    yield connection
                finally:
                    connection.remove_termination_listener(broken)
        finally:
            connection.terminate()

    async def _look(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Each process for itself: another one may lead by now, and find the same a moment later. Raises DatabaseBehindTopics."""
        await self.topics()
        async with self._broker() as (producer, probe):
            rows = await connection.fetch("select distinct topic from published")
            with contextlib.suppress(BrokerForgot):  # whoever leads publishes everything again
                topics = {*self.writes, *(row["topic"] for row in rows)}
                await compare_records(connection, producer, probe, topics, self.service, self.source)
        self.looked.set()

    async def _lead(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        if not self.looked.is_set():
            await self._look(connection)
        while not await connection.fetchval("select pg_try_advisory_lock($1)", LOCK):  # noqa: ASYNC110  another process holds it
            await asyncio.sleep(0.5)
        await self.topics()
        async with self._broker() as (producer, probe):
            self.active = True
            rows = await connection.fetch("select distinct topic from published")
            compared: set[str] = set()
            probe_at = 0.0
            while True:
                self.wake.clear()
                try:
                    if time.monotonic() >= probe_at:
                        await compare_ends(connection, producer, probe)
                        probe_at = time.monotonic() + self.probe_every_s
                    if new := {row["topic"] for row in rows} - compared:
                        await compare_records(connection, producer, probe, new, self.service, self.source)
                        compared |= new
                    rows = await self._oldest(connection)
                    if {row["topic"] for row in rows} <= compared:
                        await self._send_batch(connection, producer, rows)
                except BrokerForgot:
                    log.error("broker_forgot")  # noqa: TRY400  a finding, its traceback says nothing
                    await self.topics()
                    async with connection.transaction():
                        await connection.execute("delete from published")
                        await republish(connection)
                    continue
                if not rows:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self.wake.wait(), self.poll_s)

    @contextlib.asynccontextmanager
    async def _broker(self) -> AsyncIterator[tuple[AIOKafkaProducer, AIOKafkaConsumer]]:
        producer = AIOKafkaProducer(
            **self.clients,
            acks="all",
            enable_idempotence=self.idempotent,
            linger_ms=0,
            request_timeout_ms=int(self.request_timeout_s * 1000),
            max_batch_size=262_144,
        )
        probe = AIOKafkaConsumer(**self.clients, group_id=None, enable_auto_commit=False)
        try:
            await asyncio.wait_for(producer.start(), 15)
            await asyncio.wait_for(probe.start(), 15)
            yield producer, probe
        finally:
            try:
                await _give_up(producer)
            finally:
                await consumer_closed(probe)

    async def _oldest(self, tx: Tx) -> list[asyncpg.Record]:
        return await tx.fetch(
            """
            select o.id as place, j.topic, j.key, j.n, j.event_id, j.type, j.time, j.data, j.causation_id, j.traceparent
            from outbox o join journal j on j.id = o.journal_id order by o.id limit $1
            """,
            BATCH,
        )

    async def _send_batch(self, tx: Tx, producer: AIOKafkaProducer, rows: list[asyncpg.Record]) -> None:
        if not rows:
            self.metrics.outbox(0, 0)
            return
        acknowledged = await asyncio.wait_for(self._send(producer, rows), 3 * self.request_timeout_s)
        newest: dict[tuple[str, int], tuple[int, int, str]] = {}
        for one, batch in acknowledged:
            if one.offset >= 0:  # an idempotent producer's repetition may be acknowledged without an offset
                low, _, _ = newest.get((one.topic, one.partition), (one.offset, 0, ""))
                newest[one.topic, one.partition] = low, one.offset + len(batch) - 1, batch[-1]["event_id"]
        await remember(tx, [row["place"] for row in rows], newest)
        self.sent += len(rows)

    async def _send(self, producer: AIOKafkaProducer, rows: Rows) -> list[tuple[Any, Rows]]:
        """All rows, in the order given in each partition; each batch with what the broker says of it."""
        waiting: list[asyncio.Future[Any]] = []
        batches: list[Rows] = []
        spans = [_span(row) for row in rows if _sampled(row["traceparent"])]
        try:
            for (topic, partition), some in (await _by_partition(producer, rows)).items():
                left = some
                while left:
                    builder, taken = self._batch(producer, left)
                    waiting.append(await producer.send_batch(builder, topic, partition=partition))
                    batches.append(taken)
                    left = left[len(taken) :]
            return list(zip(await asyncio.gather(*waiting), batches, strict=True))
        finally:
            for one in waiting:
                one.cancel()
            for span in spans:
                span.end()

    def _batch(self, producer: AIOKafkaProducer, rows: Rows) -> tuple[BatchBuilder, Rows]:
        """As many of these rows as one batch takes. A future a record, as `send` makes, took a tenth of a notice's time."""
        builder = producer.create_batch()
        for n, row in enumerate(rows):
            raw = _record(row, self.source)
            if builder.append(timestamp=None, key=raw.key, value=raw.value, headers=list(raw.headers)) is None:
                return builder, rows[:n]
        builder.close()
        return builder, rows


async def _by_partition(producer: AIOKafkaProducer, rows: Rows) -> dict[tuple[str, int], list[asyncpg.Record]]:
    counts = {topic: len(await producer.partitions_for(topic)) for topic in {row["topic"] for row in rows}}
    parts: dict[tuple[str, int], list[asyncpg.Record]] = {}
    for row in rows:
        topic = row["topic"]
        parts.setdefault((topic, partition_of(row["key"].encode(), counts[topic])), []).append(row)
    return parts


def _record(row: asyncpg.Record, source: str) -> Raw:
    envelope = Envelope(
        row["event_id"], source, row["type"], row["time"], row["key"], row["n"], row["causation_id"], row["traceparent"]
    )
    return encode(row["topic"], envelope, row["data"].encode() if row["data"] is not None else None)


def _sampled(traceparent: str | None) -> bool:
    """The lowest bit of the flags, which stand last (W3C Trace Context)."""
    return traceparent is not None and int(traceparent[-2:], 16) & 1 == 1


def _span(row: asyncpg.Record) -> Span:
    return tracer().start_span(
        f"send {row['topic'].partition('.')[0]}",
        context=parent_context(row["traceparent"]),
        kind=SpanKind.PRODUCER,
        attributes={
            "messaging.system": "kafka",
            "messaging.message.id": str(row["event_id"]),
            "bleibe.event_type": row["type"],
        },
    )


async def _give_up(producer: AIOKafkaProducer) -> None:
    """Close without sending what is left: it would arrive late, after newer events of its key. It is still in the outbox.

    The producer's own `stop` sends it, for as long as it takes, even after a caller has stopped waiting.
    """
    try:
        await closed(producer._sender.close())  # noqa: SLF001  there is no public way
    finally:
        producer._message_accumulator.fail_all(ConnectionError("given up"))  # noqa: SLF001  there is no public way
        await closed(producer.stop())
