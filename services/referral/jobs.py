"""What operations are told of: undertakings (Verpflichtungserklärung) that a landlord lacks, moves that do not come to an end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog

from services.referral import store
from shared.calendar import Calendar, subtract_working_days
from shared.messaging.model import Said, Tx
from shared.runtime.metrics import Metrics

log = structlog.get_logger()


def alarm_until(today: date, days_before: int, calendar: Calendar) -> date:
    """The last Schonfrist end for which an undertaking still missing today is an alarm."""
    end = today
    while subtract_working_days(end + timedelta(days=1), days_before, calendar) <= today:
        end += timedelta(days=1)
    return end


@dataclass(frozen=True, slots=True)
class UndertakingAlarm:
    """Alarms where an undertaking is missing `days_before` working days before the Schonfrist ends, § 569 III Nr. 2 BGB."""

    days_before: int
    calendar: Calendar
    metrics: Metrics

    async def run(self, tx: Tx, now: datetime) -> Sequence[Said]:
        """Alarm with the count; says nothing to the other services."""
        until = alarm_until(now.date(), self.days_before, self.calendar)
        missing = await store.missing_undertakings(tx, None, now.date(), until)
        self.metrics.missing_undertakings(len(missing))
        if missing:
            log.error("undertaking_missing", count=len(missing))
        return ()


@dataclass(frozen=True, slots=True)
class Watch:
    """Cases that are being merged or split, and whose other half has not come."""

    metrics: Metrics

    async def run(self, tx: Tx, now: datetime) -> Sequence[Said]:  # noqa: ARG002  as every job
        """Count them; says nothing to the other services."""
        self.metrics.waiting_moves(await store.waiting_moves(tx))
        return ()
