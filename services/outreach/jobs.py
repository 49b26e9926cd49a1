"""Periodic work: plan anew what can no longer be kept, and say aloud when an assignment waits too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.outreach import store
from services.outreach.room import OutreachRoom
from services.outreach.state import finish
from shared.calendar import previous_working_day
from shared.city import City
from shared.messaging.model import Said, Tx
from shared.runtime.metrics import Metrics

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Replanning:
    """Visits whose caseworker is away or gone, whose slot passed without a report, or that nobody has yet."""

    room: OutreachRoom
    city: City

    async def run(self, tx: Tx, now: datetime) -> Sequence[Said]:
        """Plan them anew, all in one transaction; what is still in time stays."""
        overdue = previous_working_day(now.date(), self.city.calendar)
        cases = await store.to_replan(tx, self.city.caseworkers, overdue)
        if not cases:
            return []
        state = await self.room.load_cases(tx, cases, set(), (), now)
        said: list[Said] = []
        for file in list(state.files.values()):
            register = state.registers.get(file.case.household_id)
            said += finish(state, file, file, [], (register, register))
        await self.room.save(tx, state)
        return said


@dataclass(frozen=True, slots=True)
class WaitingAlarm:
    """An assignment should leave within a minute: the household's register entry must not fail to come."""

    metrics: Metrics

    async def run(self, tx: Tx, now: datetime) -> Sequence[Said]:
        """Count those that wait longer; real time, whatever the city's clock says."""
        del now
        waiting = await store.waiting_too_long(tx)
        self.metrics.waiting_assignments(waiting)
        if waiting:
            log.error("assignments_wait_for_household", count=waiting)
        return []
