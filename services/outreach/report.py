"""A field report as its effects see it, and the rules that many of them share. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.outreach.arranging import Desk
from services.outreach.casefile import CaseFile
from shared.contracts.fields import Event
from shared.contracts.topics.field_reports import FieldReport
from shared.messaging.model import Rejected

Effect = tuple[CaseFile, list[Event]]
"""The file after the report, visits not yet arranged, and what to tell."""


@dataclass(frozen=True, slots=True)
class Report:
    """A field report: its id, who sent it, and the persons whom its case knows."""

    id: UUID
    sender: str
    data: FieldReport
    persons: frozenset[UUID]


def not_ahead(field: str, day: date, desk: Desk) -> None:
    """What is reported has happened. Raises Rejected for a day to come."""
    if day > desk.today:
        raise Rejected(field, "in_the_future")


def known_person(person_id: UUID | None, report: Report) -> None:
    """The case knows the person, where one is named. Raises Rejected."""
    if person_id is not None and person_id not in report.persons:
        raise Rejected("person_id", "unknown_person")
