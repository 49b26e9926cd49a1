"""Headers whose very names are poison: neither the record nor its neighbours are lost, through a real broker."""

from __future__ import annotations

import aiokafka.consumer.fetcher
import aiokafka.producer.message_accumulator
import aiokafka.producer.producer
import pytest
from aiokafka import TopicPartition
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords

from shared.messaging.fetching import CarefulConsumer, read_every_record
from shared.messaging.wire import Raw
from tests.contract.messaging.brokers import Broker, consumer_of, make_topics, produce
from tests.contract.messaging.toy import NUMBERS, ORDERS, Toy, number, order
from tests.waiting import eventually

KEYS = [f"k{n}" for n in range(8)]


class NoText(str):
    """A name that a careless sender wrote in another encoding."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        """Latin-1 for ä, which is no UTF-8."""
        return b"\xe4"


def poisoned(name: str) -> Raw:
    record = order("a", 5)
    return Raw(record.topic, record.key, record.value, (*record.headers, (name, b"x")))


async def test_a_name_that_is_no_text_costs_neither_its_record_nor_its_neighbours(
    reader: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (aiokafka.producer.message_accumulator, aiokafka.producer.producer):
        monkeypatch.setattr(module, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    monkeypatch.setattr(aiokafka.consumer.fetcher, "MemoryRecords", MemoryRecords)
    read_every_record()
    await make_topics(broker, reader.tag)
    await produce(broker, reader.tag, [*(number(key, 1, 1) for key in KEYS), poisoned(NoText("ä")), poisoned("fine")])
    hears = consumer_of(reader, broker, (NUMBERS, ORDERS))
    await hears.start()
    try:
        await eventually(lambda: all_read(reader, 1))
        await eventually(lambda: reader.handled("order", "effective", ORDERS) == 2)
        await produce(broker, reader.tag, [number(key, 2, 2) for key in KEYS])
        await eventually(lambda: all_read(reader, 2))
    finally:
        await hears.stop(5)
    assert await reader.parked() == []


async def test_a_fetch_that_fails_takes_nothing_with_it(reader: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every partition's records are drained, then the fetch fails: twice, as a record with a wrong checksum would do."""
    given = aiokafka.consumer.fetcher.Fetcher.fetched_records
    failures = iter([ValueError, ValueError])

    async def failing(self: object, *args: object, **options: object) -> object:
        records = await given(self, *args, **options)
        if records and (failure := next(failures, None)):
            raise failure
        return records

    monkeypatch.setattr(aiokafka.consumer.fetcher.Fetcher, "fetched_records", failing)
    await make_topics(broker, reader.tag)
    await produce(broker, reader.tag, [number(key, 1, 1) for key in KEYS])
    hears = consumer_of(reader, broker)
    await hears.start()
    try:
        await eventually(lambda: all_read(reader, 1))
    finally:
        await hears.stop(5)
    assert next(failures, None) is None


async def test_after_a_failed_fetch_a_batch_that_was_offered_again_still_comes_first(reader: Toy, broker: Broker) -> None:
    """The place is where somebody seeked to, not where the last fetch ended."""
    await make_topics(broker, reader.tag)
    await produce(broker, reader.tag, [number("k", 1, 1), number("k", 2, 2)])
    consumer = CarefulConsumer(
        NUMBERS + reader.tag, **broker.clients(), group_id=f"again{reader.tag}", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        read = await eventually(lambda: consumer.getmany(timeout_ms=200))
        ((partition, records),) = read.items()
        assert [record.offset for record in records] == [0, 1]
        consumer.seek(partition, 0)
        consumer._failed = True
        again = await eventually(lambda: consumer.getmany(timeout_ms=200))
        assert [record.offset for record in again[partition]] == [0, 1]
    finally:
        await consumer.stop()


async def test_after_a_failed_fetch_what_the_group_gives_anew_meanwhile_begins_where_the_group_says(
    reader: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_topics(broker, reader.tag)
    consumer = CarefulConsumer(
        NUMBERS + reader.tag, **broker.clients(), group_id=f"anew{reader.tag}", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        first, second, *_ = consumer.assignment()

        async def committed(_: TopicPartition) -> int:
            consumer._subscription.assign_from_subscribed({first, second})
            return 7

        monkeypatch.setattr(consumer, "committed", committed)
        sought: list[tuple[TopicPartition, int]] = []
        monkeypatch.setattr(consumer, "seek", lambda *place: sought.append(place))
        monkeypatch.setattr(consumer, "assignment", lambda: [first, second])
        consumer._given[second], consumer._of, consumer._failed = 7, consumer.under, True
        await consumer.getmany(timeout_ms=200)
        assert sought == []
    finally:
        await consumer.stop()


async def test_without_its_care_the_consumer_loses_them(reader: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere(*_: object) -> None:
        """Leave the position where it is."""

    monkeypatch.setattr(CarefulConsumer, "_put_back", nowhere)
    with pytest.raises(AssertionError, match="not within"):
        await test_a_fetch_that_fails_takes_nothing_with_it(reader, broker, monkeypatch)


async def test_a_name_with_a_nul_parks_with_its_record(reader: Toy) -> None:
    good = number("a", 1, 1)
    broken = number("b", 1, 1)
    broken = Raw(broken.topic, broken.key, b"no json", (*broken.headers, ("x\0y", b"1")))
    foreign = order("a", 5)
    foreign = Raw(foreign.topic, foreign.key, b"no json", (*foreign.headers, ("\0", None)))
    await reader.pipeline.handle(
        [Raw(each.topic + reader.tag, each.key, each.value, each.headers) for each in (good, broken, foreign)]
    )
    assert await reader.progress("a") == 1
    assert sorted(reason for _, _, reason, _ in await reader.parked()) == ["failed", "failed"]


async def all_read(reader: Toy, n: int) -> bool:
    return [await reader.progress(key) for key in KEYS] == [n] * len(KEYS)
