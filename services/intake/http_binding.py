"""CloudEvents 1.0 over HTTP (binary, structured, batched) to records as Kafka would carry them. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from shared.messaging.wire import Headers, Raw

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
JSON = "application/json"
MAX_MESSAGES = 1000

_NOT_ATTRIBUTES = {"data", "data_base64", "datacontenttype", "dataschema"}


@dataclass(frozen=True, slots=True)
class Unusable(Exception):
    """A request that holds no CloudEvents: the rule it breaks."""

    rule: str


def decode(headers: Mapping[str, str], body: bytes, topic: str, traceparent: str | None = None) -> list[Raw]:
    """The records of one request; header names are lower case. What is wrong with a single event, its reader will find.

    Raises:
        Unusable: `unsupported_media_type`, `not_json`, `not_a_batch`, `not_an_event`, `empty_batch` or `too_many`.
    """
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == BATCHED:
        events = _json(body)
        if not isinstance(events, list):
            raise Unusable("not_a_batch")
        if not events:
            raise Unusable("empty_batch")
        if len(events) > MAX_MESSAGES:
            raise Unusable("too_many")
        return [_structured(event, topic, traceparent) for event in events]
    if media == STRUCTURED:
        return [_structured(_json(body), topic, traceparent)]
    if media == JSON and "ce-specversion" in headers:
        attributes = {
            name.removeprefix("ce-"): unquote(value.strip('"')) for name, value in headers.items() if name.startswith("ce-")
        }
        return [_raw(attributes, body, topic, traceparent)]
    raise Unusable("unsupported_media_type")


def _structured(event: Any, topic: str, traceparent: str | None) -> Raw:  # noqa: ANN401  what a client sends is anything
    if not isinstance(event, dict):
        raise Unusable("not_an_event")
    attributes = {name: str(value) for name, value in event.items() if name not in _NOT_ATTRIBUTES and value is not None}
    return _raw(attributes, _data(event), topic, traceparent)


def _data(event: dict[str, Any]) -> bytes | None:
    """The data as JSON text: as compact as our own writers make it, so that a repeat over Kafka is known again."""
    if "data_base64" in event:
        try:
            return base64.b64decode(str(event["data_base64"]), validate=True)
        except binascii.Error:
            return b"?"
    if event.get("data") is None:
        return None
    return json.dumps(event["data"], ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _raw(attributes: Mapping[str, str], value: bytes | None, topic: str, traceparent: str | None) -> Raw:
    """The notice's id is its key on the topic, and so its subject."""
    key = attributes.get("id", "")
    named = {"subject": key, **attributes}
    headers: Headers = tuple((f"ce_{name}", text.encode("utf-8", "replace")) for name, text in named.items())
    traced: Headers = () if traceparent is None else (("traceparent", traceparent.encode()),)
    return Raw(topic, key.encode("utf-8", "replace"), value, (*headers, ("content-type", JSON.encode()), *traced))


def _json(body: bytes) -> Any:  # noqa: ANN401  what a client sends is anything
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unusable("not_json") from error
