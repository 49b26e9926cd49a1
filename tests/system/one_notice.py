"""The outside world in small, for tests of the running system: senders that repeat until answered, and a look at every topic."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import string
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from deploy.cli.databases import database
from deploy.cli.flow import behind, unsent
from deploy.cli.target import SERVICES, Target
from deploy.local.supervisor import Local
from shared.city import City
from shared.contracts.catalogue import CATALOGUE, EVENT_TYPES, RECEIPTS, Family, owner_of, topic_of
from shared.contracts.codes import Channel, LegalBasis
from shared.contracts.fields import Event
from shared.contracts.topics.notices import Party, ProceedingRef, SuitFiled
from shared.contracts.topics.parts import GivenAddress
from shared.contracts.topics.receipts import ReceiptIssued
from shared.messaging.asking import never_make_topics
from shared.messaging.closing import closed, consumer_closed
from shared.messaging.wire import Envelope, Raw, encode
from tests.waiting import eventually

never_make_topics()

COURT = "notices.ag-muenster"
AGAIN_AFTER_S = 5.0


def target_of(local: Local) -> Target:
    """A system of a test, as the command line sees one."""
    assert local.running.bootstrap is not None
    return Target(local.running.databases, local.running.bootstrap, local.running.pages, Path(local.running.data))


def stranger() -> str:
    """A name like no other: what differs in its digits alone sounds the same."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(12)).title()


def suit(number: int, *, family_name: str | None = None, **changes: Any) -> SuitFiled:  # noqa: ANN401  the fields of a notice
    """A suit of its own against a household of its own, filed today."""
    today = datetime.now(UTC)
    fields: dict[str, Any] = {
        "channel": Channel.PARTNER_JSON,
        "actor": "geschaeftsstelle",
        "legal_basis": LegalBasis.SGB2_22_9,
        "recorded_at": today,
        "filed_on": today.date(),
        "proceeding": ProceedingRef(court_code="R2713", docket=f"{number} C {uuid4().hex[:6]}/26"),
        "defendants": (
            Party(
                family_name=family_name or stranger(),
                given_name=stranger(),
                address=GivenAddress(street="Albersloher Weg", house_number="419", postcode="48167", place="Münster"),
            ),
        ),
    }
    return SuitFiled(**{**fields, **changes})


def message(
    topic: str, data: Event, *, key: UUID | str | None = None, message_id: UUID | None = None, traceparent: str | None = None
) -> Raw:
    """A record of an outside sender; without a key its own id is the key."""
    identity = message_id or uuid4()
    envelope = Envelope(identity, owner_of(topic), data.TYPE, datetime.now(UTC), str(key or identity), traceparent=traceparent)
    return encode(topic, envelope, data.model_dump_json(exclude_none=True).encode())


def header(raw: Raw, name: str) -> str:
    """The first header of that name; empty where there is none."""
    return next(((value or b"").decode(errors="replace") for key, value in raw.headers if key == name), "")


@dataclass(slots=True)
class Sender:
    """Writes to its topics and keeps each message until its receipt has come, as every partner's own outbox does."""

    bootstrap: str
    waiting: dict[UUID, Raw] = field(default_factory=dict)
    answers: dict[UUID, ReceiptIssued] = field(default_factory=dict)

    async def send(self, *raws: Raw) -> list[UUID]:
        """Send once; what the broker does not take stays waiting."""
        ids = [UUID(header(raw, "ce_id")) for raw in raws]
        self.waiting |= dict(zip(ids, raws, strict=True))
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            await write(self.bootstrap, raws)
        return ids

    async def until_answered(self, within_s: float = 60) -> None:
        """Send again what was not answered, until everything is."""
        since = time.monotonic()

        async def answered() -> bool:
            nonlocal since
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                await self._read_receipts()
            if self.waiting and time.monotonic() - since > AGAIN_AFTER_S:
                await self.send(*self.waiting.values())
                since = time.monotonic()
            return not self.waiting

        await eventually(answered, within_s)

    async def _read_receipts(self) -> None:
        topics = {RECEIPTS.of(raw.topic.partition(".")[2]) for raw in self.waiting.values()}
        for raw in await read(self.bootstrap, topics):
            receipt = ReceiptIssued.model_validate_json(raw.value or b"")
            if self.waiting.pop(receipt.message_id, None):
                self.answers[receipt.message_id] = receipt


async def write(bootstrap: str, raws: Iterable[Raw]) -> None:
    """Send records as they are."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", request_timeout_ms=5000)
    try:
        await asyncio.wait_for(producer.start(), 10)
        sent = [await producer.send(raw.topic, raw.value, raw.key, headers=list(raw.headers)) for raw in raws]
        await asyncio.wait_for(asyncio.gather(*sent), 10)
    finally:
        await closed(producer.stop())


async def read(bootstrap: str, topics: Iterable[str]) -> list[Raw]:
    """All records that these topics hold now, in the order of each partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, fetch_max_wait_ms=50)
    try:
        await asyncio.wait_for(consumer.start(), 15)
        partitions = [TopicPartition(topic, n) for topic in sorted(set(topics)) for n in range(topic_of(topic).partitions)]
        ends = await asyncio.wait_for(consumer.end_offsets(partitions), 30)
        left = {partition: end for partition, end in ends.items() if end}
        found: list[Raw] = []
        consumer.assign(list(left))
        for partition in left:
            consumer.seek(partition, 0)
        async with asyncio.timeout(60):
            while left:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [Raw(one.topic, one.key, one.value, tuple(one.headers)) for one in records]
                left = {each: end for each, end in left.items() if await consumer.position(each) < end}
        return found
    finally:
        await consumer_closed(consumer)


def all_topics(city: City) -> Iterator[str]:
    """Every topic of the catalogue by its name on the wire."""
    members = {
        Family.PARTNER: [each.id for each in city.partners],
        Family.TEAM: [each.id for each in city.teams],
        Family.PROVIDER: [each.id for each in city.providers],
    }
    members[Family.SENDER] = sorted({each for ids in members.values() for each in ids})
    for topic in CATALOGUE:
        yield from (topic.name,) if topic.family is None else (topic.of(member) for member in members[topic.family])


def events(raws: Iterable[Raw], *kinds: type[Event]) -> list[Any]:
    """The data of all events of these types, each event once however often it was sent."""
    types = {kind.TYPE for kind in kinds}
    once = {header(raw, "ce_id"): raw for raw in raws if header(raw, "ce_type") in types}
    return [EVENT_TYPES[header(raw, "ce_type")].model_validate_json(raw.value or b"") for raw in once.values()]


async def settled(target: Target, within_s: float = 60) -> None:
    """Wait until nobody has anything left to send or to read. AssertionError names what stands still."""
    left: object = None

    async def level() -> bool:
        nonlocal left
        try:
            for _ in range(2):  # an event may move on while we look
                left = {name: n for name, n in (await unsent(target)).items() if n} or (await behind(target))[1][:5]
                if left:
                    return False
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            left = error  # the database is away for the moment
            return False
        return True

    try:
        await eventually(level, within_s)
    except AssertionError as error:
        raise AssertionError(f"not settled within {within_s} s: {left}") from error


async def cases_of(target: Target, notices: Iterable[UUID]) -> dict[UUID, UUID]:
    """The case of each notice, by notice id. KeyError-free: a notice without a case is missing."""
    async with database(target, "intake") as intake:
        rows = await intake.fetch("select id, case_id from statements where id = any($1) and case_id is not null", list(notices))
    return {row["id"]: row["case_id"] for row in rows}


async def nothing_of_the_journals_is_missing(target: Target) -> bool:
    """Whether the topics hold every event of every journal again; a topic that is not there again yet is no answer at all."""
    for service in SERVICES:
        async with database(target, service) as connection:
            written = await connection.fetch("select topic, event_id from journal")
        try:
            raws = await read(target.bootstrap, {row["topic"] for row in written})
        except (TimeoutError, KafkaError):
            return False
        if not {str(row["event_id"]) for row in written} <= {header(raw, "ce_id") for raw in raws}:
            return False
    return True
