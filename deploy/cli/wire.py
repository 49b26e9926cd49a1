"""`bleibe send` and `bleibe watch`: speak as a partner would, and listen as a tool would."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.cli.databases import database
from deploy.cli.output import fail, run
from deploy.cli.target import Target, target
from shared.contracts.catalogue import EVENT_TYPES, RECEIPTS, Kind, owner_of, topic_of
from shared.messaging.closing import closed, consumer_closed
from shared.messaging.wire import Envelope, Raw, encode
from shared.runtime.access_log import record_read
from shared.runtime.persons import Person, Role

RECEIPT_S = 15
_SHOWN = ("ce_id", "ce_source", "ce_type", "ce_time", "ce_keysequence", "ce_causationid")


def send(file: Path, *, topic: str = "notices.ag-muenster") -> None:
    """Publish one message from a JSON file to a topic of an outside sender, and wait for its receipt.

    The file holds what docs/contracts/examples shows: the type, optionally an id, and the data.

    Example: bleibe send docs/contracts/examples/de.bleibe.notice.suit-filed.v1.json

    Args:
        file: the message.
        topic: the sender's topic.
    """
    message = json.loads(file.read_text())
    try:
        known = topic_of(topic)
    except KeyError:
        fail(f"There is no topic {topic}. docs/contracts/asyncapi.yaml lists them all.")
    if not known.foreign:
        fail(f"{topic} is written by {known.writer} alone. Send to notices.*, field-reports.* or replies.*.")
    run(_send(target(), topic, message))


async def _send(system: Target, topic: str, message: dict[str, Any]) -> None:
    headers = {name.lower(): value for name, value in message.get("headers", {}).items()}
    event_type = message.get("type") or headers.get("ce_type")
    if event_type not in EVENT_TYPES:
        fail("The file needs a `type` of docs/contracts/schemas.")
    event_id = uuid4()
    data = json.dumps(message["data"]).encode()
    key = str(message.get("key") or message["data"].get("case_id") or message["data"].get("referral_id") or event_id)
    raw = encode(topic, Envelope(event_id, owner_of(topic), event_type, datetime.now(UTC), key), data)
    receipts = await publish_and_wait(system, topic, {event_id: raw})
    if event_id not in receipts:
        fail(f"No receipt within {RECEIPT_S} s. The message {event_id} is on {topic}; `bleibe doctor` says what stands still.")
    print(json.dumps(receipts[event_id], indent=2))


async def publish_and_wait(system: Target, topic: str, raws: Mapping[UUID, Raw]) -> dict[UUID, dict[str, Any]]:
    """Publish messages to an outside sender's topic and return their receipts, once all are there or no more come."""
    consumer = AIOKafkaConsumer(**system.clients, enable_auto_commit=False)
    producer = AIOKafkaProducer(**system.clients, acks="all")
    await consumer.start()
    await producer.start()
    receipts: dict[UUID, dict[str, Any]] = {}
    try:
        partitions = [TopicPartition(RECEIPTS.of(topic.partition(".")[2]), number) for number in range(RECEIPTS.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        for raw in raws.values():
            await producer.send(raw.topic, raw.value, raw.key, headers=list(raw.headers))
        await producer.flush()
        while len(receipts) < len(raws):
            came = await asyncio.wait_for(_some(consumer), RECEIPT_S)
            receipts |= {each: data for each, data in came if each in raws}
    except TimeoutError:
        pass
    finally:
        await closed(producer.stop())
        await consumer_closed(consumer)
    return receipts


async def _some(consumer: AIOKafkaConsumer) -> list[tuple[UUID, dict[str, Any]]]:
    """The next receipts, by the id of the message they answer."""
    while not (batches := await consumer.getmany(timeout_ms=500, max_records=500)):
        pass
    return [(UUID(record.key.decode()), json.loads(record.value)) for records in batches.values() for record in records]


def watch(topic: str, *, from_start: bool = False, count: int | None = None, content_because: str | None = None) -> None:
    """Print a topic's events as they come, one JSON object a line, until Ctrl-C.

    On a topic that names people the content is left out, unless a reason is given; then each reading is recorded with it.

    Example: bleibe watch cases --from-start --count 5

    Args:
        topic: its name, for a family with the member: assignments.nord-west.
        from_start: begin with the oldest event.
        count: stop after so many.
        content_because: why personal content must be read.
    """
    try:
        topic_of(topic)
    except KeyError:
        fail(f"There is no topic {topic}. docs/contracts/asyncapi.yaml lists them all.")
    try:
        run(_watch(target(), topic, from_start=from_start, count=count, because=content_because))
    except KeyboardInterrupt:
        sys.exit(0)


async def _watch(system: Target, topic: str, *, from_start: bool, count: int | None, because: str | None) -> None:
    personal = topic_of(topic).kind in {Kind.PRIVATE, Kind.REGISTER}
    consumer = AIOKafkaConsumer(**system.clients, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(topic_of(topic).partitions)]
        consumer.assign(partitions)
        await (consumer.seek_to_beginning(*partitions) if from_start else consumer.seek_to_end(*partitions))
        seen = 0
        while count is None or seen < count:
            for records in (await consumer.getmany(timeout_ms=500, max_records=500)).values():
                for record in records:
                    if count is not None and seen >= count:
                        return
                    seen += 1
                    if personal and because is not None:
                        await _record(system, topic, record.key, because)
                    print(_line(record, with_data=not personal or because is not None), flush=True)
    finally:
        await consumer_closed(consumer)


async def _record(system: Target, topic: str, key: bytes | None, because: str) -> None:
    """Note the reading where the topic's service notes its own, before anything is shown."""
    owner = topic_of(topic)
    async with database(system, owner.readers[0] if owner.foreign else owner.writer) as connection:
        person = Person(getpass.getuser(), frozenset({Role.OPERATOR}), acting=Role.OPERATOR)
        await record_read(connection, person, because, [_id(key) or UUID(int=0)], "watched_record", datetime.now(UTC))


def _content(value: bytes) -> Any:  # noqa: ANN401  any JSON; an outside sender may have written anything else
    try:
        return json.loads(value)
    except ValueError:
        return value.decode(errors="replace")


def _id(key: bytes | None) -> UUID | None:
    """A key that follows our rules; an outside sender may have written a name there."""
    try:
        return UUID((key or b"").decode())
    except ValueError:
        return None


def _line(record: Any, *, with_data: bool) -> str:  # noqa: ANN401  aiokafka is untyped
    headers = {name: value.decode(errors="replace") for name, value in record.headers if value is not None}
    shown: dict[str, Any] = {name.removeprefix("ce_"): headers[name] for name in _SHOWN if name in headers}
    if with_data:
        shown["data"] = None if record.value is None else _content(record.value)
    else:
        shown["bytes"] = len(record.value or b"")
    return json.dumps({**shown, "key": None if (key := _id(record.key)) is None else str(key)}, ensure_ascii=False)
