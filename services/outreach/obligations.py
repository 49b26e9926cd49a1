"""Who is owed a visit: every defendant of a suit, per address and round, or a coded reason why not. Pure.

Round 1 opens with the suit, however it became known. A new eviction date, or a title against a household never met,
opens a new round where the last one has ended, and tightens it where it has not. A withdrawn suit takes nothing back;
an obligation whose notice no longer supports it is void.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.outreach.casefile import CaseFile, Closing, Owed
from services.outreach.promises import promised, standing_eviction
from shared.city import City
from shared.contracts.codes import (
    CaseStatus,
    NoVisitReason,
    ObligationClose,
    ObligationReason,
    ProceedingOutcome,
    Promise,
    Stage,
    WaiverReason,
)
from shared.contracts.fields import Event
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.visits import Excused, ObligationClosed, VisitOwed

_TITLES = (ProceedingOutcome.JUDGMENT, ProceedingOutcome.DEFAULT_JUDGMENT, ProceedingOutcome.SETTLED)
_IN_COURT = frozenset(
    {
        Stage.SUIT_FILED,
        Stage.LIS_PENDENS,
        Stage.HEARING_SET,
        Stage.TITLE,
        Stage.EVICTION_PERIOD,
        Stage.EVICTION_DATE_SET,
        Stage.EVICTED,
    }
)
_FOR_GOOD = frozenset({WaiverReason.DECEASED, WaiverReason.MOVED_OUT_CONFIRMED})
"""After these no later event makes a visit to that person at that address sensible."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A person threatened at an address in a proceeding; without one where the bailiff's date came first."""

    person_id: UUID
    address_id: UUID | None
    proceeding_id: UUID | None
    district: str
    in_city: bool
    received_on: date


def owe(file: CaseFile, city: City, new_id: Callable[[], UUID]) -> tuple[CaseFile, list[Event]]:
    """The obligations that the newest case event asks for, and what to say of them."""
    lines = list(_lines(file.case))
    owed = list(file.owed)
    excused: list[Excused] = []
    served: list[tuple[_Line, int]] = []
    for line in lines:
        at = _place(owed, line)
        latest = None if at is None else owed[at]
        ended = latest is not None and not latest.open and not latest.void
        reason = _excuse(file, line, latest)
        if reason is not None and not ended:
            excused.append(Excused(person_id=line.person_id, proceeding_id=line.proceeding_id, reason=reason))
            continue
        if at is None or latest is None or latest.void:
            at = len(owed)
            owed.append(_first(file.case, line, latest.round + 1 if latest else 1, city, new_id()))
        else:
            owed[at] = _follow(latest, line)
        if reason is None:
            served.append((line, at))
    for line, at in served:
        _answer_triggers(file, line, at, owed, city, new_id)
    kept = {_key(owed[at]) for _, at in served}
    supported = {line.person_id for line in lines}
    now = promised(file.case, file.case.changed_on, city)
    owed = [_tighten(each, *now) for each in _without_support(owed, kept, supported, file.case)]
    return _told(file, owed, excused)


def _key(owed: Owed) -> tuple[UUID, UUID, UUID | None]:
    return owed.person_id, owed.address_id, owed.proceeding_id


def _lines(case: CaseEvent) -> Iterator[_Line]:
    if case.status is CaseStatus.MERGED:
        return
    named = False
    for proceeding in case.proceedings:
        for each in proceeding.defendants:
            named = True
            yield _Line(
                each.person_id,
                each.address_id,
                proceeding.proceeding_id,
                each.district,
                each.in_city,
                proceeding.received_on,
            )
    threatened = case.stage in _IN_COURT or standing_eviction(case) is not None
    if not named and threatened:
        since = case.eviction.received_on if case.eviction else case.received_on
        for person_id in case.tenant_ids:
            yield _Line(person_id, case.dwelling_id, None, case.district, in_city=True, received_on=since)


def _place(owed: list[Owed], line: _Line) -> int | None:
    """Where the newest obligation of this line stands; one that came before its suit was known belongs to the suit."""
    for at in range(len(owed) - 1, -1, -1):
        each = owed[at]
        same = each.person_id == line.person_id and each.address_id == line.address_id
        if same and each.proceeding_id == line.proceeding_id:
            return at
    for at in range(len(owed) - 1, -1, -1):
        each = owed[at]
        before_suit = each.proceeding_id is None and each.person_id == line.person_id and not each.void
        if before_suit and (each.open or each.address_id == line.address_id):
            return at
    return None


def _excuse(file: CaseFile, line: _Line, latest: Owed | None) -> NoVisitReason | None:
    dead = {owed.person_id for owed in file.owed if owed.closing and owed.closing.reason is WaiverReason.DECEASED}
    if line.person_id in dead:
        return NoVisitReason.DECEASED
    if not line.in_city:
        return NoVisitReason.OUTSIDE_CITY
    if line.address_id is None:
        return NoVisitReason.ADDRESS_UNKNOWN
    if latest is None and file.case.status is CaseStatus.CLOSED:
        return NoVisitReason.CASE_CLOSED
    return None


def _first(case: CaseEvent, line: _Line, number: int, city: City, new_id: UUID) -> Owed:
    assert line.address_id is not None
    promise, due_on = promised(case, line.received_on, city)
    return Owed(
        id=new_id,
        person_id=line.person_id,
        address_id=line.address_id,
        proceeding_id=line.proceeding_id,
        district=line.district,
        round=number,
        reason=ObligationReason.SUIT if line.proceeding_id else ObligationReason.EVICTION_DATE,
        promise=promise,
        owed_since=line.received_on,
        due_on=due_on,
        answers=tuple(key for key in (_eviction_key(case), _title_key(case, line)) if key),
    )


def _follow(owed: Owed, line: _Line) -> Owed:
    """An obligation takes on the suit it belongs to, and while open the address and district as now known."""
    if not owed.open:
        return replace(owed, proceeding_id=line.proceeding_id)
    return replace(owed, proceeding_id=line.proceeding_id, address_id=line.address_id or owed.address_id, district=line.district)


def _eviction_key(case: CaseEvent) -> str | None:
    day = standing_eviction(case)
    return f"eviction:{day}" if day else None


def _title_key(case: CaseEvent, line: _Line) -> str | None:
    title = any(each.proceeding_id == line.proceeding_id and each.outcome in _TITLES for each in case.proceedings)
    return f"title:{line.proceeding_id}" if title else None


def _answer_triggers(file: CaseFile, line: _Line, at: int, owed: list[Owed], city: City, new_id: Callable[[], UUID]) -> None:
    """Let the open obligation answer a new eviction date or a title, or open the next round for it."""
    case = file.case
    eviction, title = _eviction_key(case), _title_key(case, line)
    at_door = [
        place
        for place, each in enumerate(owed)
        if (each.person_id, each.address_id) == (line.person_id, line.address_id) and not each.void
    ]
    current = next((place for place in reversed(at_door) if owed[place].open), at)
    if eviction and not any(eviction in owed[place].answers for place in at_door):
        assert case.eviction is not None
        why = ObligationReason.EVICTION_DATE, case.eviction.received_on
        current = _answer(case, current, eviction, why, owed, city, new_id)
    if title and not any(title in owed[place].answers for place in {*at_door, current}) and (owed[current].open or not file.met):
        _answer(case, current, title, (ObligationReason.TITLE_NEVER_MET, case.changed_on), owed, city, new_id)


def _answer(
    case: CaseEvent,
    at: int,
    trigger: str,
    why: tuple[ObligationReason, date],
    owed: list[Owed],
    city: City,
    new_id: Callable[[], UUID],
) -> int:
    """Where the obligation stands that now answers the trigger."""
    last = owed[at]
    if last.open:
        owed[at] = replace(last, answers=(*last.answers, trigger))
    elif last.closing and last.closing.reason not in _FOR_GOOD:
        reason, since = why
        promise, due_on = promised(case, since, city)
        owed.append(
            replace(
                last,
                id=new_id(),
                round=last.round + 1,
                reason=reason,
                promise=promise,
                owed_since=since,
                due_on=due_on,
                answers=(trigger,),
                closing=None,
            )
        )
        return len(owed) - 1
    return at


def _tighten(owed: Owed, promise: Promise, due_on: date) -> Owed:
    """A stricter promise counts from the day the case changed; a promise never loosens."""
    stricter = owed.open and promise is not owed.promise and due_on < owed.due_on
    return replace(owed, promise=promise, due_on=due_on) if stricter else owed


def _without_support(
    owed: list[Owed], kept: set[tuple[UUID, UUID, UUID | None]], supported: set[UUID], case: CaseEvent
) -> Iterator[Owed]:
    """An open obligation that no notice supports any more is void; another obligation of that person may cover it."""
    for each in owed:
        if not each.open or _key(each) in kept:
            yield each
            continue
        elsewhere = each.person_id in supported or case.status is CaseStatus.MERGED
        reason = WaiverReason.COVERED_ELSEWHERE if elsewhere else WaiverReason.NOTICE_REVOKED
        void = Closing(ObligationClose.VOID, case.changed_on, reason)
        yield replace(each, void=void, closing=void)


def _told(file: CaseFile, owed: list[Owed], excused: list[Excused]) -> tuple[CaseFile, list[Event]]:
    case = file.case
    known = {each.id: each for each in file.owed}
    changed = tuple(
        each.fact() for each in owed if not each.void and (each.id not in known or known[each.id].fact() != each.fact())
    )
    said: list[Event] = []
    if changed or tuple(excused) != file.excused:
        said.append(VisitOwed(case_id=case.case_id, obligations=changed, excused=tuple(excused)))
    said += [
        ObligationClosed(
            case_id=case.case_id,
            obligation_ids=(each.id,),
            how=each.void.how,
            reason=each.void.reason,
            closed_on=each.void.on,
        )
        for each in owed
        if each.void and each.id in known and not known[each.id].void
    ]
    return replace(file, owed=tuple(owed), excused=tuple(excused)), said
