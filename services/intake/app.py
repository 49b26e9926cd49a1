"""Intake on one screen: what it hears, what it says, its routes."""

from __future__ import annotations

from pathlib import Path

from services.intake.room import IntakeRoom
from services.intake.routes import routes
from shared.contracts.catalogue import CASES, HOUSEHOLDS, NOTICES, OUTCOMES, REFERRALS, VISITS
from shared.runtime.service import Context, Service

HERE = Path(__file__).parent


def build(context: Context) -> Service:
    """The service, from its context."""
    notices = [NOTICES.of(partner.id) for partner in context.city.partners]
    return Service(
        name="intake",
        room=IntakeRoom(context.city),
        hears=[*notices, VISITS.name, REFERRALS.name, OUTCOMES.name],
        says=[CASES, HOUSEHOLDS],
        jobs=[],
        routes=routes,
        migrations=HERE / "migrations",
    )
