"""Working days and legal periods: pure functions over `datetime.date` and a Land's calendar."""

from shared.calendar.periods import PeriodKind, latest_start, period_end, roll_back, roll_forward
from shared.calendar.working_days import (
    LANDS,
    NATIONWIDE,
    NRW,
    Calendar,
    add_working_days,
    answer_by,
    is_holiday,
    is_working_day,
    next_working_day,
    previous_working_day,
    subtract_working_days,
    working_days_between,
)

__all__ = [
    "LANDS",
    "NATIONWIDE",
    "NRW",
    "Calendar",
    "PeriodKind",
    "add_working_days",
    "answer_by",
    "is_holiday",
    "is_working_day",
    "latest_start",
    "next_working_day",
    "period_end",
    "previous_working_day",
    "roll_back",
    "roll_forward",
    "subtract_working_days",
    "working_days_between",
]
