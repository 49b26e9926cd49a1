"""Reporting on one screen: what it hears, what it says, its daily work and its routes."""

from __future__ import annotations

from pathlib import Path

from services.reporting.jobs import Watch
from services.reporting.publishing import Publishing
from services.reporting.room import ReportingRoom
from services.reporting.routes import routes
from shared.contracts.catalogue import ASSESSMENTS, CASES, FIGURES, OUTCOMES, REFERRALS, VISITS
from shared.messaging.erasure import Forgetting
from shared.runtime.forgetting import forgetting_jobs, memory_of
from shared.runtime.service import Context, Job, Service

HERE = Path(__file__).parent
HEARS = (CASES, VISITS, ASSESSMENTS, REFERRALS, OUTCOMES)


def build(context: Context) -> Service:
    """The service, from its context."""
    hears, says = [topic.name for topic in HEARS], [FIGURES]
    memory = memory_of(context, hears, says)
    return Service(
        name="reporting",
        room=Forgetting(ReportingRoom(), memory),
        hears=hears,
        says=says,
        jobs=[
            Job("publishing", every_s=3600, run=Publishing(context.city.districts).run),
            Job("watch", every_s=30, run=Watch(context.metrics).run),
            *forgetting_jobs(context, memory),
        ],
        routes=routes,
        migrations=HERE / "migrations",
        templates=HERE / "pages",
        rest_s=0.05,  # nobody at the door waits for us
    )
