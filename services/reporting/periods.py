"""Quarters of a calendar year, written 2026Q4."""

from __future__ import annotations

from datetime import date, timedelta


def quarter_of(day: date) -> str:
    """The quarter a day lies in."""
    return f"{day.year:04}Q{(day.month + 2) // 3}"


def last_day(quarter: str) -> date:
    """The last day of a quarter."""
    year, number = int(quarter[:4]), int(quarter[5])
    first_after = date(year + 1, 1, 1) if number == 4 else date(year, 3 * number + 1, 1)
    return first_after - timedelta(days=1)
