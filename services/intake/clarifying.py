"""What people decide about cases: whether two are one, what belongs together. Each decision is one transaction.

Locks as everywhere in intake: notices, match keys, household rows (see store.py); what was merged meanwhile is resolved again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from services.intake.facts import StatementKey
from services.intake.questions import Question, Reason
from shared.messaging.model import Tx

if TYPE_CHECKING:
    from shared.runtime.service import Running

PAGE = 50
"""Clarifications on one page."""


@dataclass(frozen=True, slots=True)
class CaseNotice:
    """A notice of a case. `came_with`: absorbed cases it came with, the last merge last; `by_likeness`: why it was attached."""

    key: StatementKey
    type: str
    received_on: date
    came_with: tuple[UUID, ...] = ()
    by_likeness: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """A merge or a split: `case_id` absorbed `moved`, or `moved` was split from it."""

    kind: str
    case_id: UUID
    moved: UUID
    who: str
    at: datetime


async def open_questions(tx: Tx, after: UUID | None = None, limit: int = PAGE) -> list[Question]:
    """The open clarifications whose cases are both open, by id; `after`: the last id of the page before."""
    raise NotImplementedError


async def question(tx: Tx, question_id: UUID) -> Question | None:
    """One clarification, open or decided. Its cases' notices: `notices`."""
    raise NotImplementedError


async def notices(tx: Tx, case_ids: Sequence[UUID]) -> dict[UUID, list[CaseNotice]]:
    """The notices of these cases (aliases: of the case they are part of), oldest first."""
    raise NotImplementedError


async def moves(tx: Tx, case_id: UUID) -> list[Moved]:
    """The merges and splits of a case, newest first."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Clarifying:
    """The decisions. Each raises Rejected(field, rule) for what cannot be done; nothing has changed then.

    Rules: `unknown_question`, `decided` (somebody else decided meanwhile), `unknown_case`, `same_case` (they are one already),
    `nothing_chosen`, `not_of_this_case`, `court_file_apart` (all notices of one court file go together), `nobody_stays`,
    `nobody_goes` (each side must name somebody), `nothing_came` (nothing of that merge is left to be undone).
    """

    system: Running

    async def decide(self, question_id: UUID, *, same: bool, by: str) -> UUID | None:
        """Same: merge the two cases, returns the surviving one. Different: keep their households apart for good."""
        raise NotImplementedError

    async def merge(self, one: UUID, other: UUID, *, by: str) -> UUID:
        """Merge two cases and their households. Returns the surviving case: the one that was heard of first."""
        raise NotImplementedError

    async def split(self, case_id: UUID, chosen: Collection[StatementKey], *, by: str) -> UUID:
        """Take these notices into a new case of a new household. Returns the new case."""
        raise NotImplementedError

    async def undo(self, case_id: UUID, absorbed: UUID, *, by: str) -> UUID:
        """Split exactly what came with the absorbed case. Returns the new case."""
        raise NotImplementedError
