"""Who goes, and when: the earliest slot in time with the person who fits best. Pure.

A slot is a working day and one of three windows (domain 5.6). A caseworker makes at most two visits in a window and
never more in a day than their capacity; each visit takes a numbered seat, which the database holds unique.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

from services.outreach.staff import caseworker, of_team, stand_in
from shared.calendar import Calendar, is_working_day, next_working_day
from shared.city import Caseworker, City
from shared.contracts.codes import Alarm, Window

SEATS = (1, 2)
HORIZON_WORKING_DAYS = 60
_ALL_SEATS = tuple((window, seat) for seat in reversed(SEATS) for window in Window)
_STARTS = {Window.MORNING: 8, Window.AFTERNOON: 12, Window.EVENING: 16}

Tried = tuple[date, Window]


@dataclass(frozen=True, slots=True)
class Slot:
    """One caseworker's visit seat."""

    caseworker: str
    on: date
    window: Window
    seat: int


Seats = frozenset[tuple[Window, int]]
Days = Mapping[str, Mapping[date, Seats]]
"""The seats taken, by caseworker and day."""

_NONE: Seats = frozenset()


class Diary:
    """Who is booked when, from today on: the seats taken, and whose of the visits at hand they are.

    Every decision books in a copy: a caseworker's days are replaced and never changed, so that a copy is cheap.
    """

    def __init__(self, taken: Days | None = None, at_hand: Iterable[tuple[UUID, Slot]] = ()) -> None:
        self._days = dict(taken or {})
        self._slots = {visit_id: slot for visit_id, slot in at_hand if self._has(slot)}  # whoever left the team has none
        self._load = {who: sum(map(len, days.values())) for who, days in self._days.items()}
        self._full: dict[str, tuple[Caseworker, tuple[date, ...], int]] = {}
        """How many of these days, from the first on, are full; not fewer later, unless a seat is given back."""

    def _has(self, slot: Slot) -> bool:
        return (slot.window, slot.seat) in self._taken(slot.caseworker, slot.on)

    def _taken(self, who: str, on: date) -> Seats:
        return self._days.get(who, {}).get(on, _NONE)

    def _replace(self, who: str, on: date, seats: Seats) -> None:
        self._load[who] = self.load(who) + len(seats) - len(self._taken(who, on))
        self._days[who] = {**self._days.get(who, {}), on: seats}

    def copy(self) -> Diary:
        """The same bookings; to book in one leaves the other as it was."""
        twin = Diary()
        twin._slots, twin._days, twin._load = dict(self._slots), dict(self._days), dict(self._load)
        twin._full = dict(self._full)
        return twin

    def book(self, visit_id: UUID, slot: Slot) -> None:
        """Give the visit this seat in place of the one it had."""
        self.release(visit_id)
        self._slots[visit_id] = slot
        self._replace(slot.caseworker, slot.on, self._taken(slot.caseworker, slot.on) | {(slot.window, slot.seat)})

    def release(self, visit_id: UUID) -> None:
        """Take the visit's seat back."""
        slot = self._slots.pop(visit_id, None)
        if slot is not None:
            self._replace(slot.caseworker, slot.on, self._taken(slot.caseworker, slot.on) - {(slot.window, slot.seat)})
            self._full.pop(slot.caseworker, None)

    def load(self, caseworker: str) -> int:
        """How many visits the caseworker has before them."""
        return self._load.get(caseworker, 0)

    def seat(self, who: Caseworker, on: date, window: Window, mine: UUID | None = None) -> int | None:
        """A free seat on that day in that window, the visit's own included."""
        return self.seats(who, on, mine).get(window)

    def seats(self, who: Caseworker, on: date, mine: UUID | None = None) -> Mapping[Window, int]:
        """A free seat of that day in each window that has one, the visit's own included."""
        taken = self._taken(who.id, on)
        own = self._slots.get(mine) if mine else None
        if own and (own.caseworker, own.on) == (who.id, on):
            taken -= {(own.window, own.seat)}
        if len(taken) >= who.visits_per_day or who.absent(on):
            return {}
        return {window: seat for window, seat in _ALL_SEATS if (window, seat) not in taken}

    def from_free(self, who: Caseworker, days: tuple[date, ...], mine: UUID | None = None) -> Sequence[date]:
        """Those of the days, which are in order, from the first one on that has a free seat, the visit's own included."""
        known = self._full.get(who.id)
        full = known[2] if known and known[0] is who and known[1] is days else 0
        while full < len(days) and not self.seats(who, days[full]):
            full += 1
        self._full[who.id] = who, days, full
        own = self._slots.get(mine) if mine else None
        return days[min(full, bisect_left(days, own.on)) if own and own.caseworker == who.id else full :]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a visit needs. `by` is the last day that keeps promise and deadline; `current` who has it now.

    `in_vain` are the attempts that met nobody, of each obligation by itself.
    """

    visit_id: UUID
    team: str
    district: str
    languages: frozenset[str]
    by: date
    in_vain: tuple[tuple[Tried, ...], ...] = ()
    current: str | None = None
    not_by: frozenset[str] = frozenset()


def distinct(tried: Iterable[Tried]) -> int:
    """The most attempts that all differ in weekday and in window; so many exhaust an obligation (promise T5)."""
    weekdays: dict[Window, set[int]] = {}
    for on, window in tried:
        weekdays.setdefault(window, set()).add(on.weekday())

    def most(windows: list[set[int]], used: frozenset[int]) -> int:
        if not windows:
            return 0
        head, *rest = windows
        return max([most(rest, used), *(1 + most(rest, used | {day}) for day in head - used)])

    return most(list(weekdays.values()), frozenset())


def propose(wish: Wish, city: City, diary: Diary, now: datetime) -> Slot | Alarm:
    """The earliest slot in time with whom it fits best, else the earliest of all; or why there is none."""
    first = _first_day(wish.by, now, city)
    people = _ranked(wish, city, diary, first)
    if not people:
        return Alarm.NO_CASEWORKER
    late: list[Slot] = []
    for who in people:
        slot = next(_free(wish, who, _days(first, city.calendar), city.visits.windows, diary, now), None)
        if slot is not None and slot.on <= wish.by:
            return slot
        late += [slot] if slot else []
    return min(late, key=lambda slot: (slot.on, slot.window), default=Alarm.NO_SLOT)


@lru_cache(maxsize=16)  # plans of one day begin today or tomorrow
def _days(first: date, calendar: Calendar) -> tuple[date, ...]:
    days = [first]
    while len(days) < HORIZON_WORKING_DAYS:
        days.append(next_working_day(days[-1], calendar))
    return tuple(days)


def _first_day(by: date, now: datetime, city: City) -> date:
    """The first day to plan for: the next working day; today where tomorrow would be late."""
    today = now.date()
    tomorrow = next_working_day(today, city.calendar)
    return today if by < tomorrow and is_working_day(today, city.calendar) else tomorrow


def _ranked(wish: Wish, city: City, diary: Diary, first: date) -> list[Caseworker]:
    """Who knows the household, or stands in for them; then by district, language and load."""
    current = caseworker(city, wish.current)
    known = (stand_in(city, current, first) or current.id) if current else None
    people = [who for who in of_team(city, wish.team) if who.id not in wish.not_by]

    def rank(who: Caseworker) -> tuple[bool, bool, bool, int, str]:
        speaks = not wish.languages or not wish.languages.isdisjoint(who.languages)
        return who.id != known, wish.district not in who.districts, not speaks, diary.load(who.id), who.id

    return sorted(people, key=rank)


def _free(
    wish: Wish, who: Caseworker, days: tuple[date, ...], windows: Iterable[Window], diary: Diary, now: datetime
) -> Iterator[Slot]:
    """The caseworker's free slots that bring an obligation further: another weekday and window than tried in vain."""
    for day in diary.from_free(who, days, wish.visit_id):
        seats = diary.seats(who, day, wish.visit_id)
        for window in windows if seats else ():
            begun = day == now.date() and now.hour >= _STARTS[window]
            if window in seats and not begun and _useful(wish, day, window):
                yield Slot(who.id, day, window, seats[window])


def _useful(wish: Wish, day: date, window: Window) -> bool:
    in_vain = wish.in_vain
    return not in_vain or any(not each or distinct((*each, (day, window))) > distinct(each) for each in in_vain)
