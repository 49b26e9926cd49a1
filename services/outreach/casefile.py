"""What outreach knows of one case (Fallakte): what is owed, planned and tried. Frozen values with a few look-ups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pydantic import TypeAdapter

from shared.contracts.codes import (
    Alarm,
    AttemptResult,
    ConsentPurpose,
    ContactKind,
    ObligationClose,
    ObligationReason,
    Promise,
    ReferralState,
    WaiverReason,
    Window,
)
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.field_reports import Talk
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.visits import Excused, Obligation


@dataclass(frozen=True, slots=True)
class Closing:
    """How and when an obligation ended."""

    how: ObligationClose
    on: date
    reason: WaiverReason | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """One visit obligation (Besuchsauftrag). `answers` are the triggers it answers, so that none opens a second round."""

    id: UUID
    person_id: UUID
    address_id: UUID
    proceeding_id: UUID | None
    district: str
    round: int
    reason: ObligationReason
    promise: Promise
    owed_since: date
    due_on: date
    answers: tuple[str, ...] = ()
    void: Closing | None = None
    closing: Closing | None = None

    @property
    def open(self) -> bool:
        """Nobody was met, nothing excuses, nobody waived it yet."""
        return self.closing is None

    def fact(self) -> Obligation:
        """The obligation as `visits` tells it."""
        return Obligation(
            obligation_id=self.id,
            person_id=self.person_id,
            address_id=self.address_id,
            proceeding_id=self.proceeding_id,
            district=self.district,
            round=self.round,
            reason=self.reason,
            promise=self.promise,
            owed_since=self.owed_since,
            due_on=self.due_on,
        )


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to one address for everybody owed one there; caseworker None is the team's queue.

    `version` 0 means that no assignment has left yet; `pending` that the newest content still has to leave. The visit
    keeps its id over several attempts and ends with its last open obligation. `agreed_by` is the limit that was known when
    a caseworker chose the slot: only an earlier one takes it from them.
    """

    id: UUID
    address_id: UUID
    district: str
    team: str
    obligation_ids: tuple[UUID, ...]
    caseworker: str | None = None
    on: date | None = None
    window: Window | None = None
    seat: int | None = None
    agreed_by: date | None = None
    alarms: tuple[Alarm, ...] = ()
    clarification: AttemptResult | None = None
    handed_back: tuple[str, ...] = ()
    version: int = 0
    sent_to: str | None = None
    pending: bool = True
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody stood at the door."""

    report_id: UUID
    obligation_ids: tuple[UUID, ...]
    on: date
    window: Window
    result: AttemptResult
    informed: bool


@dataclass(frozen=True, slots=True)
class Waiver:
    """Two persons agreed that no visit is owed."""

    report_id: UUID
    obligation_ids: tuple[UUID, ...]
    reason: WaiverReason
    on: date


@dataclass(frozen=True, slots=True)
class Contact:
    """Contact that is never a visit."""

    report_id: UUID
    kind: ContactKind
    on: date
    reached: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What a talk brought, and the report that told it."""

    report_id: UUID
    on: date
    talk: Talk


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent; its id is the id of the report that gave it."""

    report_id: UUID
    person_id: UUID
    purpose: ConsentPurpose
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class ReportRef:
    """A field report that took effect: who sent it, of which type."""

    id: UUID
    sender: str
    type: str


@dataclass(frozen=True, slots=True)
class Referral:
    """The newest state of a referral, for the people who visit."""

    id: UUID
    state: ReferralState
    on: date


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The whole file; `case` is the newest event of intake."""

    case: CaseEvent
    owed: tuple[Owed, ...] = ()
    excused: tuple[Excused, ...] = ()
    visits: tuple[Visit, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    contacts: tuple[Contact, ...] = ()
    talks: tuple[Told, ...] = ()
    consents: tuple[Consent, ...] = ()
    referrals: tuple[Referral, ...] = ()
    reports: tuple[ReportRef, ...] = ()
    advice_due: date | None = None
    outcome: OutcomeRecorded | None = None

    @property
    def open_owed(self) -> tuple[Owed, ...]:
        """The obligations still to be fulfilled."""
        return tuple(owed for owed in self.owed if owed.open)

    @property
    def met(self) -> bool:
        """Whether anybody of the household was ever met at the door."""
        return any(attempt.result is AttemptResult.MET for attempt in self.attempts)

    def visit(self, visit_id: UUID) -> Visit | None:
        """The visit of that id."""
        return next((visit for visit in self.visits if visit.id == visit_id), None)

    def tried(self, obligation_ids: tuple[UUID, ...]) -> tuple[Attempt, ...]:
        """The attempts made for any of these obligations."""
        return tuple(attempt for attempt in self.attempts if set(attempt.obligation_ids) & set(obligation_ids))


CASE_FILE: TypeAdapter[CaseFile] = TypeAdapter(CaseFile)
"""Reads and writes a file as JSON."""
