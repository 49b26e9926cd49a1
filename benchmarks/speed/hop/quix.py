"""quixstreams with its PostgreSQL sink: rows by the sink, records by `to_topic`, at least once.

Guarantees: validated; rows and records again after a crash, the rows by upsert. It keeps no duplicates away: a notice that comes
twice is answered twice. Rows and records are not saved together: they meet at its checkpoint, after which it commits its offsets.
No journal, no sequence (a constant in the header), no tracing of its own. A notice that fails stops the application.

Its client is librdkafka. It wants an older pydantic than ours, so it runs in an environment of its own, see peers.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from quixstreams import Application
from quixstreams.models import SerializationContext, Serializer
from quixstreams.sinks.base.item import SinkItem
from quixstreams.sinks.community.postgresql import PostgreSQLSink

from benchmarks.speed.hop.place import Place, began
from benchmarks.speed.hop.work import OUTPUTS, Facts, facts_of, headers_of
from shared.contracts.topics.notices import SuitFiled

CHECKPOINT = 5_000
"""Notices between two commits; by default it commits every five seconds, whatever has come."""


class Read(NamedTuple):
    """A suit and what it came to."""

    facts: Facts
    suit: SuitFiled
    traceparent: str | None


class Event(Serializer):  # type: ignore[misc]  # quixstreams is not installed where types are checked
    """Writes the event of one output topic."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __call__(self, value: Read, ctx: SerializationContext) -> bytes:  # noqa: ARG002  as its base
        """The event as JSON."""
        return value.facts[self._number].model_dump_json().encode()


def run(place: Place) -> None:
    """Take notices until killed. One straight line: a branch would copy every value by pickling it."""
    app = Application(
        broker_address=place.bootstrap,
        consumer_group=place.tag,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        commit_every=CHECKPOINT,
        commit_interval=0.5,
        loglevel="WARNING",
        producer_extra_config={"acks": "all", "enable.idempotence": place.idempotent, "linger.ms": 5},
    )
    notices = app.topic(place.notices, value_deserializer="bytes", key_deserializer="str")
    stream = app.dataframe(notices).apply(_read, metadata=True)
    for number, output in enumerate(OUTPUTS):
        topic = app.topic(place.topic(output), value_serializer=Event(number), key_serializer="str")
        stream = stream.set_headers(partial(_headers, number))
        stream = stream.to_topic(topic, key=partial(_key, number))
    stream.apply(_rows, expand=True).sink(_sink(place))
    app.run()


def _read(value: bytes, key: str, _: int, headers: list[tuple[str, bytes]]) -> Read:
    began()
    suit = SuitFiled.model_validate_json(value)
    return Read(facts_of(UUID(key), suit), suit, dict(headers)["traceparent"].decode())


def _headers(number: int, read: Read, *_and_metadata: object) -> list[tuple[str, bytes | None]]:
    _, key, event = read.facts.said()[number]
    return list(headers_of(uuid4(), event.TYPE, read.suit, key, read.facts.receipt.message_id, read.traceparent))


def _key(number: int, read: Read) -> str:
    return str(read.facts.said()[number][1])


def _rows(read: Read) -> Iterator[dict[str, Any]]:
    for row in read.facts.rows():
        yield {name: str(value) if isinstance(value, UUID | date) else value for name, value in row._asdict().items()}


def _sink(place: Place) -> PostgreSQLSink:
    dsn = urlsplit(place.dsn)
    return PostgreSQLSink(
        host=dsn.hostname or "",
        port=dsn.port or 0,
        dbname=dsn.path[1:],
        user=dsn.username or "",
        password=dsn.password or "",
        table_name=_table,
        schema_auto_update=False,
        primary_key_columns="id",
        upsert_on_primary_key=True,
        include_metadata=False,
    )


def _table(item: SinkItem) -> str:
    return "cases" if "stage" in item.value else "households"


if __name__ == "__main__":
    run(Place.given())
