"""The AsyncAPI document of the whole system: a channel per topic or family, an operation per party and channel."""

from __future__ import annotations

from typing import Any

from shared.contracts.catalogue import CASES, CATALOGUE, HOUSEHOLDS, Kind, Topic
from shared.contracts.examples import example_member, record
from shared.contracts.fields import Event
from shared.contracts.parties import OUTSIDE, purpose, readers, services, writers
from shared.contracts.schemas import components
from shared.contracts.topics.parts import RecordErased

VERSION = "0.1.0"
BINDING = "0.5.0"
TOMBSTONE = "HouseholdErased"
TOMBSTONE_TYPE = "de.bleibe.tombstone.v1"

_DESCRIPTION = """\
The event backbone of a city's eviction prevention.

Every record is a CloudEvent 1.0 in Kafka's binary mode: the value is the data as JSON, the attributes are headers.
Records of one key on one topic stand in order, across topics in any order; each may come more than once.
On our own topics `ce_keysequence` counts 1, 2, 3 ... per topic and key: a reader keeps the last one and passes over what it
has seen. On a topic of an outside sender a message is known by `ce_source` and `ce_id`, and answered on `receipts.<sender>`.
Readers pass over fields and types they do not know. An event from outside with a field we do not know is refused.
"""

_ID = {"type": "string", "format": "uuid"}
_COMMON_HEADERS: dict[str, Any] = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": _ID | {"description": "Id of this message. The same id with other content is refused."},
    "ce_source": {
        "type": "string",
        "pattern": "^urn:bleibe:(service|partner|team|provider):[a-z0-9-]+$",
        "description": "The topic's owner: the service, or the partner, team or provider that writes it.",
    },
    "ce_type": {"type": "string", "pattern": r"^de\.bleibe\.[a-z-]+\.[a-z-]+\.v[1-9][0-9]*$"},
    "ce_time": {"type": "string", "format": "date-time", "description": "When it was written down."},
    "ce_subject": {"type": "string", "description": "The record's key."},
    "content-type": {"type": "string", "const": "application/json"},
    "traceparent": {"type": "string", "description": "W3C Trace Context; one that is malformed is passed over."},
}
_OWN_HEADERS = _COMMON_HEADERS | {
    "ce_keysequence": {
        "type": "string",
        "pattern": "^[1-9][0-9]*$",
        "description": "1, 2, 3 ... without gaps per topic and key.",
    },
    "ce_causationid": _ID | {"description": "Id of the message that caused this event."},
}
_REQUIRED = ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"]


def document() -> dict[str, Any]:
    """The whole document, ready for YAML or JSON."""
    schema_names, schemas = components()
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Bleibe",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
            "tags": [{"name": name} for name in services()]
            + [{"name": name, "description": text} for name, text in OUTSIDE.items()],
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in CATALOGUE},
        "operations": {name: body for topic in CATALOGUE for name, body in _operations(topic)},
        "components": {
            "messages": {
                event.__name__: _message(topic, event, schema_names[event]) for topic in CATALOGUE for event in topic.events
            }
            | {TOMBSTONE: _tombstone(HOUSEHOLDS), RecordErased.__name__: _erased(CASES)},
            "schemas": {
                "OurHeaders": _headers(_OWN_HEADERS, [*_REQUIRED, "ce_subject", "content-type", "ce_keysequence"]),
                "OutsideHeaders": _headers(_COMMON_HEADERS, _REQUIRED),
                **schemas,
            },
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": f"{topic.name}.{{{topic.family}}}" if topic.family else topic.name,
        "title": f"{topic.name}: {topic.kind}",
        "description": purpose(topic),
    }
    if topic.family:
        channel["parameters"] = {
            topic.family.value: {
                "description": f"One topic per {topic.family}, from the city's registry.",
                "examples": [example_member(topic.family)],
            }
        }
    channel["messages"] = {name: {"$ref": f"#/components/messages/{name}"} for name in _message_names(topic)}
    channel["bindings"] = {
        "kafka": {"partitions": topic.partitions, "topicConfiguration": _configuration(topic), "bindingVersion": BINDING}
    }
    return channel


def _configuration(topic: Topic) -> dict[str, Any]:
    """Kafka's settings in the types that the binding wants: the policy a list, the periods numbers."""
    return {name: [value] if name == "cleanup.policy" else int(value) for name, value in topic.config.items()}


def _operations(topic: Topic) -> list[tuple[str, dict[str, Any]]]:
    inside = services()
    found = []
    for verb, parties in (("send", writers(topic)), ("receive", readers(topic))):
        for party in parties:
            body: dict[str, Any] = {
                "action": verb,
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "summary": f"{party} {verb}s {topic.name}",
                "tags": [{"name": str(party)}],
                "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in _message_names(topic)],
            }
            if verb == "receive" and party in inside:
                body["bindings"] = {"kafka": {"groupId": {"type": "string", "enum": [party]}, "bindingVersion": BINDING}}
            found.append((f"{party}-{verb}s-{topic.name}", body))
    return found


def _message_names(topic: Topic) -> list[str]:
    erased = [RecordErased.__name__] if topic.erasable else [TOMBSTONE] if topic.kind is Kind.REGISTER else []
    return [event.__name__ for event in topic.events] + erased


def _message(topic: Topic, event: type[Event], schema_name: str) -> dict[str, Any]:
    shown = record(topic, event)
    return {
        "name": event.TYPE,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip(),
        "contentType": "application/json",
        "headers": _headers_of(topic, event.TYPE),
        "payload": {"$ref": f"#/components/schemas/{schema_name}"},
        "bindings": {"kafka": _key(topic)},
        "examples": [{"name": "constructed", "headers": shown["headers"], "payload": shown["data"]}],
    }


def _tombstone(topic: Topic) -> dict[str, Any]:
    shown = record(topic, topic.events[0])
    return {
        "name": TOMBSTONE_TYPE,
        "title": TOMBSTONE,
        "summary": "Löschung: a record without a value. Every reader deletes what it holds under this key.",
        "headers": _headers_of(topic, TOMBSTONE_TYPE),
        "payload": {"type": "null"},
        "bindings": {"kafka": _key(topic)},
        "examples": [{"name": "constructed", "headers": shown["headers"] | {"ce_type": TOMBSTONE_TYPE}}],
    }


def _erased(topic: Topic) -> dict[str, Any]:
    shown = record(topic, topic.events[0])
    return {
        "name": RecordErased.TYPE,
        "title": RecordErased.__name__,
        "summary": (RecordErased.__doc__ or "").strip(),
        "contentType": "application/json",
        "headers": _headers_of(topic, RecordErased.TYPE),
        "payload": {"type": "object"},
        "bindings": {"kafka": {"key": _ID, "bindingVersion": BINDING}},
        "examples": [{"name": "constructed", "headers": shown["headers"] | {"ce_type": RecordErased.TYPE}, "payload": {}}],
    }


def _headers_of(topic: Topic, event_type: str) -> dict[str, Any]:
    base = "OutsideHeaders" if topic.foreign else "OurHeaders"
    return {
        "type": "object",
        "allOf": [{"$ref": f"#/components/schemas/{base}"}],
        "properties": {"ce_type": {"type": "string", "const": event_type}},
    }


def _key(topic: Topic) -> dict[str, Any]:
    schema = {"type": "string"} if topic.kind is Kind.PUBLIC else dict(_ID)
    return {"key": schema | {"description": topic.key}, "bindingVersion": BINDING}


def _headers(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}
