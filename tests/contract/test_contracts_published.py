"""What is published is current, valid, and says of each event what the catalogue says."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from shared.contracts.asyncapi import TOMBSTONE_TYPE, document
from shared.contracts.catalogue import CATALOGUE, EVENT_TYPES, Family, Topic, owner_of, topic_of
from shared.contracts.examples import record
from shared.contracts.fields import Event
from shared.contracts.publish import ROOT, documents, main, stale, write
from shared.contracts.schemas import schema
from shared.contracts.topics.parts import RecordErased
from shared.messaging.erasure import ERASED
from shared.messaging.journal import TOMBSTONE
from shared.messaging.wire import Envelope, encode

PUBLISHED = document()
EVENTS = [pytest.param(topic, event, id=event.TYPE) for topic in CATALOGUE for event in topic.events]
IRREGULAR_PAST = {"made", "given", "withdrawn", "set", "sent", "seen", "chosen", "handed", "split", "taken"}


def test_published_files_are_current() -> None:
    assert stale(ROOT) == [], "run `bleibe contracts` and commit what it writes"


def test_a_changed_a_missing_and_an_orphaned_file_are_found_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.contracts.publish.ROOT", tmp_path)
    assert set(write(tmp_path)) == set(documents())
    assert main(["--check"]) == 0
    schemas = tmp_path / "docs/contracts/schemas"
    (schemas / "de.bleibe.case.opened.v1.schema.json").write_text("{}")
    (schemas / "de.bleibe.case.closed.v1.schema.json").unlink()
    (schemas / "de.bleibe.case.forgotten.v1.schema.json").write_text("{}")
    assert [Path(path).name.split(".")[3] for path in stale(tmp_path)] == ["closed", "forgotten", "opened"]
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert stale(tmp_path) == []


def test_every_event_type_belongs_to_one_topic() -> None:
    counted = Counter(event.TYPE for topic in CATALOGUE for event in topic.events)
    assert [name for name, count in counted.items() if count > 1] == []
    assert EVENT_TYPES.keys() - counted.keys() == {RecordErased.TYPE} == {ERASED}, "which may stand on every topic of ours"
    assert len({event.__name__ for event in EVENT_TYPES.values()}) == len(EVENT_TYPES), "AsyncAPI names messages by their class"


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_an_event_type_is_a_noun_and_what_happened_to_it(event_type: str) -> None:
    matched = re.fullmatch(r"de\.bleibe\.[a-z]+\.(?P<past>[a-z]+(-[a-z]+)*)\.v[1-9][0-9]*", event_type)
    assert matched, event_type
    words = matched["past"].split("-")
    assert any(word.endswith("ed") or word in IRREGULAR_PAST for word in words), f"{event_type} is not in the past tense"


@pytest.mark.parametrize(("topic", "event"), EVENTS)
def test_an_example_passes_its_model_and_its_schema(topic: Topic, event: type[Event]) -> None:
    shown = record(topic, event)
    read = event.model_validate_json(json.dumps(shown["data"]))
    assert json.loads(read.model_dump_json()) == shown["data"], "it is written as it was read"
    described = schema(topic, event)
    Draft202012Validator.check_schema(described)
    checker = Draft202012Validator(described, format_checker=FormatChecker())
    assert [error.message for error in checker.iter_errors(shown["data"])] == []
    field = next(iter(described["required"]))
    without = {name: value for name, value in shown["data"].items() if name != field}
    assert not checker.is_valid(without), "a schema that takes anything would be no test"


@pytest.mark.parametrize(("topic", "event"), EVENTS)
def test_an_example_travels_as_the_messaging_core_writes_it(topic: Topic, event: type[Event]) -> None:
    shown = record(topic, event)
    headers = shown["headers"]
    envelope = Envelope(
        id=UUID(headers["ce_id"]),
        source=headers["ce_source"],
        type=event.TYPE,
        time=datetime(2026, 11, 9, 8, 30, tzinfo=UTC),
        key=shown["key"],
        n=None if topic.foreign else 1,
        causation=None if topic.foreign else UUID(headers["ce_causationid"]),
        traceparent=headers["traceparent"],
    )
    raw = encode(shown["topic"], envelope, b"{}")
    assert {name: value.decode() for name, value in raw.headers if value is not None} == headers
    assert topic_of(shown["topic"]) is topic
    if topic.family is not Family.SENDER:
        assert headers["ce_source"] == owner_of(shown["topic"])


@pytest.mark.parametrize(("topic", "event"), EVENTS)
def test_an_examples_headers_pass_the_headers_schema(topic: Topic, event: type[Event]) -> None:
    message = PUBLISHED["components"]["messages"][event.__name__]
    checker = Draft202012Validator(message["headers"] | {"components": PUBLISHED["components"]})
    headers = record(topic, event)["headers"]
    assert [error.message for error in checker.iter_errors(headers)] == []
    assert not checker.is_valid(headers | {"ce_type": "de.bleibe.other.happened.v1"})
    assert not checker.is_valid({name: value for name, value in headers.items() if name != "ce_id"})


@pytest.mark.parametrize(("topic", "event"), EVENTS)
def test_outsiders_learn_of_a_field_we_would_not_read_and_our_readers_pass_over_it(topic: Topic, event: type[Event]) -> None:
    described = schema(topic, event)
    parts = [described, *(part for part in described.get("$defs", {}).values() if part["type"] == "object")]
    assert {part.get("additionalProperties", True) for part in parts} == {not topic.foreign}


def test_the_document_names_the_tombstone_that_the_core_writes() -> None:
    assert TOMBSTONE_TYPE == TOMBSTONE


def test_every_topic_has_a_sender_and_a_receiver() -> None:
    operations = PUBLISHED["operations"].values()
    for topic in CATALOGUE:
        actions = {each["action"] for each in operations if each["channel"]["$ref"] == f"#/channels/{topic.name}"}
        assert actions == {"send", "receive"}, topic.name
