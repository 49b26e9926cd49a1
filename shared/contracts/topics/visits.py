"""`visits`: what outreach owes, tried and heard. Fact, key = case id.

Several defendants at one address share a visit.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from shared.contracts.codes import (
    Alarm,
    AttemptResult,
    ContactKind,
    Evidence,
    LegalFact,
    NoVisitReason,
    ObligationClose,
    ObligationReason,
    Promise,
    WaiverReason,
    Window,
)
from shared.contracts.fields import Count, District, Event, Id, Payload


class Obligation(Payload):
    """One defendant at one address is owed one visit in this round."""

    obligation_id: Id
    person_id: Id
    address_id: Id
    proceeding_id: Id | None = None
    district: District
    round: Count
    reason: ObligationReason
    promise: Promise
    owed_since: date
    due_on: date


class Excused(Payload):
    """A defendant who is owed no visit, and the coded reason why."""

    person_id: Id
    proceeding_id: Id | None = None
    reason: NoVisitReason


class VisitOwed(Event):
    """Besuchsaufträge: each defendant a suit names, covered or excused; also new rounds and tightened promises."""

    TYPE: ClassVar[str] = "de.bleibe.visit.owed.v1"
    case_id: Id
    obligations: tuple[Obligation, ...]
    excused: tuple[Excused, ...] = ()


class VisitPlanned(Event):
    """Besuch geplant: the proposed slot, and the alarm where it keeps neither promise nor deadline."""

    TYPE: ClassVar[str] = "de.bleibe.visit.planned.v1"
    case_id: Id
    visit_id: Id
    obligation_ids: tuple[Id, ...]
    planned_on: date | None
    window: Window | None
    alarms: tuple[Alarm, ...] = ()


class VisitAttempted(Event):
    """Besuchsversuch."""

    TYPE: ClassVar[str] = "de.bleibe.visit.attempted.v1"
    case_id: Id
    report_id: Id
    visit_id: Id | None = None
    obligation_ids: tuple[Id, ...]
    attempted_on: date
    window: Window
    result: AttemptResult
    information_handed_over: bool = False


class ContactMade(Event):
    """Kontakt: telephone, office, letter or third party. Never a visit."""

    TYPE: ClassVar[str] = "de.bleibe.visit.contact-made.v1"
    case_id: Id
    report_id: Id
    kind: ContactKind
    contacted_on: date
    reached: bool


class ObligationClosed(Event):
    """Besuchsauftrag erledigt, erlassen oder gegenstandslos."""

    TYPE: ClassVar[str] = "de.bleibe.visit.obligation-closed.v1"
    case_id: Id
    obligation_ids: tuple[Id, ...]
    how: ObligationClose
    reason: WaiverReason | None = None
    closed_on: date


class LegalFactSeen(Event):
    """What the yellow envelope at the door said."""

    TYPE: ClassVar[str] = "de.bleibe.visit.legal-fact-seen.v1"
    case_id: Id
    report_id: Id
    fact: LegalFact
    on: date
    evidence: Evidence
    person_id: Id | None = None
    proceeding_id: Id | None = None


class AdviceOffered(Event):
    """Beratungsangebot: a termination alone; contact promised by due_on, no visit owed."""

    TYPE: ClassVar[str] = "de.bleibe.visit.advice-offered.v1"
    case_id: Id
    due_on: date


class ReportCorrected(Event):
    """An earlier field report was wrong; what rested on it alone no longer counts."""

    TYPE: ClassVar[str] = "de.bleibe.visit.report-corrected.v1"
    case_id: Id
    report_id: Id
    corrects: Id
    reopened_obligation_ids: tuple[Id, ...] = ()


class TakenObligation(Obligation):
    """An obligation with its end, if it has one."""

    how: ObligationClose | None = None
    closed_reason: WaiverReason | None = None
    closed_on: date | None = None


class TakenAttempt(Payload):
    """What VisitAttempted told of it."""

    report_id: Id
    obligation_ids: tuple[Id, ...]
    attempted_on: date
    result: AttemptResult


class TakenContact(Payload):
    """What ContactMade told of it."""

    report_id: Id
    kind: ContactKind
    contacted_on: date
    reached: bool


class VisitsTakenOver(Event):
    """Besuche übernommen: all that another case's visits brought with it when it was merged or split, by this case's ids."""

    TYPE: ClassVar[str] = "de.bleibe.visit.taken-over.v1"
    case_id: Id
    from_case_id: Id
    obligations: tuple[TakenObligation, ...] = ()
    excused: tuple[Excused, ...] = ()
    attempts: tuple[TakenAttempt, ...] = ()
    contacts: tuple[TakenContact, ...] = ()


class VisitsGivenUp(Event):
    """Besuche abgegeben: what another case took over from this one in a split; it no longer counts here."""

    TYPE: ClassVar[str] = "de.bleibe.visit.given-up.v1"
    case_id: Id
    to_case_id: Id
    obligation_ids: tuple[Id, ...] = ()
    report_ids: tuple[Id, ...] = ()


EVENTS = (
    VisitOwed,
    VisitPlanned,
    VisitAttempted,
    ContactMade,
    ObligationClosed,
    LegalFactSeen,
    AdviceOffered,
    ReportCorrected,
    VisitsTakenOver,
    VisitsGivenUp,
)
