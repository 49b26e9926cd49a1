"""`outcomes`: how cases ended. Fact, key = case id."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from shared.contracts.codes import Outcome
from shared.contracts.fields import Event, Id


class OutcomeRecorded(Event):
    """Ergebnis at closing; a later one of the same case revises it."""

    TYPE: ClassVar[str] = "de.bleibe.outcome.recorded.v1"
    case_id: Id
    outcome: Outcome
    ended_on: date
    revises: bool = False


EVENTS = (OutcomeRecorded,)
