"""`referrals`: how each referral goes. Fact, key = case id.

A need is told as its group only: no special category here.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from shared.contracts.codes import (
    ApplicationDecision,
    MoneyBand,
    NeedGroup,
    ReferralState,
    ReplyRejection,
    SupportResult,
    TransmissionBasis,
)
from shared.contracts.fields import Count, Event, Id, Payload, ProviderId


class ReferralChanged(Event):
    """Vermittlung: its new state. One event per change; provider None once nobody is asked any more."""

    TYPE: ClassVar[str] = "de.bleibe.referral.changed.v1"
    case_id: Id
    referral_id: Id
    group: NeedGroup
    state: ReferralState
    provider: ProviderId | None = None
    try_number: Count
    changed_on: date
    answer_by: date | None = None
    rejection: ReplyRejection | None = None
    result: SupportResult | None = None
    basis: TransmissionBasis | None = None


class ApplicationDecided(Event):
    """An authority's decision on the arrears (Mietschuldenübernahme)."""

    TYPE: ClassVar[str] = "de.bleibe.referral.application-decided.v1"
    case_id: Id
    referral_id: Id
    provider: ProviderId
    decision: ApplicationDecision
    decided_on: date
    amount: MoneyBand = MoneyBand.UNKNOWN


class UndertakingSent(Event):
    """Verpflichtungserklärung (§ 569 III Nr. 2 BGB): sent, and when the landlord had it; for the arrears of which suit."""

    TYPE: ClassVar[str] = "de.bleibe.referral.undertaking-sent.v1"
    case_id: Id
    referral_id: Id
    provider: ProviderId
    sent_on: date
    received_by_landlord_on: date | None = None
    proceeding_id: Id | None = None


class TakenTry(Payload):
    """One provider asked once: when, and the state that answered."""

    referral_id: Id
    group: NeedGroup
    try_number: Count
    offered_on: date | None = None
    answered_on: date | None = None
    answer: ReferralState | None = None


class TakenRuling(Payload):
    """What ApplicationDecided told of it."""

    referral_id: Id
    decision: ApplicationDecision
    decided_on: date


class ReferralsTakenOver(Event):
    """Vermittlungen übernommen: all that another case's referrals brought with it when it was merged or split."""

    TYPE: ClassVar[str] = "de.bleibe.referral.taken-over.v1"
    case_id: Id
    from_case_id: Id
    tries: tuple[TakenTry, ...] = ()
    rulings: tuple[TakenRuling, ...] = ()


class ReferralsGivenUp(Event):
    """Vermittlungen abgegeben: what another case took over from this one in a split; it no longer counts here."""

    TYPE: ClassVar[str] = "de.bleibe.referral.given-up.v1"
    case_id: Id
    to_case_id: Id
    referral_ids: tuple[Id, ...] = ()


EVENTS = (ReferralChanged, ApplicationDecided, UndertakingSent, ReferralsTakenOver, ReferralsGivenUp)
