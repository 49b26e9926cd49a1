"""What a provider's or an authority's answer does to its referral. Pure.

A refused answer names field and rule: `unknown`, `not_asked` (somebody else was), `too_late` (another is asked by now),
`withdrawn`, `not_open` (the state does not allow it), `not_an_authority`, `not_granted`, `in_future`, `before_start`,
`before_sent`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from services.referral.casefile import CaseFile
from services.referral.referral import Referral, Step, enter, released, take_back
from services.referral.routing import ProviderKind
from services.referral.settling import Desk, Settled, ask_next, settle
from shared.contracts.catalogue import REFERRALS
from shared.contracts.codes import ApplicationDecision, MoneyBand, Need, ReferralState, WithdrawReason
from shared.contracts.topics.referrals import ApplicationDecided, UndertakingSent
from shared.contracts.topics.replies import (
    ApplicationAnswered,
    DeclinedByHousehold,
    OfferAccepted,
    OfferRejected,
    Reply,
    SupportEnded,
    SupportStarted,
    UndertakingReported,
)
from shared.messaging.model import Rejected, Said

_ANSWERABLE = frozenset({ReferralState.OFFERED, ReferralState.ESCALATED})
_ACCEPTED = frozenset({ReferralState.ACCEPTED})
_HELPING = frozenset({ReferralState.ACCEPTED, ReferralState.STARTED})
_DECIDABLE = _ANSWERABLE | _ACCEPTED | {ReferralState.DECIDED}
_BANDS = (
    (Decimal(1000), MoneyBand.UNDER_1000),
    (Decimal(2000), MoneyBand.FROM_1000),
    (Decimal(3000), MoneyBand.FROM_2000),
    (Decimal(5000), MoneyBand.FROM_3000),
)


def answer(file: CaseFile, reply: Reply, provider: str, desk: Desk) -> Settled:
    """The case after this answer, settled.

    Raises:
        Rejected: the answer breaks a rule; field and rule as in this module's head.
    """
    referral = file.referral(reply.referral_id)
    if referral is None:
        raise Rejected("referral_id", "unknown")
    if referral.provider != provider:
        raise Rejected("referral_id", _why_not(referral, provider))
    answered, said = _step(file, referral, reply, provider, desk)
    settled, more = settle(file.having(answered), desk)
    return settled, said + more


def _why_not(referral: Referral, provider: str) -> str:
    if provider not in referral.tried:
        return "not_asked"
    return "withdrawn" if referral.state is ReferralState.RECALLED else "too_late"


def _step(file: CaseFile, referral: Referral, reply: Reply, provider: str, desk: Desk) -> Step:
    on = min(reply.received(), desk.today)
    match reply:
        case OfferAccepted():
            _state_in(referral, _ANSWERABLE)
            return enter(referral, ReferralState.ACCEPTED, on)
        case OfferRejected():
            _state_in(referral, _ANSWERABLE)
            left, fact = enter(referral, ReferralState.REJECTED_BY_PROVIDER, on, rejection=reply.reason)
            return _to_next(file, left, WithdrawReason.NO_LONGER_NEEDED, fact, desk)
        case DeclinedByHousehold():
            _state_in(referral, _ANSWERABLE | _ACCEPTED)
            left, fact = enter(referral, ReferralState.DECLINED_BY_HOUSEHOLD, on)
            return _to_next(file, left, WithdrawReason.DECLINED_BY_HOUSEHOLD, fact, desk)
        case SupportStarted() | SupportEnded():
            return _support(referral, reply, desk.today)
        case ApplicationAnswered():
            if desk.policy.directory.kind_of(provider) is not ProviderKind.AUTHORITY:
                raise Rejected("type", "not_an_authority")
            return _decide(referral, reply, provider, desk.today)
        case UndertakingReported():
            return _undertake(referral, reply, provider, desk.today)
        case _:
            raise Rejected("type", "unknown")


def _to_next(file: CaseFile, left: Referral, reason: WithdrawReason, fact: tuple[Said, ...], desk: Desk) -> Step:
    """What was handed over comes back before anybody else is asked."""
    told = take_back(left, reason, offer=False)
    asked, more = ask_next(file, released(left), desk)
    return asked, told + fact + more


def _support(referral: Referral, reply: SupportStarted | SupportEnded, today: date) -> Step:
    """Help began, or came to its end; what was not needed in the end never began."""
    if isinstance(reply, SupportStarted):
        _state_in(referral, _ACCEPTED)
        _not_after("started_on", reply.started_on, today)
        started = referral.model_copy(update={"started_on": reply.started_on})
        return enter(started, ReferralState.STARTED, reply.started_on)
    _state_in(referral, _HELPING)
    _not_after("ended_on", reply.ended_on, today)
    if referral.started_on is not None and reply.ended_on < referral.started_on:
        raise Rejected("ended_on", "before_start")
    return enter(referral, ReferralState.ENDED, reply.ended_on, result=reply.result)


def _decide(referral: Referral, reply: ApplicationAnswered, provider: str, today: date) -> Step:
    """Bescheid. A later decision of the same authority replaces an earlier one."""
    _state_in(referral, _DECIDABLE)
    _not_after("decided_on", reply.decided_on, today)
    decided = referral.model_copy(update={"decision": reply.decision, "decided_on": reply.decided_on})
    left, said = enter(decided, ReferralState.DECIDED, reply.decided_on)
    if referral.need is Need.ARREARS_ASSUMPTION:
        decision = ApplicationDecided(
            case_id=referral.case_id,
            referral_id=referral.referral_id,
            provider=provider,
            decision=reply.decision,
            decided_on=reply.decided_on,
            amount=_band(reply.amount),
        )
        said += (Said(REFERRALS.name, str(referral.case_id), decision),)
    return left, said


def _undertake(referral: Referral, reply: UndertakingReported, provider: str, today: date) -> Step:
    """Verpflichtungserklärung: reported when it goes out, and again when the landlord has it."""
    if referral.need is not Need.ARREARS_ASSUMPTION or referral.decision is not ApplicationDecision.GRANTED:
        raise Rejected("referral_id", "not_granted")
    _not_after("sent_on", reply.sent_on, today)
    received = reply.received_by_landlord_on
    if received is not None:
        _not_after("received_by_landlord_on", received, today)
        if received < reply.sent_on:
            raise Rejected("received_by_landlord_on", "before_sent")
    proven = received or referral.undertaking_received_on
    sent = referral.model_copy(update={"undertaking_sent_on": reply.sent_on, "undertaking_received_on": proven})
    fact = UndertakingSent(
        case_id=referral.case_id,
        referral_id=referral.referral_id,
        provider=provider,
        sent_on=reply.sent_on,
        received_by_landlord_on=proven,
        proceeding_id=referral.proceeding_id,
    )
    return sent, (Said(REFERRALS.name, str(referral.case_id), fact),)


def _state_in(referral: Referral, allowed: frozenset[ReferralState]) -> None:
    if referral.state not in allowed:
        raise Rejected("referral_id", "not_open")


def _not_after(field: str, day: date, today: date) -> None:
    if day > today:
        raise Rejected(field, "in_future")


def _band(amount: Decimal | None) -> MoneyBand:
    if amount is None:
        return MoneyBand.UNKNOWN
    return next((band for limit, band in _BANDS if amount < limit), MoneyBand.FROM_5000)
