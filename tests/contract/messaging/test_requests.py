"""How many requests records cost, sent and read: counts that a change may not raise unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient

from shared.messaging.pipeline import Pipeline
from shared.messaging.sequence import Task
from shared.messaging.wire import Raw
from tests.contract.messaging.brokers import Broker, consumer_of, make_topics, produce, relay_of, running
from tests.contract.messaging.toy import Toy, number
from tests.waiting import eventually

KEYS, EACH = [f"k{n}" for n in range(40)], 20
PATIENCE_S = 30.0


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The requests of this process's Kafka clients so far, by kind."""
    seen: Counter[str] = Counter()
    real = AIOKafkaClient.send

    async def send(self: AIOKafkaClient, node: Any, request: Any, **options: Any) -> Any:  # noqa: ANN401  handed on
        seen[type(request).__name__] += 1
        return await real(self, node, request, **options)

    monkeypatch.setattr(AIOKafkaClient, "send", send)
    return seen


async def test_what_waits_in_the_outbox_leaves_in_few_requests(writer: Toy, broker: Broker, requests: Counter[str]) -> None:
    await writer.write(*[said for value in range(EACH) for key in KEYS for said in writer.says(key, value)])

    async def all_sent() -> bool:
        return await writer.outbox() == 0

    async with running(relay_of(writer, broker)):
        await eventually(all_sent, PATIENCE_S)
    assert 0 < requests["ProduceRequest"] <= 3


async def test_what_waits_on_the_topics_comes_in_few_fetches(
    reader: Toy, broker: Broker, requests: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted until the last of it is in our hands: an idle reader asks again and again."""
    await make_topics(broker, reader.tag)
    await produce(broker, reader.tag, [number(key, n, 1) for n in range(1, EACH + 1) for key in KEYS])
    before, fetches, real = requests["FetchRequest"], list[int](), Pipeline.read

    def reading(self: Pipeline[object], raws: Sequence[Raw]) -> list[Task]:
        fetches.extend([requests["FetchRequest"] - before] * len(raws))
        return real(self, raws)

    monkeypatch.setattr(Pipeline, "read", reading)
    consumer = consumer_of(reader, broker, max_records=len(KEYS) * EACH)
    await consumer.start()
    try:
        await eventually(lambda: len(fetches) == len(KEYS) * EACH, PATIENCE_S)
    finally:
        await consumer.stop(5)
    assert 0 < fetches[-1] <= 6
