"""Behind a large batch the next one is read already: it waits its turn, and a stop leaves it to whoever comes after."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition

from shared.messaging.pipeline import Pipeline
from shared.messaging.sequence import Task
from shared.messaging.wire import Raw
from tests.contract.messaging.brokers import Broker, committed, make_topics, produce
from tests.contract.messaging.child import Held
from tests.contract.messaging.toy import Toy
from tests.fault.messaging.test_consumers import KEYS, complete, hearing, held, records, waiting
from tests.waiting import eventually

pytestmark = pytest.mark.fault


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Raw]:
    """All records that were read so far."""
    seen: list[Raw] = []
    real = Pipeline.read

    def reading(self: Pipeline[object], raws: Sequence[Raw]) -> list[Task]:
        seen.extend(raws)
        return real(self, raws)

    monkeypatch.setattr(Pipeline, "read", reading)
    return seen


async def test_it_waits_its_turn(writer: Toy, broker: Broker, read: list[Raw]) -> None:
    await make_topics(broker, writer.tag)
    await produce(broker, writer.tag, records(1, 2, 3))
    writer.pipeline.room = Held(writer.tag)
    async with contextlib.AsyncExitStack() as hearing_at_last:
        async with held(writer):
            await hearing_at_last.enter_async_context(hearing(writer, broker, max_records=len(KEYS)))
            await eventually(writer.somebody_waits, 30)
            await eventually(lambda: len(read) > len(KEYS), 30)
            assert await waiting(writer) == 1
        await complete(writer, 1, 2, 3)


async def test_a_stop_finishes_what_is_in_hand_and_leaves_what_was_read(writer: Toy, broker: Broker, read: list[Raw]) -> None:
    await make_topics(broker, writer.tag)
    await produce(broker, writer.tag, records(1, 2, 3))
    writer.pipeline.room = Held(writer.tag)
    async with contextlib.AsyncExitStack() as hearing_at_last:
        async with held(writer):
            consumer = await hearing_at_last.enter_async_context(hearing(writer, broker, max_records=len(KEYS)))
            await eventually(writer.somebody_waits, 30)
            await eventually(lambda: len(read) > len(KEYS), 30)
            stopping = asyncio.create_task(consumer.stop(15))
            await eventually(lambda: consumer._stopping)
        await stopping
        done = await writer.pool.fetchval("select sum(last) from progress")
        assert 0 < done == await committed(broker, writer) < len(read)
    async with hearing(writer, broker):
        await complete(writer, 1, 2, 3)


async def test_what_cannot_be_read_for_a_moment_is_not_passed_over(
    writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures, real = iter([True, True, False, True]), Pipeline.read

    def reading(self: Pipeline[object], raws: Sequence[Raw]) -> list[Task]:
        if next(failures, False):
            raise MemoryError
        return real(self, raws)

    monkeypatch.setattr(Pipeline, "read", reading)
    await make_topics(broker, writer.tag)
    await produce(broker, writer.tag, records(1, 2, 3))
    async with hearing(writer, broker, max_records=len(KEYS)):
        await complete(writer, 1, 2, 3)


async def test_a_place_that_cannot_be_set_any_more_tells_what_was_read_behind_it(writer: Toy, broker: Broker) -> None:
    """The partition is another member's by now; what was fetched after the batch that goes back must not overtake it."""
    await make_topics(broker, writer.tag)
    async with hearing(writer, broker) as consumer:
        members: Any = consumer._subscriber.consumer
        members.go_back(members.under, {TopicPartition("nowhere", 0): 0})
        assert members.rewound == members.rewound_before + 1


async def test_a_place_of_an_earlier_assignment_is_not_set(writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may not exist: a broker that came back without its memory gives topics that begin anew."""
    await make_topics(broker, writer.tag)
    async with hearing(writer, broker) as consumer:
        members: Any = consumer._subscriber.consumer
        await eventually(members.assignment)
        partition, *_ = members.assignment()
        earlier, sought = object(), []
        monkeypatch.setattr(members, "seek", lambda *place: sought.append(place))
        assert members.go_back(members.under, {partition: 7}) == {partition}
        assert members.go_back(earlier, {partition: 8}) == set()
        assert sought == [(partition, 7)]
        assert members.rewound == members.rewound_before + 2
