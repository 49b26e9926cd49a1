"""What outreach knows of one case (Fallakte): what is owed, planned and tried. Frozen values with a few look-ups."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
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
from shared.contracts.topics.cases import CaseEvent, CaseMerged
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
    """One visit obligation (Besuchsauftrag). `answers` are the triggers it answers, so that none opens a second round.

    `via`, here and below: the absorbed cases it came with. `doubles`: the obligation it turned out to be the same as; what is
    reported of it counts for that one.
    """

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
    doubles: UUID | None = None
    via: tuple[UUID, ...] = ()

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
    a caseworker chose the slot: only an earlier one takes it from them. `deadline_on` is the day it must come before.
    `named`: the obligations that an assignment of this visit has named; None where that was not kept.
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
    deadline_on: date | None = None
    alarms: tuple[Alarm, ...] = ()
    clarification: AttemptResult | None = None
    handed_back: tuple[str, ...] = ()
    version: int = 0
    sent_to: str | None = None
    pending: bool = True
    named: tuple[UUID, ...] | None = None
    closed: bool = False
    via: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody stood at the door."""

    report_id: UUID
    obligation_ids: tuple[UUID, ...]
    on: date
    window: Window
    result: AttemptResult
    informed: bool
    via: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiver:
    """Two persons agreed that no visit is owed."""

    report_id: UUID
    obligation_ids: tuple[UUID, ...]
    reason: WaiverReason
    on: date
    via: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Contact:
    """Contact that is never a visit."""

    report_id: UUID
    kind: ContactKind
    on: date
    reached: bool
    via: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What a talk brought, and the report that told it."""

    report_id: UUID
    on: date
    talk: Talk
    via: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent; its id is the id of the report that gave it."""

    report_id: UUID
    person_id: UUID
    purpose: ConsentPurpose
    withdrawn: bool = False
    via: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportRef:
    """A field report that took effect: who sent it, of which type."""

    id: UUID
    sender: str
    type: str
    via: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Referral:
    """The newest state of a referral, for the people who visit."""

    id: UUID
    state: ReferralState
    on: date
    via: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """What a caseworker wrote about people."""

    report_id: UUID
    case_id: UUID
    actor: str
    recorded_at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Came:
    """A case that is part of this one: through which cases, its own the first, and how it had ended."""

    case_id: UUID
    path: tuple[UUID, ...]
    outcome: OutcomeRecorded | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """An event of the case's key that waits for the other key of a merge or split, or for such an event before it.

    Exactly one of `state` and `leaves`. `split_from`: the state begins a case that has not been given its part yet.
    """

    state: CaseEvent | None = None
    reopens: bool = False
    split_from: UUID | None = None
    undoes: UUID | None = None
    leaves: CaseMerged | None = None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The whole file; `case` is the newest event of intake that was acted upon, `waiting` are those behind it, in order.

    `came`: every case that was moved in, directly or not. `gave`: every case that was split off, here or before it came.
    `names`: ids that are replaced, and what each goes by now.
    """

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
    came: tuple[Came, ...] = ()
    gave: tuple[UUID, ...] = ()
    waiting: tuple[Step, ...] = ()
    names: dict[UUID, UUID] = field(default_factory=dict)

    @property
    def open_owed(self) -> tuple[Owed, ...]:
        """The obligations still to be fulfilled."""
        return tuple(owed for owed in self.owed if owed.open)

    @property
    def met(self) -> bool:
        """Whether anybody of the household was ever met at the door."""
        return any(attempt.result is AttemptResult.MET for attempt in self.attempts)

    @property
    def absorbed(self) -> tuple[UUID, ...]:
        """The cases that are part of this one, as intake tells and as far as they have come."""
        states = (self.case, *(step.state for step in self.waiting[:1] if step.state))
        told = {each for state in states for each in state.absorbed}
        return tuple(each.case_id for each in self.came if each.case_id in told)

    def visit(self, visit_id: UUID) -> Visit | None:
        """The visit of that id."""
        return next((visit for visit in self.visits if visit.id == visit_id), None)

    def tried(self, obligation_ids: tuple[UUID, ...]) -> tuple[Attempt, ...]:
        """The attempts made for any of these obligations, or for their doubles."""
        if not self.attempts:
            return ()
        roots, wanted = self.roots(), set(obligation_ids)
        return tuple(each for each in self.attempts if wanted & {roots.get(one, one) for one in each.obligation_ids})

    def roots(self) -> dict[UUID, UUID]:
        """Each obligation, and the one that counts for it: itself, or what it doubles as long as that is in this file."""
        doubles = {owed.id: owed.doubles for owed in self.owed}

        def root(obligation_id: UUID) -> UUID:
            same = doubles[obligation_id]
            return obligation_id if same is None or same not in doubles else root(same)

        return {each: root(each) for each in doubles}


CASE_FILE: TypeAdapter[CaseFile] = TypeAdapter(CaseFile)
"""Reads and writes a file as JSON."""
