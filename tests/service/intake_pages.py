"""Intake with its pages on a real database, for the tests of its pages."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
from fastapi import FastAPI

from services.intake.app import HERE
from shared.contracts.catalogue import NOTICES
from shared.contracts.fields import Event
from shared.messaging.migrate import CORE, migrate
from shared.messaging.model import Decision
from shared.messaging.wire import Envelope, encode
from shared.runtime.persons import Person, Role, Tokens
from shared.runtime.service import Running
from shared.runtime.web import web_app
from tests.service.intake_process import intake_of
from tests.unit.intake_words import heard

MIGRATIONS = HERE / "migrations"
PERSONS = {
    "clerk": Person("frau-klar", frozenset({Role.CLERK})),
    "second": Person("herr-recht", frozenset({Role.CLERK})),
    "lead": Person("leitung", frozenset({Role.TEAM_LEAD})),
    "privacy": Person("datenschutz", frozenset({Role.PRIVACY})),
    "worker": Person("fk-01", frozenset({Role.CASEWORKER})),
}
"""By their tokens."""


@contextlib.asynccontextmanager
async def pages_of_intake(database: str, folder: Path) -> AsyncIterator[Running]:
    """A running intake with its pages on a fresh database."""
    await migrate(database, [CORE, MIGRATIONS])
    async with asyncpg.create_pool(database, min_size=1, max_size=4) as pool:
        yield intake_of(pool, database, folder)


def app_of(system: Running) -> FastAPI:
    """Its HTTP side, with `PERSONS` known."""
    tokens = Tokens({hashlib.sha256(name.encode()).hexdigest(): person for name, person in PERSONS.items()})
    app = web_app("Bleibe intake", tokens=tokens, pages=system.pages, health=system.health, metrics=system.metrics)
    app.include_router(system.service.routes(system))
    return app


def client_of(token: str, system: Running) -> httpx.AsyncClient:
    """One of `PERSONS` at its pages."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app_of(system)), base_url="http://intake", headers={"Authorization": f"Bearer {token}"}
    )


async def tell(system: Running, data: Event, partner: str = "ag-muenster") -> tuple[str, Decision]:
    """A notice of a partner: its id and what it was answered."""
    message = heard(data, partner)
    envelope = Envelope(message.id, message.source, message.type, message.time, str(message.id))
    (decision,) = await system.submit([encode(NOTICES.of(partner), envelope, data.model_dump_json().encode())])
    return str(message.id), decision
