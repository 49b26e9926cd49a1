"""faststream-outbox as its documentation shows it: a handler that publishes into its outbox, stacked relays to Kafka.

Guarantees: a notice once by (source, id); rows and outbox rows in one transaction; delivered at least once. It keeps no journal,
so nothing can be published again; its workers send side by side, so there is no order per key, and the sequence in the header is
a constant; one notice that fails is offered again without end. Its tracing middleware fails on every record
that goes on to Kafka (0.19.0), so its outbox leaves no spans.

Settings: ten relay workers a queue, fetches and deletes of up to 500 rows, a look every 10 ms; its defaults are 1, 10, 1 and 1 s.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import uvloop
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage, KafkaResponse
from faststream.kafka.opentelemetry import KafkaTelemetryMiddleware
from faststream_outbox import OutboxBroker, make_outbox_table
from faststream_outbox.annotations import OutboxMessage
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from benchmarks.speed.hop.place import Place, began
from benchmarks.speed.hop.tracing import tracer_provider
from benchmarks.speed.hop.work import OUTPUTS, facts_of, headers_of
from shared.contracts.topics.notices import SuitFiled

HANDLERS, RELAYS, ROWS = 1, 10, 500
CLAIM = text(
    """
    insert into inbound (source, id, topic, digest, type, answer) values (:source, :id, :topic, '', :type, 'accepted')
    on conflict do nothing returning true
    """
)
SAVE_CASE = text("insert into cases (id, household_id, stage, received_on) values (:id, :household_id, :stage, :received_on)")
SAVE_HOUSEHOLD = text(
    """
    insert into households (id, case_id, version, family_name, given_name)
    values (:id, :case_id, :version, :family_name, :given_name)
    """
)


async def run(place: Place) -> None:
    """Take notices until killed."""
    metadata = MetaData()
    table = make_outbox_table(metadata, table_name="faststream_outbox")
    engine = create_async_engine(place.sqlalchemy(), pool_size=3 * (RELAYS + 1) + HANDLERS + 2)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    kafka = KafkaBroker(
        place.bootstrap.split(","),
        logger=None,
        acks="all",
        enable_idempotence=place.idempotent,
        middlewares=[KafkaTelemetryMiddleware(tracer_provider=tracer_provider("faststream", place))],
    )
    outbox = OutboxBroker(engine, outbox_table=table, logger=None)
    for output in OUTPUTS:
        _relay(kafka, outbox, output, place.topic(output))

    @kafka.subscriber(
        place.notices,
        group_id=place.tag,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        max_workers=HANDLERS,
    )
    async def on_suit(suit: SuitFiled, message: KafkaMessage) -> None:
        began()
        async with engine.begin() as connection:
            await _handle(connection, outbox, place.notices, suit, message)

    await kafka.connect()
    await outbox.start()
    await kafka.start()
    await asyncio.Event().wait()


async def _handle(connection: AsyncConnection, outbox: OutboxBroker, topic: str, suit: SuitFiled, message: KafkaMessage) -> None:
    headers = message.headers
    notice = UUID(headers["ce_id"])
    claim = {"source": headers["ce_source"], "id": notice, "topic": topic, "type": headers["ce_type"]}
    if not await connection.scalar(CLAIM, claim):
        return
    facts = facts_of(notice, suit)
    case, household = facts.rows()
    await connection.execute(SAVE_CASE, case._asdict())
    await connection.execute(SAVE_HOUSEHOLD, household._asdict())
    for output, key, event in facts.said():
        written = headers_of(uuid4(), event.TYPE, suit, key, notice, headers["traceparent"])
        await outbox.publish(
            event.model_dump_json().encode(),
            queue=output,
            session=connection,
            headers={name: value.decode() for name, value in written if value is not None},
        )


def _relay(kafka: KafkaBroker, outbox: OutboxBroker, queue: str, topic: str) -> None:
    @kafka.publisher(topic)
    @outbox.subscriber(  # type: ignore[untyped-decorator]  # faststream-outbox is not installed where types are checked
        queue, max_workers=RELAYS, fetch_batch_size=ROWS, terminal_flush_batch_size=ROWS, min_fetch_interval=0.01
    )
    async def relay(message: OutboxMessage) -> KafkaResponse:
        headers: dict[str, Any] = message.headers
        return KafkaResponse(message.body, key=headers["ce_subject"].encode(), headers=headers)


if __name__ == "__main__":
    uvloop.run(run(Place.given()))
