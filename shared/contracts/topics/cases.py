"""`cases`: each event carries the whole case as intake sees it, and what changed. Fact, key = case id.

A reader needs the newest event only; what it missed before, it does not miss.

Only where cases were merged or split a reader moves what it keeps itself, and two keys tell of it: the absorbed case's
CaseMerged, or the new case's CaseSplit, and the other case's newest state. They may come in either order. So a reader moves when
the first kind comes, and acts on a case's newest state once what it has taken into and out of that case is what the state's
`absorbed` and `split_off` say.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from shared.contracts.codes import (
    Banner,
    Basis,
    CaseChange,
    CaseStatus,
    Channel,
    EvictionStatus,
    Evidence,
    HearingStatus,
    LandlordKind,
    MoneyBand,
    ProceedingOutcome,
    Stage,
    TerminationType,
)
from shared.contracts.fields import Count, CourtCode, District, Event, Id, Moment, Payload, Quarter, RuleId


class DefendantFact(Payload):
    """A defendant at one address; `district` UNKNOWN where the street is not in the register, `in_city` still tells."""

    person_id: Id
    address_id: Id | None = None
    district: District = "UNKNOWN"
    quarter: Quarter | None = None
    in_city: bool = True
    served_on: date | None = None
    evidence: Evidence | None = None


class ProceedingFact(Payload):
    """A suit: received_on is the day the city first heard of it by any channel."""

    proceeding_id: Id
    court_code: CourtCode | None = None
    channel: Channel
    received_on: date
    filed_on: date | None = None
    defendants: tuple[DefendantFact, ...] = ()
    hearing_at: Moment | None = None
    hearing_status: HearingStatus | None = None
    outcome: ProceedingOutcome | None = None
    outcome_on: date | None = None
    eviction_period_ends_on: date | None = None


class TerminationFact(Payload):
    """A termination of the tenancy."""

    termination_id: Id
    types: tuple[TerminationType, ...]
    received_on: date


class EvictionFact(Payload):
    """The bailiff's date, the newest that counts."""

    eviction_id: Id
    eviction_at: Moment
    status: EvictionStatus
    received_on: date


class DeadlineFact(Payload):
    """A legal deadline; the norm follows from the rule."""

    rule: RuleId
    on: date
    basis: Basis
    rule_version: RuleId
    proceeding_id: Id | None = None


class Replaced(Payload):
    """A person, address, proceeding, termination or eviction date that from now on goes by another id."""

    was: Id
    now: Id


class CaseEvent(Event):
    """The whole case, and what this event changed. `household_version` is the register version that belongs to it.

    `absorbed`: every case that has become part of this one, directly or not; their ids stay aliases. `split_off`: every case that
    was split from it. `replaced` is to be taken over once, before the rest of this event is read.
    """

    case_id: Id
    household_id: Id
    household_version: Count
    dwelling_id: Id | None = None
    district: District = "UNKNOWN"
    quarter: Quarter | None = None
    status: CaseStatus
    stage: Stage
    received_on: date
    channel: Channel
    changes: tuple[CaseChange, ...]
    changed_on: date
    tenant_ids: tuple[Id, ...] = ()
    proceedings: tuple[ProceedingFact, ...] = ()
    terminations: tuple[TerminationFact, ...] = ()
    eviction: EvictionFact | None = None
    deadlines: tuple[DeadlineFact, ...] = ()
    banners: tuple[Banner, ...] = ()
    landlord_kind: LandlordKind = LandlordKind.UNKNOWN
    arrears: MoneyBand = MoneyBand.UNKNOWN
    arrears_months: Count | None = None
    absorbed: tuple[Id, ...] = ()
    split_off: tuple[Id, ...] = ()
    replaced: tuple[Replaced, ...] = ()


class CaseOpened(CaseEvent):
    """Fall eröffnet."""

    TYPE: ClassVar[str] = "de.bleibe.case.opened.v1"


class CaseUpdated(CaseEvent):
    """Fall geändert."""

    TYPE: ClassVar[str] = "de.bleibe.case.updated.v1"


class CaseClosed(CaseEvent):
    """Fall abgeschlossen: intake heard the outcome."""

    TYPE: ClassVar[str] = "de.bleibe.case.closed.v1"


class CaseReopened(CaseEvent):
    """Fall wieder aufgenommen: a new legal event after closing."""

    TYPE: ClassVar[str] = "de.bleibe.case.reopened.v1"


class CaseSplit(CaseEvent):
    """Fälle getrennt: opened with notices that were another case's, decided by a person. The first event of its case.

    What belongs to its proceedings moves here from `split_from`; where the split undoes a merge, also all that had come with
    the case `undoes`. `replaced` turns ids of `split_from` into this case's own.
    """

    TYPE: ClassVar[str] = "de.bleibe.case.split.v1"
    split_from: Id
    undoes: Id | None = None


class CaseMerged(Event):
    """Fälle zusammengeführt: this case is part of another now, decided by a person. The last event of its key.

    Its id stays an alias of `into_case_id`. `absorbed`: the cases that had become part of it before. `replaced` turns its ids
    into those of the other household.
    """

    TYPE: ClassVar[str] = "de.bleibe.case.merged.v1"
    case_id: Id
    household_id: Id
    into_case_id: Id
    into_household_id: Id
    merged_on: date
    absorbed: tuple[Id, ...] = ()
    replaced: tuple[Replaced, ...] = ()


class CaseErased(Event):
    """Löschung: the case's time is over; every reader deletes what it holds of it."""

    TYPE: ClassVar[str] = "de.bleibe.case.erased.v1"
    case_id: Id
    household_id: Id


EVENTS = (CaseOpened, CaseUpdated, CaseClosed, CaseReopened, CaseSplit, CaseMerged, CaseErased)
