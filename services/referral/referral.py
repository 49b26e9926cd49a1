"""One referral (Vermittlung) and its states. Pure: each step returns the new referral and what it says.

proposed -> (CONSENT_PENDING) -> OFFERED -> ACCEPTED -> STARTED -> ENDED
OFFERED -> REJECTED_BY_PROVIDER | TIMED_OUT | DECLINED_BY_HOUSEHOLD -> the next provider, at most three -> ESCALATED
an authority: OFFERED or ACCEPTED -> DECIDED;   any that is not over -> RECALLED
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.calendar import Calendar, is_working_day
from shared.contracts.catalogue import HANDOVERS, OFFERS, REFERRALS
from shared.contracts.codes import (
    ApplicationDecision,
    Need,
    NeedGroup,
    ReferralState,
    ReplyRejection,
    SupportResult,
    TransmissionBasis,
    WithdrawReason,
)
from shared.contracts.topics.handovers import HandoverRecalled
from shared.contracts.topics.offers import OfferWithdrawn
from shared.contracts.topics.referrals import ReferralChanged
from shared.messaging.model import Said

WAITING = frozenset({ReferralState.CONSENT_PENDING, ReferralState.OFFERED, ReferralState.ESCALATED})
"""Nobody has promised help yet."""

AT_PROVIDER = frozenset({ReferralState.OFFERED, ReferralState.ACCEPTED, ReferralState.STARTED})
"""A provider holds it: it counts against the service's capacity."""

LEFT = frozenset({ReferralState.REJECTED_BY_PROVIDER, ReferralState.DECLINED_BY_HOUSEHOLD, ReferralState.TIMED_OUT})
"""A provider has it no longer; the next is asked at once, or where its case is being moved, once that is complete."""

LIVE = WAITING | AT_PROVIDER | LEFT

GROUPS = {
    Need.ARREARS_ASSUMPTION: NeedGroup.MONEY,
    Need.BENEFIT_CLAIM: NeedGroup.MONEY,
    Need.DEBT_COUNSELLING: NeedGroup.ADVICE,
    Need.LEGAL_ADVICE: NeedGroup.ADVICE,
    Need.MIGRATION_LANGUAGE: NeedGroup.ADVICE,
    Need.MEDIATION_LANDLORD: NeedGroup.ADVICE,
    Need.HOUSING_SUPPORT_67: NeedGroup.SUPPORT,
    Need.WOMEN: NeedGroup.SUPPORT,
    Need.ADDICTION: NeedGroup.SUPPORT,
    Need.MENTAL_HEALTH: NeedGroup.SUPPORT,
    Need.GUARDIANSHIP: NeedGroup.SUPPORT,
    Need.FAMILY_CHILD: NeedGroup.SUPPORT,
    Need.REHOUSING: NeedGroup.HOUSING,
    Need.EMERGENCY_ACCOMMODATION: NeedGroup.HOUSING,
}

TELLING = frozenset({Need.ADDICTION, Need.MENTAL_HEALTH, Need.GUARDIANSHIP, Need.WOMEN, Need.FAMILY_CHILD})
"""Needs for which the provider's name alone would tell the person's condition: `referrals` leaves it out."""


class Asked(BaseModel):
    """One provider asked once: when, and the state that ended the asking."""

    model_config = ConfigDict(frozen=True)

    number: int
    offered_on: date
    answered_on: date | None = None
    answer: ReferralState | None = None


class Referral(BaseModel):
    """One need of one case on its way to help. `state` None: proposed, in the middle of a decision only.

    `provider` (with `service`) is who is asked or helps now; `tried` all who were asked, in order, and `asked` how that went;
    `handed` the persons whose data they hold; `proceeding_id` the suit whose arrears an authority was told of; `came_with` the
    cases it was part of before, the first one first; `double` that it was recalled for what another case brought or took: a
    referral for the same need, or the consent it rested on.
    """

    model_config = ConfigDict(frozen=True)

    referral_id: UUID
    case_id: UUID
    report_id: UUID
    need: Need
    proceeding_id: UUID | None = None
    state: ReferralState | None = None
    provider: str | None = None
    service: str | None = None
    by_law: bool = False
    basis: TransmissionBasis | None = None
    tried: tuple[str, ...] = ()
    answer_by: date | None = None
    asked: tuple[Asked, ...] = ()
    handed: tuple[UUID, ...] = ()
    came_with: tuple[UUID, ...] = ()
    double: bool = False
    started_on: date | None = None
    decision: ApplicationDecision | None = None
    decided_on: date | None = None
    undertaking_sent_on: date | None = None
    undertaking_received_on: date | None = None

    @property
    def live(self) -> bool:
        """Whether the need is being met, so that naming it again starts nothing new."""
        return self.state in LIVE or self.decision is ApplicationDecision.GRANTED

    @property
    def undertaking_missing(self) -> bool:
        """Whether the landlord still has to get an undertaking for the arrears (§ 569 III Nr. 2 BGB)."""
        return self.need is Need.ARREARS_ASSUMPTION and self.live and self.undertaking_received_on is None

    def overdue(self, today: date, calendar: Calendar) -> bool:
        """Whether the offer's time is up. Nothing times out on a day on which nobody works."""
        return (
            self.state is ReferralState.OFFERED
            and self.answer_by is not None
            and self.answer_by < today
            and is_working_day(today, calendar)
        )


Step = tuple[Referral, tuple[Said, ...]]


def enter(
    referral: Referral,
    state: ReferralState,
    on: date,
    *,
    rejection: ReplyRejection | None = None,
    result: SupportResult | None = None,
) -> Step:
    """The referral in its new state, and the fact that says so."""
    entered = referral.model_copy(update={"state": state, "asked": _asked(referral, state, on)})
    fact = ReferralChanged(
        case_id=referral.case_id,
        referral_id=referral.referral_id,
        group=GROUPS[referral.need],
        state=state,
        provider=None if referral.need in TELLING else referral.provider,
        try_number=len(referral.tried),
        changed_on=on,
        answer_by=referral.answer_by if state is ReferralState.OFFERED else None,
        rejection=rejection,
        result=result,
        basis=referral.basis,
    )
    return entered, (Said(REFERRALS.name, str(referral.case_id), fact),)


def _asked(referral: Referral, state: ReferralState, on: date) -> tuple[Asked, ...]:
    """An offer opens an entry; what follows first, other than waiting for consent, answers it."""
    if state is ReferralState.OFFERED:
        return (*referral.asked, Asked(number=len(referral.tried), offered_on=on))
    last = referral.asked[-1] if referral.asked else None
    if last is None or last.number != len(referral.tried) or last.answer or state is ReferralState.CONSENT_PENDING:
        return referral.asked
    return (*referral.asked[:-1], last.model_copy(update={"answered_on": on, "answer": state}))


def take_back(referral: Referral, reason: WithdrawReason, *, offer: bool = True) -> tuple[Said, ...]:
    """What the provider is told: the offer no longer stands (`offer`), and what was handed over is to be deleted."""
    if referral.provider is None:
        return ()
    key = str(referral.referral_id)
    withdrawn = Said(OFFERS.of(referral.provider), key, OfferWithdrawn(referral_id=referral.referral_id, reason=reason))
    recalled = Said(HANDOVERS.of(referral.provider), key, HandoverRecalled(referral_id=referral.referral_id, reason=reason))
    tell_offer = offer and (referral.state in WAITING or not referral.handed)
    return ((withdrawn,) if tell_offer else ()) + ((recalled,) if referral.handed else ())


def recall(referral: Referral, reason: WithdrawReason, on: date) -> Step:
    """End it from our side (Rückruf)."""
    told = take_back(referral, reason)
    ended, fact = enter(referral, ReferralState.RECALLED, on)
    return released(ended), told + fact


def released(referral: Referral) -> Referral:
    """The referral in nobody's hands."""
    return referral.model_copy(
        update={"provider": None, "service": None, "by_law": False, "basis": None, "answer_by": None, "handed": ()}
    )
