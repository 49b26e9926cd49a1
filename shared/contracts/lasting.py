"""How long a copy on Kafka can last after its events were erased here, from the catalogue's settings. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from shared.contracts.catalogue import CATALOGUE, Kind, Topic

CLEANER = timedelta(hours=1)
"""Kafka looks for what is due every few minutes (log.retention.check.interval.ms) and deletes a file a minute later."""


def last_copy(topic: Topic, erased_at: datetime) -> date:
    """The day by whose end nothing remains of what was on this topic when it was erased.

    Kafka deletes whole segments. A record written last may share one with others for `segment.ms`, and the segment goes
    `retention.ms` after its newest. A compacted topic closes the segment with the next record after `segment.ms` (there is one
    each day, see intake's pulse), cleans it within `max.compaction.lag.ms`, and lets the tombstone itself go
    `delete.retention.ms` later.
    """
    config = topic.config
    wait = ("segment.ms", "retention.ms") if "retention.ms" in config else _COMPACTED
    return (erased_at + timedelta(milliseconds=sum(int(config[name]) for name in wait)) + CLEANER).date()


_COMPACTED = ("segment.ms", "segment.ms", "max.compaction.lag.ms", "delete.retention.ms")
"""`segment.ms` twice: the pulse that closes a segment may come a day after it may be closed."""


def last_copies(erased_at: datetime) -> list[tuple[Topic, date]]:
    """The same for every topic that tells of persons, the longest last."""
    told = [(topic, last_copy(topic, erased_at)) for topic in CATALOGUE if topic.kind is not Kind.PUBLIC]
    return sorted(told, key=lambda pair: (pair[1], pair[0].name))
