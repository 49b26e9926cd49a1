"""By when a household is visited, or offered advice (domain promises T4, T9). Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import inf

from services.outreach.casefile import CaseFile
from shared.calendar import add_working_days, working_days_between
from shared.city import City
from shared.contracts.codes import CaseStatus, Channel, EvictionStatus, HearingStatus, Promise
from shared.contracts.fields import Event
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.visits import AdviceOffered
from shared.runtime.clock import BERLIN


def standing_eviction(case: CaseEvent) -> date | None:
    """The day the bailiff comes, while that date stands."""
    eviction = case.eviction
    return eviction.eviction_at.astimezone(BERLIN).date() if eviction and eviction.status is EvictionStatus.SET else None


def promised(case: CaseEvent, on: date, city: City) -> tuple[Promise, date]:
    """Promise T4 as seen on a day, and the day it ends: the closer the law's dates, the sooner the first attempt."""
    promises = city.promises
    promise, days = Promise.WD5, promises.first_attempt_days
    if _comes_soon(case, on, promises.critical.eviction_within_calendar_days):
        promise, days = Promise.WD1, promises.critical.first_attempt_days
    elif _slack(case, on, city) < promises.urgent.slack_below or _heard_soon(case, on, city):
        promise, days = Promise.WD2, promises.urgent.first_attempt_days
    return promise, add_working_days(on, days, city.calendar)


def _comes_soon(case: CaseEvent, on: date, days: int) -> bool:
    eviction = standing_eviction(case)
    return eviction is not None and (eviction - on).days <= days


def _slack(case: CaseEvent, on: date, city: City) -> float:
    """Working days to the end of the Schonfrist; endless where it does not run."""
    grace = (deadline.on for deadline in case.deadlines if deadline.rule == "SCHONFRIST_END")
    return min((working_days_between(on, day, city.calendar) for day in grace), default=inf)


def _heard_soon(case: CaseEvent, on: date, city: City) -> bool:
    hearings = (
        each.hearing_at.astimezone(BERLIN).date()
        for each in case.proceedings
        if each.hearing_at and each.hearing_status is HearingStatus.SET
    )
    within = city.promises.urgent.hearing_within
    return any(0 <= working_days_between(on, hearing, city.calendar) <= within for hearing in hearings)


def advise(file: CaseFile, city: City) -> tuple[CaseFile, list[Event]]:
    """A termination alone, or a household that asks, is offered advice once; it is owed no visit."""
    case = file.case
    asked = bool(case.terminations) or case.channel is Channel.SELF
    if file.advice_due or file.owed or file.excused or not asked or case.status is not CaseStatus.OPEN:
        return file, []
    since = min((each.received_on for each in case.terminations), default=case.received_on)
    due_on = add_working_days(since, city.promises.advice_contact_days, city.calendar)
    return replace(file, advice_due=due_on), [AdviceOffered(case_id=case.case_id, due_on=due_on)]
