"""Intake's pages for people: the start page. The court's form: `forms`; a notice's history: `records`; a case: `cases`."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from services.intake import agreeing, clarifying
from services.intake.pages import cases, clarifications, correcting, forms, records, revocations, store
from services.intake.pages.wording import Wording
from shared.contracts.catalogue import NOTICES
from shared.runtime.access_log import record_read
from shared.runtime.auth import require
from shared.runtime.clock import BERLIN
from shared.runtime.persons import Person, Role
from shared.runtime.texts import Lang

if TYPE_CHECKING:
    from shared.runtime.service import Running

Reader = Annotated[Person, Depends(require(Role.CLERK, Role.TEAM_LEAD, Role.PRIVACY))]
HERE = Path(__file__).parent
REFUSED_DAYS = 14


def routes(system: Running) -> APIRouter:
    """The routes of a running service."""
    router = APIRouter(include_in_schema=False)
    router.include_router(forms.routes(system))
    router.include_router(records.routes(system))
    router.include_router(correcting.routes(system))
    router.include_router(clarifications.routes(system))
    router.include_router(cases.routes(system))
    router.include_router(revocations.routes(system))
    wording = Wording(system.city)
    source = f"urn:bleibe:partner:{system.city.desk}"
    topics = [NOTICES.of(partner.id) for partner in system.city.partners]

    @router.get("/")
    async def start(person: Reader, lang: Annotated[Lang, Query()] = "de") -> Response:
        midnight = datetime.combine(system.clock.today(), time.min, BERLIN)
        async with system.pool.acquire() as connection, connection.transaction():
            drafts = await store.drafts(connection, source)
            counts = await store.counts_since(connection, topics, midnight)
            today = await store.arrived_since(connection, topics, midnight)
            refused = await store.refused_since(connection, topics, system.clock.now() - timedelta(days=REFUSED_DAYS))
            parked = await store.parked(connection, topics)
            questions = await clarifying.count_questions(connection)
            revoked = await agreeing.count_waiting(connection) if revocations.agrees(person) else None
            listed = [*dict.fromkeys(each.id for each in (*today, *refused))]
            await record_read(connection, person, "intake", [each.id for each in drafts], "drafts", system.clock.now())
            await record_read(connection, person, "intake", listed, "notices", system.clock.now())
        return system.pages.render(
            "start.html",
            lang=lang,
            wording=wording,
            me=person.id,
            date=system.clock.today(),
            drafts=drafts,
            counts=counts,
            today=today,
            refused=refused,
            parked=parked,
            questions=questions,
            revoked=revoked,
        )

    return router
