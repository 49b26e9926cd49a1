"""One FastStream handler per message, one transaction each: what most teams would write first.

Guarantees what ours does in rows and journal: a notice once by (source, id); rows, journal with its sequence per key and outbox
in one transaction, published by the same relay as ours. It parks nothing: one notice that fails is offered again without end,
and its partition stands still. Offsets are committed after each message.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import uvloop
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.opentelemetry import KafkaTelemetryMiddleware

from benchmarks.speed.hop.ours import relay_of, settings_of
from benchmarks.speed.hop.place import Place, began
from benchmarks.speed.hop.tracing import tracer_provider
from benchmarks.speed.hop.work import Facts, facts_of
from shared.contracts.catalogue import EVENT_TYPES
from shared.contracts.topics.notices import SuitFiled
from shared.messaging.journal import Entry, append
from shared.messaging.model import Said, Tx
from shared.runtime.metrics import Metrics
from shared.runtime.telemetry import configure_tracing

CLAIM = """
    insert into inbound (source, id, topic, digest, type, answer) values ($1, $2, $3, '', $4, 'accepted')
    on conflict do nothing returning true
"""
SAVE_CASE = "insert into cases (id, household_id, stage, received_on) values ($1, $2, $3, $4)"
SAVE_HOUSEHOLD = "insert into households (id, case_id, version, family_name, given_name) values ($1, $2, $3, $4, $5)"


async def run(place: Place) -> None:
    """Take notices until killed."""
    configure_tracing("handler", settings_of(place))
    metrics = Metrics(EVENT_TYPES)
    relay = relay_of(place, metrics)
    pool = await asyncpg.create_pool(place.dsn, min_size=2, max_size=8)
    broker = KafkaBroker(
        place.bootstrap.split(","),
        logger=None,
        middlewares=[KafkaTelemetryMiddleware(tracer_provider=tracer_provider("faststream", place))],
    )

    @broker.subscriber(place.notices, group_id=place.tag, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR)
    async def on_suit(suit: SuitFiled, message: KafkaMessage) -> None:
        began()
        async with pool.acquire() as connection, connection.transaction():
            await _handle(connection, place, suit, message)
        relay.wake.set()

    relaying = asyncio.create_task(relay.run())
    await broker.start()
    await relaying


async def _handle(tx: Tx, place: Place, suit: SuitFiled, message: KafkaMessage) -> None:
    headers = message.headers
    if not await tx.fetchval(CLAIM, headers["ce_source"], headers["ce_id"], place.notices, headers["ce_type"]):
        return
    facts: Facts = facts_of(UUID(headers["ce_id"]), suit)
    case, household = facts.rows()
    await tx.execute(SAVE_CASE, *case)
    await tx.execute(SAVE_HOUSEHOLD, *household)
    said = [Said(place.topic(output), str(key), event) for output, key, event in facts.said()]
    await append(tx, [Entry(each, facts.receipt.message_id, headers["traceparent"]) for each in said], suit.recorded_at)


if __name__ == "__main__":
    uvloop.run(run(Place.given()))
