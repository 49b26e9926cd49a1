"""Intake on one screen: what it hears, what it says, its routes."""

from __future__ import annotations

from pathlib import Path

from services.intake import banners
from services.intake.jobs import Erasing
from services.intake.pulse import pulse
from services.intake.recompute_job import Recomputing
from services.intake.room import IntakeRoom, refers_to
from services.intake.routes import routes
from shared.contracts.catalogue import CASES, HOUSEHOLDS, NOTICES, OUTCOMES, REFERRALS, VISITS
from shared.contracts.topics.cases import CaseErased
from shared.messaging.erasure import Forgetting
from shared.runtime.forgetting import forgetting_jobs, memory_of
from shared.runtime.service import Context, Job, Service

HERE = Path(__file__).parent


def build(context: Context) -> Service:
    """The service, from its context."""
    notices = [NOTICES.of(partner.id) for partner in context.city.partners]
    hears, says = [*notices, VISITS.name, REFERRALS.name, OUTCOMES.name], [CASES, HOUSEHOLDS]
    memory = memory_of(context, hears, says, keep=[CaseErased])
    erasing = Erasing(memory, context.city.retention)
    room = IntakeRoom(context.city, person_hash=lambda key: memory.keyed("person", key))
    return Service(
        name="intake",
        room=Forgetting(room, memory, refers_to),
        hears=hears,
        says=says,
        jobs=[
            Job("erasures", every_s=2, run=erasing.asked),
            Job("revocations", every_s=2, run=erasing.revoked),
            Job("deadlines", every_s=2, run=Recomputing(room).run),
            Job("banners", every_s=2, run=banners.correct),
            Job("retention", every_s=3600, run=erasing.over),
            Job("pulse", every_s=3600, run=pulse),
            *forgetting_jobs(context, memory),
        ],
        routes=routes,
        migrations=HERE / "migrations",
        templates=HERE / "pages",
    )
