"""Intake with its pages on a real database, for the tests of its pages."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TypeAlias

import asyncpg
import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from services.intake.app import HERE, build
from shared.city import load_city
from shared.contracts.catalogue import NOTICES
from shared.contracts.fields import Event
from shared.messaging.model import Decision
from shared.messaging.pipeline import Pipeline
from shared.messaging.relay import Relay
from shared.messaging.wire import Envelope, encode
from shared.runtime.clock import FixedClock
from shared.runtime.health import Health
from shared.runtime.metrics import Metrics
from shared.runtime.pages import Pages
from shared.runtime.persons import Person, Role, Tokens
from shared.runtime.service import Context, Running, reader_for, receipt
from shared.runtime.settings import MUENSTER, ServiceSettings
from shared.runtime.web import web_app
from tests.unit.intake_words import NOW, heard

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
MIGRATIONS = HERE / "migrations"
PERSONS = {
    "clerk": Person("frau-klar", frozenset({Role.CLERK})),
    "second": Person("herr-recht", frozenset({Role.CLERK})),
    "lead": Person("leitung", frozenset({Role.TEAM_LEAD})),
    "privacy": Person("datenschutz", frozenset({Role.PRIVACY})),
    "worker": Person("fk-01", frozenset({Role.CASEWORKER})),
}
"""By their tokens."""


def intake(pool: Pool, database: str, folder: Path) -> Running:
    """A running intake without a broker."""
    key = folder / "data.key"
    key.write_text("k" * 64)
    settings = ServiceSettings(
        database_dsn=SecretStr(database), bootstrap_servers="127.0.0.1:1", tokens_file=folder, data_key_file=key
    )
    metrics = Metrics({}, [])
    context = Context(settings, load_city(MUENSTER), FixedClock(NOW), metrics)
    service = build(context)
    pipeline = Pipeline("intake", service.room, reader_for(service.hears), pool, context.clock, metrics, receipt, lambda: None)

    async def no_topics() -> None:
        raise AssertionError("nothing is sent to a broker here")

    relay = Relay("intake", "urn:bleibe:service:intake", database, {}, no_topics, metrics)
    return Running(service, context, pool, pipeline, relay, Health(loops=(), conditions=()), Pages(service.templates))


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
