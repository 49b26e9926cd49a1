"""What people read: their visits as JSON, an overview, and the day sheet to print. Every reading is recorded with it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from babel import Locale
from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.outreach import store
from services.outreach.sheet import Entry, entry, may_see
from services.outreach.staff import caseworker
from shared.contracts.codes import Alarm, ObligationReason, ReferralState, Stage, Window
from shared.contracts.topics.assignments import Assignment
from shared.runtime.access_log import record_read
from shared.runtime.auth import require
from shared.runtime.persons import Person, Role
from shared.runtime.problems import Problem
from shared.runtime.texts import Lang

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.messaging.model import Tx
    from shared.runtime.service import Running

Reader = Annotated[Person, Depends(require(Role.TEAM_LEAD, Role.CASEWORKER))]


class VisitView(BaseModel):
    """An open visit. `assignment` holds names and address; it is None until the household's record has come."""

    visit_id: UUID
    case_id: UUID
    caseworker: str | None
    planned_on: date | None
    window: Window | None
    stage: Stage
    reason: ObligationReason
    due_on: date
    attempts: int
    alarms: tuple[Alarm, ...]
    assignment: Assignment | None


def routes(system: Running) -> APIRouter:
    """The routes of a running service."""
    router = APIRouter()
    city = system.city

    async def read(tx: Tx, person: Person, caseworkers: frozenset[str], day: date | None, what: str) -> list[Entry]:
        """The visits, and in the same transaction the record of who read them."""
        team = person.team if person.acting is Role.TEAM_LEAD and what != "day_sheet" else None
        found = await store.read_visits(tx, caseworkers, team, day)
        entries = [entry(*each, system.clock.today()) for each in found]
        subjects = sorted({each.case_id for each in entries})
        await record_read(tx, person, "home_visit", subjects, what, system.clock.now())
        return entries

    @router.get("/visits")
    async def visits(person: Reader, day: date | None = None) -> list[VisitView]:
        """The open visits the reader may see, of one day or all: first what has no slot yet."""
        whose = may_see(city, person, system.clock.today())
        async with system.pool.acquire() as connection, connection.transaction():
            return [_view(each) for each in await read(connection, person, whose, day, "visits")]

    @router.get("/", include_in_schema=False)
    async def overview(person: Reader, lang: Annotated[Lang, Query()] = "de") -> Response:
        whose = may_see(city, person, system.clock.today())
        districts = _districts(system, person)
        async with system.pool.acquire() as connection, connection.transaction():
            entries = await read(connection, person, whose, None, "visits")
            to_do = await store.read_to_do(connection, districts)
            await record_read(connection, person, "team_lead", [each.case.case_id for each in to_do], "to_do", system.clock.now())
        return system.pages.render(
            "overview.html",
            lang=lang,
            entries=entries,
            names={each.id: each.name for each in city.caseworkers},
            advice=[each for each in to_do if each.advice_due and not each.contacts and not each.owed],
            escalated=[each for each in to_do if any(one.state is ReferralState.ESCALATED for one in each.referrals)],
            today=system.clock.today(),
        )

    @router.get("/tagesblatt/{who}/{day}", include_in_schema=False)
    async def day_sheet(
        person: Reader,
        who: Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$")],
        day: date,
        lang: Annotated[Lang, Query()] = "de",
    ) -> Response:
        if who not in may_see(city, person, system.clock.today()):
            raise Problem("not_yours")
        async with system.pool.acquire() as connection, connection.transaction():
            entries = await read(connection, person, frozenset({who}), day, "day_sheet")
        them = caseworker(city, who)
        assert them is not None
        return system.pages.render(
            "tagesblatt.html",
            lang=lang,
            name=them.name,
            team=next(team.name for team in city.teams if team.id == them.team),
            day=day,
            entries=entries,
            languages=_languages(entries, lang),
            districts=city.districts,
        )

    return router


def _view(shown: Entry) -> VisitView:
    visit = shown.visit
    return VisitView(
        visit_id=visit.id,
        case_id=shown.case_id,
        caseworker=visit.caseworker,
        planned_on=visit.on,
        window=visit.window,
        stage=shown.stage,
        reason=shown.reason,
        due_on=shown.due_on,
        attempts=len(shown.tried),
        alarms=visit.alarms,
        assignment=shown.assignment,
    )


def _districts(system: Running, person: Person) -> list[str]:
    """The districts whose open questions are the reader's: a team lead's, and what no district is known of."""
    if person.acting is not Role.TEAM_LEAD:
        return []
    team = next((team for team in system.city.teams if team.id == person.team), None)
    return [] if team is None else [*team.districts, *(["UNKNOWN"] if team.takes_unknown else [])]


def _languages(entries: Sequence[Entry], lang: Lang) -> dict[str, str]:
    """The residents' languages in words."""
    spoken = {each.language for shown in entries if shown.assignment for each in shown.assignment.residents if each.language}
    return {code: Locale(lang).languages.get(code, code) for code in spoken}
