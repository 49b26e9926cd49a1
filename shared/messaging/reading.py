"""Topics read to their end, outside of any group. A broker that stops answering is not waited for.

A partition ends where an answer to a fetch says so, or, where nothing comes any more, where the broker said when asked for it.
To that question the embedded broker gives the start of its newest batch, and a fetch may tell of a record that it has not.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.messaging.closing import consumer_closed

ANSWER_S = 30


class TopicMissing(Exception):
    """The broker does not have a topic that it should."""


async def every_record(clients: Mapping[str, Any], topics: Collection[str]) -> AsyncIterator[list[Any]]:
    """All that these topics hold now; each list is of one partition, in its order.

    Raises:
        TimeoutError: the broker has not answered, or handed nothing over, for so long.
        TopicMissing: it does not have one of the topics.
    """
    consumer = AIOKafkaConsumer(**clients, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        partitions = await partitions_of(clients, topics)
        await asyncio.wait_for(consumer.start(), ANSWER_S)
        begins = await asyncio.wait_for(consumer.beginning_offsets(partitions), ANSWER_S)
        ends = await asyncio.wait_for(consumer.end_offsets(partitions), ANSWER_S)
        async for records in to_the_end(consumer, begins, ends, ANSWER_S):
            yield records
        for partition in partitions:  # a leader of a moment ago may not yet know how far its partition reaches
            if await asyncio.wait_for(consumer.position(partition), ANSWER_S) < ends[partition]:
                raise TimeoutError
    finally:
        await consumer_closed(consumer, ANSWER_S)


async def partitions_of(clients: Mapping[str, Any], topics: Collection[str]) -> list[TopicPartition]:
    """As many as the broker says: somebody may have given a topic more than the catalogue does. Raises TopicMissing.

    A consumer does not know: it learns only of topics that it reads already.
    """
    admin = AIOKafkaAdminClient(**clients)
    try:
        await asyncio.wait_for(admin.start(), ANSWER_S)
        there = {each["topic"]: each["partitions"] for each in await asyncio.wait_for(admin.describe_topics(), ANSWER_S)}
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(admin.close(), ANSWER_S)
    if missing := sorted(set(topics) - there.keys()):
        raise TopicMissing(f"the broker does not have {', '.join(missing)}: compare it with the catalogue, `bleibe doctor`")
    return [TopicPartition(topic, each["partition"]) for topic in sorted(topics) for each in there[topic]]


async def to_the_end(
    consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int], answer_s: float
) -> AsyncIterator[list[Any]]:
    """From these offsets to where a partition's answers end, or to these ends where it answers with nothing more.

    A list is of one partition. Raises TimeoutError after `answer_s` of nothing.
    """
    consumer.assign(list(starts))
    for partition, offset in starts.items():
        consumer.seek(partition, offset)
    left, answers = set(starts), dict[TopicPartition, int | None]()
    moved = time.monotonic()
    while left:
        before = {each: consumer.last_poll_timestamp(each) for each in left}
        found = await asyncio.wait_for(consumer.getmany(*left, timeout_ms=500), answer_s)
        for partition, records in found.items():
            yield records
            answers[partition] = consumer.last_poll_timestamp(partition)
        at = {each: await asyncio.wait_for(consumer.position(each), answer_s) for each in left}
        # An answer that was there before we asked for records, and is not the one that brought the last of them, brought none.
        quiet = {each for each in left - found.keys() if before[each] != answers.get(each)}
        told = {each: end for each in left if (end := consumer.highwater(each)) is not None}
        level = {each for each in told if at[each] >= told[each] or (each in quiet and at[each] >= ends[each])}
        left -= level
        if found or level:
            moved = time.monotonic()
        elif time.monotonic() - moved > answer_s:
            raise TimeoutError
