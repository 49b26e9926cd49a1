"""What reporting keeps of a case: one part per topic, only what an indicator needs, no person's or provider's name."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import TypeAdapter

from shared.contracts.codes import (
    ApplicationDecision,
    ArrearsCause,
    AttemptResult,
    CaseStatus,
    Channel,
    ContactKind,
    MoneyBand,
    NeedGroup,
    NoVisitReason,
    ObligationClose,
    Outcome,
    ReferralState,
)


@dataclass(frozen=True, slots=True)
class Suit:
    """A suit as the city heard of it. `schonfrist_on` is the newest known end of the Schonfrist, a safe lower bound."""

    received_on: date
    channel: Channel
    persons: tuple[str, ...]
    schonfrist_on: date | None = None


@dataclass(frozen=True, slots=True)
class CasePart:
    """From `cases`: the newest state; suits by proceeding id. `renamed`: ids of persons and suits that go by another one now."""

    status: CaseStatus
    district: str
    received_on: date
    channel: Channel
    arrears: MoneyBand
    suits: dict[str, Suit]
    renamed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Owed:
    """A visit obligation; `suit` is its proceeding id, None where an eviction date alone is its reason."""

    person: str
    suit: str | None
    round: int
    due_on: date
    how: ObligationClose | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A visit that was tried."""

    on: date
    result: AttemptResult
    obligations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact that is no visit."""

    on: date
    kind: ContactKind
    reached: bool


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a defendant is owed no visit."""

    person: str
    suit: str | None
    reason: NoVisitReason


@dataclass(frozen=True, slots=True)
class VisitPart:
    """From `visits`: obligations by id, attempts and contacts by the id of their report; `left` are reports given away."""

    owed: dict[str, Owed] = field(default_factory=dict)
    excused: tuple[Excuse, ...] = ()
    attempts: dict[str, Attempt] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessed:
    """The causes that a talk named; `report` tells where the talk is when a case is split."""

    report: str
    on: date
    causes: tuple[ArrearsCause, ...]
    primary: ArrearsCause | None


@dataclass(frozen=True, slots=True)
class AssessmentPart:
    """From `assessments`: each talk's, in the order they were heard."""

    talks: tuple[Assessed, ...] = ()


@dataclass(frozen=True, slots=True)
class Try:
    """One provider asked once: the state that answered, and when."""

    group: NeedGroup
    offered_on: date | None = None
    answered_on: date | None = None
    answer: ReferralState | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """An authority's decision on an application for the arrears."""

    on: date
    decision: ApplicationDecision


@dataclass(frozen=True, slots=True)
class ReferralPart:
    """From `referrals`: tries by referral id and try number; the newest ruling by referral id."""

    tries: dict[str, Try] = field(default_factory=dict)
    rulings: dict[str, Ruling] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutcomePart:
    """From `outcomes`: the newest."""

    outcome: Outcome
    ended_on: date


@dataclass(slots=True)
class Parts:
    """All parts of one case; a topic not heard yet is None."""

    cases: CasePart | None = None
    visits: VisitPart | None = None
    assessments: AssessmentPart | None = None
    referrals: ReferralPart | None = None
    outcomes: OutcomePart | None = None


PART_TYPES: dict[str, TypeAdapter[Any]] = {
    "cases": TypeAdapter(CasePart),
    "visits": TypeAdapter(VisitPart),
    "assessments": TypeAdapter(AssessmentPart),
    "referrals": TypeAdapter(ReferralPart),
    "outcomes": TypeAdapter(OutcomePart),
}
TOPICS = tuple(PART_TYPES)
