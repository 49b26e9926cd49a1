"""What people read: the open referrals as JSON, and the team lead's page of what nobody took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.referral import store
from services.referral.casefile import CaseFile
from services.referral.jobs import alarm_until
from services.referral.referral import GROUPS, TELLING
from shared.contracts.codes import Need, NeedGroup, ReferralState
from shared.runtime.access_log import record_read
from shared.runtime.auth import require
from shared.runtime.persons import Person, Role
from shared.runtime.texts import Lang

if TYPE_CHECKING:
    from shared.runtime.service import Running

Reader = Annotated[Person, Depends(require(Role.TEAM_LEAD, Role.CASEWORKER))]
TeamLead = Annotated[Person, Depends(require(Role.TEAM_LEAD))]


class ReferralView(BaseModel):
    """An open referral in codes. The provider is left out where its name alone would tell the person's condition."""

    referral_id: UUID
    case_id: UUID
    group: NeedGroup
    state: ReferralState
    provider: str | None
    tries: int
    answer_by: date | None
    changed_on: date


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line of the team lead's page."""

    case_id: UUID
    need: Need
    tried: tuple[str, ...]
    district: str
    since: date
    next_deadline_on: date | None


def routes(system: Running) -> APIRouter:
    """The routes of a running service."""
    router = APIRouter()
    names = {each.id: each.name for each in system.city.providers}
    days_before = system.city.promises.undertaking_received_days_before

    def districts(person: Person) -> list[str] | None:
        """The districts of the person's team; of somebody without a team, as the head of all teams is, the whole city."""
        if person.team is None:
            return None
        return [district for team in system.city.teams if team.id == person.team for district in team.districts]

    @router.get("/referrals")
    async def referrals(person: Reader) -> list[ReferralView]:
        """The open referrals of the person's team, the most pressing answer first. No name, no need: only its group."""
        async with system.pool.acquire() as connection, connection.transaction():
            views = [_view(each) for each in await store.open_referrals(connection, districts(person))]
            subjects = sorted({each.case_id for each in views})
            await record_read(connection, person, "referral", subjects, "open_referrals", system.clock.now())
        return views

    @router.get("/", include_in_schema=False)
    async def escalated(person: TeamLead, lang: Annotated[Lang, Query()] = "de") -> Response:
        today = system.clock.today()
        until = alarm_until(today, days_before, system.city.calendar)
        async with system.pool.acquire() as connection, connection.transaction():
            waiting = [_waiting(row, file, today) for row, file in await store.escalated(connection, districts(person))]
            missing = await store.missing_undertakings(connection, districts(person), today, until)
            subjects = sorted({each.case_id for each in waiting} | {case_id for case_id, _ in missing})
            await record_read(connection, person, "referral", subjects, "escalated", system.clock.now())
        return system.pages.render(
            "escalated.html",
            lang=lang,
            waiting=waiting,
            missing=missing,
            names=names,
            districts=system.city.districts,
            days_before=days_before,
        )

    return router


def _view(row: store.OpenReferral) -> ReferralView:
    need = Need(row.need)
    return ReferralView(
        referral_id=row.referral_id,
        case_id=row.case_id,
        group=GROUPS[need],
        state=ReferralState(row.state),
        provider=None if need in TELLING else row.provider,
        tries=row.tries,
        answer_by=row.answer_by,
        changed_on=row.changed_on,
    )


def _waiting(row: store.OpenReferral, file: CaseFile, today: date) -> Waiting:
    referral = file.referral(row.referral_id)
    need = Need(row.need)
    return Waiting(
        case_id=row.case_id,
        need=need,
        tried=referral.tried if referral else (),
        district=file.wanted(need).district,
        since=row.changed_on,
        next_deadline_on=file.next_deadline(today),
    )
