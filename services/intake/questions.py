"""Why two people may be one, as it is kept and shown: codes and weights, never a name. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from services.intake.likeness import Level, Match
from services.intake.likeness.features import Field


class FeatureWeight(NamedTuple):
    """One field of two records, how well it agrees, and what that weighs in bits."""

    field: Field
    level: Level
    weight: float


class Reason(NamedTuple):
    """Two people that may be one: the ids they had when they were compared (None: new with the notice), and why."""

    arrived: UUID | None
    known: UUID
    score: float
    features: tuple[FeatureWeight, ...]


_REASONS = TypeAdapter(tuple[Reason, ...])


def reason(match: Match, arrived: UUID | None, known: UUID) -> Reason:
    """A match as it is kept."""
    return Reason(arrived, known, match.why.score, tuple(FeatureWeight(*each) for each in match.why.features))


def to_json(reasons: Iterable[Reason]) -> str:
    """As it is stored."""
    return _REASONS.dump_json(tuple(reasons)).decode()


def from_json(text: str) -> tuple[Reason, ...]:
    """As it was stored."""
    return _REASONS.validate_json(text)


@dataclass(frozen=True, slots=True)
class Question:
    """May these two cases be one (Klärung)? `one` is the lesser id; `state` OPEN, SAME or DIFFERENT, and by whom."""

    id: UUID
    one: UUID
    other: UUID
    reasons: tuple[Reason, ...]
    asked_on: date
    state: str = "OPEN"
    decided_by: str | None = None
    decided_at: datetime | None = None

    @property
    def score(self) -> float:
        """That of the strongest reason; 0 where only an exact key is shared."""
        return max((each.score for each in self.reasons), default=0.0)

    def partner(self, case_id: UUID) -> UUID:
        """The other case of the two."""
        return self.other if case_id == self.one else self.one
