"""Periodic work: plan anew what can no longer be kept, and say aloud when an assignment waits too long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import structlog

from services.outreach import store, watch_store
from services.outreach.room import OutreachRoom
from services.outreach.state import finish
from shared.calendar import Calendar, previous_working_day, working_days_between
from shared.city import City
from shared.messaging.model import Said, Tx
from shared.runtime.metrics import Metrics, Slack

log = structlog.get_logger()


PORTION = 100
"""Cases planned anew in one go: where visits outnumber the seats, all of them at once would keep new ones waiting."""

FIRST = UUID(int=0)


@dataclass(slots=True)
class Replanning:
    """Visits whose caseworker is away or gone, whose slot passed without a report, or that nobody has yet."""

    room: OutreachRoom
    city: City
    _after: UUID = FIRST

    async def run(self, tx: Tx, now: datetime) -> Sequence[Said]:
        """Plan a portion of them anew in one transaction; the next run goes on behind it. What is still in time stays."""
        overdue = previous_working_day(now.date(), self.city.calendar)
        cases = await store.to_replan(tx, self.city.caseworkers, overdue, self._after, PORTION)
        # Before it has succeeded: a portion that fails keeps none of the others from its turn.
        self._after = cases[-1] if len(cases) == PORTION else FIRST
        if not cases:
            return []
        state = await self.room.load_cases(tx, set(cases), set(), (), now)
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
        waiting = await watch_store.waiting_too_long(tx)
        self.metrics.waiting_assignments(waiting)
        if waiting:
            log.error("assignments_wait_for_household", count=waiting)
        return []


@dataclass(frozen=True, slots=True)
class Watch:
    """What operations watch of the visits: the slack that is left, and moves that do not come to an end."""

    metrics: Metrics
    city: City

    async def run(self, tx: Tx, now: datetime) -> Sequence[Said]:
        """Count both; says nothing to the other services."""
        self.metrics.open_visits(slack_left(await watch_store.open_deadlines(tx), now.date(), self.city.calendar))
        self.metrics.waiting_moves(await watch_store.waiting_moves(tx))
        return []


def slack_left(deadlines: Mapping[date | None, int], today: date, calendar: Calendar) -> Counter[Slack]:
    """How many visits have how much slack; `deadlines` counts them by the day they must come before."""
    found: Counter[Slack] = Counter()
    for day, visits in deadlines.items():
        found[_slack(day, today, calendar)] += visits
    return found


def _slack(deadline: date | None, today: date, calendar: Calendar) -> Slack:
    if deadline is None:
        return Slack.NO_DEADLINE
    if deadline <= today:
        return Slack.NONE
    left = working_days_between(today, deadline, calendar)
    if left > 10:
        return Slack.MORE
    return Slack.UP_TO_10 if left > 5 else Slack.UP_TO_5
