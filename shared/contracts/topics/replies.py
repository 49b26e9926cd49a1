"""`replies.<provider>`: what providers and authorities answer. Private, key = referral id."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from shared.contracts.codes import ApplicationDecision, ReplyRejection, SupportResult
from shared.contracts.fields import Id, Money
from shared.contracts.topics.parts import FromOutside


class Reply(FromOutside):
    """Every reply names its referral."""

    referral_id: Id


class OfferAccepted(Reply):
    """Zusage."""

    TYPE: ClassVar[str] = "de.bleibe.reply.accepted.v1"


class OfferRejected(Reply):
    """Absage."""

    TYPE: ClassVar[str] = "de.bleibe.reply.rejected.v1"
    reason: ReplyRejection


class DeclinedByHousehold(Reply):
    """The household does not want this help; possible after acceptance, too."""

    TYPE: ClassVar[str] = "de.bleibe.reply.declined-by-household.v1"


class SupportStarted(Reply):
    """Hilfe begonnen."""

    TYPE: ClassVar[str] = "de.bleibe.reply.support-started.v1"
    started_on: date


class SupportEnded(Reply):
    """Hilfe beendet."""

    TYPE: ClassVar[str] = "de.bleibe.reply.support-ended.v1"
    ended_on: date
    result: SupportResult


class ApplicationAnswered(Reply):
    """An authority decides instead of accepting."""

    TYPE: ClassVar[str] = "de.bleibe.reply.application-decided.v1"
    decision: ApplicationDecision
    decided_on: date
    amount: Money | None = None


class UndertakingReported(Reply):
    """The undertaking went to the landlord; `received_by_landlord_on` once it is proven."""

    TYPE: ClassVar[str] = "de.bleibe.reply.undertaking-sent.v1"
    sent_on: date
    received_by_landlord_on: date | None = None


EVENTS = (
    OfferAccepted,
    OfferRejected,
    DeclinedByHousehold,
    SupportStarted,
    SupportEnded,
    ApplicationAnswered,
    UndertakingReported,
)
