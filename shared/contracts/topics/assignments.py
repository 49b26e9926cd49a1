"""`assignments.<team>`: who goes where and when. Private to that team's tool, key = case id."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from shared.contracts.codes import Alarm, Banner, Basis, ObligationReason, Promise, Stage, Window, WithdrawReason
from shared.contracts.fields import Count, District, Event, GivenName, Id, Language, Name, Payload, RuleId, Staff, Telephone
from shared.contracts.topics.parts import Address


class Resident(Payload):
    """Somebody to be met there, and the obligation that this visit is for."""

    person_id: Id
    obligation_id: Id
    family_name: Name
    given_name: GivenName | None = None
    language: Language | None = None
    telephone: Telephone | None = None


class NextDeadline(Payload):
    """The nearest hard deadline."""

    rule: RuleId
    on: date
    basis: Basis


class Assignment(Event):
    """One visit to one address; caseworker None means the team's queue."""

    case_id: Id
    visit_id: Id
    version: Count
    caseworker: Staff | None
    residents: tuple[Resident, ...]
    address: Address
    district: District
    planned_on: date | None
    window: Window | None
    promise: Promise
    due_on: date
    reason: ObligationReason
    stage: Stage
    attempts: Count = 0
    next_deadline: NextDeadline | None = None
    banners: tuple[Banner, ...] = ()
    alarms: tuple[Alarm, ...] = ()


class AssignmentCreated(Assignment):
    """Fallzuweisung."""

    TYPE: ClassVar[str] = "de.bleibe.assignment.created.v1"


class AssignmentChanged(Assignment):
    """Fallzuweisung geändert: higher version replaces lower. It tells all there is to know, and may be the first that is read."""

    TYPE: ClassVar[str] = "de.bleibe.assignment.changed.v1"


class AssignmentWithdrawn(Event):
    """Fallzuweisung zurückgezogen."""

    TYPE: ClassVar[str] = "de.bleibe.assignment.withdrawn.v1"
    case_id: Id
    visit_id: Id
    version: Count
    reason: WithdrawReason


EVENTS = (AssignmentCreated, AssignmentChanged, AssignmentWithdrawn)
