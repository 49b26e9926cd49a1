"""Apache Kafka forgets what it must: with the catalogue's settings, only shorter, a name is in no segment file any more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local.supervisor import Local
from services.intake.pulse import KEYS
from shared.contracts.catalogue import CATALOGUE, FIGURES, HOUSEHOLDS, Topic
from shared.messaging.topics import TopicSpec, ensure_topics
from tests.kafka.clusters import kafka_of
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(300)

NAME = "Canarius-Vogelsang"
SHORT_MS = 1500
FAST = {"log.retention.check.interval.ms": "300", "log.cleaner.backoff.ms": "200", "log.segment.delete.delay.ms": "100"}


@pytest.fixture(scope="module")
def kafka() -> Iterator[Local]:
    """One node that looks often whether something is to be forgotten."""
    with kafka_of("that Kafka forgets", settings=FAST) as local:
        yield local


def shorter(topic: Topic) -> dict[str, str]:
    """The catalogue's settings with every time cut to a second and a half."""
    return {name: str(SHORT_MS) if name.endswith(".ms") else value for name, value in topic.config.items()}


def holding(local: Local) -> set[str]:
    """The topics in whose files the name stands."""
    found = set()
    for each in (local.data / "kafka-1" / "log").glob("*/*.*"):
        with contextlib.suppress(FileNotFoundError):  # forgotten while we looked
            if NAME.encode() in each.read_bytes():
                found.add(each.parent.name.rpartition("-")[0])
    return found


async def test_what_is_over_or_taken_back_is_in_no_file(kafka: Local) -> None:
    clients = {"bootstrap_servers": kafka.running.bootstrap}
    names = {topic.name if topic.family is None else topic.of("one"): topic for topic in CATALOGUE}
    producer = AIOKafkaProducer(**clients, acks="all")
    await eventually(lambda: started(producer))
    try:
        await ensure_topics(
            clients, [TopicSpec(name, 1, {**topic.config, "compression.type": "uncompressed"}) for name, topic in names.items()]
        )
        key = str(uuid4()).encode()
        for name in names:
            await producer.send_and_wait(name, NAME.encode(), key)
        assert await eventually(lambda: holding(kafka)) == set(names)

        await forget_soon(clients, {name: shorter(topic) for name, topic in names.items()})
        lasting = {name for name, topic in names.items() if topic.retention_days is None}
        await eventually(lambda: holding(kafka) == lasting, within_s=60)
        assert lasting == {HOUSEHOLDS.name, FIGURES.name}
        for name in lasting:  # a register keeps its newest record until it is taken back
            await producer.send_and_wait(name, None, key)
        await eventually(lambda: forgotten(kafka, producer, FIGURES.name), within_s=60)
        assert HOUSEHOLDS.name in holding(kafka)  # and for ever where nobody writes: what the pulse is for
        await eventually(lambda: forgotten(kafka, producer, HOUSEHOLDS.name), within_s=60)
    finally:
        await producer.stop()


async def forgotten(kafka: Local, producer: AIOKafkaProducer, topic: str) -> bool:
    """Beat once more, as intake does each day, and look."""
    await producer.send_and_wait(topic, None, KEYS[0].encode())
    return topic not in holding(kafka)


async def started(producer: AIOKafkaProducer) -> bool:
    try:
        await asyncio.wait_for(producer.start(), 10)
    except Exception:  # noqa: BLE001  not there yet, in whatever way
        return False
    return True


async def forget_soon(clients: dict[str, str | None], settings: dict[str, dict[str, str]]) -> None:
    """Change the topics' settings as an administrator would."""
    admin = AIOKafkaAdminClient(**clients)
    await admin.start()
    try:
        resources = [ConfigResource(ConfigResourceType.TOPIC, name, configs=config) for name, config in settings.items()]
        await admin.alter_configs(resources)
    finally:
        await admin.close()
