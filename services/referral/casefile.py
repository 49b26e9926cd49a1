"""All that referral knows of one case. Facts come from four topics in any order; what they allow is settled after each. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.referral.referral import AT_PROVIDER, Referral
from services.referral.routing import HEALTH, UNKNOWN_DISTRICT, Wanted
from shared.contracts.codes import Benefit, CaseStatus, ConsentForm, ConsentPurpose, HouseholdType, Need
from shared.contracts.topics.assessments import AssessmentRecorded, ConsentGiven
from shared.contracts.topics.cases import CaseEvent, CaseReopened, DeadlineFact, Replaced

SCHONFRIST = "SCHONFRIST_END"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class CaseFacts(_Part):
    """What the newest `cases` event said, as far as it matters here. `persons`: its tenants and defendants."""

    household_id: UUID
    household_version: int
    district: str
    status: CaseStatus
    tenant_ids: tuple[UUID, ...]
    deadlines: tuple[DeadlineFact, ...]
    persons: frozenset[UUID] = frozenset()
    absorbed: frozenset[UUID] = frozenset()
    split_off: frozenset[UUID] = frozenset()
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
    came_with: tuple[UUID, ...] = ()


class Consent(_Part):
    """Einwilligung of one adult."""

    consent_id: UUID
    person_id: UUID
    purpose: ConsentPurpose
    form: ConsentForm
    came_with: tuple[UUID, ...] = ()

    def allows(self, need: Need) -> bool:
        """Health data needs consent of its own, in writing or electronic (§ 67b II SGB X)."""
        if need in HEALTH:
            return self.purpose is ConsentPurpose.HEALTH_DATA and self.form is not ConsentForm.ORAL
        return self.purpose is ConsentPurpose.REFERRAL


class CaseFile(_Part):
    """One case. `void` are reports and consents that no longer count, also such as are yet to come.

    `erased`: nothing else is kept, and nothing that still comes is.

    Where cases were merged or split (moving.py): `merged_into` makes this an alias that keeps ids alone; `undone_into` is the
    case that has what is here as soon as the merge is heard that it undoes. `taken_in` are the cases that became part of this
    one, `undone` those of them (with what had been split from them) that left again, `split_off` those split from it; `parted`
    the new ids of persons and suits in each of these, `suits_gone` their suits; `kin` whoever a split made of one case; `former`
    the cases that an alias was part of before. `renamed`: ids of persons that go by another one now. `apart`: a merge was undone,
    and needs that the other case's referrals met are to be asked for here.
    """

    case_id: UUID
    erased: bool = False
    merged_into: UUID | None = None
    undone_into: UUID | None = None
    taken_in: frozenset[UUID] = frozenset()
    undone: frozenset[UUID] = frozenset()
    split_off: frozenset[UUID] = frozenset()
    parted: Mapping[UUID, Mapping[UUID, UUID]] = {}
    suits_gone: Mapping[UUID, frozenset[UUID]] = {}
    kin: frozenset[UUID] = frozenset()
    renamed: Mapping[UUID, UUID] = {}
    former: frozenset[UUID] = frozenset()
    apart: bool = False
    facts: CaseFacts | None = None
    outcome_on: date | None = None
    assessments: tuple[Assessed, ...] = ()
    consents: tuple[Consent, ...] = ()
    void: frozenset[UUID] = frozenset()
    referrals: tuple[Referral, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether its newest state is what is kept here: all that it lists was taken in and given away, and nothing more."""
        if self.facts is None or self.merged_into is not None:
            return False
        absorbed, split_off = self.facts.absorbed, self.facts.split_off
        return (
            self.taken_in - self.undone <= absorbed <= self.taken_in
            and self.split_off - self.undone <= split_off <= self.split_off
        )

    @property
    def waits(self) -> bool:
        """Whether one half of a merge or split has been heard of and the other has not."""
        here = self.merged_into is None and not self.erased
        return here and not self.ready and bool(self.facts or self.taken_in or self.split_off)

    @property
    def missing(self) -> frozenset[UUID]:
        """The cases that its newest state lists and whose coming or going has not been heard of."""
        if self.facts is None:
            return frozenset()
        return (self.facts.absorbed - self.taken_in) | (self.facts.split_off - self.split_off)

    @property
    def follows(self) -> frozenset[UUID]:
        """The cases that must be read with this one."""
        return self.kin | self.former | {each for each in (self.merged_into, self.undone_into) if each is not None}

    @property
    def part_of_it(self) -> frozenset[UUID]:
        """The ids that mean this case."""
        return frozenset({self.case_id} | self.taken_in - self.undone)

    @property
    def strangers(self) -> frozenset[UUID]:
        """Persons who went with a split, and are nobody of this case any more."""
        here = self.facts.persons if self.facts else frozenset()
        return frozenset(was for names in self.parted.values() for was in names) - here

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


def rename(file: CaseFile, names: Mapping[UUID, UUID]) -> CaseFile:
    """The file with these persons and suits by their other ids, now and whenever they are still named by the old ones."""
    if not names:
        return file
    renamed = {was: names.get(now, now) for was, now in file.renamed.items()} | dict(names)
    consents = tuple(
        each.model_copy(update={"person_id": names[each.person_id]}) if each.person_id in names else each
        for each in file.consents
    )
    referrals = tuple(
        each.model_copy(
            update={
                "handed": tuple(dict.fromkeys(names.get(one, one) for one in each.handed)),
                "proceeding_id": each.proceeding_id and names.get(each.proceeding_id, each.proceeding_id),
            }
        )
        for each in file.referrals
    )
    return file.model_copy(update={"renamed": renamed, "consents": consents, "referrals": referrals})


def names_of(replaced: Iterable[Replaced]) -> dict[UUID, UUID]:
    """The new id of each old one."""
    return {each.was: each.now for each in replaced}


def hear_case(file: CaseFile, event: CaseEvent) -> CaseFile:
    """The newest `cases` event replaces the earlier; what it renames is renamed first.

    A case that is open with what it has absorbed is as one reopened: its own outcome is not that of both.
    """
    file = rename(file, names_of(event.replaced))
    earlier = file.facts.reopened_on if file.facts else None
    more = set(event.absorbed) - (file.facts.absorbed if file.facts else set())
    reopened = isinstance(event, CaseReopened) or (bool(more) and event.status is CaseStatus.OPEN)
    defendants = {each.person_id for proceeding in event.proceedings for each in proceeding.defendants}
    facts = CaseFacts(
        household_id=event.household_id,
        household_version=event.household_version,
        district=event.district,
        status=event.status,
        tenant_ids=event.tenant_ids,
        deadlines=event.deadlines,
        persons=frozenset(event.tenant_ids) | defendants,
        absorbed=frozenset(event.absorbed),
        split_off=frozenset(event.split_off),
        reopened_on=event.changed_on if reopened else earlier,
    )
    return file.model_copy(update={"facts": facts})


def hear_assessment(file: CaseFile, event: AssessmentRecorded, came_with: tuple[UUID, ...] = ()) -> CaseFile:
    """A talk named needs; the newest talk stands last."""
    assessed = Assessed(
        report_id=event.report_id,
        assessed_on=event.assessed_on,
        district=event.district,
        needs=tuple(dict.fromkeys(event.needs)),
        household_type=event.household_type,
        languages=event.languages,
        benefit=event.benefit,
        came_with=came_with,
    )
    return file.model_copy(update={"assessments": in_order((*file.assessments, assessed))})


def in_order(assessments: Iterable[Assessed]) -> tuple[Assessed, ...]:
    """By their day; of one day as they were heard."""
    return tuple(sorted(assessments, key=lambda each: each.assessed_on))


def hear_consent(file: CaseFile, event: ConsentGiven, came_with: tuple[UUID, ...] = ()) -> CaseFile:
    """An adult consented."""
    person_id = file.renamed.get(event.person_id, event.person_id)
    consent = Consent(
        consent_id=event.consent_id, person_id=person_id, purpose=event.purpose, form=event.form, came_with=came_with
    )
    return file.model_copy(update={"consents": (*file.consents, consent)})


def hear_void(file: CaseFile, voided: UUID) -> CaseFile:
    """A report was wrong, or a consent is withdrawn: it no longer counts."""
    return file.model_copy(update={"void": file.void | {voided}})


def hear_outcome(file: CaseFile, ended_on: date) -> CaseFile:
    """The case came to its end."""
    return file.model_copy(update={"outcome_on": ended_on})
