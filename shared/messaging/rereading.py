"""A service whose database was restored from a backup reads again what it heard since, before it does anything else.

All its topics in one order, that in which the records were written: so a report from the door comes after the case that it
speaks of, as it did the first time.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from asyncpg import Pool, Record

from shared.messaging.pipeline import Pipeline
from shared.messaging.recovery import awaiting, done
from shared.messaging.wire import Raw

log = structlog.get_logger()

ANSWER_S = 30
BATCH = 500
MARGIN = timedelta(hours=1)
"""Read from so long before the backup's last sign of life: clocks differ, and a record may have waited to be sent."""


async def read_again(pool: Pool[Record], pipeline: Pipeline[Any], clients: Mapping[str, Any], topics: Sequence[str]) -> None:
    """Do so if `bleibe recover` asked for it. What had taken effect before the backup is passed over."""
    async with pool.acquire() as connection, awaiting(connection) as asked:
        if asked is None:
            return
        records = await _since(clients, topics, asked - MARGIN)
        log.info("reading_again", records=len(records))
        pipeline.recovering = True
        for foreign, run in itertools.groupby(records, lambda one: pipeline.reader.rules(one.topic).foreign):
            raws = [Raw(one.topic, one.key, one.value, tuple(one.headers)) for one in run]
            for start in range(0, len(raws), BATCH):  # never both kinds in one batch: it would answer strangers first
                await pipeline.handle(raws[start : start + BATCH])
            log.info("read_again", records=len(raws), outcome="foreign" if foreign else "own")
        pipeline.recovering = False
        await done(connection)


async def _since(clients: Mapping[str, Any], topics: Sequence[str], begin: datetime) -> list[Any]:
    """The records of these topics from then on, oldest first; those of one partition in its own order."""
    consumer = AIOKafkaConsumer(**clients, group_id=None, enable_auto_commit=False)
    try:
        await asyncio.wait_for(consumer.start(), ANSWER_S)
        partitions = [TopicPartition(topic, n) for topic in topics for n in sorted(consumer.partitions_for_topic(topic) or ())]
        found = [one async for one in _read(consumer, partitions, max(0, int(begin.timestamp() * 1000)))]
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(consumer.stop(), ANSWER_S)
    latest: dict[TopicPartition, int] = {}
    ordered = []
    for one in found:  # a clock that was put back must not turn a partition round
        place = TopicPartition(one.topic, one.partition)
        latest[place] = max(latest.get(place, 0), one.timestamp)
        ordered.append((latest[place], one))
    return [one for _, one in sorted(ordered, key=lambda each: each[0])]


async def _read(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], begin_ms: int) -> AsyncIterator[Any]:
    starts = await asyncio.wait_for(consumer.offsets_for_times(dict.fromkeys(partitions, begin_ms)), ANSWER_S)
    ends = await asyncio.wait_for(consumer.end_offsets(list(partitions)), ANSWER_S)
    left = {each for each in partitions if (start := starts.get(each)) is not None and start.offset < ends[each]}
    consumer.assign(list(left))
    for partition in left:
        consumer.seek(partition, starts[partition].offset)
    while left:
        batches = await asyncio.wait_for(consumer.getmany(timeout_ms=500), ANSWER_S)
        for records in batches.values():
            for one in records:
                yield one
        left = {each for each in left if await consumer.position(each) < ends[each]}
