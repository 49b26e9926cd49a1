"""`field-reports.<team>`: what caseworkers report from the door and the desk. Private, key = case id."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.codes import (
    AdviceTopic,
    ArrearsCause,
    AssertedBy,
    AttemptResult,
    Benefit,
    ConsentForm,
    ConsentPurpose,
    ContactKind,
    Evidence,
    HouseholdType,
    LegalFact,
    Need,
    Outcome,
    WaiverReason,
    Window,
)
from shared.contracts.fields import FieldClass, Id, Language, Staff, Text
from shared.contracts.topics.parts import FromOutside, Strict


class ReportedCause(Strict):
    """A cause of the arrears; exactly one of a talk is primary."""

    cause: Annotated[ArrearsCause, FieldClass.SPECIAL]
    primary: bool = False
    asserted_by: AssertedBy = AssertedBy.CASEWORKER


class Talk(Strict):
    """What a talk brought: advice given, causes, needs."""

    topics: tuple[AdviceTopic, ...] = ()
    causes: Annotated[tuple[ReportedCause, ...], Field(max_length=20)] = ()
    needs: tuple[Annotated[Need, FieldClass.SPECIAL], ...] = ()
    household_type: HouseholdType = HouseholdType.UNKNOWN
    benefit: Benefit = Benefit.UNKNOWN
    languages: Annotated[tuple[Language, ...], Field(max_length=5)] = ()


class FieldReport(FromOutside):
    """Every report names its case; `actor` is the caseworker. The note stays in outreach's own table."""

    case_id: Id
    note: Text = ""


class AttemptReported(FieldReport):
    """Besuchsversuch. Without a visit id it speaks of the case's open obligations at `address_id`, or of all."""

    TYPE: ClassVar[str] = "de.bleibe.report.attempt-made.v1"
    visit_id: Id | None = None
    address_id: Id | None = None
    attempted_on: date
    window: Window
    result: AttemptResult
    information_handed_over: bool = False
    talk: Talk | None = None


class ContactReported(FieldReport):
    """Contact by telephone, in the office, by letter, through a third party."""

    TYPE: ClassVar[str] = "de.bleibe.report.contact-made.v1"
    contact: ContactKind
    contacted_on: date
    reached: bool
    talk: Talk | None = None


class LegalFactReported(FieldReport):
    """A legal fact seen on paper (DOCUMENT) or told (WORD)."""

    TYPE: ClassVar[str] = "de.bleibe.report.legal-fact-seen.v1"
    fact: LegalFact
    on: date
    evidence: Evidence
    person_id: Id | None = None
    proceeding_id: Id | None = None


class ConsentReported(FieldReport):
    """Consent given by one adult."""

    TYPE: ClassVar[str] = "de.bleibe.report.consent-given.v1"
    person_id: Id
    purpose: ConsentPurpose
    form: ConsentForm
    given_on: date


class ConsentWithdrawalReported(FieldReport):
    """Consent withdrawn; `consent` is the id of the report that gave it."""

    TYPE: ClassVar[str] = "de.bleibe.report.consent-withdrawn.v1"
    consent_id: Id
    person_id: Id
    withdrawn_on: date


class SlotReported(FieldReport):
    """The proposed slot is kept, or moved to another."""

    TYPE: ClassVar[str] = "de.bleibe.report.slot-chosen.v1"
    visit_id: Id
    planned_on: date
    window: Window


class HandedBack(FieldReport):
    """The caseworker cannot do this visit: somebody else must."""

    TYPE: ClassVar[str] = "de.bleibe.report.handed-back.v1"
    visit_id: Id


class WaiverReported(FieldReport):
    """A waiver of the open obligations; a second person has agreed."""

    TYPE: ClassVar[str] = "de.bleibe.report.visit-waived.v1"
    obligation_ids: Annotated[tuple[Id, ...], Field(min_length=1)]
    reason: WaiverReason
    second_person: Staff


class ReportCorrection(FieldReport):
    """An earlier report of the same sender was wrong: it no longer counts. A new one says what is right."""

    TYPE: ClassVar[str] = "de.bleibe.report.corrected.v1"
    corrects: Id


class OutcomeReported(FieldReport):
    """How the case ended. Refused while a visit obligation is open."""

    TYPE: ClassVar[str] = "de.bleibe.report.outcome-recorded.v1"
    outcome: Outcome
    ended_on: date
    ordinary_termination_settled: bool = False


EVENTS = (
    AttemptReported, ContactReported, LegalFactReported, ConsentReported, ConsentWithdrawalReported, SlotReported, HandedBack,
    WaiverReported, ReportCorrection, OutcomeReported,
)  # fmt: skip
