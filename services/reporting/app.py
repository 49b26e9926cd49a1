"""Reporting on one screen: what it hears, what it says, its daily work and its routes."""

from __future__ import annotations

from pathlib import Path

from services.reporting.publishing import Publishing
from services.reporting.room import ReportingRoom
from services.reporting.routes import routes
from shared.contracts.catalogue import ASSESSMENTS, CASES, FIGURES, OUTCOMES, REFERRALS, VISITS
from shared.runtime.service import Context, Job, Service

HERE = Path(__file__).parent
HEARS = (CASES, VISITS, ASSESSMENTS, REFERRALS, OUTCOMES)


def build(context: Context) -> Service:
    """The service, from its context."""
    return Service(
        name="reporting",
        room=ReportingRoom(),
        hears=[topic.name for topic in HEARS],
        says=[FIGURES],
        jobs=[Job("publishing", every_s=3600, run=Publishing(context.city.districts).run)],
        routes=routes,
        migrations=HERE / "migrations",
        templates=HERE / "pages",
    )
