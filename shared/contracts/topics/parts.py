"""Parts that several private topics share: how a person and an address are written."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from shared.contracts.codes import Channel, Origin
from shared.contracts.fields import Clean, Event, FieldClass, Moment, Name, Payload, Staff

_CITY = ZoneInfo("Europe/Berlin")


class RecordErased(Event):
    """Gelöscht: what stood under this number was erased; it has no effect and keeps the count without gaps."""

    TYPE: ClassVar[str] = "de.bleibe.record.erased.v1"


class Address(Payload):
    """A postal address as somebody wrote it."""

    street: Annotated[Name, Field(examples=["Wolbecker Straße"])]
    house_number: Annotated[str, Field(max_length=20, examples=["12 a"]), Clean, FieldClass.PERSONAL] = ""
    addition: Annotated[str, Field(max_length=200, examples=["c/o Hof"]), Clean, FieldClass.PERSONAL] = ""
    postcode: Annotated[str, Field(max_length=10, examples=["48155"]), Clean, FieldClass.PERSONAL] = ""
    place: Annotated[str, Field(max_length=100, examples=["Münster"]), Clean, FieldClass.PERSONAL] = ""


class Strict(Payload):
    """A part of an event from outside: an unknown field is refused, not passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class GivenAddress(Address, Strict):
    """An address in an event from outside."""


class FromOutside(Event):
    """An event from an outside sender: who says it, since when the city has it, when it was written down.

    `received_on` is the city's stamp and every promise counts from it; a sender who leaves it out means `recorded_at`.
    Unknown fields are refused here, not passed over: a sender must learn that we would not have read them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: Channel
    actor: Staff
    on_behalf_of: Origin | None = None
    occurred_on: date | None = None
    received_on: date | None = None
    recorded_at: Moment

    def received(self) -> date:
        """The day the city got it."""
        return self.received_on or self.recorded_at.astimezone(_CITY).date()
