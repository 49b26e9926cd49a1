"""Every topic: kind, key, retention, owner, readers, events. Topic creation, ACLs and documents come from here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.fields import Event
from shared.contracts.topics import (
    assessments,
    assignments,
    cases,
    field_reports,
    figures,
    handovers,
    households,
    notices,
    offers,
    outcomes,
    receipts,
    referrals,
    replies,
    visits,
)
from shared.contracts.topics.parts import RecordErased

DAY_MS = 86_400_000


class Kind(StrEnum):
    """What a topic may carry, and so how long it remembers."""

    PRIVATE = "private"
    FACT = "fact"
    SPECIAL_FACT = "fact, special category"
    REGISTER = "register"
    PUBLIC = "public"


class Family(StrEnum):
    """Whose name a topic of a family ends in."""

    PARTNER = "partner"
    TEAM = "team"
    PROVIDER = "provider"
    SENDER = "sender"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic, or with `family` one topic per outside sender or reader.

    `retention_days` None is a compacted topic. `writer` is a service, or the family where each member writes its own.
    """

    name: str
    key: str
    kind: Kind
    retention_days: int | None
    writer: str
    readers: tuple[str, ...]
    events: tuple[type[Event], ...]
    family: Family | None = None

    def of(self, member: str) -> str:
        """The member's topic."""
        return f"{self.name}.{member}"

    @property
    def partitions(self) -> int:
        """How many processes can share a topic's work.

        Readers of a family read all its members' topics, and a broker's cost for an idle reader grows with the partitions it
        asks for: so each of those has few.
        """
        return 6 if self.family is None else 2

    @property
    def foreign(self) -> bool:
        """Written outside: no sequence, told apart by source and id."""
        return self.family is not None and self.writer == self.family

    @property
    def erasable(self) -> bool:
        """An event of ours on it may give way to RecordErased. A register has tombstones, receipts tell of nobody."""
        return not self.foreign and self.retention_days is not None and self.family is not Family.SENDER

    @property
    def config(self) -> dict[str, str]:
        """Kafka topic settings; `segment.ms` bounds how long a forgotten record can stay in an open segment."""
        if self.retention_days is None:
            return {
                "cleanup.policy": "compact",
                "segment.ms": str(DAY_MS),
                "max.compaction.lag.ms": str(7 * DAY_MS),
                "delete.retention.ms": str(DAY_MS),
            }
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_days * DAY_MS),
            "segment.ms": str(DAY_MS),
        }


NOTICES = Topic("notices", "notice id", Kind.PRIVATE, 14, Family.PARTNER, ("intake",), notices.EVENTS, Family.PARTNER)
FIELD_REPORTS = Topic("field-reports", "case id", Kind.PRIVATE, 14, Family.TEAM, ("outreach",), field_reports.EVENTS, Family.TEAM)
REPLIES = Topic("replies", "referral id", Kind.PRIVATE, 14, Family.PROVIDER, ("referral",), replies.EVENTS, Family.PROVIDER)
RECEIPTS = Topic(
    "receipts",
    "message id",
    Kind.FACT,
    90,
    "the service that read it",
    ("that sender",),
    receipts.EVENTS,
    Family.SENDER,
)
ASSIGNMENTS = Topic("assignments", "case id", Kind.PRIVATE, 30, "outreach", ("that team",), assignments.EVENTS, Family.TEAM)
OFFERS = Topic("offers", "referral id", Kind.FACT, 90, "referral", ("that provider",), offers.EVENTS, Family.PROVIDER)
HANDOVERS = Topic("handovers", "referral id", Kind.PRIVATE, 14, "referral", ("that provider",), handovers.EVENTS, Family.PROVIDER)
HOUSEHOLDS = Topic("households", "household id", Kind.REGISTER, None, "intake", ("outreach", "referral"), households.EVENTS)
CASES = Topic("cases", "case id", Kind.FACT, 400, "intake", ("outreach", "referral", "reporting"), cases.EVENTS)
VISITS = Topic("visits", "case id", Kind.FACT, 400, "outreach", ("intake", "referral", "reporting"), visits.EVENTS)
ASSESSMENTS = Topic("assessments", "case id", Kind.SPECIAL_FACT, 90, "outreach", ("referral", "reporting"), assessments.EVENTS)
REFERRALS = Topic("referrals", "case id", Kind.FACT, 400, "referral", ("intake", "outreach", "reporting"), referrals.EVENTS)
OUTCOMES = Topic(
    "outcomes",
    "case id",
    Kind.FACT,
    400,
    "outreach",
    ("intake", "referral", "reporting", "named consumers"),
    outcomes.EVENTS,
)
FIGURES = Topic("figures", "figure id", Kind.PUBLIC, None, "reporting", ("anyone",), figures.EVENTS)

CATALOGUE = (
    NOTICES, FIELD_REPORTS, REPLIES, RECEIPTS, ASSIGNMENTS, OFFERS, HANDOVERS, HOUSEHOLDS, CASES, VISITS, ASSESSMENTS, REFERRALS,
    OUTCOMES, FIGURES,
)  # fmt: skip

EVENT_TYPES: dict[str, type[Event]] = {event.TYPE: event for topic in CATALOGUE for event in topic.events} | {
    RecordErased.TYPE: RecordErased
}


def topic_of(name: str) -> Topic:
    """The catalogue's topic for a topic name on the wire, family members included.

    Raises:
        KeyError: no such topic.
    """
    by_name = {topic.name: topic for topic in CATALOGUE}
    if name in by_name and by_name[name].family is None:
        return by_name[name]
    family, _, member = name.partition(".")
    topic = by_name[family]
    if topic.family is None or not member:
        raise KeyError(name)
    return topic


def owner_of(name: str) -> str:
    """The only `ce_source` that may speak on a topic: a service of ours, or the family member the topic is named for."""
    topic = topic_of(name)
    if topic.foreign:
        return f"urn:bleibe:{topic.family}:{name.partition('.')[2]}"
    return f"urn:bleibe:service:{topic.writer}"
