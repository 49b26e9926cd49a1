"""`outcomes`: how cases ended. Fact, key = case id."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from shared.contracts.codes import Outcome
from shared.contracts.fields import Event, Id


class OutcomeRecorded(Event):
    """Ergebnis at closing; a later one of the same case revises it.

    `absorbed`: the cases that were part of this one, as far as its writer knew. An outcome ends these and its own, and says
    nothing about one that has become part of it since.
    """

    TYPE: ClassVar[str] = "de.bleibe.outcome.recorded.v1"
    case_id: Id
    outcome: Outcome
    ended_on: date
    revises: bool = False
    absorbed: tuple[Id, ...] = ()


EVENTS = (OutcomeRecorded,)
