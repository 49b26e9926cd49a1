"""One valid example per event, made from its model alone: the same ids, day and people in all of them.

An id is the UUID of its field's name, so that `case_id` is one case throughout; enums take their first member, strings
the example of their type.
"""

from __future__ import annotations

import types
import typing
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any
from uuid import UUID, uuid5

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from shared.contracts.catalogue import Family, Topic, owner_of
from shared.contracts.fields import Event, PartnerId, ProviderId, TeamId
from shared.contracts.parties import writers

_IDS = UUID("6f1d2a34-5b07-4d0e-9a53-2f0f5f0c1e11")
_DAY = "2026-11-09"
_MOMENT = "2026-11-09T09:30:00+01:00"
_TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
_FIXED: dict[type, Any] = {date: _DAY, datetime: _MOMENT, bool: False}


def record(topic: Topic, event: type[Event]) -> dict[str, Any]:
    """A whole record as it travels: topic, key, headers and data, all ready for JSON."""
    data = example(event)
    message_id = str(_id(event.TYPE))
    key = data.get(topic.key.replace(" ", "_"), message_id)
    name = topic.of(example_member(topic.family)) if topic.family else topic.name
    headers = {
        "ce_specversion": "1.0",
        "ce_id": message_id,
        "ce_source": owner_of(name) if topic.foreign else f"urn:bleibe:service:{writers(topic)[0]}",
        "ce_type": event.TYPE,
        "ce_time": "2026-11-09T08:30:00Z",
        "ce_subject": key,
        "content-type": "application/json",
    }
    if not topic.foreign:
        headers |= {"ce_keysequence": "1", "ce_causationid": str(_id("causation"))}
    headers["traceparent"] = _TRACEPARENT
    return {"topic": name, "key": key, "headers": headers, "data": data}


def example(model: type[BaseModel]) -> dict[str, Any]:
    """A model's example, ready for JSON.

    Raises:
        TypeError: a string or number has no example.
    """
    hints = typing.get_type_hints(model, include_extras=True)
    return {
        name: field.default if isinstance(field.default, bool) else _value(hints[name], name, None)
        for name, field in model.model_fields.items()
    }


def example_member(family: Family) -> str:
    """A member of a family, as the examples of the types that name one have it."""
    hints = {Family.PARTNER: PartnerId, Family.TEAM: TeamId, Family.PROVIDER: ProviderId, Family.SENDER: PartnerId}
    return str(_value(hints[family], family, None))


def _value(hint: Any, name: str, given: Any) -> Any:  # noqa: ANN401  a type hint and a JSON value are anything
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        own = [mark.examples[0] for mark in args[1:] if isinstance(mark, FieldInfo) and mark.examples]
        return _value(args[0], name, given if given is not None or not own else own[-1])
    if origin in (typing.Union, types.UnionType):
        return _value(next(arg for arg in args if arg is not type(None)), name, given)
    if origin is tuple:
        return [_value(args[0], name.removesuffix("s"), given)]
    if origin is typing.Literal:
        return args[0]
    return _leaf(hint, name) if given is None else given


def _leaf(hint: Any, name: str) -> Any:  # noqa: ANN401  a type hint and a JSON value are anything
    if hint in _FIXED:
        return _FIXED[hint]
    if hint is UUID:
        return str(_id(name))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint)).value
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return example(hint)
    raise TypeError(f"{name}: give its type an example, Field(examples=[...])")


def _id(name: str) -> UUID:
    return uuid5(_IDS, name)
