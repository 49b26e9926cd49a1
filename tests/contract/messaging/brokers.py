"""The broker under test: what it can do, its topics, what lies on them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord

from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.messaging.topics import TopicSpec, ensure_topics
from shared.messaging.wire import Raw
from shared.runtime.health import Health
from tests.contract.messaging.toy import NAMES, NUMBERS, ORDERS, RECEIPTS, SUMS, WRITER, Toy
from tests.the_broker import ON_KAFKA

PARTITIONS = 3
SESSION_MS = 4000
"""The session timeout of these tests: joining and taking over last about as long."""


@dataclass(frozen=True)
class Broker:
    """A broker and its capabilities."""

    bootstrap: str
    idempotence: bool

    def clients(self) -> dict[str, Any]:
        return {"bootstrap_servers": self.bootstrap.split(",")}


def broker_at(bootstrap: str) -> Broker:
    return Broker(bootstrap, idempotence=ON_KAFKA)


_tags = itertools.count(1)


def new_tag() -> str:
    """Sets a test's topics apart from all others', also from those of earlier runs."""
    return f".t{uuid4().hex[:8]}-{next(_tags)}"


def specs(tag: str) -> list[TopicSpec]:
    return [TopicSpec(topic + tag, PARTITIONS, {}) for topic in (NUMBERS, NAMES, ORDERS, SUMS, RECEIPTS)]


async def make_topics(broker: Broker, tag: str) -> None:
    await ensure_topics(broker.clients(), specs(tag))


def relay_of(toy: Toy, broker: Broker, *, source: str = WRITER, **timing: float) -> Relay:
    """The relay of this database, quick to notice."""
    return Relay(
        "toy",
        source,
        toy.dsn,
        broker.clients(),
        functools.partial(make_topics, broker, toy.tag),
        toy.pipeline.metrics,
        idempotent=broker.idempotence,
        **({"probe_every_s": 0.2} | timing),  # type: ignore[arg-type]  # names of its fields
    )


@contextlib.asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    """A relay at work, until the end of the block or its death."""
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=10)


def consumer_of(
    toy: Toy, broker: Broker, topics: Sequence[str] = (NUMBERS,), max_records: int = 100, instance: str | None = None
) -> Consumer:
    """A consumer of this database, in the group of its tag; of a name of its own where `instance` gives it one."""
    health = Health(loops=("pipeline",), conditions=("assigned", "database", "line"))
    return Consumer(
        toy.pipeline,
        health,
        bootstrap=broker.bootstrap,
        group=f"toy{toy.tag}",
        topics=[topic + toy.tag for topic in topics],
        max_records=max_records,
        batch_timeout_ms=10,
        session_timeout_ms=SESSION_MS,
        instance=instance,
    )


async def produce(broker: Broker, tag: str, records: Iterable[Raw]) -> None:
    """Put records on their topics as their writer would."""
    producer = AIOKafkaProducer(**broker.clients(), acks="all")
    try:
        await asyncio.wait_for(producer.start(), 15)
        sent = [await producer.send(r.topic + tag, r.value, r.key, headers=list(r.headers)) for r in records]
        await asyncio.wait_for(asyncio.gather(*sent), 15)
    finally:
        await asyncio.wait_for(producer.stop(), 15)


async def records_on(broker: Broker, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    """All that lies on a topic now, in order per partition."""
    reader = AIOKafkaConsumer(**broker.clients(), group_id=None, enable_auto_commit=False)
    found: list[ConsumerRecord[bytes, bytes]] = []
    try:
        await asyncio.wait_for(reader.start(), 15)
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        reader.assign(partitions)
        await asyncio.wait_for(reader.seek_to_beginning(*partitions), 15)
        # The embedded broker gives the start of its newest batch as the end; a batch is always read whole.
        ends = await asyncio.wait_for(reader.end_offsets(partitions), 15)
        async with asyncio.timeout(20):
            while left := [p for p in partitions if await reader.position(p) < ends[p]]:
                for records in (await reader.getmany(*left, timeout_ms=200)).values():
                    found += records
    finally:
        await asyncio.wait_for(reader.stop(), 15)
    return found


async def deliver(broker: Broker, reader: Toy, topic: str = NUMBERS) -> None:
    """Hand all that lies on the topic to a reader, as its group would from the beginning."""
    found = await records_on(broker, topic + reader.tag)
    await reader.pipeline.handle([Raw(r.topic, r.key, r.value, tuple(r.headers)) for r in found])


async def sequence_on(broker: Broker, topic: str) -> dict[str, list[int]]:
    """The sequences on a topic by key, in the order of the topic."""
    by_key: dict[str, list[int]] = {}
    for record in await records_on(broker, topic):
        by_key.setdefault((record.key or b"").decode(), []).append(int(dict(record.headers)["ce_keysequence"]))
    return by_key


async def committed(broker: Broker, toy: Toy, topic: str = NUMBERS) -> int:
    """How many records of a topic the group has committed."""
    asking = AIOKafkaConsumer(**broker.clients(), group_id=f"toy{toy.tag}", enable_auto_commit=False)
    try:
        await asyncio.wait_for(asking.start(), 15)
        offsets = [
            await asyncio.wait_for(asking.committed(TopicPartition(topic + toy.tag, number)), 15) for number in range(PARTITIONS)
        ]
    finally:
        await asyncio.wait_for(asking.stop(), 15)
    return sum(offset or 0 for offset in offsets)
