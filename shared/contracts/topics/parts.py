"""Parts that several private topics share: how a person and an address are written."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from shared.contracts.codes import Channel, Origin
from shared.contracts.fields import Event, FieldClass, Name, Payload, Staff


class Address(Payload):
    """A postal address as somebody wrote it."""

    street: Name
    house_number: Annotated[str, Field(max_length=20, examples=["12 a"]), FieldClass.PERSONAL] = ""
    addition: Annotated[str, Field(max_length=200, examples=["c/o Hof"]), FieldClass.PERSONAL] = ""
    postcode: Annotated[str, Field(max_length=10, examples=["48155"]), FieldClass.PERSONAL] = ""
    place: Annotated[str, Field(max_length=100, examples=["Münster"]), FieldClass.PERSONAL] = ""


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
    recorded_at: datetime

    def received(self) -> date:
        """The day the city got it."""
        return self.received_on or self.recorded_at.date()
