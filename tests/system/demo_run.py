"""A demo played through a system of its own, and what the services told the world of it, in the domain's words."""

from __future__ import annotations

import contextlib
import itertools
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from asyncpg import Connection, Record

from deploy.cli.databases import databases
from deploy.cli.reconcile import Check, reconcile
from deploy.cli.target import Target
from deploy.demo.clients import Office
from deploy.demo.digest import Digest, digest
from deploy.demo.material import load_material
from deploy.demo.play import Report, Stage, homes, on_stage, play
from deploy.demo.scenario import FIRST_DAY, JOBCENTER, MAIL, Scenario, scenario
from deploy.demo.stories import Story, stories
from deploy.local.supervisor import Local
from deploy.local.system import CLOCK, MUENSTER, start_system, tokens
from shared.city import load_city
from shared.contracts.catalogue import ASSIGNMENTS, CASES, EVENT_TYPES, HOUSEHOLDS, NOTICES, VISITS
from shared.contracts.fields import Event
from shared.contracts.topics.assignments import Assignment, AssignmentCreated
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.visits import Obligation, ObligationClosed, VisitOwed
from shared.messaging.asking import never_make_topics
from shared.runtime.clock import BERLIN, step_clock
from tests.system.one_notice import target_of
from tests.the_broker import start_broker

CITY = load_city(MUENSTER)
MATERIAL = load_material(CITY)
SEED = 3
KILL_EVERY = 3

never_make_topics()


@dataclass(frozen=True, slots=True)
class Told:
    """All that the services said of one household, in order."""

    household: HouseholdRecorded
    cases: tuple[CaseEvent, ...]
    visits: tuple[Event, ...]
    assignments: tuple[tuple[str, Event], ...]
    notices: int

    @property
    def case(self) -> CaseEvent:
        """The newest."""
        return self.cases[-1]

    @property
    def obligations(self) -> dict[UUID, Obligation]:
        """Each as it was last told."""
        return {each.obligation_id: each for owed in self.visits if isinstance(owed, VisitOwed) for each in owed.obligations}

    @property
    def ends(self) -> dict[UUID, ObligationClosed]:
        """How obligations ended."""
        return {one: end for end in self.visits if isinstance(end, ObligationClosed) for one in end.obligation_ids}

    def heard(self, kind: type[Event]) -> list[Any]:
        """The visits' events of one type."""
        return [each for each in self.visits if isinstance(each, kind)]

    @property
    def assigned(self) -> list[Assignment]:
        """The assignments as they were first made."""
        return [each for _, each in self.assignments if isinstance(each, AssignmentCreated)]

    def name(self, person_id: UUID) -> str:
        """A person's given name."""
        return next(each.given_name or "" for each in self.household.members if each.person_id == person_id)


@dataclass(frozen=True, slots=True)
class Run:
    """What a play came to. `stories` by name; `households` counts those that live in the city."""

    stories: dict[str, Story]
    told: dict[str, Told]
    digest: Digest
    checks: Sequence[Check]
    households: int


async def run(cases: int, *, killing: Sequence[str] = ()) -> Run:
    """Play the stories and so many court cases from the first day on, in a new system.

    Each process of `killing` is killed (SIGKILL) on a day of its own, in turn, a few days apart, while the play goes on.
    """
    with tempfile.TemporaryDirectory(prefix="bleibe-demo-") as folder, Local(Path(folder), durable=False) as local:
        step_clock(local.data / CLOCK, datetime.combine(FIRST_DAY, MAIL, BERLIN))
        start_broker(local)
        start_system(local)
        system = target_of(local)
        beside = stories(MATERIAL, FIRST_DAY, CITY.calendar)
        court = scenario(MATERIAL, SEED, cases, FIRST_DAY, CITY.calendar)
        async with _stage(system, local.data, court, beside) as (stage, happenings):
            await play(stage, happenings, FIRST_DAY, _killer(local, killing))
        told = {story.name: await _told(system, story) for story in beside}
        in_city = len(beside) + sum(not each.outside for each in court.households)
        return Run({story.name: story for story in beside}, told, await digest(system), await reconcile(system), in_city)


def _killer(local: Local, killing: Sequence[str]) -> Report:
    """Called at the end of each day: what it kills then is missing at the next morning's mail."""
    left, days = list(killing), itertools.count(1)

    def kill(*_: object) -> None:
        if next(days) % KILL_EVERY == 0 and left:
            local.kill(left.pop(0))

    return kill


@contextlib.asynccontextmanager
async def _stage(system: Target, data: Path, court: Scenario, beside: Sequence[Story]) -> AsyncIterator[tuple[Stage, list[Any]]]:
    known = homes(court, CITY.calendar) | {key: home for story in beside for key, home in story.homes.items()}
    undertakings = {name: day for story in beside for name, day in story.undertakings.items()}
    offices = {NOTICES.of(JOBCENTER): Office(system.pages["intake"], tokens(data)[f"partner-{JOBCENTER}"])}
    async with on_stage(system, data / CLOCK, CITY, SEED, known, offices, undertakings) as stage:
        yield stage, [*court.happenings, *(each for story in beside for each in story.happenings)]


async def _told(system: Target, story: Story) -> Told:
    """Found by the family's name, which only this story has."""
    family = story.people[0].family_name
    async with databases(system, ("intake", "outreach")) as at:
        entries = await _journal(at["intake"], HOUSEHOLDS.name)
        mine = [
            each
            for _, each in entries
            if isinstance(each, HouseholdRecorded) and any(member.family_name == family for member in each.members)
        ]
        assert len({each.household_id for each in mine}) == 1, f"{story.name}: one household"
        household = mine[-1]
        cases = [
            each
            for _, each in await _journal(at["intake"], CASES.name)
            if isinstance(each, CaseEvent) and each.household_id == household.household_id
        ]
        ids = {each.case_id for each in cases}
        assert len(ids) == 1, f"{story.name}: one case"
        visits = await _journal(at["outreach"], VISITS.name)
        assignments = await _journal(at["outreach"], f"{ASSIGNMENTS.name}.%")
        notices = await at["intake"].fetchval(
            "select count(*) from statements where case_id = any($1) and source like 'urn:bleibe:partner:%'", list(ids)
        )
    return Told(
        household,
        tuple(cases),
        tuple(each for _, each in visits if getattr(each, "case_id", None) in ids),
        tuple((topic, each) for topic, each in assignments if getattr(each, "case_id", None) in ids),
        notices,
    )


async def _journal(connection: Connection[Record], topic: str) -> list[tuple[str, Event]]:
    rows = await connection.fetch(
        "select topic, type, data from journal where topic like $1 and data is not null order by id", topic
    )
    return [(row["topic"], EVENT_TYPES[row["type"]].model_validate(json.loads(row["data"]))) for row in rows]
