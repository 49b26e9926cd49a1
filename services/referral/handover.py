"""Who is handed over, with which address, and on what that rests. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from services.referral.casefile import CaseFile
from services.referral.referral import Referral
from shared.contracts.codes import Disclosure, Need, TransmissionBasis
from shared.contracts.topics.handovers import HandedPerson, HandoverMade
from shared.contracts.topics.households import AddressRecord, Claim, HouseholdRecorded, Member
from shared.contracts.topics.parts import Address


def persons_to_hand(file: CaseFile, referral: Referral, household: HouseholdRecorded, today: date) -> tuple[Member, ...]:
    """The members whose data may go: by law the tenants of the case, by consent those who consented and nobody else."""
    here = [each for each in household.members if _current(each.since, each.until, today)]
    if referral.basis is TransmissionBasis.CONSENT:
        agreed = {each.person_id for each in file.consents_for(referral.need)}
        return tuple(each for each in here if each.person_id in agreed)
    tenants = file.facts.tenant_ids if file.facts else ()
    return tuple(each for each in here if not tenants or each.person_id in tenants)


def address_to_hand(household: HouseholdRecorded, persons: Collection[UUID], today: date) -> Address | None:
    """The address most of these persons share.

    One that is PERSON_ONLY goes only where everybody handed over lives there: the provider would tell the others.
    A blocked one (Auskunftssperre) never goes, and neither does any other address of a person who has one.
    """
    current = [each for each in household.addresses if _current(each.since, each.until, today)]
    shielded = {person for each in current if each.disclosure is Disclosure.BLOCKED for person in each.person_ids}
    if shielded & set(persons):
        return None

    def together(record: AddressRecord) -> int:
        return len(set(record.person_ids) & set(persons))

    open_to_them = [
        each
        for each in current
        if (each.disclosure is Disclosure.HOUSEHOLD and together(each))
        or (each.disclosure is Disclosure.PERSON_ONLY and set(persons) <= set(each.person_ids))
    ]
    best = max(open_to_them, key=lambda each: (together(each), each.since or date.min), default=None)
    return best.address if best else None


def suit_of(file: CaseFile, household: HouseholdRecorded) -> UUID | None:
    """The suit for whose arrears an authority is asked: that of the claim it is told of, or the case's only one."""
    claim = _claim(file, household)
    if claim is not None and claim.proceeding_id is not None:
        return claim.proceeding_id
    suits = {each.proceeding_id for each in household.claims if each.case_id in file.part_of_it} - {None}
    return next(iter(suits)) if len(suits) == 1 else None


def handover_of(file: CaseFile, referral: Referral, household: HouseholdRecorded, today: date) -> HandoverMade | None:
    """The handover, or None while nobody may be handed over."""
    members = persons_to_hand(file, referral, household, today)
    if not members or referral.basis is None:
        return None
    ids = {each.person_id for each in members}
    by_consent = referral.basis is TransmissionBasis.CONSENT
    claim = _claim(file, household) if referral.need is Need.ARREARS_ASSUMPTION else None
    return HandoverMade(
        referral_id=referral.referral_id,
        case_id=file.case_id,
        basis=referral.basis,
        consent_ids=tuple(c.consent_id for c in file.consents_for(referral.need) if c.person_id in ids) if by_consent else (),
        need=referral.need,
        persons=tuple(
            HandedPerson(
                person_id=each.person_id,
                family_name=each.family_name,
                given_name=each.given_name,
                telephone=each.telephone,
                language=each.language,
            )
            for each in members
        ),
        address=address_to_hand(household, ids, today),
        next_deadline_on=file.next_deadline(today),
        claimed_arrears=claim.claimed_arrears if claim else None,
        monthly_rent=claim.monthly_rent if claim else None,
    )


def _claim(file: CaseFile, household: HouseholdRecorded) -> Claim | None:
    """The case's newest claim that names the arrears: the authority needs the figure, nobody else does."""
    named = [each for each in household.claims if each.case_id in file.part_of_it and each.claimed_arrears is not None]
    return named[-1] if named else None


def _current(since: date | None, until: date | None, today: date) -> bool:
    return (since is None or since <= today) and (until is None or until >= today)
