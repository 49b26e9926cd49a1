"""`assessments`: causes, needs, consent. Fact with special categories (Art. 9 GDPR), 90 days, key = case id."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from shared.contracts.codes import (
    AdviceTopic,
    ArrearsCause,
    AssertedBy,
    Benefit,
    ConsentForm,
    ConsentPurpose,
    HouseholdType,
    Need,
)
from shared.contracts.fields import District, Event, FieldClass, Id, Language, Payload


class Cause(Payload):
    """One cause; exactly one of an assessment is primary."""

    cause: Annotated[ArrearsCause, FieldClass.SPECIAL]
    primary: bool = False
    asserted_by: AssertedBy


class AssessmentRecorded(Event):
    """Einschätzung after a talk: the newest replaces the earlier ones."""

    TYPE: ClassVar[str] = "de.bleibe.assessment.recorded.v1"
    case_id: Id
    report_id: Id
    assessed_on: date
    district: District = "UNKNOWN"
    topics: tuple[AdviceTopic, ...] = ()
    causes: tuple[Cause, ...] = ()
    needs: tuple[Annotated[Need, FieldClass.SPECIAL], ...] = ()
    household_type: HouseholdType = HouseholdType.UNKNOWN
    benefit: Benefit = Benefit.UNKNOWN
    languages: tuple[Language, ...] = ()


class ConsentGiven(Event):
    """Einwilligung given."""

    TYPE: ClassVar[str] = "de.bleibe.assessment.consent-given.v1"
    case_id: Id
    consent_id: Id
    person_id: Id
    purpose: ConsentPurpose
    form: ConsentForm
    given_on: date


class ConsentWithdrawn(Event):
    """Einwilligung withdrawn: what rests on it is recalled."""

    TYPE: ClassVar[str] = "de.bleibe.assessment.consent-withdrawn.v1"
    case_id: Id
    consent_id: Id
    person_id: Id
    withdrawn_on: date


class AssessmentTakenOver(Event):
    """Einschätzung übernommen: since a merge or a split this assessment is the case's newest, and its causes are the case's.

    It was recorded with a case that is part of this one now, or from which this one was split; or it had been recorded here, and
    a newer one has left with a split. `from_case_id` is that other case, `report_id` and `assessed_on` are those of the
    assessment itself, which is not told again. For those who evaluate causes; needs and consents are not repeated here, since
    whoever acts on them moves its own with the case.
    """

    TYPE: ClassVar[str] = "de.bleibe.assessment.taken-over.v1"
    case_id: Id
    from_case_id: Id
    report_id: Id
    assessed_on: date
    causes: tuple[Cause, ...] = ()


EVENTS = (AssessmentRecorded, ConsentGiven, ConsentWithdrawn, AssessmentTakenOver)
