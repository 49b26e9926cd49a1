"""CloudEvents 1.0 on Kafka, binary mode: the value is the data, the attributes are headers.

Reading never raises: what cannot be read becomes `Unreadable`, with whatever could be made out, so that it can be parked
in its place. Only field and rule of a problem are kept, never the value.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.messaging.model import Heard

CONTENT_TYPE = b"application/json"
_TIME = TypeAdapter(datetime)

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as Kafka carries it, or as HTTP turned into one."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers

    def digest(self) -> bytes:
        """SHA-256 of all the sender wrote: tells a repeated message from another one under the same id."""
        attributes = sorted((n, v or b"") for n, v in self.headers if n.startswith("ce_") and n != "ce_time")
        parts = [part for name, value in attributes for part in (name.encode(), value)]
        return hashlib.sha256(b"\0".join([*parts, b"key", self.key or b"", b"value", self.value or b""])).digest()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that cannot be understood: `rule` says why, `field` where."""

    topic: str
    key: str | None
    id: UUID | None
    source: str | None
    n: int | None
    field: str | None
    rule: str
    traceparent: str | None = None

    @property
    def refusable(self) -> bool:
        """Understood well enough to be refused to its sender; otherwise a person must look."""
        return self.rule not in {"not_json", "tombstone", "missing_header"}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is written around the data."""

    id: UUID
    source: str
    type: str
    time: datetime
    key: str
    n: int | None = None
    causation: UUID | None = None
    traceparent: str | None = None


def encode(topic: str, envelope: Envelope, data: bytes | None) -> Raw:
    """A record for the wire; data None is a tombstone and keeps its attributes as headers."""
    headers: list[tuple[str, bytes | None]] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(envelope.id).encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_time", envelope.time.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
        ("ce_subject", envelope.key.encode()),
        ("content-type", CONTENT_TYPE),
    ]
    if envelope.n is not None:
        headers.append(("ce_keysequence", str(envelope.n).encode()))
    if envelope.causation is not None:
        headers.append(("ce_causationid", str(envelope.causation).encode()))
    if envelope.traceparent is not None:
        headers.append(("traceparent", envelope.traceparent.encode()))
    return Raw(topic, envelope.key.encode(), data, tuple(headers))


@dataclass(frozen=True, slots=True)
class TopicRules:
    """How a topic is read. `owner` is the only source allowed; `register` takes tombstones; `foreign` has no sequence."""

    owner: str
    register: bool = False
    foreign: bool = False


class Reader:
    """Reads records by the types it knows."""

    def __init__(self, types: Mapping[str, type[BaseModel]], topics: Mapping[str, TopicRules]) -> None:
        self._types = types
        self._topics = topics

    def rules(self, topic: str) -> TopicRules:
        """How this topic is read."""
        return self._topics[topic]

    def read(self, raw: Raw) -> Heard | Unreadable:
        """One record. Never raises."""
        rules = self._topics[raw.topic]
        headers = {name: text for name, value in raw.headers if (text := _text(value)) is not None}
        key = _text(raw.key)
        event_id = _uuid(headers.get("ce_id"))
        source = headers.get("ce_source")
        n = None if rules.foreign else _sequence(headers.get("ce_keysequence"))
        traceparent = headers.get("traceparent")

        def unreadable(field: str | None, rule: str) -> Unreadable:
            return Unreadable(raw.topic, key, event_id, source, n, field, rule, traceparent)

        missing = next((name for name in ("ce_id", "ce_source", "ce_type", "ce_specversion") if not headers.get(name)), None)
        if missing or event_id is None or key is None or (n is None and not rules.foreign):
            field = missing or ("ce_id" if event_id is None else "key" if key is None else "ce_keysequence")
            return unreadable(field.removeprefix("ce_"), "missing_header")
        if source != rules.owner:
            return unreadable("source", "not_the_owner")
        time = _time(headers.get("ce_time"))
        if time is None:
            return unreadable("time", "datetime")
        try:
            data, known = self._data(headers["ce_type"], raw.value, rules)
        except _Broken as broken:
            return unreadable(broken.field, broken.rule)
        return Heard(raw.topic, key, event_id, source, headers["ce_type"], time, n, data, known=known, traceparent=traceparent)

    def _data(self, kind: str, value: bytes | None, rules: TopicRules) -> tuple[BaseModel | None, bool]:
        """What the record says, and whether its type is known. Raises _Broken."""
        if not value:
            if not rules.register:
                raise _Broken(None, "tombstone")
            return None, True
        model = self._types.get(kind)
        if model is None:
            if rules.foreign:
                raise _Broken("type", "unknown_type")
            return None, False
        try:
            return model.model_validate_json(value), True
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            if first["type"] == "json_invalid":
                raise _Broken(None, "not_json") from None
            raise _Broken(_path(first["loc"], model), first["type"]) from None
        except Exception as error:  # noqa: BLE001  a validator of ours that fails in another way must not stop the line
            raise _Broken(None, type(error).__name__) from None


class _Broken(Exception):
    """A record that breaks a rule of its topic or type."""

    def __init__(self, field: str | None, rule: str) -> None:
        super().__init__(rule)
        self.field = field
        self.rule = rule


def partition_of(key: bytes, partitions: int) -> int:
    """Where an event of ours goes: by CRC-32, librdkafka's `consistent`.

    aiokafka's own choice, murmur2, is written in Python and took a twentieth of a notice's time.
    """
    return zlib.crc32(key) % partitions


def place_of(raw: Raw) -> tuple[str, int] | None:
    """Key and sequence of an event of ours, without a look at its data; None where they cannot be read."""
    key, n = _text(raw.key), _sequence(_header(raw, "ce_keysequence"))
    return None if key is None or n is None else (key, n)


def message_id(raw: Raw) -> UUID | None:
    """Of a message from outside; None where it cannot be read."""
    return _uuid(_header(raw, "ce_id"))


def _header(raw: Raw, name: str) -> str | None:
    return next((text for known, value in reversed(raw.headers) if known == name and (text := _text(value)) is not None), None)


def _path(location: Sequence[int | str], model: type[BaseModel]) -> str | None:
    """The path of a field by names of ours and list positions: a name the sender made up may itself be personal data."""
    known = _names(model)
    parts = [str(part) for part in location if isinstance(part, int) or part in known]
    return ".".join(parts)[:100] or None


@cache
def _names(model: type[BaseModel]) -> set[str]:
    names: set[str] = set()
    stack: list[dict[str, object]] = [model.model_json_schema()]
    while stack:
        schema = stack.pop()
        for name, part in schema.items():
            if name == "properties" and isinstance(part, dict):
                names.update(part)
            if isinstance(part, dict):
                stack.append(part)
            elif isinstance(part, list):
                stack.extend(item for item in part if isinstance(item, dict))
    return names


def _text(value: bytes | None) -> str | None:
    try:
        text = value.decode() if value is not None else None
    except UnicodeDecodeError:
        return None
    return None if text is None or "\0" in text else text


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _sequence(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 and int(text) > 0 else None


def _time(text: str | None) -> datetime | None:
    try:
        time = _TIME.validate_python(text)
    except ValidationError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
