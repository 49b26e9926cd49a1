"""Fold facts into a case's parts, pure. Each topic has a part of its own, so the order across topics cannot matter.

What another case brought when it was merged or split, and what left, is told on the key of the case that received or lost it.
So each key is folded alone. A merged case has no line any more: what it was counts with the other one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date
from functools import cache
from typing import cast

from pydantic import BaseModel

from services.reporting.parts import (
    Assessed,
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
from shared.contracts.codes import CaseStatus, ReferralState
from shared.contracts.topics import assessments, cases, outcomes, referrals, visits

SCHONFRIST = "SCHONFRIST_"
_ASKING = frozenset({ReferralState.CONSENT_PENDING, ReferralState.OFFERED})


def fold(parts: Parts, event: BaseModel) -> None:
    """Take one event in; per topic in the order in which they were written. Changes nothing where it raises.

    An event that says nothing an indicator needs changes nothing.
    """
    found = _step_of(type(event))
    if found is not None:
        topic, step = found
        setattr(parts, topic, step(getattr(parts, topic), event))


def _case(part: CasePart | None, event: cases.CaseEvent) -> CasePart:
    names = {str(each.was): str(each.now) for each in event.replaced}
    renamed = {was: names.get(now, now) for was, now in part.renamed.items()} | names if part else names
    known = {names.get(suit, suit): each for suit, each in part.suits.items()} if part else {}
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
    return CasePart(event.status, event.district, event.received_on, event.channel, event.arrears, suits, renamed)


def _merged(part: CasePart | None, _: cases.CaseMerged) -> CasePart | None:
    return replace(part, status=CaseStatus.MERGED) if part else None


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
    return replace(
        _without(part, {wrong}),
        owed={each: replace(owed, how=None) if each in reopened else owed for each, owed in part.owed.items()},
    )


def _without(part: VisitPart, reports: Collection[str]) -> VisitPart:
    return replace(
        part,
        attempts={report: attempt for report, attempt in part.attempts.items() if report not in reports},
        contacts={report: contact for report, contact in part.contacts.items() if report not in reports},
    )


def _visits_taken(part: VisitPart | None, event: visits.VisitsTakenOver) -> VisitPart:
    part = _owed(part, visits.VisitOwed(case_id=event.case_id, obligations=(), excused=event.excused))
    owed = {
        str(each.obligation_id): Owed(
            str(each.person_id), str(each.proceeding_id) if each.proceeding_id else None, each.round, each.due_on, each.how
        )
        for each in event.obligations
    }
    attempts = {
        str(each.report_id): Attempt(each.attempted_on, each.result, tuple(str(one) for one in each.obligation_ids))
        for each in event.attempts
    }
    contacts = {str(each.report_id): Contact(each.contacted_on, each.kind, each.reached) for each in event.contacts}
    return replace(
        part,
        owed=part.owed | owed,
        attempts=part.attempts | attempts,
        contacts=part.contacts | contacts,
        left=tuple(each for each in part.left if each not in attempts and each not in contacts),
    )


def _visits_given(part: VisitPart | None, event: visits.VisitsGivenUp) -> VisitPart:
    gone, left = {str(each) for each in event.obligation_ids}, {str(each) for each in event.report_ids}
    part = _without(part or VisitPart(), left)
    owed = {each: what for each, what in part.owed.items() if each not in gone}
    return replace(part, owed=owed, left=tuple(sorted(left.union(part.left))))


def _assessed(
    part: AssessmentPart | None, event: assessments.AssessmentRecorded | assessments.AssessmentTakenOver
) -> AssessmentPart:
    causes = tuple(sorted({cause.cause for cause in event.causes}))
    primary = next((cause.cause for cause in event.causes if cause.primary), None)
    talk = Assessed(str(event.report_id), event.assessed_on, causes, primary)
    return AssessmentPart((*(each for each in part.talks if each.report != talk.report), talk) if part else (talk,))


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


def _referrals_taken(part: ReferralPart | None, event: referrals.ReferralsTakenOver) -> ReferralPart:
    part = part or ReferralPart()
    tries = {
        f"{each.referral_id}:{each.try_number}": Try(each.group, each.offered_on, each.answered_on, each.answer)
        for each in event.tries
    }
    rulings = {str(each.referral_id): Ruling(each.decided_on, each.decision) for each in event.rulings}
    return ReferralPart(part.tries | tries, part.rulings | rulings)


def _referrals_given(part: ReferralPart | None, event: referrals.ReferralsGivenUp) -> ReferralPart:
    part, gone = part or ReferralPart(), {str(each) for each in event.referral_ids}
    return ReferralPart(
        {key: asked for key, asked in part.tries.items() if key.partition(":")[0] not in gone},
        {key: ruling for key, ruling in part.rulings.items() if key not in gone},
    )


def _ended(_: OutcomePart | None, event: outcomes.OutcomeRecorded) -> OutcomePart:
    return OutcomePart(event.outcome, event.ended_on)


Step = tuple[str, Callable[[object, BaseModel], object]]
"""A part, and how an event changes it."""

_STEPS = cast(
    "dict[type[BaseModel], Step]",
    {
        cases.CaseEvent: ("cases", _case),
        cases.CaseMerged: ("cases", _merged),
        visits.VisitOwed: ("visits", _owed),
        visits.VisitAttempted: ("visits", _attempted),
        visits.ContactMade: ("visits", _contacted),
        visits.ObligationClosed: ("visits", _closed),
        visits.ReportCorrected: ("visits", _corrected),
        visits.VisitsTakenOver: ("visits", _visits_taken),
        visits.VisitsGivenUp: ("visits", _visits_given),
        assessments.AssessmentRecorded: ("assessments", _assessed),
        assessments.AssessmentTakenOver: ("assessments", _assessed),
        referrals.ReferralChanged: ("referrals", _referred),
        referrals.ApplicationDecided: ("referrals", _ruled),
        referrals.ReferralsTakenOver: ("referrals", _referrals_taken),
        referrals.ReferralsGivenUp: ("referrals", _referrals_given),
        outcomes.OutcomeRecorded: ("outcomes", _ended),
    },
)


@cache  # there are only so many kinds of events
def _step_of(kind: type[BaseModel]) -> Step | None:
    return next((_STEPS[each] for each in kind.__mro__ if each in _STEPS), None)
