"""What people decide about cases: whether two are one, what belongs together. Each decision is one transaction.

Locks as everywhere in intake: notices, match keys, household rows (see store.py); what was merged meanwhile is resolved again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import asyncpg

from services.intake import doubt_store, erasing_store, moves, splitting, store
from services.intake.asking import differ
from services.intake.desk import Desk
from services.intake.doubt_store import QUESTIONS, question_of
from services.intake.facts import StatementKey
from services.intake.questions import Question, Reason, from_json
from services.intake.room import IntakeRoom
from shared.contracts.catalogue import HOUSEHOLDS
from shared.contracts.topics.notices import EVENTS as NOTICES
from shared.contracts.topics.notices import Notice
from shared.messaging.erasure import Forgetting, Memory
from shared.messaging.journal import Entry, append
from shared.messaging.model import Rejected, Said, Tx
from shared.runtime.clock import Clock
from shared.runtime.telemetry import traceparent

if TYPE_CHECKING:
    from shared.runtime.service import Running

T = TypeVar("T")

TRIES = 3
PAGE = 50
"""Clarifications on one page."""
START = (date.min, UUID(int=0))
"""Before the first of them."""


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


_OPEN = "state = 'OPEN' and not exists (select from cases c where c.id in (q.one, q.other) and c.status <> 'OPEN')"


async def open_questions(tx: Tx, after: tuple[date, UUID] = START) -> list[Question]:
    """A page of the open clarifications whose cases are both open, the longest waiting first.

    `after`: day and id of the last one of the page before.
    """
    rows = await tx.fetch(
        f"{QUESTIONS} q where {_OPEN} and (asked_on, id) > ($1, $2) order by asked_on, id limit $3", *after, PAGE
    )
    return [question_of(row) for row in rows]


async def count_questions(tx: Tx) -> int:
    """How much there is to be clarified."""
    count: int = await tx.fetchval(f"select count(*) from clarifications q where {_OPEN}")  # noqa: S608  a constant
    return count


async def questions_about(tx: Tx, case_id: UUID) -> list[Question]:
    """What is to be clarified about a case."""
    rows = await tx.fetch(f"{QUESTIONS} q where {_OPEN} and $1 in (one, other) order by asked_on, id", case_id)
    return [question_of(row) for row in rows]


async def question(tx: Tx, question_id: UUID) -> Question | None:
    """One clarification, open or decided. Its cases' notices: `notices`."""
    row = await tx.fetchrow(f"{QUESTIONS} where id = $1", question_id)
    return None if row is None else question_of(row)


async def notices(tx: Tx, case_ids: Sequence[UUID]) -> dict[UUID, list[CaseNotice]]:
    """The notices of these cases, oldest first; those of an alias are the notices of the case it is part of."""
    rows = await tx.fetch(
        """
        select c.id as case_id, s.source, s.id, s.type, s.received_on, s.came_with, r.reasons
        from cases c join statements s on s.case_id = coalesce(c.merged_into, c.id)
        left join reasons r on r.source = s.source and r.id = s.id
        where c.id = any($1::uuid[]) and s.type = any($2::text[])
        order by c.id, s.received_on, s.recorded_at, s.source, s.id
        """,
        list(case_ids),
        [each.TYPE for each in NOTICES],
    )
    found: dict[UUID, list[CaseNotice]] = {each: [] for each in case_ids}
    for row in rows:
        why = () if row["reasons"] is None else from_json(row["reasons"])
        key = row["source"], row["id"]
        found[row["case_id"]].append(CaseNotice(key, row["type"], row["received_on"], tuple(row["came_with"]), why))
    return found


async def moves_of(tx: Tx, case_id: UUID) -> list[Moved]:
    """The merges and splits of a case, newest first."""
    rows = await tx.fetch(
        "select kind, case_id, moved, who, at from moves where case_id = $1 or moved = $1 order by id desc", case_id
    )
    return [Moved(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Clarifying:
    """The decisions, each about what the person saw: the ids of cases, and of the one to be split its notices.

    Each raises Rejected(field, rule) for what cannot be done; nothing has changed then. Rules: `changed` (a case is part of
    another by now, or has other notices), `unknown_question`, `decided` (somebody else decided), `unknown_case`, `same_case`,
    `nothing_chosen`, `not_of_this_case`, `court_file_apart` (all notices of one court file go together), `nobody_stays`,
    `nobody_goes` (each side must name somebody), `nothing_came` (nothing of that merge is left to be undone).
    """

    pool: asyncpg.Pool[asyncpg.Record]
    room: IntakeRoom
    memory: Memory
    clock: Clock
    told: Callable[[], None]

    @classmethod
    def of(cls, system: Running) -> Clarifying:
        """The decisions of a running service."""
        forgetting: Forgetting[Desk] = system.service.room  # type: ignore[assignment]  # app.py makes intake's room one
        assert isinstance(forgetting.room, IntakeRoom)
        return cls(system.pool, forgetting.room, forgetting.memory, system.clock, system.relay.wake.set)

    async def decide(self, question_id: UUID, seen: Collection[UUID], *, same: bool, by: str) -> UUID | None:
        """Same: merge the two cases, returns the surviving one. Different: keep their households apart for good.

        `seen` are the two cases.
        """

        async def work(tx: Tx, now: datetime) -> tuple[UUID | None, list[Said]]:
            asked = await question(tx, question_id)
            if asked is None:
                raise Rejected("question", "unknown_question")
            desk = await self._desk(tx, now, [asked.one, asked.other])
            if question_id not in desk.questions:
                raise Rejected("question", "decided")
            asked = desk.questions[question_id]
            if {asked.one, asked.other} != set(seen):
                raise Rejected("question", "changed")
            if same:
                return await self._merge(tx, desk, now, asked.one, asked.other, by)
            said = differ(desk, asked)
            await self._save(tx, desk, now, by)
            return None, said

        return await self._commit(work)

    async def merge(self, one: UUID, other: UUID, *, by: str) -> UUID:
        """Merge two cases and their households. Returns the surviving case: the one that was heard of first."""

        async def work(tx: Tx, now: datetime) -> tuple[UUID, list[Said]]:
            desk = await self._desk(tx, now, [one, other])
            for each in (one, other):
                _unchanged(desk, each)
            return await self._merge(tx, desk, now, one, other, by)

        return await self._commit(work)

    async def split(self, case_id: UUID, chosen: Collection[StatementKey], *, seen: Collection[StatementKey], by: str) -> UUID:
        """Take these notices into a new case of a new household. Returns the new case."""

        async def work(tx: Tx, now: datetime) -> tuple[UUID, list[Said]]:
            desk = await self._desk(tx, now, [case_id])
            _unchanged(desk, case_id, seen)
            return await self._split(tx, desk, now, case_id, chosen, by)

        return await self._commit(work)

    async def undo(self, case_id: UUID, absorbed: UUID, *, seen: Collection[StatementKey], by: str) -> UUID:
        """Split what came with the absorbed case, and what came of its court files since. Returns the new case."""

        async def work(tx: Tx, now: datetime) -> tuple[UUID, list[Said]]:
            desk = await self._desk(tx, now, [case_id])
            _unchanged(desk, case_id, seen)
            chosen = splitting.goes_back(desk.said_in(case_id), absorbed)
            if not chosen:
                raise Rejected("notices", "nothing_came")
            return await self._split(tx, desk, now, case_id, chosen, by)

        return await self._commit(work)

    async def _merge(self, tx: Tx, desk: Desk, now: datetime, one: UUID, other: UUID, by: str) -> tuple[UUID, list[Said]]:
        into, absorbed, said = moves.merge(desk, one, other)
        await self._save(tx, desk, now, by)
        await _note(tx, "MERGED", into, absorbed, by, now)
        return into, said

    async def _split(
        self, tx: Tx, desk: Desk, now: datetime, case_id: UUID, chosen: Collection[StatementKey], by: str
    ) -> tuple[UUID, list[Said]]:
        case, new, said = splitting.split(desk, case_id, chosen)
        left = desk.cases[case].household_id
        keys = [left, *(each.id for each in desk.all_cases_of(left))]
        await doubt_store.uncause(tx, [str(each) for each in keys], [each for _, each in desk.changed_statements])
        await self._save(tx, desk, now, by)
        await doubt_store.hold_both(tx, case, new)
        await _note(tx, "SPLIT", case, new, by, now)
        return new, said

    async def _desk(self, tx: Tx, now: datetime, case_ids: Sequence[UUID]) -> Desk:
        """The households of these cases, locked, with all that belongs to them."""
        statements, keys = await erasing_store.names(tx, await store.led_to(tx, (), case_ids, ()))
        await store.lock(tx, store.NOTICES, (f"notice|{source}|{each}" for source, each in statements))
        await store.lock(tx, store.MATCH_KEYS, keys)
        desk = self.room.blank(now)
        await store.load(tx, desk, (), case_ids)
        await self.room.remember(tx, desk, desk.keys)
        return desk

    async def _save(self, tx: Tx, desk: Desk, now: datetime, by: str) -> None:
        for each in [desk.questions[changed] for changed in desk.changed_questions]:
            if each.state in ("SAME", "DIFFERENT"):
                desk.questions[each.id] = replace(each, decided_by=by, decided_at=now)
        await store.save(tx, desk)

    async def _commit(self, work: Callable[[Tx, datetime], Awaitable[tuple[T, list[Said]]]]) -> T:
        """One transaction; where it meets another's order of locks it is tried again."""
        for attempt in range(TRIES):
            try:
                async with self.pool.acquire() as connection, connection.transaction():
                    now = self.clock.now()
                    result, said = await work(connection, now)
                    await append(connection, [Entry(each, None, traceparent()) for each in said], now)
                    # An older register entry may name somebody who is in another household now, and would outlive them there.
                    await self.memory.compact(connection, [each.key for each in said if each.topic == HOUSEHOLDS.name])
            except asyncpg.DeadlockDetectedError:
                if attempt == TRIES - 1:
                    raise
            else:
                self.told()
                return result
        raise AssertionError


def _unchanged(desk: Desk, case_id: UUID, seen: Collection[StatementKey] | None = None) -> None:
    """Raises Rejected where a case is not what the person saw."""
    case = desk.cases.get(case_id)
    if case is None:
        raise Rejected("case", "unknown_case")
    notices = {each.key for each in desk.said_in(case_id) if isinstance(each.content, Notice)}
    if case.merged_into is not None or (seen is not None and notices != set(seen)):
        raise Rejected("case", "changed")


async def _note(tx: Tx, kind: str, case_id: UUID, moved: UUID, by: str, now: datetime) -> None:
    await tx.execute(
        "insert into moves (kind, case_id, moved, who, at) values ($1, $2, $3, $4, $5)", kind, case_id, moved, by, now
    )
