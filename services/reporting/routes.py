"""The read API and the one page. No route reads a single case: all that leaves here are protected figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from services.reporting import indicators, store
from services.reporting.indicators import GuaranteeNow, QuarterReport
from services.reporting.page import Sections, quarter_name
from services.reporting.periods import quarter_of
from services.reporting.protection import K
from shared.runtime.auth import require
from shared.runtime.persons import Person, Role
from shared.runtime.texts import Lang

if TYPE_CHECKING:
    from shared.runtime.service import Running

Reader = Annotated[Person, Depends(require(Role.REPORTING_READER, Role.TEAM_LEAD, Role.OPERATOR))]
QuarterName = Annotated[str, Path(pattern=r"^[0-9]{4}Q[1-4]$", examples=["2026Q4"])]


@dataclass(frozen=True, slots=True)
class QuarterState:
    """A quarter that has figures; `released_on` is None while they may still change."""

    quarter: str
    released_on: date | None


@dataclass(frozen=True, slots=True)
class Known:
    """All reports a reader may see: those released as they were released, the others as of today."""

    now: GuaranteeNow
    reports: dict[str, QuarterReport]
    released: frozenset[str]


def routes(system: Running) -> APIRouter:
    """The routes of a running service."""
    router = APIRouter()
    districts = system.city.districts

    async def known() -> Known:
        today = system.clock.today()
        lines = await store.load_lines(system.pool)
        released = await store.load_releases(system.pool)
        reports = {quarter: release.newest for quarter, release in released.items()}
        for quarter in {*indicators.quarters_of(lines), quarter_of(today)} - reports.keys():
            reports[quarter] = indicators.report(lines, quarter, today, districts)
        return Known(indicators.guarantee_now(lines, today), dict(sorted(reports.items())), frozenset(released))

    @router.get("/api/guarantee")
    async def guarantee(_: Reader) -> GuaranteeNow:
        """The visit guarantee today, for the whole city: visits owed, those overdue, defendants nobody covers yet."""
        return (await known()).now

    @router.get("/api/quarters")
    async def quarters(_: Reader) -> list[QuarterState]:
        """Every quarter with figures, oldest first."""
        seen = await known()
        return [QuarterState(each, report.as_of if each in seen.released else None) for each, report in seen.reports.items()]

    @router.get("/api/quarters/{quarter}")
    async def quarter_report(_: Reader, quarter: QuarterName) -> QuarterReport:
        """All protected figures of a quarter: as released, or as of today while it has not been released."""
        seen = await known()
        return seen.reports.get(quarter) or indicators.report([], quarter, system.clock.today(), districts)

    @router.get("/", include_in_schema=False)
    async def page(
        _: Reader, quarter: Annotated[str | None, Query(pattern=r"^[0-9]{4}Q[1-4]$")] = None, lang: Lang = "de"
    ) -> Response:
        seen = await known()
        chosen = quarter if quarter in seen.reports else max(seen.reports)
        sections = Sections(seen.reports, chosen, system.city.districts, lang).all()
        return system.pages.render(
            "report.html",
            lang=lang,
            city=system.city.name,
            now=seen.now,
            report=seen.reports[chosen],
            released=chosen in seen.released,
            quarters=sorted(seen.reports, reverse=True),
            quarter_name=quarter_name,
            sections=sections,
            k=K,
        )

    return router
