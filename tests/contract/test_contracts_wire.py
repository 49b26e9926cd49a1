"""What we put on the wire, read back by the CloudEvents project's own SDK."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.exceptions import CloudEventValidationError

from shared.contracts.asyncapi import TOMBSTONE_TYPE
from shared.contracts.catalogue import CATALOGUE, EVENT_TYPES, Topic
from shared.contracts.examples import record
from shared.contracts.fields import Event
from shared.messaging.model import Heard
from shared.messaging.wire import Envelope, Raw, Reader, TopicRules, Unreadable, encode

EVENTS = [pytest.param(topic, event, id=event.TYPE) for topic in CATALOGUE for event in topic.events]
WRITTEN = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(("topic", "event"), EVENTS)
def test_the_sdk_reads_what_we_write(topic: Topic, event: type[Event]) -> None:
    envelope, raw = _written(topic, event)
    read = from_binary_event(_message(raw))
    assert read.get_specversion() == "1.0"
    assert read.get_id() == str(envelope.id)
    assert read.get_source() == envelope.source
    assert read.get_type() == event.TYPE
    assert read.get_subject() == envelope.key
    assert read.get_time() == WRITTEN
    assert read.get_datacontenttype() == "application/json"
    assert read.get_extension("partitionkey") == envelope.key
    assert read.get_extension("keysequence") == (None if topic.foreign else "7")
    assert read.get_extension("causationid") == (str(envelope.causation) if envelope.causation else None)
    assert event.model_validate(read.get_data()) == event.model_validate_json(raw.value or b"")


@pytest.mark.parametrize(("topic", "event"), EVENTS)
def test_our_reader_reads_what_we_write(topic: Topic, event: type[Event]) -> None:
    envelope, raw = _written(topic, event)
    rules = TopicRules(owner=envelope.source, register=topic.retention_days is None, foreign=topic.foreign)
    heard = Reader(EVENT_TYPES, {raw.topic: rules}).read(raw)
    assert isinstance(heard, Heard), heard
    assert (heard.id, heard.source, heard.type, heard.n) == (envelope.id, envelope.source, event.TYPE, envelope.n)
    assert heard.data == event.model_validate_json(raw.value or b"")


def test_a_tombstone_keeps_its_attributes() -> None:
    envelope = Envelope(UUID(int=1), "intake", TOMBSTONE_TYPE, WRITTEN, str(UUID(int=2)), n=3)
    raw = encode("households", envelope, None)
    assert raw.value is None
    read = from_binary_event(KafkaMessage(_message(raw).headers, raw.key, b"null"))
    assert (read.get_type(), read.get_extension("keysequence")) == (TOMBSTONE_TYPE, "3")


@pytest.mark.parametrize("attribute", ["source", "type"])
def test_the_sdk_and_our_reader_refuse_the_same_lack(attribute: str) -> None:
    _, raw = _written(CATALOGUE[0], CATALOGUE[0].events[0])
    without = Raw(raw.topic, raw.key, raw.value, tuple(each for each in raw.headers if each[0] != f"ce_{attribute}"))
    with pytest.raises(CloudEventValidationError):
        from_binary_event(_message(without))
    refused = Reader(EVENT_TYPES, {raw.topic: TopicRules(owner="urn:bleibe:partner:ag-muenster", foreign=True)}).read(without)
    assert isinstance(refused, Unreadable)
    assert (refused.field, refused.rule) == (attribute, "missing_header")


def _written(topic: Topic, event: type[Event]) -> tuple[Envelope, Raw]:
    shown = record(topic, event)
    headers = shown["headers"]
    own = not topic.foreign
    envelope = Envelope(
        id=UUID(headers["ce_id"]),
        source=headers["ce_source"],
        type=event.TYPE,
        time=WRITTEN,
        key=shown["key"],
        n=7 if own else None,
        causation=UUID(headers["ce_causationid"]) if own else None,
        traceparent=headers["traceparent"],
    )
    data = event.model_validate_json(json.dumps(shown["data"]))
    return envelope, encode(shown["topic"], envelope, data.model_dump_json().encode())


def _message(raw: Raw) -> KafkaMessage:
    return KafkaMessage({name: value for name, value in raw.headers if value is not None}, raw.key, raw.value or b"")
