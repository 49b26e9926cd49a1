"""What a foreign court's docket would have been in Münster: from steps to what the city is told, day by day. Pure.

The order and the gaps of the steps are kept; a day on which no German court works moves to the next working day.
What is mapped, and what is not:

- `served`, `served_by_posting`: the court reports the service three working days later.
- `hearing`, `status_hearing`: set about three weeks before, or moved when the one before was adjourned. A judgment,
  settlement, withdrawal or dismissal ends the proceeding, a stay or a cancellation cancels the hearing. Mediation and
  "heard" tell nothing: the next hearing does.
- `eviction_date`: set on the day of the last writ before it, else two weeks before; then executed, cancelled or stayed.
- `not_served_*`, `writ_filed`, `money_claim_hearing`: no German notice tells them. Where somebody had moved out or the
  address was wrong, the caseworkers of the demo find it so.
- `social_services_referral`: the household asks for help itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from deploy.demo.material import Step, Timeline
from shared.calendar import Calendar, add_working_days, subtract_working_days
from shared.contracts.codes import EvictionStatus, Outcome, ProceedingOutcome
from shared.runtime.clock import BERLIN

_ENDS = {
    "judgment": ProceedingOutcome.JUDGMENT,
    "settlement": ProceedingOutcome.SETTLED,
    "withdrawn": ProceedingOutcome.WITHDRAWN,
    "dismissed": ProceedingOutcome.DISMISSED,
}
_ADJOURNED = frozenset({"adjourned", "adjourned_not_served", "eviction_postponed"})
_CALLED_OFF = frozenset({"cancelled", "stayed"})
_CANCELLED = frozenset(
    {
        "cancelled",
        "eviction_cancelled_by_court",
        "eviction_cancelled_late",
        "eviction_not_executed",
        "eviction_postponed",
        "eviction_withdrawn_by_landlord",
    }
)
_STAYED = frozenset({"stayed", "adjourned"})
HEARING_NOTICE, EVICTION_NOTICE = timedelta(days=21), timedelta(days=14)
REPORTED_AFTER, CLOSED_AFTER = 3, 10
"""Working days until the court reports a service, and from the last event to the outcome."""


@dataclass(frozen=True, slots=True)
class Served:
    """`whom` counts the defendants from 0; None means all."""

    on: date
    whom: int | None


@dataclass(frozen=True, slots=True)
class Hearing:
    """Set, or moved from `previous`; `off` cancels it."""

    at: datetime
    previous: datetime | None = None
    off: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The proceeding's outcome."""

    how: ProceedingOutcome
    on: date


@dataclass(frozen=True, slots=True)
class Eviction:
    """A bailiff's date and what became of it."""

    at: datetime
    status: EvictionStatus


@dataclass(frozen=True, slots=True)
class Asked:
    """The household asked for help."""


Told = Served | Hearing | Ended | Eviction | Asked


def told(timeline: Timeline, filed: date, heard: date, calendar: Calendar) -> list[tuple[date, Told]]:
    """What the city is told and on which day, not before `heard`, the day on which it got the suit itself; in order."""
    days = Days(filed, heard, calendar)
    events: list[tuple[date, Told]] = [*_services(timeline, days), *_hearings(timeline, days), *_evictions(timeline, days)]
    events += [(days.day(step), Asked()) for step in timeline.steps if step.what == "social_services_referral"]
    return sorted(((max(on, heard), what) for on, what in events), key=lambda event: event[0])


def outcome(timeline: Timeline) -> Outcome:
    """How such a case would end for the household."""
    results = [step.result for step in timeline.steps if step.what in {"hearing", "status_hearing", "eviction_date"}]
    by_result = {
        "eviction_executed": Outcome.EMERGENCY_ACCOMMODATION,
        "judgment": Outcome.MOVED_NEW_TENANCY_SELF,
        "settlement": Outcome.TENANCY_KEPT_SETTLEMENT,
        "withdrawn": Outcome.TENANCY_KEPT_SUIT_WITHDRAWN,
        "dismissed": Outcome.TENANCY_KEPT_SUIT_DISMISSED,
        "eviction_withdrawn_by_landlord": Outcome.TENANCY_KEPT_INSTALMENTS,
    }
    last = next((result for result in reversed(results) if result in by_result), None)
    return by_result[last] if last else Outcome.CONTACT_LOST


def over(timeline: Timeline, filed: date, heard: date, calendar: Calendar) -> date:
    """The day on which the outcome is recorded."""
    last = max((on for on, _ in told(timeline, filed, heard, calendar)), default=heard)
    hearings = [what.at.date() for _, what in told(timeline, filed, heard, calendar) if isinstance(what, Hearing | Eviction)]
    return add_working_days(max([last, *hearings]), CLOSED_AFTER, calendar)


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a docket in Münster's calendar."""

    filed: date
    heard: date
    calendar: Calendar

    def day(self, step: Step) -> date:
        """The working day of a step."""
        return add_working_days(self.filed + timedelta(days=step.day), 0, self.calendar)

    def at(self, step: Step) -> datetime:
        """Day and hour of a step."""
        return datetime.combine(self.day(step), step.at, BERLIN)

    def before(self, step: Step, notice: timedelta, not_before: date) -> date:
        """A working day about so long before a step, and before the step itself where that can be."""
        early = add_working_days(self.day(step) - notice, 0, self.calendar)
        latest = subtract_working_days(self.day(step), 1, self.calendar)
        return max(min(max(early, not_before), latest), self.heard)


def _services(timeline: Timeline, days: Days) -> Iterator[tuple[date, Served]]:
    steps = [step for step in timeline.steps if step.what in {"served", "served_by_posting"}]
    for n, step in enumerate(steps):
        whom = n % timeline.defendants if len(steps) > 1 and timeline.defendants > 1 else None
        yield add_working_days(days.day(step), REPORTED_AFTER, days.calendar), Served(days.day(step), whom)


def _hearings(timeline: Timeline, days: Days) -> Iterator[tuple[date, Hearing | Ended]]:
    before: Step | None = None
    for step in timeline.steps:
        if step.what not in {"hearing", "status_hearing"}:
            continue
        at, day = days.at(step), days.day(step)
        if before is not None and before.result in _ADJOURNED:
            yield days.day(before), Hearing(at, previous=days.at(before))
        else:
            not_before = days.heard if before is None else add_working_days(days.day(before), 1, days.calendar)
            yield days.before(step, HEARING_NOTICE, not_before), Hearing(at)
        if step.result in _ENDS:
            yield day, Ended(_ENDS[step.result], day)
        elif step.result in _CALLED_OFF:
            yield day, Hearing(at, off=True)
        before = step


def _evictions(timeline: Timeline, days: Days) -> Iterator[tuple[date, Eviction]]:
    for step in timeline.steps:
        if step.what != "eviction_date":
            continue
        at, day = days.at(step), days.day(step)
        writs = [days.day(each) for each in timeline.steps if each.what == "writ_filed" and each.day < step.day]
        yield (
            (max(writs[-1], days.heard) if writs else days.before(step, EVICTION_NOTICE, days.heard)),
            Eviction(at, EvictionStatus.SET),
        )
        if step.result == "eviction_executed":
            yield day, Eviction(at, EvictionStatus.EXECUTED)
        elif step.result in _CANCELLED:
            yield day, Eviction(at, EvictionStatus.CANCELLED)
        elif step.result in _STAYED:
            yield day, Eviction(at, EvictionStatus.STAYED)
