"""`handovers.<provider>`: whom to help, after accepting. Private to that provider, key = referral id."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from shared.contracts.codes import Need, TransmissionBasis, WithdrawReason
from shared.contracts.fields import Event, FieldClass, GivenName, Id, Language, Money, Name, Payload, Telephone
from shared.contracts.topics.parts import Address


class HandedPerson(Payload):
    """A person handed over."""

    person_id: Id
    family_name: Name
    given_name: GivenName | None = None
    telephone: Telephone | None = None
    language: Language | None = None


class HandoverMade(Event):
    """Übergabe: carries what its transmission basis allows, and names it; where that is consent, whose.

    A later one of the same referral replaces it: another adult has consented.
    """

    TYPE: ClassVar[str] = "de.bleibe.handover.made.v1"
    referral_id: Id
    case_id: Id
    basis: TransmissionBasis
    consent_ids: tuple[Id, ...] = ()
    need: Annotated[Need, FieldClass.SPECIAL]
    persons: tuple[HandedPerson, ...]
    address: Address | None
    next_deadline_on: date | None = None
    claimed_arrears: Money | None = None
    monthly_rent: Money | None = None


class HandoverRecalled(Event):
    """Übergabe zurückgerufen: delete what you hold."""

    TYPE: ClassVar[str] = "de.bleibe.handover.recalled.v1"
    referral_id: Id
    reason: WithdrawReason


EVENTS = (HandoverMade, HandoverRecalled)
