"""What was said, by whom, and what of it counts. A case *is* the set of its statements; all else is derived from them.

So a correction, a revocation, a late or a contradicting message needs no code of its own: the set changes, and the case is
derived anew. Of two statements about the same thing the one of higher rank counts, and of equal rank the newer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum
from typing import TypeAlias, TypeVar
from uuid import UUID

from shared.contracts.codes import EvictionStatus, Evidence, Origin
from shared.contracts.fields import Event
from shared.contracts.topics import notices
from shared.contracts.topics.notices import EvictionDateNotified, NoticeCorrected, NoticeRevoked
from shared.contracts.topics.visits import ReportCorrected

T = TypeVar("T")

StatementKey: TypeAlias = tuple[str, UUID]
"""(source, id): an id alone is only unique within its source."""


class Rank(IntEnum):
    """How much a statement weighs against another: the court, a document somebody saw, word of mouth."""

    WORD = 0
    DOCUMENT = 1
    COURT = 2

    @property
    def evidence(self) -> Evidence:
        """The same as a code of the contracts."""
        return Evidence[self.name]


_ON_BEHALF = {Origin.COURT: Rank.COURT, Origin.BAILIFF: Rank.DOCUMENT, Origin.AUTHORITY: Rank.DOCUMENT}


@dataclass(frozen=True, slots=True)
class Statement:
    """One message that counts for a case, or waits for its case (`case_id` None).

    `refers_to` is the id of the statement of the same source that this one corrects or revokes. `docket` is the key of the
    court's file that it names, see matching.docket_key. `came_with`: the absorbed cases with which it came to its case, the
    first merge first.
    """

    source: str
    id: UUID
    content: Event
    rank: Rank
    received_on: date
    recorded_at: datetime
    case_id: UUID | None = None
    refers_to: UUID | None = None
    docket: str | None = None
    came_with: tuple[UUID, ...] = ()

    @property
    def key(self) -> StatementKey:
        """What tells it from every other statement."""
        return self.source, self.id

    @property
    def age(self) -> tuple[date, datetime, int, str, UUID]:
        """Sorts by when the city got it; what was written down at one moment, in the order in which such things happen.

        Where two senders differ in that moment, too, their names decide: not who came first on the wire, nor ids made by chance.
        """
        return self.received_on, self.recorded_at, _step(self.content), self.source, self.id

    @property
    def weight(self) -> tuple[Rank, tuple[date, datetime, int, str, UUID]]:
        """Sorts by what counts: rank first, then age."""
        return self.rank, self.age


_STEPS = {kind: 10 * n for n, kind in enumerate(notices.EVENTS)}
_STATUSES = list(EvictionStatus)


def _step(content: Event) -> int:
    """A hearing is set before it is moved, and an eviction date before it is cancelled."""
    status = _STATUSES.index(content.status) if isinstance(content, EvictionDateNotified) else 0
    return _STEPS.get(type(content), 0) + status


def rank_of(sender: Origin, own: Rank, on_behalf_of: Origin | None, content: Event) -> Rank:
    """The weight of what a sender says whose own word weighs `own`; who speaks for another weighs no more than the other.

    The bailiff sets the eviction date himself, so on that he weighs as much as the court.
    """
    if sender is Origin.BAILIFF and isinstance(content, EvictionDateNotified):
        own = Rank.COURT
    return own if on_behalf_of is None else min(own, _ON_BEHALF.get(on_behalf_of, Rank.WORD))


def stated(content: Event) -> Event:
    """What is said: of a correction, the content that it puts in the place of another."""
    return content.content if isinstance(content, NoticeCorrected) else content


def effective(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """The statements that count, oldest first, each with its newest content.

    A revoked one does not count, nor do its corrections. A corrected one keeps its place in time: the correction says what
    it should have said. What refers to a statement that has not come yet waits.
    """
    said = {statement.key: statement for statement in statements}
    if all(each.refers_to is None for each in said.values()):
        return tuple(sorted(said.values(), key=lambda one: one.age))
    revoked = {
        (each.source, each.refers_to) for each in said.values() if isinstance(each.content, NoticeRevoked | ReportCorrected)
    }
    newest: dict[StatementKey, Statement] = {}
    for each in sorted(said.values(), key=lambda one: one.age):
        if isinstance(each.content, NoticeCorrected) and each.key not in revoked:
            root = _root(each, said)
            if root is not None:
                newest[root] = each
    result = []
    for key, each in said.items():
        if each.refers_to is None and key not in revoked:
            result.append(replace(each, content=stated(newest.get(key, each).content)))
    return tuple(sorted(result, key=lambda one: one.age))


def _root(statement: Statement, said: dict[StatementKey, Statement]) -> StatementKey | None:
    """The statement at the start of a chain of corrections; None where it has not come, or the chain bites its tail."""
    seen: set[StatementKey] = set()
    current: Statement | None = statement
    while current is not None and current.refers_to is not None and current.key not in seen:
        seen.add(current.key)
        current = said.get((current.source, current.refers_to))
    return None if current is None or current.refers_to is not None else current.key


def best(said: Iterable[tuple[Statement, T | None]]) -> T | None:
    """The value of the weightiest statement that gives one."""
    given = [(statement, value) for statement, value in said if value is not None]
    if len(given) < 2:  # the usual case: nothing to weigh
        return given[0][1] if given else None
    return max(given, key=lambda pair: pair[0].weight)[1]
