"""Ours: the messaging core as a service runs it, with a room of one screen.

Guarantees what the README promises: validated; a notice once by (source, id), whatever comes again; rows, journal and outbox in
one transaction; a gapless sequence per key; what fails is parked and stops nobody; delivered at least once in order per key.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import uvloop

from benchmarks.speed.hop.place import Place, began
from benchmarks.speed.hop.work import OUTPUTS, RECEIPTS, SENDER, SOURCE, CaseRow, HouseholdRow, facts_of
from shared.contracts.catalogue import EVENT_TYPES
from shared.contracts.topics.notices import SuitFiled
from shared.contracts.topics.receipts import ReceiptIssued
from shared.messaging.asking import never_make_topics
from shared.messaging.consumer import Consumer
from shared.messaging.fetching import read_every_record
from shared.messaging.model import Decision, Heard, Said, Tx
from shared.messaging.pipeline import BY_KEYS, Pipeline
from shared.messaging.relay import Relay
from shared.messaging.sequence import Task
from shared.messaging.topics import TopicSpec, ensure_topics
from shared.messaging.wire import Raw, Reader, TopicRules
from shared.runtime.clock import WallClock
from shared.runtime.health import Health
from shared.runtime.metrics import Metrics
from shared.runtime.service import concerning
from shared.runtime.settings import ServiceSettings
from shared.runtime.telemetry import configure_tracing

PARTITIONS = 12
SAVE_CASES = """
    insert into cases (id, household_id, stage, received_on)
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[])
"""
SAVE_HOUSEHOLDS = """
    insert into households (id, case_id, version, family_name, given_name)
    select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[])
"""

Rows = list[tuple[CaseRow, HouseholdRow]]


class Hop:
    """The room: a suit opens a case."""

    def __init__(self, place: Place) -> None:
        self._topics = {output: place.topic(output) for output in OUTPUTS}

    async def load(self, tx: Tx, heard: Sequence[Heard], now: datetime) -> Rows:  # noqa: ARG002  nothing is there yet
        """Nothing: every suit is a case of its own."""
        return []

    def decide(self, state: Rows, heard: Heard) -> Decision:
        """Open the case; the receipt is the core's."""
        assert isinstance(heard.data, SuitFiled)
        facts = facts_of(heard.id, heard.data)
        state.append(facts.rows())
        return Decision(
            [Said(self._topics[output], str(key), event) for output, key, event in facts.said() if output != RECEIPTS]
        )

    async def save(self, tx: Tx, state: Rows) -> None:
        """One statement a table."""
        if state:
            await tx.execute(SAVE_CASES, *zip(*(case for case, _ in state), strict=True))
            await tx.execute(SAVE_HOUSEHOLDS, *zip(*(household for _, household in state), strict=True))


class Timed(Pipeline[Any]):
    """The pipeline, which says when it begins."""

    def read(self, raws: Sequence[Raw]) -> list[Task]:
        """As the pipeline's."""
        began()
        return super().read(raws)


def settings_of(place: Place) -> ServiceSettings:
    """A service's settings, as far as a hop asks for any: the defaults, and 1 % of traces recorded."""
    return ServiceSettings.model_construct(
        bootstrap_servers=place.bootstrap, spans_dir=Path(place.spans), otlp_endpoint=None, sample_ratio=0.01
    )


def relay_of(place: Place, metrics: Metrics) -> Relay:
    """The relay of this place's database."""
    clients = {"bootstrap_servers": place.bootstrap.split(",")}
    specs = [TopicSpec(place.topic(output), PARTITIONS, {}) for output in OUTPUTS]
    topics = functools.partial(ensure_topics, clients, specs)
    return Relay("hop", SOURCE, place.dsn, clients, topics, metrics, idempotent=place.idempotent)


async def run(place: Place) -> None:
    """Take notices until killed."""
    settings = settings_of(place)
    logging.disable(logging.WARNING)
    configure_tracing("hop", settings)
    never_make_topics()
    read_every_record()
    metrics = Metrics(EVENT_TYPES)
    relay = relay_of(place, metrics)
    pool = await asyncpg.create_pool(place.dsn, min_size=2, max_size=8, server_settings=BY_KEYS)

    def receipt(_: str, message_id: UUID, decision: Decision) -> Said:
        return Said(place.topic(RECEIPTS), str(message_id), ReceiptIssued(message_id=message_id, answer=decision.answer))

    pipeline = Timed(
        "hop",
        Hop(place),
        Reader(EVENT_TYPES, {place.notices: TopicRules(SENDER, foreign=True)}),
        pool,
        WallClock(),
        metrics,
        receipt,
        relay.wake.set,
        about=concerning,
    )
    consumer = Consumer(
        pipeline,
        Health(loops=("pipeline",), conditions=("database", "line")),
        bootstrap=place.bootstrap,
        group=place.tag,
        topics=[place.notices],
        max_records=settings.batch_max_records,
        batch_timeout_ms=settings.batch_timeout_ms,
    )
    relaying = asyncio.create_task(relay.run())
    await consumer.start()
    await relaying


if __name__ == "__main__":
    uvloop.run(run(Place.given()))
