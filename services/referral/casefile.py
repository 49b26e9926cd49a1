"""All that referral knows of one case. Facts come from four topics in any order; what they allow is settled after each. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.referral.referral import AT_PROVIDER, Referral
from services.referral.routing import HEALTH, UNKNOWN_DISTRICT, Wanted
from shared.contracts.codes import Benefit, CaseStatus, ConsentForm, ConsentPurpose, HouseholdType, Need
from shared.contracts.topics.assessments import AssessmentRecorded, ConsentGiven
from shared.contracts.topics.cases import CaseEvent, CaseReopened, DeadlineFact

SCHONFRIST = "SCHONFRIST_END"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class CaseFacts(_Part):
    """What the newest `cases` event said, as far as it matters here."""

    household_id: UUID
    household_version: int
    district: str
    status: CaseStatus
    tenant_ids: tuple[UUID, ...]
    deadlines: tuple[DeadlineFact, ...]
    reopened_on: date | None = None


class Assessed(_Part):
    """An assessment; `opened` once its needs have led to referrals."""

    report_id: UUID
    assessed_on: date
    district: str
    needs: tuple[Need, ...]
    household_type: HouseholdType
    languages: tuple[str, ...]
    benefit: Benefit = Benefit.UNKNOWN
    opened: bool = False


class Consent(_Part):
    """Einwilligung of one adult."""

    consent_id: UUID
    person_id: UUID
    purpose: ConsentPurpose
    form: ConsentForm

    def allows(self, need: Need) -> bool:
        """Health data needs consent of its own, in writing or electronic (§ 67b II SGB X)."""
        if need in HEALTH:
            return self.purpose is ConsentPurpose.HEALTH_DATA and self.form is not ConsentForm.ORAL
        return self.purpose is ConsentPurpose.REFERRAL


class CaseFile(_Part):
    """One case. `void` are reports and consents that no longer count, also such as are yet to come.

    `erased`: nothing else is kept, and nothing that still comes is.
    """

    case_id: UUID
    erased: bool = False
    facts: CaseFacts | None = None
    outcome_on: date | None = None
    assessments: tuple[Assessed, ...] = ()
    consents: tuple[Consent, ...] = ()
    void: frozenset[UUID] = frozenset()
    referrals: tuple[Referral, ...] = ()

    @property
    def closed(self) -> bool:
        """Whether the case is over; an outcome from before a reopening no longer counts."""
        if self.facts is None:
            return self.outcome_on is not None
        reopened = self.facts.reopened_on
        ended = self.outcome_on is not None and (reopened is None or self.outcome_on > reopened)
        return ended or self.facts.status is CaseStatus.CLOSED

    @property
    def standing(self) -> tuple[Assessed, ...]:
        """The assessments that count, oldest first."""
        return tuple(each for each in self.assessments if each.report_id not in self.void)

    @property
    def schonfrist_on(self) -> date | None:
        """The earliest day on which a Schonfrist ends."""
        deadlines = self.facts.deadlines if self.facts else ()
        return min((each.on for each in deadlines if each.rule == SCHONFRIST), default=None)

    def next_deadline(self, today: date) -> date | None:
        """The nearest legal deadline that can still be kept."""
        deadlines = self.facts.deadlines if self.facts else ()
        return min((each.on for each in deadlines if each.on >= today), default=None)

    def wanted(self, need: Need) -> Wanted:
        """What is looked for: of each code the newest that was known."""
        known = self.standing[::-1]
        own = next((each.district for each in known if each.district != UNKNOWN_DISTRICT), UNKNOWN_DISTRICT)
        of_case = self.facts.district if self.facts else UNKNOWN_DISTRICT
        return Wanted(
            need,
            district=own if own != UNKNOWN_DISTRICT else of_case,
            languages=next((each.languages for each in known if each.languages), ()),
            benefit=next((each.benefit for each in known if each.benefit is not Benefit.UNKNOWN), Benefit.UNKNOWN),
        )

    @property
    def household_type(self) -> HouseholdType:
        """The newest that was known."""
        known = (each.household_type for each in self.standing[::-1])
        return next((each for each in known if each is not HouseholdType.UNKNOWN), HouseholdType.UNKNOWN)

    def consents_for(self, need: Need) -> tuple[Consent, ...]:
        """The consents a referral for this need may rest on."""
        return tuple(each for each in self.consents if each.consent_id not in self.void and each.allows(need))

    def held(self) -> Counter[str]:
        """How many of this case's referrals each service holds."""
        return Counter(each.service for each in self.referrals if each.service and each.state in AT_PROVIDER)

    def referral(self, referral_id: UUID) -> Referral | None:
        """The referral of that id."""
        return next((each for each in self.referrals if each.referral_id == referral_id), None)

    def having(self, referral: Referral) -> CaseFile:
        """The file with this referral in place of its earlier state, or beside the others."""
        if self.referral(referral.referral_id) is None:
            return self.model_copy(update={"referrals": (*self.referrals, referral)})
        replaced = tuple(referral if each.referral_id == referral.referral_id else each for each in self.referrals)
        return self.model_copy(update={"referrals": replaced})


def hear_case(file: CaseFile, event: CaseEvent) -> CaseFile:
    """The newest `cases` event replaces the earlier."""
    earlier = file.facts.reopened_on if file.facts else None
    facts = CaseFacts(
        household_id=event.household_id,
        household_version=event.household_version,
        district=event.district,
        status=event.status,
        tenant_ids=event.tenant_ids,
        deadlines=event.deadlines,
        reopened_on=event.changed_on if isinstance(event, CaseReopened) else earlier,
    )
    return file.model_copy(update={"facts": facts})


def hear_assessment(file: CaseFile, event: AssessmentRecorded) -> CaseFile:
    """A talk named needs."""
    assessed = Assessed(
        report_id=event.report_id,
        assessed_on=event.assessed_on,
        district=event.district,
        needs=tuple(dict.fromkeys(event.needs)),
        household_type=event.household_type,
        languages=event.languages,
        benefit=event.benefit,
    )
    return file.model_copy(update={"assessments": (*file.assessments, assessed)})


def hear_consent(file: CaseFile, event: ConsentGiven) -> CaseFile:
    """An adult consented."""
    consent = Consent(consent_id=event.consent_id, person_id=event.person_id, purpose=event.purpose, form=event.form)
    return file.model_copy(update={"consents": (*file.consents, consent)})


def hear_void(file: CaseFile, voided: UUID) -> CaseFile:
    """A report was wrong, or a consent is withdrawn: it no longer counts."""
    return file.model_copy(update={"void": file.void | {voided}})


def hear_outcome(file: CaseFile, ended_on: date) -> CaseFile:
    """The case came to its end."""
    return file.model_copy(update={"outcome_on": ended_on})
