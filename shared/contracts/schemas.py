"""JSON Schemas of the events, in the direction in which they travel.

What we write is described as it is written; what outsiders write, as it is accepted (a sum may come as text or number).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Literal

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from shared.contracts.catalogue import CATALOGUE, Topic
from shared.contracts.fields import Event, leaves

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Plain(GenerateJsonSchema):
    """Without a title for each field, which only repeats its name."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  the base class's signature
        return False

    def tagged_union_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ANN401  pydantic's own typed dict
        """Without `discriminator`, which JSON Schema does not know: the parts' constant `kind` tells them apart."""
        described = super().tagged_union_schema(schema)
        described.pop("discriminator", None)
        return described


def direction(topic: Topic) -> Literal["validation", "serialization"]:
    """Whether a topic's events are described as accepted or as written."""
    return "validation" if topic.foreign else "serialization"


def schema(topic: Topic, event: type[Event]) -> dict[str, Any]:
    """One event's schema by itself, with its topic and the classes of its fields."""
    described = event.model_json_schema(mode=direction(topic), schema_generator=_Plain)
    classes: dict[str, list[str]] = defaultdict(list)
    for path, field_class, _ in leaves(event):
        if field_class is not None and path not in classes[field_class.value]:
            classes[field_class.value].append(path)
    head = {
        "$schema": DIALECT,
        "title": event.TYPE,
        "description": described.pop("description", ""),
        "x-topic": topic.name,
        "x-field-classes": dict(sorted(classes.items())),
    }
    return head | {name: part for name, part in described.items() if name not in head}


def components() -> tuple[dict[type[Event], str], dict[str, Any]]:
    """The schemas of all events together: each event's name among them, and the schemas by name, parts included."""
    wanted = [(event, direction(topic)) for topic in CATALOGUE for event in topic.events]
    refs, described = models_json_schema(wanted, schema_generator=_Plain, ref_template="#/components/schemas/{model}")
    names = {event: refs[event, mode]["$ref"].rpartition("/")[2] for event, mode in wanted}
    return names, dict(sorted(described["$defs"].items()))
