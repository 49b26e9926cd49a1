"""One FastStream batch subscriber for all that a service hears: batches in, one transaction, then the offsets.

FastStream brings the records; it never parses them (its parser fails on binary headers) and never decides what becomes of a
failure: a batch's offsets are committed after its transaction, or it is offered again.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from aiokafka import TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from shared.messaging.closing import closed
from shared.messaging.fetching import CarefulConsumer
from shared.messaging.pipeline import Pipeline, StopTheLine, transient
from shared.messaging.sequence import Task
from shared.messaging.wire import Raw
from shared.runtime.health import Health

log = structlog.get_logger()

MAX_POLL_S = 300
OFFER_AGAIN_S = 60
"""A batch that cannot be handled is polled again after this, well below the poll limit, so that the group keeps us."""
COMMIT_S = 10
COMMIT_EVERY_S = 0.2
"""A commit for each small batch costs the broker more than its records. What is not committed comes again, and is known."""
SMALL = 0.1
"""The part of a full batch below which one is small, and the next may wait until there is more."""

Parse = Callable[[Any], Awaitable[KafkaMessage]]


class Consumer:
    """Hears `topics` as group `group` and hands batches to the pipeline. `instance` makes it a static member.

    `security` are aiokafka's settings of how to sign in and encrypt; `finish_s` is how long a stop waits for the batch in hand.
    `rest_s` is a pause after a small batch: where nobody waits for what is said next, fewer and larger batches cost less.
    """

    def __init__(
        self,
        pipeline: Pipeline[Any],
        health: Health,
        *,
        bootstrap: str,
        group: str,
        topics: Sequence[str],
        max_records: int,
        batch_timeout_ms: int,
        session_timeout_ms: int = 10_000,
        fetch_wait_ms: int = 500,
        instance: str | None = None,
        finish_s: float = 12.0,
        rest_s: float = 0.0,
        security: Mapping[str, Any] | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._health = health
        self._stopping = False
        self._handled: dict[TopicPartition, int] = {}
        self._to_commit: dict[TopicPartition, int] = {}
        self._to_commit_of: object = None
        self._one_commit = asyncio.Lock()
        self._committing: asyncio.Task[None] | None = None
        self._in_hand: asyncio.Task[frozenset[TopicPartition]] | None = None
        self._finish_s = finish_s
        self._rest_s = rest_s
        self._small = max_records * SMALL
        self.broker = KafkaBroker(
            bootstrap.split(","),
            apply_types=False,
            consumer_only=True,
            allow_auto_create_topics=False,
            metadata_max_age_ms=10_000,
            graceful_timeout=finish_s,
            logger=logging.getLogger("faststream.kafka"),
            log_level=logging.DEBUG,
        )
        self._security = dict(security or {})
        self._subscriber = self.broker.subscriber(
            *topics,
            batch=True,
            group_id=group,
            group_instance_id=instance,
            max_records=max_records,
            batch_timeout_ms=batch_timeout_ms,
            fetch_max_wait_ms=fetch_wait_ms,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            max_poll_interval_ms=MAX_POLL_S * 1000,
            session_timeout_ms=session_timeout_ms,
            heartbeat_interval_ms=session_timeout_ms // 4,
            rebalance_timeout_ms=60_000,
            parser=_unparsed,
            decoder=_undecoded,
        )
        self._subscriber(self._on_batch)

    async def start(self) -> None:
        """Join the group and begin."""
        await self.broker.connect()
        options: dict[str, Any] = self.broker.config.broker_config.builder.keywords  # type: ignore[attr-defined]  # a partial
        self.broker.config.broker_config.builder = partial(CarefulConsumer, **options | self._security)
        await self.broker.start()
        self._committing = asyncio.create_task(self._commit_regularly())

    async def stop(self, within_s: float) -> None:
        """Finish the batch in hand, commit, leave the group; give up after `within_s`: what is uncommitted comes again."""
        self._stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._commit_within(within_s / 20)  # a broker that is away costs no more
                await self._finish()
                await self._commit_within(within_s / 20)
                await closed(self.broker.stop(), within_s)
        if self._committing is not None:
            self._committing.cancel()

    async def _commit_within(self, limit_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._commit_handled(), limit_s)

    async def _finish(self) -> None:
        """The batch in hand is the last one; what takes too long comes again."""
        if (last := self._in_hand) is not None:
            await asyncio.wait([last], timeout=self._finish_s)
            last.cancel()

    def assigned(self) -> bool:
        """Whether the group gave this member partitions."""
        consumer = self._subscriber.consumer
        return consumer is not None and bool(consumer.assignment())

    def lag(self) -> dict[str, int]:
        """Records written and not yet handled, by topic, as far as the last fetches tell."""
        behind: dict[str, int] = {}
        consumer = self._subscriber.consumer
        mine = consumer.assignment() if consumer is not None else frozenset()
        for lost in self._handled.keys() - mine:  # another member goes on with it; if it comes back, it is further on
            del self._handled[lost]
        for partition in mine:
            end = consumer.highwater(partition) if consumer is not None else None
            if end is not None and partition in self._handled:
                behind[partition.topic] = behind.get(partition.topic, 0) + max(0, end - self._handled[partition])
        return behind

    async def _on_batch(self, message: KafkaMessage) -> None:
        """Have a batch handled. Behind a large one, the next is fetched and read while the database is at work on it."""
        consumer: Any = message.consumer  # a CarefulConsumer, see `start`
        given, under = self._given(), consumer.under
        fetched_after = consumer.rewound_before
        records = message.raw_message if isinstance(message.raw_message, tuple) else (message.raw_message,)
        raws = [Raw(r.topic, r.key, r.value, tuple(r.headers)) for r in records]
        for r in records:
            self._handled.setdefault(TopicPartition(r.topic, r.partition), r.offset)  # a first batch may be one that hangs
        tasks: list[Task] | None = None
        with contextlib.suppress(Exception):  # what fails here fails again below, where it is waited for and offered again
            tasks = self._pipeline.read(raws)
        gone_back = await self._before()
        if consumer.rewound != fetched_after:  # the batch before comes again, and this one after it
            _rewind(consumer, under, records, but=gone_back)
            return
        if self._stopping:
            return  # it comes again: its offsets are not committed
        self._in_hand = asyncio.create_task(self._handle(consumer, under, records, raws, tasks, given))
        if len(records) < self._small:
            await asyncio.wait([self._in_hand])

    async def _before(self) -> frozenset[TopicPartition]:
        """Wait for the batch in hand; the partitions that went back if it is offered again."""
        before = self._in_hand
        if before is None:
            return frozenset()
        await asyncio.wait([before])
        self._in_hand = None
        return frozenset() if before.cancelled() or before.exception() else before.result()

    async def _handle(
        self,
        consumer: Any,  # noqa: ANN401  a CarefulConsumer, see `start`
        under: object,
        records: Sequence[Any],
        raws: Sequence[Raw],
        tasks: list[Task] | None,
        given: object,
    ) -> frozenset[TopicPartition]:
        """Handle one batch, or have it offered again: then the partitions that went back. It never leaves with neither."""
        pause, until = 0.05, time.monotonic() + OFFER_AGAIN_S
        while True:
            try:
                await self._pipeline.take(self._pipeline.read(raws) if tasks is None else tasks)
            except Exception as error:  # noqa: BLE001  whatever it is, the batch must not be lost: wait and offer it again
                self._health.holds("database", now=not transient(error))
                self._health.holds("line", now=not isinstance(error, StopTheLine))
                log.warning("batch_again", error=type(error).__name__, records=len(records))
                if self._stopping or time.monotonic() > until:
                    return _rewind(consumer, under, records)
                self._health.turned("pipeline")
                await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311  jitter, no secret
                pause = min(pause * 2, 2.0)
                tasks = None
            else:
                self._health.holds("database", now=True)
                self._health.holds("line", now=True)
                self._health.turned("pipeline")
                self._note_hops(records)
                done = {TopicPartition(r.topic, r.partition): r.offset + 1 for r in records}
                self._handled.update(done)
                self._note(done, given)
                if not self._stopping and len(records) < self._small:
                    await asyncio.sleep(self._rest_s)
                return frozenset()

    async def _commit_regularly(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY_S)
            await self._commit_handled()

    def _given(self) -> object:
        """The partitions as the group gave them last; None while it is giving them anew."""
        consumer: Any = self._subscriber.consumer  # a CarefulConsumer, see `start`
        return None if consumer is None else consumer.given()

    def _note(self, done: Mapping[TopicPartition, int], given: object) -> None:
        """To be committed, if the group has given nothing anew since: by now another may be further, or the topic be another."""
        if given is not self._to_commit_of:
            self._to_commit, self._to_commit_of = {}, given
        self._to_commit.update(done)

    async def _commit_handled(self) -> None:
        """Commit what was handled: never the batch in hand, whose records count as read, and nothing of an earlier assignment."""
        async with self._one_commit:
            if self._to_commit_of is None or self._to_commit_of is not self._given():
                self._to_commit = {}
            if not self._to_commit:
                return
            offsets, self._to_commit, given, done = self._to_commit, {}, self._to_commit_of, False
            try:
                done = await _commit(self._subscriber.consumer, given, offsets)
            finally:
                if not done and self._to_commit_of is given:
                    self._to_commit = offsets | self._to_commit

    def _note_hops(self, records: Sequence[Any]) -> None:
        """How long the oldest record of each topic took from its writing to its effect, by the wall clock on both sides."""
        oldest: dict[str, int] = {}
        for record in records:
            oldest[record.topic] = min(record.timestamp, oldest.get(record.topic, record.timestamp))
        for topic, written_ms in oldest.items():
            self._pipeline.metrics.hop(topic, time.time() - written_ms / 1000)


async def _commit(consumer: Any, given: object, offsets: Mapping[TopicPartition, int]) -> bool:  # noqa: ANN401  as `_given`
    """Whether the group let us. If not, it is tried again, or whoever has the partitions now reads them again."""
    try:
        await asyncio.wait_for(consumer.commit_under(given, offsets), COMMIT_S)
    except Exception as error:  # noqa: BLE001  whatever it is: nothing is lost, and the next commit says it, too
        log.warning("not_committed", error=type(error).__name__)
        return False
    return True


def _rewind(
    consumer: Any,  # noqa: ANN401  a CarefulConsumer, see `start`
    under: object,
    records: Sequence[Any],
    but: Collection[TopicPartition] = (),
) -> frozenset[TopicPartition]:
    """Have the batch come again, `but` for partitions that go back further already; returns those that went back with it."""
    earliest: dict[TopicPartition, int] = {}
    for record in records:
        partition = TopicPartition(record.topic, record.partition)
        earliest[partition] = min(record.offset, earliest.get(partition, record.offset))
    back: frozenset[TopicPartition] = consumer.go_back(under, {each: earliest[each] for each in earliest.keys() - set(but)})
    return back


async def _unparsed(records: Any, original: Parse) -> KafkaMessage:  # noqa: ANN401  FastStream's own signature
    """Let FastStream make its message from one harmless copy, then put the records themselves back."""
    message = await original((dataclasses.replace(records[0], headers=(), value=b"", key=None),))
    message.raw_message = records
    return message


async def _undecoded(message: KafkaMessage) -> KafkaMessage:
    return message
