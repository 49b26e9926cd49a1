"""By which day the last copy of what was erased is gone from Kafka, held against the broker's own rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.catalogue import CASES, CATALOGUE, HANDOVERS, HOUSEHOLDS, NOTICES, Kind, Topic
from shared.contracts.lasting import CLEANER, last_copies, last_copy

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("topic", "day"),
    [
        (NOTICES, date(2026, 3, 17)),  # a day until the segment closes, fourteen until its newest record is due
        (HANDOVERS, date(2026, 3, 17)),
        (CASES, date(2027, 4, 7)),
        (HOUSEHOLDS, date(2026, 3, 12)),  # a day, one to the next pulse, seven until the cleaner must come, one for the tombstone
    ],
)
def test_the_last_day_follows_from_the_catalogue(topic: Topic, day: date) -> None:
    assert last_copy(topic, NOON) == day


def test_late_in_the_evening_the_cleaner_may_come_after_midnight() -> None:
    assert last_copy(NOTICES, NOON.replace(hour=23, minute=30)) == date(2026, 3, 18)


def test_every_topic_that_tells_of_persons_is_named_once_the_longest_last() -> None:
    told = last_copies(NOON)
    assert {topic.name for topic, _ in told} == {topic.name for topic in CATALOGUE if topic.kind is not Kind.PUBLIC}
    assert [day for _, day in told] == sorted(day for _, day in told)


@given(
    st.sampled_from([topic for topic in CATALOGUE if topic.retention_days is not None]),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  bounds go without
    st.timedeltas(timedelta(0), timedelta(days=1)),
)
def test_no_record_written_before_outlives_the_day(topic: Topic, erased_at: datetime, shared_for: timedelta) -> None:
    """Kafka deletes a segment once its newest record is past retention; that one came up to segment.ms after ours."""
    shared_for = min(shared_for, timedelta(milliseconds=int(topic.config["segment.ms"])))
    deleted = erased_at + shared_for + timedelta(milliseconds=int(topic.config["retention.ms"])) + CLEANER
    assert deleted.date() <= last_copy(topic, erased_at)
