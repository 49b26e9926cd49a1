"""Working days and periods: the vectors, then the properties."""

import csv
import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar import (
    LANDS,
    NRW,
    Calendar,
    PeriodKind,
    add_working_days,
    answer_by,
    is_holiday,
    is_working_day,
    latest_start,
    next_working_day,
    period_end,
    previous_working_day,
    roll_back,
    roll_forward,
    subtract_working_days,
    working_days_between,
)

DATA = Path(__file__).parent / "data"
VECTORS: dict[str, Any] = json.loads((DATA / "deadline_vectors.json").read_text(encoding="utf-8"))
UNITS = {"tage": "days", "wochen": "weeks", "monate": "months", "jahre": "years"}
KINDS = {"EREIGNIS": PeriodKind.EVENT, "BEGINN": PeriodKind.BEGINNING}

days = st.dates(date(2015, 1, 1), date(2040, 12, 31))
lands = st.sampled_from(sorted(LANDS)).map(Calendar)
kinds = st.sampled_from(PeriodKind)
lengths = st.fixed_dictionaries(
    {"days": st.integers(0, 60), "weeks": st.integers(0, 8), "months": st.integers(0, 14), "years": st.integers(0, 3)}
)


def iso(text: str) -> date:
    return date.fromisoformat(text)


def length(vector: dict[str, int]) -> dict[str, int]:
    return {UNITS[unit]: n for unit, n in vector.items()}


@pytest.mark.parametrize("vector", VECTORS["vorwaerts"], ids=lambda v: str(v["id"]))
def test_forward_vector(vector: dict[str, Any]) -> None:
    raw = period_end(iso(vector["start"]), **length(vector["dauer"]), kind=KINDS[vector["art"]])
    if vector["roh_ende"]:
        assert raw == iso(vector["roh_ende"])
    end = roll_forward(raw, [Calendar(vector["land"])]) if vector["section193"] else raw
    assert end == iso(vector["ende"])


@pytest.mark.parametrize("vector", VECTORS["rueckwaerts"], ids=lambda v: str(v["spaetester_start"] + v["art"]))
def test_backward_vector(vector: dict[str, Any]) -> None:
    start = latest_start(iso(vector["fristende"]), **length(vector["dauer"]), kind=KINDS[vector["art"]])
    assert start == iso(vector["spaetester_start"])


def test_working_day_and_holiday_vectors() -> None:
    for vector in VECTORS["geschaeftstag_nw"]:
        assert is_working_day(iso(vector["datum"])) is vector["ist"], vector
    for vector in VECTORS["feiertag"]:
        assert is_holiday(iso(vector["datum"]), Calendar(vector["land"])) is vector["ist"], vector
    for name, dates in VECTORS["feiertage_nw_test_germany"].items():
        assert all(is_holiday(iso(day)) for day in dates), name


def test_the_holidays_of_nrw_are_exactly_the_published_ones() -> None:
    with (DATA / "nrw_holidays_2015-2040.csv").open(encoding="utf-8") as file:
        published = {iso(row["datum"]) for row in csv.DictReader(file)}
    first = date(2015, 1, 1)
    ours = {day for n in range((date(2041, 1, 1) - first).days) if is_holiday(day := first + timedelta(n))}
    assert ours == published


@pytest.mark.parametrize(("year", "count"), [(2026, 253), (2027, 254), (2028, 250)])
def test_working_days_of_a_year(year: int, count: int) -> None:
    assert working_days_between(date(year - 1, 12, 31), date(year, 12, 31)) == count


@pytest.mark.parametrize(
    ("event", "limit"),
    [("2027-01-15", "2026-12-31"), ("2027-04-09", "2027-03-25"), ("2027-06-10", "2027-05-26"), ("2027-11-15", "2027-10-29")],
)
def test_two_weeks_before_an_eviction(event: str, limit: str) -> None:
    assert roll_back(latest_start(iso(event), weeks=2)) == iso(limit)


def test_a_period_that_begins_with_a_day_ends_with_the_short_month() -> None:
    # The deciding day, 30 February, is missing: § 188 III BGB.
    assert period_end(date(2027, 1, 31), months=1, kind=PeriodKind.BEGINNING) == date(2027, 2, 28)
    assert period_end(date(2027, 3, 1), months=1, kind=PeriodKind.BEGINNING) == date(2027, 3, 31)


def test_over_easter_no_provider_is_late() -> None:
    maundy_thursday = datetime(2027, 3, 25, 9, 0, tzinfo=UTC)
    assert answer_by(maundy_thursday, 1) == date(2027, 3, 30)


def test_the_cut_off_is_noon_in_germany() -> None:
    noon = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
    assert answer_by(noon, 0) == date(2026, 11, 23)
    assert answer_by(noon + timedelta(seconds=1), 0) == date(2026, 11, 24)
    assert answer_by(noon + timedelta(seconds=1), 2) == date(2026, 11, 26)
    assert answer_by(noon + timedelta(hours=2), 0, cut_off=time(15)) == date(2026, 11, 23)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ValueError, match="no German Land"):
        Calendar("XX")
    with pytest.raises(ValueError, match="never negative"):
        add_working_days(date(2026, 11, 23), -1)
    with pytest.raises(ValueError, match="time zone"):
        answer_by(datetime(2026, 11, 23, 9, 0), 1)  # noqa: DTZ001  the missing zone is the subject


@given(day=days, n=st.integers(1, 60), land=lands)
def test_counting_there_and_back(day: date, n: int, land: Calendar) -> None:
    later, earlier = add_working_days(day, n, land), subtract_working_days(day, n, land)
    assert is_working_day(later, land)
    assert is_working_day(earlier, land)
    assert working_days_between(day, later, land) == n
    assert working_days_between(later, day, land) == -n


@given(day=days, land=lands)
def test_neighbours(day: date, land: Calendar) -> None:
    assert previous_working_day(day, land) < day < next_working_day(day, land)
    assert working_days_between(day, next_working_day(day, land), land) == 1
    assert add_working_days(day, 0, land) == roll_forward(day, [land])
    assert subtract_working_days(day, 0, land) == roll_back(day, [land])


@given(day=days, parts=lengths, kind=kinds)
def test_the_latest_start_is_the_latest(day: date, parts: dict[str, int], kind: PeriodKind) -> None:
    start = latest_start(day, **parts, kind=kind)
    assert period_end(start, **parts, kind=kind) <= day < period_end(start + timedelta(1), **parts, kind=kind)


@given(day=days, parts=lengths, kind=kinds)
def test_a_later_start_never_ends_earlier(day: date, parts: dict[str, int], kind: PeriodKind) -> None:
    assert period_end(day, **parts, kind=kind) <= period_end(day + timedelta(1), **parts, kind=kind)


@given(day=days, land=lands)
def test_of_two_calendars_the_earlier_counts(day: date, land: Calendar) -> None:
    both = [NRW, land]
    assert roll_forward(day, both) == min(roll_forward(day, [NRW]), roll_forward(day, [land])) >= day
    assert roll_back(day, both) == min(roll_back(day, [NRW]), roll_back(day, [land])) <= day
