"""Fold facts into a case's parts, pure. Each topic has a part of its own, so the order across topics cannot matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import cast

from pydantic import BaseModel

from services.reporting.parts import (
    AssessmentPart,
    Attempt,
    CasePart,
    Contact,
    Excuse,
    OutcomePart,
    Owed,
    Parts,
    ReferralPart,
    Ruling,
    Suit,
    Try,
    VisitPart,
)
from shared.contracts.codes import ReferralState
from shared.contracts.topics import assessments, cases, outcomes, referrals, visits

SCHONFRIST = "SCHONFRIST_"
_ASKING = frozenset({ReferralState.CONSENT_PENDING, ReferralState.OFFERED})


def fold(parts: Parts, event: BaseModel) -> None:
    """Take one event in; per topic in the order in which they were written. Changes nothing where it raises.

    An event that says nothing an indicator needs changes nothing.
    """
    for kind, (topic, step) in _STEPS.items():
        if isinstance(event, kind):
            setattr(parts, topic, step(getattr(parts, topic), event))
            return


def _case(part: CasePart | None, event: cases.CaseEvent) -> CasePart:
    known = part.suits if part else {}
    ends: dict[str, date] = {}
    for deadline in event.deadlines:
        if deadline.rule.startswith(SCHONFRIST) and deadline.proceeding_id is not None:
            suit = str(deadline.proceeding_id)
            ends[suit] = min(deadline.on, ends.get(suit, deadline.on))
    suits = {}
    for proceeding in event.proceedings:
        suit = str(proceeding.proceeding_id)
        # A closed case may list its deadlines no more; how much time was left at the first contact stays a fact.
        end = ends.get(suit) or (known[suit].schonfrist_on if suit in known else None)
        persons = tuple(sorted({str(defendant.person_id) for defendant in proceeding.defendants}))
        suits[suit] = Suit(proceeding.received_on, proceeding.channel, persons, end)
    return CasePart(event.status, event.district, event.received_on, event.channel, event.arrears, suits)


def _owed(part: VisitPart | None, event: visits.VisitOwed) -> VisitPart:
    part = part or VisitPart()
    owed = dict(part.owed)
    for new in event.obligations:
        known = owed.get(str(new.obligation_id))
        owed[str(new.obligation_id)] = Owed(
            str(new.person_id),
            str(new.proceeding_id) if new.proceeding_id else None,
            new.round,
            new.due_on,
            known.how if known else None,
        )
    excused = {(excuse.person, excuse.suit): excuse for excuse in part.excused}
    for excuse in event.excused:
        suit = str(excuse.proceeding_id) if excuse.proceeding_id else None
        excused[str(excuse.person_id), suit] = Excuse(str(excuse.person_id), suit, excuse.reason)
    return replace(part, owed=owed, excused=tuple(excused.values()))


def _attempted(part: VisitPart | None, event: visits.VisitAttempted) -> VisitPart:
    part = part or VisitPart()
    attempt = Attempt(event.attempted_on, event.result, tuple(str(each) for each in event.obligation_ids))
    return replace(part, attempts={**part.attempts, str(event.report_id): attempt})


def _contacted(part: VisitPart | None, event: visits.ContactMade) -> VisitPart:
    part = part or VisitPart()
    contact = Contact(event.contacted_on, event.kind, event.reached)
    return replace(part, contacts={**part.contacts, str(event.report_id): contact})


def _closed(part: VisitPart | None, event: visits.ObligationClosed) -> VisitPart:
    part = part or VisitPart()
    closed = {str(each): replace(part.owed[str(each)], how=event.how) for each in event.obligation_ids if str(each) in part.owed}
    return replace(part, owed={**part.owed, **closed})


def _corrected(part: VisitPart | None, event: visits.ReportCorrected) -> VisitPart:
    part = part or VisitPart()
    wrong = str(event.corrects)
    reopened = {str(each) for each in event.reopened_obligation_ids}
    return VisitPart(
        {each: replace(owed, how=None) if each in reopened else owed for each, owed in part.owed.items()},
        part.excused,
        {report: attempt for report, attempt in part.attempts.items() if report != wrong},
        {report: contact for report, contact in part.contacts.items() if report != wrong},
    )


def _assessed(_: AssessmentPart | None, event: assessments.AssessmentRecorded) -> AssessmentPart:
    causes = tuple(sorted({cause.cause for cause in event.causes}))
    primary = next((cause.cause for cause in event.causes if cause.primary), None)
    return AssessmentPart(event.assessed_on, causes, primary)


def _referred(part: ReferralPart | None, event: referrals.ReferralChanged) -> ReferralPart:
    part = part or ReferralPart()
    key = f"{event.referral_id}:{event.try_number}"
    asked = part.tries.get(key, Try(event.group))
    if event.state is ReferralState.OFFERED:
        asked = replace(asked, offered_on=event.changed_on)
    elif event.state not in _ASKING and asked.offered_on is not None and asked.answer is None:
        asked = replace(asked, answered_on=event.changed_on, answer=event.state)
    return replace(part, tries={**part.tries, key: asked})


def _ruled(part: ReferralPart | None, event: referrals.ApplicationDecided) -> ReferralPart:
    part = part or ReferralPart()
    return replace(part, rulings={**part.rulings, str(event.referral_id): Ruling(event.decided_on, event.decision)})


def _ended(_: OutcomePart | None, event: outcomes.OutcomeRecorded) -> OutcomePart:
    return OutcomePart(event.outcome, event.ended_on)


_STEPS = cast(
    "dict[type[BaseModel], tuple[str, Callable[[object, BaseModel], object]]]",
    {
        cases.CaseEvent: ("cases", _case),
        visits.VisitOwed: ("visits", _owed),
        visits.VisitAttempted: ("visits", _attempted),
        visits.ContactMade: ("visits", _contacted),
        visits.ObligationClosed: ("visits", _closed),
        visits.ReportCorrected: ("visits", _corrected),
        assessments.AssessmentRecorded: ("assessments", _assessed),
        referrals.ReferralChanged: ("referrals", _referred),
        referrals.ApplicationDecided: ("referrals", _ruled),
        outcomes.OutcomeRecorded: ("outcomes", _ended),
    },
)
