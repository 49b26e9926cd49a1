"""Legal periods (Fristen): §§ 187, 188, 193 BGB, § 222 ZPO."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum

from shared.calendar.working_days import NRW, Calendar, is_working_day, next_working_day, previous_working_day

_DAY = timedelta(days=1)


class PeriodKind(StrEnum):
    """How a period begins."""

    EVENT = "EVENT"
    """With an event in the course of a day: that day does not count (§ 187 I BGB)."""
    BEGINNING = "BEGINNING"
    """With the beginning of a day: that day counts (§ 187 II BGB)."""


def period_end(
    start: date,
    *,
    days: int = 0,
    weeks: int = 0,
    months: int = 0,
    years: int = 0,
    kind: PeriodKind = PeriodKind.EVENT,
) -> date:
    """The last day of a period (§ 188 BGB), before any roll to a working day.

    Years and months are counted first, then weeks and days. Where the deciding day is missing in the last month, the
    period ends with that month (§ 188 III).
    """
    all_months = 12 * years + months
    all_days = 7 * weeks + days
    first_counts = kind is PeriodKind.BEGINNING
    if not all_months:
        return start + timedelta(days=all_days - first_counts)
    return _month_end(start, all_months, first_counts=first_counts) + timedelta(days=all_days)


def _month_end(start: date, months: int, *, first_counts: bool) -> date:
    year, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    deciding = start.day - first_counts
    if deciding == 0:
        return date(year, month0 + 1, 1) - _DAY
    return date(year, month0 + 1, min(deciding, monthrange(year, month0 + 1)[1]))


def latest_start(
    end: date,
    *,
    days: int = 0,
    weeks: int = 0,
    months: int = 0,
    years: int = 0,
    kind: PeriodKind = PeriodKind.EVENT,
) -> date:
    """The latest day a period may start to be over by `end`: "at the latest two weeks before" (Rückwärtsfrist)."""

    def end_of(day: date) -> date:
        return period_end(day, days=days, weeks=weeks, months=months, years=years, kind=kind)

    start = end - (end_of(end) - end)
    while end_of(start) > end:
        start -= _DAY
    while end_of(start + _DAY) <= end:
        start += _DAY
    return start


def roll_forward(day: date, calendars: Sequence[Calendar] = (NRW,)) -> date:
    """The day, or the next working day where it is none (§ 193 BGB, § 222 II ZPO); of several calendars the earliest."""
    return min(day if is_working_day(day, each) else next_working_day(day, each) for each in calendars)


def roll_back(day: date, calendars: Sequence[Calendar] = (NRW,)) -> date:
    """The day, or the previous working day where it is none; of several calendars the earliest.

    For periods counted back, where rolling forward would be too late.
    """
    return min(day if is_working_day(day, each) else previous_working_day(day, each) for each in calendars)
