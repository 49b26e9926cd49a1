"""What tests of intake on a real database share: its process without a broker, its pages, who decides about cases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from services.intake.clarifying import Clarifying
from services.intake.room import IntakeRoom
from shared.messaging.migrate import CORE, migrate
from shared.runtime.service import Running
from tests.service.intake_pages import MIGRATIONS, client_of, pages_of_intake
from tests.service.intake_process import Intake


@pytest.fixture
async def intake(database: str, tmp_path: Path) -> AsyncIterator[Intake]:
    await migrate(database, [CORE, MIGRATIONS])
    async with asyncpg.create_pool(database, min_size=2, max_size=6) as pool:
        yield Intake(pool, database, tmp_path)


@pytest.fixture
def people(intake: Intake) -> Clarifying:
    return Clarifying.of(intake.running)


@pytest.fixture
def room(people: Clarifying) -> IntakeRoom:
    return people.room


@pytest.fixture
async def system(database: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with pages_of_intake(database, tmp_path) as running:
        yield running


@pytest.fixture
async def clerk(system: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of("clerk", system) as there:
        yield there
