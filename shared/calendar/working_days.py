"""Working days (Werktage without Saturday): Monday to Friday, less the public holidays of a Land."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from holidays import country_holidays

LANDS = frozenset(country_holidays("DE").subdivisions)
NATIONWIDE = "DE"
"""In place of a Land that is not known: only what every Land keeps is a holiday."""
_DAY = timedelta(days=1)
_LOCAL = ZoneInfo("Europe/Berlin")
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """The calendar of one German Land, named by its code ("NW"), and `extra` holidays the library does not know yet.

    Holidays that only some communes of a Land keep are not counted: a deadline then ends rather a day too early.

    Raises:
        ValueError: no such Land.
    """

    land: str = "NW"
    extra: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if self.land not in LANDS and self.land != NATIONWIDE:
            raise ValueError(f"{self.land!r} is no German Land; use one of {', '.join(sorted(LANDS))}")


NRW = Calendar()


@lru_cache(maxsize=1024)
def _holidays(land: str, year: int) -> frozenset[date]:
    return frozenset(country_holidays("DE", subdiv=None if land == NATIONWIDE else land, years=year, expand=False))


def is_holiday(day: date, calendar: Calendar = NRW) -> bool:
    """Whether the day is a public holiday (gesetzlicher Feiertag) of the Land."""
    return day in _holidays(calendar.land, day.year) or day in calendar.extra


def is_working_day(day: date, calendar: Calendar = NRW) -> bool:
    """Monday to Friday and no public holiday."""
    return day.weekday() < _SATURDAY and not is_holiday(day, calendar)


def next_working_day(day: date, calendar: Calendar = NRW) -> date:
    """The first working day after `day`."""
    return _first(day + _DAY, _DAY, calendar)


def previous_working_day(day: date, calendar: Calendar = NRW) -> date:
    """The last working day before `day`."""
    return _first(day - _DAY, -_DAY, calendar)


@lru_cache(maxsize=4096)
def _first(day: date, step: timedelta, calendar: Calendar) -> date:
    while not is_working_day(day, calendar):
        day += step
    return day


def add_working_days(day: date, n: int, calendar: Calendar = NRW) -> date:
    """The n-th working day after `day`; for n = 0 `day` itself, or the next working day where it is none.

    Raises:
        ValueError: n is negative; count back with `subtract_working_days`.
    """
    return _count(day, n, _DAY, calendar)


def subtract_working_days(day: date, n: int, calendar: Calendar = NRW) -> date:
    """The n-th working day before `day`; for n = 0 `day` itself, or the previous working day where it is none.

    Raises:
        ValueError: n is negative.
    """
    return _count(day, n, -_DAY, calendar)


@lru_cache(maxsize=4096)
def _count(day: date, n: int, step: timedelta, calendar: Calendar) -> date:
    if n < 0:
        raise ValueError("a number of working days is never negative; count in the other direction instead")
    if n == 0:
        return _first(day, step, calendar)
    for _ in range(n):
        day = _first(day + step, step, calendar)
    return day


@lru_cache(maxsize=4096)
def working_days_between(start: date, end: date, calendar: Calendar = NRW) -> int:
    """Working days after `start` up to and including `end`; negative, and mirrored, where `end` lies before `start`.

    So a deadline tomorrow (a working day) leaves 1, one today leaves 0, and one that passed on the last working day -1
    (counted from a working day).
    """
    if end < start:
        return -working_days_between(end, start, calendar)
    days = (end - start).days
    return sum(is_working_day(start + timedelta(days=n), calendar) for n in range(1, days + 1))


def answer_by(asked_at: datetime, working_days: int, calendar: Calendar = NRW, cut_off: time = time(12)) -> date:
    """The last day for an answer within n working days (domain promises T2, T7).

    What is asked on a working day up to the cut-off (German time, inclusive) counts from that day, all else from the
    next working day. Nothing is late before the end of the day returned.

    Raises:
        ValueError: `asked_at` has no time zone, or n is negative.
    """
    if asked_at.tzinfo is None:
        raise ValueError("asked_at needs a time zone")
    local = asked_at.astimezone(_LOCAL)
    day = local.date()
    if local.time() > cut_off or not is_working_day(day, calendar):
        day = next_working_day(day, calendar)
    return add_working_days(day, working_days, calendar)
