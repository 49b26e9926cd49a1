"""A new rule or holiday: the deadlines of all open cases anew, and what changed and why, told as `case.updated`.

Rules and holidays are fixed for the life of a process, so each process does it once, when it starts, in portions. How far
it is stands in the database, because a portion counts only once it is committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import structlog

from services.intake.recomputing import recomputed
from services.intake.room import IntakeRoom
from shared.contracts.catalogue import VISITS
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.visits import ReportCorrected
from shared.messaging.model import Heard, Said, Tx

PORTION: Final = 200
"""Cases in one transaction: their households are locked until it ends."""

_FIRST: Final = UUID(int=0)

log = structlog.get_logger()


@dataclass(slots=True)
class Recomputing:
    """The job of one process; `run` does the next portion, and nothing once it is through."""

    room: IntakeRoom
    _id: UUID = field(default_factory=uuid4)
    _done: bool = False

    async def run(self, tx: Tx, now: datetime) -> Sequence[Said]:
        """Compute the next open cases anew; what has other deadlines now is told."""
        if self._done:
            return ()
        after = await tx.fetchval("select after from recomputations where id = $1", self._id) or _FIRST
        rows = await tx.fetch("select id from cases where status = 'OPEN' and id > $1 order by id limit $2", after, PORTION)
        cases = [row["id"] for row in rows]
        desk = await self.room.load(tx, [_about(each, now) for each in cases], now)
        said = [one for each in cases if each in desk.cases for one in recomputed(desk, each)]
        await self.room.save(tx, desk)
        # The last portion is the empty one: it is done even if this transaction is lost.
        self._done = not cases
        changed = sum(isinstance(each.data, CaseEvent) for each in said)
        await _note(tx, self._id, cases[-1] if cases else after, len(cases), changed)
        if changed:
            log.info("deadlines_recomputed", count=changed)
        return said


def _about(case_id: UUID, now: datetime) -> Heard:
    """What makes the room lay a case on the desk; nobody has said it, and it is not decided."""
    data = ReportCorrected(case_id=case_id, report_id=case_id, corrects=case_id)
    return Heard(VISITS.name, str(case_id), case_id, "urn:bleibe:service:intake", data.TYPE, now, None, data)


async def _note(tx: Tx, walk: UUID, after: UUID, cases: int, changed: int) -> None:
    await tx.execute(
        """
        insert into recomputations (id, after, cases, changed, done_at) values ($1, $2, $3, $4, case when $3 = 0 then now() end)
        on conflict (id) do update set after = excluded.after, cases = recomputations.cases + excluded.cases,
            changed = recomputations.changed + excluded.changed, done_at = excluded.done_at
        """,
        walk,
        after,
        cases,
        changed,
    )
