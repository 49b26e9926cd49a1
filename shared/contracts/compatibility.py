"""Whether events may change as they did: additive only, against the released schemas.

Each event lives on in two directions. What was written under the released schema is read again, from a journal or by a
sender not yet upgraded: it must still be accepted, so nothing may narrow. What we write now is read by readers not yet
upgraded: it must still be what they expect, so nothing may go or widen. A new member of a code list is only noted: the
readers named are upgraded before the writer uses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.contracts.catalogue import CATALOGUE, Topic

Schema = Mapping[str, Any]

_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an event's schema. `hits` is who can't read or write it any more; `breaking` False is a note."""

    event: str
    topic: str
    path: str
    what: str
    hits: tuple[str, ...]
    breaking: bool = True

    def __str__(self) -> str:
        """One line for a person."""
        verb = "breaks" if self.breaking else "first upgrade"
        return f"{self.event} {self.path}: {self.what}; on {self.topic}, {verb} {', '.join(self.hits)}"


@dataclass(frozen=True, slots=True)
class _Found:
    """What a comparison found: `narrows` for those who wrote under the old schema, `widens` for those who read by it."""

    path: str
    what: str
    narrows: bool = False
    widens: bool = False
    code: bool = False


def breaks(released: Mapping[str, Schema], current: Mapping[str, Schema]) -> list[Change]:
    """All that changed against the released schemas and is not harmless. Both map event types to their schemas.

    Raises:
        KeyError: a released event's topic is gone from the catalogue.
    """
    topics = {topic.name: topic for topic in CATALOGUE}
    changes = []
    for event, old in sorted(released.items()):
        topic = topics[old["x-topic"]]
        new = current.get(event)
        found = [_Found("", "the event is gone", narrows=True, widens=True)] if new is None else _event(old, new)
        changes += [change for each in found if (change := _judge(event, topic, each))]
    return changes


def _judge(event: str, topic: Topic, found: _Found) -> Change | None:
    if topic.foreign:
        hits: tuple[str, ...] = (f"every {topic.writer}", *topic.readers)
        return Change(event, topic.name, found.path, found.what, hits) if found.narrows else None
    return Change(event, topic.name, found.path, found.what, topic.readers, breaking=found.narrows or not found.code)


def _event(old: Schema, new: Schema) -> Iterator[_Found]:
    if old["x-topic"] != new["x-topic"]:
        yield _Found("", f"moved from {old['x-topic']} to {new['x-topic']}", narrows=True, widens=True)
    yield from _compare("", old, new, old.get("$defs", {}), new.get("$defs", {}))


def _compare(path: str, old: Schema, new: Schema, old_defs: Schema, new_defs: Schema) -> Iterator[_Found]:
    """Alternatives are told apart by their kind: null, text, number, list, or which object."""
    before, after = _alternatives(old, old_defs), _alternatives(new, new_defs)
    for kind in before.keys() - after.keys():
        yield _Found(path, f"{kind} is gone", narrows=True, widens=True)
    for kind in after.keys() - before.keys():
        yield _Found(path, f"{kind} is new", widens=True)
    if "default" in old and old["default"] != new.get("default"):
        yield _Found(path, "another default", narrows=True, widens=True)
    for kind in sorted(before.keys() & after.keys()):
        was, now = before[kind], after[kind]
        yield from _bounds(path, was, now)
        yield from _codes(path, was, now)
        yield from _object(path, was, now, old_defs, new_defs)
        if kind == "array":
            yield from _compare(f"{path}[]", was.get("items", {}), now.get("items", {}), old_defs, new_defs)


def _alternatives(schema: Schema, defs: Schema) -> dict[str, Schema]:
    parts = schema.get("anyOf") or schema.get("oneOf")
    if parts is not None:
        found: dict[str, Schema] = {}
        for part in parts:
            for kind, each in _alternatives(part, defs).items():
                found[f"{kind} {each.get('title', '')}" if kind in found else kind] = each
        return found
    if "$ref" in schema:
        return _alternatives(defs[schema["$ref"].rpartition("/")[2]], defs)
    return {_kind(schema): schema}


def _kind(schema: Schema) -> str:
    """What a value is, so far as a change of it is a change of type; an object of several also by its constant `kind`."""
    constant = schema.get("properties", {}).get("kind", {}).get("const", "")
    return " ".join(part for part in (schema.get("type", "anything"), schema.get("format", ""), constant) if part)


def _bounds(path: str, old: Schema, new: Schema) -> Iterator[_Found]:
    for names, rising in ((_LOWER_BOUNDS, True), (_UPPER_BOUNDS, False)):
        for name in names:
            was, now = old.get(name), new.get(name)
            if was != now:
                tighter = was is None or (now is not None and (now > was) is rising)
                yield _Found(path, f"{name} {was} became {now}", narrows=tighter, widens=not tighter)
    if old.get("pattern") != new.get("pattern"):
        yield _Found(path, "another pattern", narrows=True, widens=True)


def _codes(path: str, old: Schema, new: Schema) -> Iterator[_Found]:
    was, now = _members(old), _members(new)
    if was is None and now is None:
        return
    if was is None or now is None:
        yield _Found(path, "a code list came or went", narrows=now is not None, widens=now is None)
        return
    if was - now:
        yield _Found(path, f"codes gone: {', '.join(sorted(was - now))}", narrows=True)
    if now - was:
        yield _Found(path, f"new codes: {', '.join(sorted(now - was))}", widens=True, code=True)


def _members(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {str(schema["const"])}
    return {str(member) for member in schema["enum"]} if "enum" in schema else None


def _object(path: str, old: Schema, new: Schema, old_defs: Schema, new_defs: Schema) -> Iterator[_Found]:
    was, now = old.get("properties", {}), new.get("properties", {})
    needed, needed_now = set(old.get("required", ())), set(new.get("required", ()))

    def at(name: str) -> str:
        return f"{path}.{name}" if path else name

    for name in sorted(was.keys() - now.keys()):
        yield _Found(at(name), "the field is gone", narrows=True, widens=True)
    for name in sorted(needed_now - needed):
        yield _Found(at(name), "required now", narrows=True)
    for name in sorted((needed - needed_now) & now.keys()):
        yield _Found(at(name), "no longer required", widens=True)
    if old.get("additionalProperties", True) and not new.get("additionalProperties", True):
        yield _Found(path, "unknown fields are refused now", narrows=True)
    for name in sorted(was.keys() & now.keys()):
        yield from _compare(at(name), was[name], now[name], old_defs, new_defs)
