"""Every open obligation has a visit, and every visit a slot in time, or an alarm that says why not. Pure.

One visit serves everybody owed one at an address. A booked slot stays while it is in time; a moved deadline, an absent
caseworker or a slot that passed without a report lets the visit be planned anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from services.outreach.casefile import CaseFile, Owed, Visit
from services.outreach.planning import Diary, Slot, Tried, Wish, propose
from services.outreach.promises import standing_eviction
from services.outreach.staff import caseworker, team_of
from shared.calendar import add_working_days, previous_working_day
from shared.city import City
from shared.contracts.codes import Alarm, AttemptResult, Basis
from shared.contracts.fields import Event
from shared.contracts.topics.assignments import NextDeadline
from shared.contracts.topics.cases import CaseEvent, DeadlineFact
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.visits import VisitPlanned

HARD_RULES = frozenset(
    {
        "SCHONFRIST_END",
        "HEARING",
        "DEFENCE_NOTICE",
        "DEFAULT_JUDGMENT_OBJECTION",
        "ENFORCEMENT_PROTECTION",
        "SECURITY_ORDER",
    }
)
"""Deadlines that a visit must come before; the bailiff's date itself is one more."""


@dataclass(slots=True)
class Desk:
    """What a decision works with beside the file: the time, the city, who is booked when, and new ids."""

    now: datetime
    city: City
    diary: Diary
    new_id: Callable[[], UUID]

    @property
    def today(self) -> date:
        """The city's day."""
        return self.now.date()


def next_deadline(case: CaseEvent, today: date) -> NextDeadline | None:
    """The nearest hard deadline still ahead."""
    ahead = [each for each in _hard(case) if each.on > today]
    if not ahead:
        return None
    nearest = min(ahead, key=lambda each: (each.on, each.rule))
    return NextDeadline(rule=nearest.rule, on=nearest.on, basis=nearest.basis)


def _hard(case: CaseEvent) -> list[DeadlineFact | NextDeadline]:
    hard: list[DeadlineFact | NextDeadline] = [each for each in case.deadlines if each.rule in HARD_RULES]
    eviction = standing_eviction(case)
    return [*hard, NextDeadline(rule="EVICTION_DATE", on=eviction, basis=Basis.EXACT)] if eviction else hard


def arrange(file: CaseFile, register: HouseholdRecorded | None, desk: Desk) -> tuple[CaseFile, list[Event]]:
    """The file with its visits as they should be, and a plan told for each that changed."""
    by_address: dict[UUID, list[Owed]] = {}
    for owed in file.open_owed:
        by_address.setdefault(owed.address_id, []).append(owed)
    visits: list[Visit] = []
    for visit in file.visits:
        waiting = by_address.pop(visit.address_id, []) if not visit.closed else None
        if waiting is None:
            desk.diary.release(visit.id)
            visits.append(visit)
        elif not waiting:
            desk.diary.release(visit.id)
            visits.append(ended(visit))
        else:
            visits.append(_plan(_serving(visit, waiting, desk.city), file, waiting, register, desk))
    for address_id, waiting in by_address.items():
        district = waiting[0].district
        ids = tuple(each.id for each in waiting)
        fresh = Visit(desk.new_id(), address_id, district, team_of(desk.city, district), ids, named=())
        visits.append(_plan(fresh, file, waiting, register, desk))
    before = {visit.id: _told(visit) for visit in file.visits}
    said: list[Event] = [
        planned(file.case.case_id, visit) for visit in visits if not visit.closed and _told(visit) != before.get(visit.id)
    ]
    return with_visits(file, visits), said


def with_visits(file: CaseFile, visits: Iterable[Visit]) -> CaseFile:
    """The file with these visits; most events change none."""
    visits = tuple(visits)
    return file if visits == file.visits else replace(file, visits=visits)


def ended(visit: Visit) -> Visit:
    """The visit when nobody is owed one there any more."""
    return replace(visit, closed=True, on=None, window=None, seat=None, alarms=())


def _serving(visit: Visit, waiting: list[Owed], city: City) -> Visit:
    """The visit takes on whoever is newly owed one there; a corrected district may give it to another team."""
    joined = tuple(each.id for each in waiting if each.id not in visit.obligation_ids)
    if joined or visit.district != waiting[0].district:
        visit = replace(visit, obligation_ids=(*visit.obligation_ids, *joined), district=waiting[0].district)
    team = team_of(city, visit.district)
    return visit if team == visit.team else replace(without_slot(visit), team=team, caseworker=None)


def without_slot(visit: Visit) -> Visit:
    """The visit still to be planned; whoever had it keeps it if they can."""
    return replace(visit, on=None, window=None, seat=None, agreed_by=None)


def booked(files: Iterable[CaseFile], today: date) -> Iterator[tuple[UUID, Slot]]:
    """The seats of these cases' visits from today on."""
    for visit in (each for file in files for each in file.visits if not each.closed):
        if visit.caseworker and visit.on and visit.on >= today and visit.window and visit.seat:
            yield visit.id, Slot(visit.caseworker, visit.on, visit.window, visit.seat)


def limit(file: CaseFile, visit: Visit, desk: Desk) -> date:
    """The last day that keeps the promise and the nearest deadline of an open visit."""
    waiting = [owed for owed in file.open_owed if owed.id in visit.obligation_ids]
    return _limits(file, waiting, desk)[1]


def _plan(visit: Visit, file: CaseFile, waiting: list[Owed], register: HouseholdRecorded | None, desk: Desk) -> Visit:
    due_on, by, deadline = _limits(file, waiting, desk)
    if visit.clarification is not None:
        desk.diary.release(visit.id)
        return replace(without_slot(visit), caseworker=None, deadline_on=deadline, alarms=(Alarm.NEEDS_CLARIFICATION,))
    held = _held(visit, desk)
    too_late = held is not None and held.on > by and (visit.agreed_by is None or by < visit.agreed_by)
    if held is None or too_late:
        found = propose(_wish(visit, file, by, register), desk.city, desk.diary, desk.now)
        if isinstance(found, Alarm) and held is None:
            desk.diary.release(visit.id)
            return replace(without_slot(visit), caseworker=None, deadline_on=deadline, alarms=(found,))
        if isinstance(found, Slot) and (held is None or found.on < held.on):
            desk.diary.book(visit.id, found)
            visit = replace(visit, caseworker=found.caseworker, on=found.on, window=found.window, seat=found.seat, agreed_by=None)
    assert visit.on is not None
    late = [Alarm.AFTER_PROMISE] if visit.on > due_on else []
    late += [Alarm.AFTER_DEADLINE] if deadline and visit.on >= deadline else []
    return replace(visit, deadline_on=deadline, alarms=tuple(late))


def _limits(file: CaseFile, waiting: list[Owed], desk: Desk) -> tuple[date, date, date | None]:
    """The day promised, the last day that keeps promise and deadline, and the deadline.

    Where all deadlines of a first round had passed already, the last of them stands for what can no longer be kept.
    """
    if file.tried(tuple(each.id for each in waiting)):
        since = min(each.owed_since for each in waiting)
        due_on = add_working_days(since, desk.city.visits.attempts_within_days, desk.city.calendar)
    else:
        due_on = min(each.due_on for each in waiting)
    today = desk.today
    hard = [each.on for each in _hard(file.case)]
    ahead, passed = [day for day in hard if day > today], [day for day in hard if day <= today]
    if ahead:
        return due_on, min(due_on, min(ahead) - timedelta(days=1)), min(ahead)
    if passed and all(each.round == 1 for each in waiting):
        return due_on, due_on, max(passed)
    return due_on, due_on, None


def _held(visit: Visit, desk: Desk) -> Slot | None:
    """The booked slot while it can still be kept: its caseworker is there, and a report on it is not overdue."""
    who = caseworker(desk.city, visit.caseworker)
    if who is None or visit.on is None or visit.window is None or visit.seat is None or who.absent(visit.on):
        return None
    if visit.on < previous_working_day(desk.today, desk.city.calendar) or visit.caseworker in visit.handed_back:
        return None
    return Slot(who.id, visit.on, visit.window, visit.seat)


def _wish(visit: Visit, file: CaseFile, by: date, register: HouseholdRecorded | None) -> Wish:
    waiting = [each for each in file.open_owed if each.id in visit.obligation_ids]
    persons = {each.person_id for each in waiting}
    members = register.members if register else ()
    spoken = {each.language for each in members if each.person_id in persons and each.language}
    return Wish(
        visit_id=visit.id,
        team=visit.team,
        district=visit.district,
        languages=frozenset(spoken - {"de"}),
        by=by,
        in_vain=tuple(_in_vain(file, each) for each in waiting),
        current=visit.caseworker,
        not_by=frozenset(visit.handed_back),
    )


def _in_vain(file: CaseFile, owed: Owed) -> tuple[Tried, ...]:
    tried = file.tried((owed.id,))
    return tuple((each.on, each.window) for each in tried if each.result is AttemptResult.NOT_MET)


def _told(visit: Visit) -> tuple[object, ...]:
    return visit.obligation_ids, visit.on, visit.window, visit.alarms


def planned(case_id: UUID, visit: Visit) -> VisitPlanned:
    """The visit as `visits` tells it."""
    return VisitPlanned(
        case_id=case_id,
        visit_id=visit.id,
        obligation_ids=visit.obligation_ids,
        planned_on=visit.on,
        window=visit.window,
        alarms=visit.alarms,
    )
