"""A service on one screen, and what its routes and jobs may use while it runs. `process.py` makes a process of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from fastapi import APIRouter

from shared.city import City, Partner, Provider, Team
from shared.contracts.catalogue import EVENT_TYPES, NOTICES, RECEIPTS, Family, Kind, Topic, owner_of, topic_of
from shared.contracts.topics.receipts import ReceiptIssued
from shared.messaging.journal import Entry, append
from shared.messaging.model import Decision, Heard, Room, Said, Tx
from shared.messaging.pipeline import Pipeline
from shared.messaging.relay import Relay
from shared.messaging.topics import TopicSpec
from shared.messaging.wire import Raw, Reader, TopicRules
from shared.runtime.clock import Clock
from shared.runtime.health import Health
from shared.runtime.metrics import Metrics
from shared.runtime.pages import Pages
from shared.runtime.settings import ServiceSettings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Context:
    """What a service is built from."""

    settings: ServiceSettings
    city: City
    clock: Clock
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Job:
    """Periodic work: `run(tx, now)` handles all that is due, in one transaction, by one process at a time.

    It runs every `every_s` seconds, and at once when the clock's date has changed.
    """

    name: str
    every_s: float
    run: Callable[[Tx, datetime], Awaitable[Sequence[Said]]]


@dataclass(frozen=True, slots=True)
class Service:
    """A service on one screen: what it hears (topic names), what it says, its jobs and routes, where its migrations lie.

    `rest_s`: how long what is heard may wait for more, so that fewer and larger batches do.
    """

    name: str
    room: Room[Any]
    hears: Sequence[str]
    says: Sequence[Topic]
    jobs: Sequence[Job]
    routes: Callable[[Running], APIRouter]
    migrations: Path
    templates: Path | None = None
    rest_s: float = 0.0


@dataclass(slots=True)
class Running:
    """What routes and jobs may use of a running service."""

    service: Service
    context: Context
    pool: asyncpg.Pool[asyncpg.Record]
    pipeline: Pipeline[Any]
    relay: Relay
    health: Health
    pages: Pages
    ran_on: dict[str, date] = field(default_factory=dict)

    @property
    def clock(self) -> Clock:
        """The one clock."""
        return self.context.clock

    @property
    def city(self) -> City:
        """The city's facts."""
        return self.context.city

    @property
    def metrics(self) -> Metrics:
        """The metrics of this process."""
        return self.context.metrics

    async def submit(self, raws: Sequence[Raw]) -> list[Decision]:
        """Run outside messages through the pipeline as if they had come over Kafka; saved before this returns.

        Raises:
            TimeoutError: the database stayed away for ten seconds; nothing was saved, and it may be sent again.
        """
        pause = 0.05
        async with asyncio.timeout(10):
            while True:
                try:
                    return [decision for decision in await self.pipeline.handle(raws) if decision is not None]
                except Exception as error:  # noqa: BLE001  only transient failures come out of the pipeline
                    log.warning("submit_again", error=type(error).__name__)
                    await asyncio.sleep(pause)
                    pause *= 2

    async def run_job(self, job: Job) -> None:
        """Run a job to its end, if no other process is at it. Its events leave with its changes."""
        async with self.pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("select pg_try_advisory_xact_lock(hashtext($1))", f"job.{job.name}"):
                return
            now = self.clock.now()
            said = await job.run(connection, now)
            await append(connection, [Entry(event, None, None) for event in said], now)
            await connection.execute(
                """
                insert into ticks (job, clock_date, ran_at) values ($1, $2, now())
                on conflict (job) do update set clock_date = excluded.clock_date, ran_at = excluded.ran_at
                """,
                job.name,
                now.date(),
            )
        self.ran_on[job.name] = now.date()
        if said:
            self.relay.wake.set()


def receipt(topic: str, message_id: UUID, decision: Decision) -> Said:
    """The receipt for a message that came on this topic, to its sender alone."""
    data = ReceiptIssued(message_id=message_id, answer=decision.answer, field=decision.field, rule=_rule_code(decision.rule))
    return Said(RECEIPTS.of(topic.partition(".")[2]), str(message_id), data)


def concerning(message: Heard | Said) -> dict[str, str]:
    """Whom a message concerns, for its span: ids alone."""
    ids = {
        f"bleibe.{name}": str(getattr(message.data, name)) for name in ("case_id", "referral_id") if hasattr(message.data, name)
    }
    if isinstance(message, Heard) and message.topic.startswith(f"{NOTICES.name}."):
        ids["bleibe.notice_id"] = str(message.id)
    return ids


def _rule_code(rule: str | None) -> str | None:
    return rule.lower().replace("-", "_")[:60] if rule else None


def reader_for(hears: Sequence[str]) -> Reader:
    """Reads these topics by the catalogue."""
    rules = {
        name: TopicRules(owner_of(name), register=topic_of(name).kind is Kind.REGISTER, foreign=topic_of(name).foreign)
        for name in hears
    }
    return Reader(EVENT_TYPES, rules)


def kafka_clients(settings: ServiceSettings) -> dict[str, Any]:
    """Connection settings of every Kafka client."""
    return {**settings.kafka_clients(), "client_id": "bleibe"}


def topic_specs(names: Sequence[str]) -> list[TopicSpec]:
    """How the catalogue creates these topics."""
    return [TopicSpec(name, topic_of(name).partitions, topic_of(name).config) for name in names]


def written_topics(service: Service, city: City) -> list[str]:
    """The names of all topics a service writes, families expanded and receipts included."""
    names = [topic.name for topic in service.says if topic.family is None]
    names += [name for topic in service.says if topic.family is not None for name in family(topic, city)]
    return names + [RECEIPTS.of(name.partition(".")[2]) for name in service.hears if topic_of(name).foreign]


def family(topic: Topic, city: City) -> list[str]:
    """The topics of a family, one per member of the city's registry."""
    members: dict[Family, Sequence[Partner | Team | Provider]] = {
        Family.PARTNER: city.partners,
        Family.TEAM: city.teams,
        Family.PROVIDER: city.providers,
    }
    assert topic.family is not None
    return [topic.of(member.id) for member in members[topic.family]]
