"""One case as the indicators read it, computed from its parts; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from pydantic import TypeAdapter

from services.reporting.parts import Assessed, AssessmentPart, Attempt, CasePart, Owed, Parts, Ruling, Suit, VisitPart
from shared.calendar import working_days_between
from shared.contracts.codes import (
    ArrearsCause,
    AttemptResult,
    CaseStatus,
    Channel,
    ContactKind,
    MoneyBand,
    NeedGroup,
    ObligationClose,
    Outcome,
    ReferralState,
)


class Guarantee(StrEnum):
    """Where a suit's visits stand (Besuchszusage). FULFILLED: met, refused with information handed over, or exhausted."""

    FULFILLED = "FULFILLED"
    OPEN = "OPEN"
    WAIVED = "WAIVED"
    EXCUSED = "EXCUSED"
    UNCOVERED = "UNCOVERED"


@dataclass(frozen=True, slots=True)
class SuitLine:
    """A suit. Days are dates here; `slack` = working days from the first contact to the end of the Schonfrist."""

    received_on: date
    guarantee: Guarantee
    due_on: date | None = None
    attempt_on: date | None = None
    contact_on: date | None = None
    slack: int | None = None


@dataclass(frozen=True, slots=True)
class TryLine:
    """One provider asked once."""

    group: NeedGroup
    offered_on: date
    answered_on: date | None
    answer: ReferralState | None


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case. `owed` are the due dates of obligations that are open and where nobody has been yet."""

    district: str
    received_on: date
    channel: Channel
    arrears: MoneyBand
    suits: tuple[SuitLine, ...] = ()
    owed: tuple[date, ...] = ()
    uncovered: int = 0
    assessed_on: date | None = None
    causes: tuple[ArrearsCause, ...] = ()
    primary: ArrearsCause | None = None
    tries: tuple[TryLine, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    outcome: Outcome | None = None
    ended_on: date | None = None

    def dates(self) -> set[date]:
        """Every day by which the case counts in some quarter."""
        days = {self.received_on, self.assessed_on, self.ended_on}
        days |= {suit.received_on for suit in self.suits} | {each.offered_on for each in self.tries}
        days |= {ruling.on for ruling in self.rulings}
        return {day for day in days if day is not None}


LINE = TypeAdapter(CaseLine)
LINES = TypeAdapter(list[CaseLine])

_VALID = frozenset({ObligationClose.MET, ObligationClose.REFUSED_INFORMED, ObligationClose.EXHAUSTED})
_IN_PERSON = frozenset({ContactKind.TELEPHONE, ContactKind.OFFICE})


def line_of(parts: Parts) -> CaseLine | None:
    """The case's line; None until `cases` was heard, and for a case that was merged into another."""
    case = parts.cases
    if case is None or case.status is CaseStatus.MERGED:
        return None
    visits = _by_newest_ids(parts.visits or VisitPart(), case.renamed)
    contacts = _contact_days(visits)
    uncovered = {suit: _uncovered(suit, case.suits[suit], visits) for suit in case.suits}
    tries = parts.referrals.tries if parts.referrals else {}
    assessed = _newest(parts.assessments, visits.left)
    ended = parts.outcomes
    return CaseLine(
        district=case.district,
        received_on=case.received_on,
        channel=case.channel,
        arrears=case.arrears,
        suits=tuple(_suit(key, case, visits, contacts, uncovered[key]) for key in sorted(case.suits)),
        owed=tuple(sorted(owed.due_on for key, owed in visits.owed.items() if owed.how is None and not _tried(key, visits))),
        uncovered=sum(uncovered.values()),
        assessed_on=assessed.on if assessed else None,
        causes=assessed.causes if assessed else (),
        primary=assessed.primary if assessed else None,
        tries=tuple(
            TryLine(each.group, each.offered_on, each.answered_on, each.answer)
            for _, each in sorted(tries.items())
            if each.offered_on is not None
        ),
        rulings=tuple(ruling for _, ruling in sorted(parts.referrals.rulings.items())) if parts.referrals else (),
        outcome=ended.outcome if ended else None,
        ended_on=ended.ended_on if ended else None,
    )


def _by_newest_ids(visits: VisitPart, renamed: Mapping[str, str]) -> VisitPart:
    """What `visits` told of persons and suits by ids that `cases` has replaced since."""
    if not renamed:
        return visits

    def renamed_suit(each: str | None) -> str | None:
        return each and renamed.get(each, each)

    return replace(
        visits,
        owed={
            key: replace(each, person=renamed.get(each.person, each.person), suit=renamed_suit(each.suit))
            for key, each in visits.owed.items()
        },
        excused=tuple(
            replace(each, person=renamed.get(each.person, each.person), suit=renamed_suit(each.suit)) for each in visits.excused
        ),
    )


def _newest(part: AssessmentPart | None, left: Collection[str]) -> Assessed | None:
    """The newest talk that is still this case's; of one day the one heard last."""
    here = [each for each in part.talks if each.report not in left] if part else []
    return max(reversed(here), key=lambda each: each.on, default=None)


def _suit(key: str, case: CasePart, visits: VisitPart, contacts: list[date], uncovered: int) -> SuitLine:
    suit = case.suits[key]
    mine = _mine(key, suit, visits)
    owed = [each for each in _first_round(mine) if each.how is not ObligationClose.VOID]
    attempts = [each.on for each in visits.attempts.values() if mine.keys() & set(each.obligations)]
    contact = next((day for day in contacts if day >= suit.received_on), None)
    slack = working_days_between(contact, suit.schonfrist_on) if contact and suit.schonfrist_on else None
    return SuitLine(
        received_on=suit.received_on,
        guarantee=_guarantee(owed, uncovered),
        due_on=max((each.due_on for each in owed), default=None),
        attempt_on=min(attempts, default=None),
        contact_on=contact,
        slack=slack,
    )


def _guarantee(owed: list[Owed], uncovered: int) -> Guarantee:
    if uncovered:
        return Guarantee.UNCOVERED
    if not owed:
        return Guarantee.EXCUSED
    if any(each.how is None for each in owed):
        return Guarantee.OPEN
    return Guarantee.FULFILLED if any(each.how in _VALID for each in owed) else Guarantee.WAIVED


def _mine(key: str, suit: Suit, visits: VisitPart) -> dict[str, Owed]:
    """The suit's obligations; one that rests on an eviction date alone counts for every suit against that person."""
    return {
        each: owed
        for each, owed in visits.owed.items()
        if owed.suit == key or (owed.suit is None and owed.person in suit.persons)
    }


def _first_round(mine: dict[str, Owed]) -> list[Owed]:
    """What the suit itself made due; later rounds, for an eviction date or a title, are owed and alarmed apart from it."""
    first: dict[str, int] = {}
    for owed in mine.values():
        first[owed.person] = min(owed.round, first.get(owed.person, owed.round))
    return [owed for owed in mine.values() if owed.round == first[owed.person]]


def _uncovered(key: str, suit: Suit, visits: VisitPart) -> int:
    """How many defendants have neither an obligation nor a coded reason: the promise is that soon none has."""
    covered = {owed.person for owed in _mine(key, suit, visits).values()}
    covered |= {excuse.person for excuse in visits.excused if excuse.suit in (key, None)}
    return len(set(suit.persons) - covered)


def _tried(obligation: str, visits: VisitPart) -> bool:
    return any(obligation in attempt.obligations for attempt in visits.attempts.values())


def _contact_days(visits: VisitPart) -> list[date]:
    """Days on which somebody of the household was spoken to: at the door, by telephone or in the office."""
    met = [each.on for each in visits.attempts.values() if _is_contact(each)]
    return sorted(met + [each.on for each in visits.contacts.values() if each.reached and each.kind in _IN_PERSON])


def _is_contact(attempt: Attempt) -> bool:
    return attempt.result is AttemptResult.MET
