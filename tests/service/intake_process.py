"""Intake on a real database without a broker: messages in, jobs by hand, a clock to set."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeAlias
from uuid import UUID, uuid4

import asyncpg
from pydantic import SecretStr

from services.intake.app import build
from shared.city import load_city
from shared.contracts.catalogue import NOTICES, OUTCOMES, owner_of
from shared.contracts.codes import Outcome
from shared.contracts.fields import Event
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.messaging.model import Decision
from shared.messaging.pipeline import Pipeline
from shared.messaging.relay import Relay
from shared.messaging.wire import Envelope, encode
from shared.runtime.clock import FixedClock
from shared.runtime.health import Health
from shared.runtime.metrics import Metrics
from shared.runtime.pages import Pages
from shared.runtime.service import Context, Running, reader_for, receipt
from shared.runtime.settings import MUENSTER, ServiceSettings
from tests.unit.intake_words import NOW
from tests.waiting import eventually

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
COURT = NOTICES.of("ag-muenster")
CITY = load_city(MUENSTER)


def intake_of(pool: Pool, database: str, folder: Path, clock: FixedClock | None = None) -> Running:
    """A running intake without a broker."""
    key = folder / "data.key"
    key.write_text("k" * 64)
    settings = ServiceSettings(
        database_dsn=SecretStr(database), bootstrap_servers="127.0.0.1:1", tokens_file=folder, data_key_file=key
    )
    metrics = Metrics({}, [partner.id for partner in CITY.partners])
    context = Context(settings, CITY, clock or FixedClock(NOW), metrics)
    service = build(context)
    pipeline = Pipeline("intake", service.room, reader_for(service.hears), pool, context.clock, metrics, receipt, lambda: None)

    async def no_topics() -> None:
        raise AssertionError("nothing is sent to a broker here")

    relay = Relay("intake", "urn:bleibe:service:intake", database, {}, no_topics, metrics)
    return Running(service, context, pool, pipeline, relay, Health(loops=(), conditions=()), Pages(service.templates))


@contextlib.asynccontextmanager
async def held_up(pool: Pool, table: str, mode: str = "access exclusive") -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Whoever needs this table waits until the end of the block; yields a wait until so many do wait for some lock."""

    async def waiting(number: int) -> None:
        query = "select count(*) = $1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        await eventually(lambda: pool.fetchval(query, number))

    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(f"lock table {table} in {mode} mode")
        yield waiting


class Intake:
    """Such an intake, and what tests do with it."""

    def __init__(self, pool: Pool, database: str, folder: Path) -> None:
        self.pool, self.clock, self.outcomes = pool, FixedClock(NOW), Counter[UUID]()
        self.running = intake_of(pool, database, folder, self.clock)

    async def hear(self, data: Event, message_id: UUID | None = None, topic: str = COURT) -> Decision:
        """One outside message through the whole pipeline."""
        identity = message_id or uuid4()
        envelope = Envelope(identity, owner_of(topic), data.TYPE, self.clock.now(), str(identity))
        (decision,) = await self.running.submit([encode(topic, envelope, data.model_dump_json(exclude_none=True).encode())])
        return decision

    async def close(self, case_id: UUID, *absorbed: UUID) -> None:
        """Outreach says that the case has ended, with these absorbed ones."""
        data = OutcomeRecorded(
            case_id=case_id,
            outcome=Outcome.TENANCY_KEPT_ASSUMPTION_SGB2,
            ended_on=self.clock.today(),
            absorbed=absorbed,
        )
        self.outcomes[case_id] += 1
        n = self.outcomes[case_id]
        envelope = Envelope(uuid4(), "urn:bleibe:service:outreach", data.TYPE, self.clock.now(), str(case_id), n=n)
        await self.running.pipeline.handle([encode(OUTCOMES.name, envelope, data.model_dump_json().encode())])

    async def work(self, at: datetime | None = None) -> None:
        """Every job once, but for the pulse: what is said here is of households."""
        self.clock.set(at or self.clock.now())
        for job in self.running.service.jobs:
            if job.name != "pulse":
                await self.running.run_job(job)

    async def count(self, table: str) -> int:
        """The rows of a table."""
        rows: int = await self.pool.fetchval(f"select count(*) from {table}")  # noqa: S608  a name written in this file
        return rows

    async def case(self) -> tuple[UUID, UUID]:
        """The only case and its household."""
        row = await self.pool.fetchrow("select id, household_id from cases")
        assert row is not None
        return row["id"], row["household_id"]

    async def ask(self, household_id: UUID) -> str:
        """Ask for an erasure as the command does, and what came of it."""
        await self.pool.execute("insert into erasures (household_id, who, reason) values ($1, 'dsb', 'Art. 17')", household_id)
        await self.work()
        outcome: str = await self.pool.fetchval("select outcome from erasures order by id desc limit 1")
        return outcome
