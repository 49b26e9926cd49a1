"""Outreach on one screen: what it hears, what it says, its periodic work and its routes."""

from __future__ import annotations

from pathlib import Path

from services.outreach import store
from services.outreach.jobs import Replanning, WaitingAlarm, Watch
from services.outreach.room import OutreachRoom
from services.outreach.routes import routes
from shared.contracts.catalogue import (
    ASSESSMENTS,
    ASSIGNMENTS,
    CASES,
    FIELD_REPORTS,
    HOUSEHOLDS,
    OUTCOMES,
    REFERRALS,
    VISITS,
)
from shared.contracts.topics.assignments import AssignmentWithdrawn
from shared.messaging.erasure import Forgetting
from shared.messaging.replaced import ForgetReplaced
from shared.runtime.forgetting import forgetting_jobs, memory_of
from shared.runtime.service import Context, Job, Service, family

HERE = Path(__file__).parent


def build(context: Context) -> Service:
    """The service, from its context."""
    room = OutreachRoom(context.city)
    hears = [CASES.name, HOUSEHOLDS.name, REFERRALS.name, *family(FIELD_REPORTS, context.city)]
    says = [ASSIGNMENTS, VISITS, ASSESSMENTS, OUTCOMES]
    memory = memory_of(context, hears, says, keep=[AssignmentWithdrawn])
    replaced = ForgetReplaced(memory, family(ASSIGNMENTS, context.city), "visit_id", store.moved_keys)
    return Service(
        name="outreach",
        room=Forgetting(room, memory),
        hears=hears,
        says=says,
        jobs=[
            Job("replanning", every_s=5, run=Replanning(room, context.city).run),
            Job("waiting_alarm", every_s=5, run=WaitingAlarm(context.metrics).run),
            Job("watch", every_s=30, run=Watch(context.metrics, context.city).run),
            Job("replaced", every_s=5, run=replaced.run),
            *forgetting_jobs(context, memory),
        ],
        routes=routes,
        migrations=HERE / "migrations",
        templates=HERE / "pages",
    )
