"""The numbers a service shows on ``/metrics``: names and label sets are declared here and nowhere else.

Labels are bounded: topic families, our own event types, codes, and the partners of the city's registry. No id, no name.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4


class Name(StrEnum):
    """Every metric of the project, with its unit."""

    EVENTS_HANDLED = "bleibe_events_handled_total"
    BATCH_RECORDS = "bleibe_batch_records"
    BATCH_STATEMENTS = "bleibe_batch_sql_statements"
    BATCH_SECONDS = "bleibe_batch_handling_seconds"
    OUTBOX_EVENTS = "bleibe_outbox_events"
    OUTBOX_AGE = "bleibe_outbox_age_seconds"
    PARKED_EVENTS = "bleibe_parked_events"
    LAG_RECORDS = "bleibe_consumer_lag_records"
    LAST_NOTICE = "bleibe_partner_last_notice_timestamp_seconds"
    GAP_ALARMS = "bleibe_gap_alarms"
    WAITING_ASSIGNMENTS = "bleibe_waiting_assignment_alarms"
    MISSING_UNDERTAKINGS = "bleibe_missing_undertakings"
    HOP_SECONDS = "bleibe_hop_seconds"
    CONDITION = "bleibe_condition"
    LOOP_IDLE = "bleibe_loop_idle_seconds"
    OPEN_VISITS = "bleibe_open_visits"
    WAITING_MOVES = "bleibe_waiting_moves"
    OWED_VISITS = "bleibe_owed_visits"
    OVERDUE_VISITS = "bleibe_overdue_visits"
    UNCOVERED_DEFENDANTS = "bleibe_uncovered_defendants"


class Outcome(StrEnum):
    """What became of a record that a service read."""

    EFFECTIVE = "effective"
    DUPLICATE = "duplicate"
    UNKNOWN_TYPE = "unknown_type"
    PARKED = "parked"
    FORWARDED = "forwarded"
    REJECTED = "rejected"


class ParkedReason(StrEnum):
    """Why a record waits for a person."""

    FAILED = "failed"
    BEHIND = "behind"
    GAP = "gap"


class Slack(StrEnum):
    """Working days left before the deadline that a visit must come before; NONE: it can't come in time any more."""

    NONE = "none"
    UP_TO_5 = "1-5"
    UP_TO_10 = "6-10"
    MORE = "more"
    NO_DEADLINE = "no_deadline"


_RECORDS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_STATEMENTS: Final = (1, 2, 5, 10, 15, 20, 30, 40, 60, 100, 1000)
_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60)


class Metrics:
    """The metrics of one service process, in a registry of their own.

    `event_types` and `partners` bound the labels: any other type counts as ``unknown``, any other partner is ignored.
    """

    def __init__(self, event_types: Iterable[str], partners: Iterable[str] = ()) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._types = frozenset(event_types)
        self._partners = frozenset(partners)
        self._handled = Counter(
            Name.EVENTS_HANDLED, "Records read, by what became of them", ["topic", "type", "outcome"], registry=registry
        )
        self._records = Histogram(Name.BATCH_RECORDS, "Records in one batch", buckets=_RECORDS, registry=registry)
        self._statements = Histogram(
            Name.BATCH_STATEMENTS, "SQL statements one batch took", buckets=_STATEMENTS, registry=registry
        )
        self._seconds = Histogram(
            Name.BATCH_SECONDS, "Time from a batch's arrival to its commit", buckets=_SECONDS, registry=registry
        )
        self._outbox_events = Gauge(Name.OUTBOX_EVENTS, "Events written and not yet sent", registry=registry)
        self._outbox_age = Gauge(Name.OUTBOX_AGE, "Age of the oldest event not yet sent", registry=registry)
        self._parked = Gauge(Name.PARKED_EVENTS, "Records that wait for a person", ["reason"], registry=registry)
        self._lag = Gauge(Name.LAG_RECORDS, "Records written and not yet read", ["topic"], registry=registry)
        self._last_notice = Gauge(Name.LAST_NOTICE, "When a partner was last heard", ["partner"], registry=registry)
        self._gaps = Gauge(Name.GAP_ALARMS, "Keys whose next event is missing for over a minute", registry=registry)
        self._waiting = Gauge(Name.WAITING_ASSIGNMENTS, "Assignments held back for over a minute", registry=registry)
        self._undertakings = Gauge(
            Name.MISSING_UNDERTAKINGS, "Undertakings that no landlord has yet, near the end", registry=registry
        )
        self._hops = Histogram(
            Name.HOP_SECONDS,
            "From a record's writing to its effect, the longest of each batch and topic",
            ["topic"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._condition = Gauge(Name.CONDITION, "1: this condition of being ready holds", ["condition"], registry=registry)
        self._idle = Gauge(Name.LOOP_IDLE, "Time since a loop last went round", ["loop"], registry=registry)
        self._open_visits = Gauge(Name.OPEN_VISITS, "Open visits by working days left", ["slack"], registry=registry)
        self._moves = Gauge(Name.WAITING_MOVES, "Cases that wait for the other half of a merge or split", registry=registry)
        self._owed = Gauge(Name.OWED_VISITS, "Visits owed where nobody has been yet", registry=registry)
        self._overdue = Gauge(Name.OVERDUE_VISITS, "Those whose promised day has passed", registry=registry)
        self._uncovered = Gauge(Name.UNCOVERED_DEFENDANTS, "Defendants without visit and without reason", registry=registry)

    def handled(self, topic: str, event_type: str | None, outcome: Outcome, count: int = 1) -> None:
        """Count records of a topic (its family: what stands before the first dot) and type."""
        known = event_type if event_type in self._types else "unknown"
        self._handled.labels(topic.partition(".")[0], known, outcome).inc(count)

    def batch(self, records: int, statements: int, seconds: float) -> None:
        """Note one batch's size, its number of SQL statements and its seconds from arrival to commit."""
        self._records.observe(records)
        self._statements.observe(statements)
        self._seconds.observe(seconds)

    def hop(self, topic: str, seconds: float) -> None:
        """Note how long a batch's slowest record of this topic (its family) took from writing to effect."""
        self._hops.labels(topic.partition(".")[0]).observe(max(0.0, seconds))

    def outbox(self, events: int, oldest_s: float) -> None:
        """Note the outbox's depth and the age of its oldest event in seconds, 0 when empty."""
        self._outbox_events.set(events)
        self._outbox_age.set(oldest_s)

    def parked(self, counts: Mapping[ParkedReason, int]) -> None:
        """Note how many records are parked for each reason; a reason not named has none."""
        for reason in ParkedReason:
            self._parked.labels(reason).set(counts.get(reason, 0))

    def lag(self, records: Mapping[str, int]) -> None:
        """Note the lag of every topic read; a topic no longer named disappears."""
        self._lag.clear()
        for topic, behind in records.items():
            self._lag.labels(topic).set(behind)

    def heard_from(self, partner: str, at: datetime) -> None:
        """Note when a partner of the registry last sent a notice; one that never did is silent since the database was made."""
        if partner in self._partners:
            self._last_notice.labels(partner).set(at.timestamp())

    def gap_alarms(self, keys: int) -> None:
        """Note how many keys wait for a missing event for over a minute."""
        self._gaps.set(keys)

    def waiting_assignments(self, assignments: int) -> None:
        """Note how many assignments wait for their household's record for over a minute."""
        self._waiting.set(assignments)

    def missing_undertakings(self, undertakings: int) -> None:
        """Note how many granted undertakings no landlord has yet, shortly before the Schonfrist ends."""
        self._undertakings.set(undertakings)

    def health(self, conditions: Mapping[str, bool], idle_s: Mapping[str, float]) -> None:
        """Note which conditions of being ready hold, and the seconds since each loop last went round."""
        for condition, holds in conditions.items():
            self._condition.labels(condition).set(holds)
        for loop, seconds in idle_s.items():
            self._idle.labels(loop).set(seconds)

    def open_visits(self, by_slack: Mapping[Slack, int]) -> None:
        """Note how many visits are open, by the slack left; a slack not named has none."""
        for slack in Slack:
            self._open_visits.labels(slack).set(by_slack.get(slack, 0))

    def waiting_moves(self, cases: int) -> None:
        """Note how many cases wait for what the other key of a merge or split says."""
        self._moves.set(cases)

    def guarantee(self, owed: int, overdue: int, uncovered: int) -> None:
        """Note where the promise to visit stands today."""
        self._owed.set(owed)
        self._overdue.set(overdue)
        self._uncovered.set(uncovered)

    def page(self) -> tuple[bytes, str]:
        """What ``/metrics`` answers: the body and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4
