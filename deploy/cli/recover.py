"""`bleibe recover`: one service's database was restored alone from a backup; bring back what its topics still know.

The report names events by topic, key, number and type, and messages by their ids: nothing in it is personal.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.cli.databases import database
from deploy.cli.output import fail, run
from deploy.cli.target import Target, target
from deploy.kafka.wanted import Kind, Operation, grants
from deploy.local.system import MUENSTER
from shared.city import City, load_city
from shared.contracts.catalogue import EVENT_TYPES, RECEIPTS, topic_of
from shared.contracts.topics.cases import CaseErased
from shared.messaging.fetching import read_every_record
from shared.messaging.journal import TOMBSTONE
from shared.messaging.migrate import CORE, migrate
from shared.messaging.model import Heard
from shared.messaging.recovery import Imported, ask_to_read_again, bring_back, unknown
from shared.messaging.relay import LOCK
from shared.messaging.wire import Raw, Reader, TopicRules

ANSWER_S = 30


@dataclass(frozen=True, slots=True)
class Line:
    """One event that came back, and why a person may have to look at it; empty where the service finds its way alone."""

    topic: str
    key: str
    n: int
    event_type: str
    written_at: str
    look: str


NOBODYS_MESSAGE = "people or the clock caused it: do it again, or see that it was not done twice"
ERASED = "erased since the backup: erase again"
CONTENT_GONE = "answered since the backup, and no topic has the message: ask its sender for it"


def recover(service: Literal["intake", "outreach", "referral", "reporting"], *, report: Path | None = None) -> None:
    """Bring back what a restored service's own topics still know, and have it read again what it heard since.

    For a service that says its database was restored from a backup, and refuses to start. Stop all its processes first. The
    report lists every event that came back; those with a word in the last column are for a person.

    Example: bleibe recover intake

    Args:
        service: whose database was restored.
        report: where to write the list; `recovered-<service>.csv` if not said.
    """
    lines = run(bring_service_back(target(), service, load_city(MUENSTER)))
    path = report or Path(f"recovered-{service}.csv")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Line.__dataclass_fields__)
        writer.writerows((line.topic, line.key, line.n, line.event_type, line.written_at, line.look) for line in lines)
    keys = {(line.topic, line.key) for line in lines}
    print(f"{len(lines)} events of {len(keys)} keys came back, {sum(bool(line.look) for line in lines)} for a person: {path}")
    print(f"Start {service}, wait until `bleibe doctor` finds all readers level, then run `bleibe reconcile`.")


async def bring_service_back(system: Target, service: str, city: City) -> list[Line]:
    """Do so; what came back. May be repeated."""
    read_every_record()
    await migrate(system.databases[service], [CORE])
    mine, heard = _written(service, city), _heard(service, city)
    async with database(system, service) as connection:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", LOCK):
            fail(f"{service} still runs. Stop all its processes first.")
        events = [event async for raw in _all(system, mine) if (event := _event(raw, service)) is not None]
        async with connection.transaction():
            found = await unknown(connection, events)
            await bring_back(connection, found)
            await ask_to_read_again(connection)
        kept = {str(row["id"]) for row in await connection.fetch("select id from inbound where answer is not null")}
    kept |= {_header(raw, "ce_id") async for raw in _all(system, {each for each in heard if topic_of(each).foreign})}
    return [
        Line(each.topic, each.key, each.n, each.type, each.time.isoformat(timespec="seconds"), _why(each, kept)) for each in found
    ]


def _why(event: Imported, kept: Collection[str]) -> str:
    """What a person has to see to."""
    if event.type in {TOMBSTONE, CaseErased.TYPE}:
        return ERASED
    if event.topic.startswith(f"{RECEIPTS.name}."):
        return "" if event.key in kept else CONTENT_GONE
    return "" if event.causation else NOBODYS_MESSAGE


def _written(service: str, city: City) -> set[str]:
    return {
        each.name
        for each in grants(city)
        if (each.principal, each.kind, each.operation) == (service, Kind.TOPIC, Operation.WRITE)
    }


def _heard(service: str, city: City) -> set[str]:
    """What it reads, without what it writes itself."""
    may_read = {
        each.name for each in grants(city) if (each.principal, each.kind, each.operation) == (service, Kind.TOPIC, Operation.READ)
    }
    return may_read - _written(service, city)


def _event(raw: Raw, service: str) -> Imported | None:
    """An event that this service wrote; None for anything else."""
    source = f"urn:bleibe:service:{service}"
    rules = TopicRules(source, register=topic_of(raw.topic).retention_days is None)
    heard = Reader(EVENT_TYPES, {raw.topic: rules}).read(raw)
    if not isinstance(heard, Heard) or heard.n is None:
        return None
    caused_by = _header(raw, "ce_causationid")
    return Imported(
        heard.topic,
        heard.key,
        heard.n,
        heard.id,
        heard.type,
        heard.time,
        None if raw.value is None else raw.value.decode(),
        UUID(caused_by) if caused_by else None,
        heard.traceparent,
    )


def _header(raw: Raw, name: str) -> str:
    return next(((value or b"").decode(errors="replace") for key, value in raw.headers if key == name), "")


async def _all(system: Target, topics: Collection[str]) -> AsyncIterator[Raw]:
    """Every record that these topics hold now."""
    async with _consumer(system) as consumer:
        partitions = _partitions(topics)
        begins = await asyncio.wait_for(consumer.beginning_offsets(partitions), ANSWER_S)
        ends = await asyncio.wait_for(consumer.end_offsets(partitions), ANSWER_S)
        left = {each: end for each, end in ends.items() if end > begins[each]}
        consumer.assign(list(left))
        for partition in left:
            consumer.seek(partition, begins[partition])
        while left:
            batches = await asyncio.wait_for(consumer.getmany(timeout_ms=500), ANSWER_S)
            for records in batches.values():
                for one in records:
                    yield Raw(one.topic, one.key, one.value, tuple(one.headers))
            left = {each: end for each, end in left.items() if await consumer.position(each) < end}


@contextlib.asynccontextmanager
async def _consumer(system: Target) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(**system.clients, group_id=None, enable_auto_commit=False)
    await asyncio.wait_for(consumer.start(), ANSWER_S)
    try:
        yield consumer
    finally:
        await asyncio.wait_for(consumer.stop(), ANSWER_S)


def _partitions(topics: Iterable[str]) -> list[TopicPartition]:
    return [TopicPartition(topic, n) for topic in sorted(topics) for n in range(topic_of(topic).partitions)]
