"""`offers.<provider>`: can you help? Codes only. Fact, key = referral id."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from shared.contracts.codes import HouseholdType, NeedGroup, WithdrawReason
from shared.contracts.fields import District, Event, Id, Language, RuleId


class OfferMade(Event):
    """Anfrage an einen Träger: `service` is the provider's own, never the person's condition."""

    TYPE: ClassVar[str] = "de.bleibe.offer.made.v1"
    referral_id: Id
    service: RuleId
    group: NeedGroup
    district: District
    household_type: HouseholdType
    languages: tuple[Language, ...] = ()
    answer_by: date
    next_deadline_on: date | None = None


class OfferWithdrawn(Event):
    """Anfrage zurückgezogen."""

    TYPE: ClassVar[str] = "de.bleibe.offer.withdrawn.v1"
    referral_id: Id
    reason: WithdrawReason


EVENTS = (OfferMade, OfferWithdrawn)
