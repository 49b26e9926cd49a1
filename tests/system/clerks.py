"""Clerks who merge and split cases of a running system, by another process of intake."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from deploy.cli.databases import database
from deploy.local.supervisor import Local
from deploy.local.system import DATA_KEY
from services.intake import clarifying
from services.intake.app import build
from services.intake.clarifying import Clarifying
from services.intake.room import IntakeRoom
from shared.runtime.clock import WallClock
from shared.runtime.metrics import Metrics
from shared.runtime.service import Context
from shared.runtime.settings import ServiceSettings
from tests.system.one_case import CITY
from tests.system.one_notice import target_of


@contextlib.asynccontextmanager
async def deciding(local: Local) -> AsyncIterator[Clarifying]:
    """People's decisions, made by another process of intake."""
    target = target_of(local)
    options = ServiceSettings(
        database_dsn=SecretStr(target.databases["intake"]),
        bootstrap_servers=target.bootstrap,
        tokens_file=local.data / "persons.json",
        data_key_file=local.data / DATA_KEY,
    )
    forgetting: Any = build(Context(options, CITY, WallClock(), Metrics({}, []))).room
    async with asyncpg.create_pool(target.databases["intake"], min_size=1, max_size=2) as pool:
        assert isinstance(forgetting.room, IntakeRoom)
        yield Clarifying(pool, forgetting.room, forgetting.memory, WallClock(), lambda: None)


async def undo(people: Clarifying, local: Local, case_id: UUID, absorbed: UUID) -> UUID:
    """Undo a merge, having seen the notices that the case has now. Returns the new case."""
    async with database(target_of(local), "intake") as intake:
        seen = (await clarifying.notices(intake, [case_id]))[case_id]
    return await people.undo(case_id, absorbed, seen=[each.key for each in seen], by="cl-01")
