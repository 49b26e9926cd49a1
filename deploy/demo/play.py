"""Plays a scenario on the clock that all processes share, one working day after the other, each when the last has settled.

08:00 the mail comes: notices, at most one of a household at a time, so that a case's history is the same in each run.
19:00 teams look at their assignments and choose their slots, providers and authorities answer, caseworkers report.
Where nobody has anything to do or to wait for, days pass a week at a time.
"""

from __future__ import annotations

import contextlib
import time as wall
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

from deploy.cli.target import Target
from deploy.demo.clients import Clients, Office
from deploy.demo.fieldwork import EVENING, FieldWork, Home, Known
from deploy.demo.helpers import Helpers
from deploy.demo.households import service_dates
from deploy.demo.letters import Letter
from deploy.demo.scenario import MAIL, Happening, Scenario
from deploy.demo.settled import Settlement, settlement
from shared.calendar import Calendar, add_working_days, next_working_day
from shared.city import City
from shared.contracts.catalogue import NOTICES
from shared.contracts.codes import Answer
from shared.contracts.fields import Event
from shared.contracts.topics.assignments import AssignmentCreated
from shared.contracts.topics.notices import SuitFiled
from shared.runtime.clock import BERLIN, FileClock, step_clock

_AFTERMATH = timedelta(days=90)
"""How long after the last notice the play goes on at most."""

Report = Callable[[date, int], None]
"""Told the day and how many notices have been sent."""


@dataclass(slots=True)
class Played:
    """What a play measured on the wall clock. `latencies` in seconds from a suit's notice to its first assignment."""

    seconds: float = 0.0
    days: int = 0
    notices: int = 0
    latencies: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Stage:
    """A running system with the outside world simulated around it."""

    clock: Path
    city: City
    field_work: FieldWork
    helpers: Helpers
    clients: Clients
    settlement: Settlement
    played: Played
    now: datetime
    sent: dict[Known, float] = field(default_factory=dict)
    answers: dict[UUID, Answer] = field(default_factory=dict)

    def at(self, day: date, hour: time) -> None:
        """Set the clock."""
        self.now = datetime.combine(day, hour, BERLIN)
        step_clock(self.clock, self.now)

    async def say(self, letters: Sequence[Letter]) -> None:
        """Send these and wait until everything has settled."""
        if letters:
            await self.clients.send(letters)
            await self.settled()

    async def settled(self) -> None:
        """Wait until everything has settled."""
        await self.settlement.settled(self.now.date())
        self.helpers.consider(self.now.date())

    async def deliver(self, happenings: Iterable[Happening]) -> None:
        """The mail: at most one notice of a household at a time."""
        for wave in waves(happenings):
            letters = []
            for each in wave:
                letters.append(Letter(NOTICES.of(each.sender), each.notice, twice=each.twice))
                if isinstance(each.notice, SuitFiled):
                    self._note_sent(each.notice)
            self.played.notices += len(letters)
            await self.say(letters)

    async def day(self, day: date, happenings: Sequence[Happening] = ()) -> None:
        """One working day from the mail to the evening."""
        self.played.days += 1
        self.at(day, MAIL)
        await self.settled()
        await self.deliver(happenings)
        self.at(day, EVENING)
        slots = list(self.field_work.slots(self.now))
        await self.say([*slots, *self.helpers.replies(self.now), *self.field_work.reports(self.now)])

    def busy_on(self) -> date | None:
        """The next day on which the outside world has something to do."""
        return min((day for day in (self.helpers.busy_on(), self.field_work.busy_on()) if day is not None), default=None)

    def hear(self, topic: str, event: Event) -> None:
        """An event for somebody outside."""
        family, _, member = topic.partition(".")
        if family == "assignments":
            self.field_work.hear(member, event)
            if isinstance(event, AssignmentCreated):
                self._note_assigned(event)
        else:
            self.helpers.hear(member, event)

    def answered(self, message: UUID, answer: Answer) -> None:
        """A receipt."""
        self.answers[message] = answer
        self.field_work.answer(message, accepted=answer is Answer.ACCEPTED, today=self.now.date())

    def _note_sent(self, suit: SuitFiled) -> None:
        for person in suit.defendants:
            if person.address is not None:
                place = person.address
                key = person.family_name, person.given_name or "", place.street, place.house_number
                self.sent.setdefault(key, wall.monotonic())

    def _note_assigned(self, event: AssignmentCreated) -> None:
        for person in event.residents:
            key = person.family_name, person.given_name or "", event.address.street, event.address.house_number
            if (sent := self.sent.pop(key, None)) is not None:
                self.played.latencies.append(wall.monotonic() - sent)


def waves(happenings: Iterable[Happening]) -> list[list[Happening]]:
    """The n-th notice of each household together: a household's notices one after the other, in order."""
    found: defaultdict[int, list[Happening]] = defaultdict(list)
    times: defaultdict[int, int] = defaultdict(int)
    for each in happenings:
        found[times[each.household]].append(each)
        times[each.household] += 1
    return [found[n] for n in sorted(found)]


def homes(scenario: Scenario, calendar: Calendar) -> dict[Known, Home]:
    """What a scenario knows of the people behind the doors."""
    known: dict[Known, Home] = {}
    for household in scenario.households:
        steps = {step.what for step in household.timeline.steps}
        served = service_dates(household, calendar)
        for n, key in enumerate(household.keys):
            known[key] = Home(
                moved_out=bool(steps & {"not_served_moved", "not_served_vacant"}),
                hard_to_find="not_served_address_wrong" in steps,
                served_on=served.get(n),
                outcome=household.outcome,
                over_on=household.over_on,
            )
    return known


@contextlib.asynccontextmanager
async def on_stage(
    system: Target,
    clock: Path,
    city: City,
    seed: int,
    known: Mapping[Known, Home],
    offices: Mapping[str, Office],
    undertakings: Mapping[str, date],
) -> AsyncIterator[Stage]:
    """Open a stage on a running system whose services read `clock`."""
    clients = Clients(system.bootstrap, city, offices)
    async with settlement(system, clients) as settling:
        field_work, helpers = FieldWork(seed, city, known), Helpers(seed, city, undertakings)
        stage = Stage(clock, city, field_work, helpers, clients, settling, Played(), FileClock(clock).now())
        clients.audience = stage
        async with clients:
            yield stage


async def play(stage: Stage, happenings: Iterable[Happening], start: date, report: Report) -> Played:
    """Play all of it, to the day on which nothing is left to do."""
    begun = wall.monotonic()
    by_day: defaultdict[date, list[Happening]] = defaultdict(list)
    for each in happenings:
        by_day[each.on].append(each)
    last = max(by_day, default=start)
    day = start
    while day <= last or (_before(stage.busy_on(), last + _AFTERMATH) and day <= last + _AFTERMATH):
        await stage.day(day, by_day.pop(day, []))
        report(day, stage.played.notices)
        day = _next(stage, day, min(by_day, default=None))
    assert not by_day, "every notice lies on a working day"
    stage.played.seconds = wall.monotonic() - begun
    return stage.played


def _next(stage: Stage, day: date, mail: date | None) -> date:
    """The next working day; a week on at most where nobody has anything to do or to wait for until then."""
    calendar = stage.city.calendar
    tomorrow = next_working_day(day, calendar)
    if stage.helpers.waiting:
        return tomorrow
    days = [each for each in (mail, stage.busy_on()) if each is not None]
    return max(tomorrow, min([*days, add_working_days(day, 5, calendar)]))


def _before(day: date | None, last: date) -> bool:
    return day is not None and day <= last
