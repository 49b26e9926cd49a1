"""`bleibe doctor` on the running system: the broker holds what the catalogue asks for, and what it does not is named."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest
from aiokafka.admin import NewTopic

from deploy.cli.target import Target
from deploy.kafka.admin import administrating
from deploy.kafka.wanted import topics
from deploy.local.system import MUENSTER
from shared.city import load_city
from tests.waiting import eventually

pytestmark = pytest.mark.system

CITY = load_city(MUENSTER)


async def doctor(system: Target) -> tuple[int, list[str]]:
    """Its exit status, and its lines about the broker."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", "from deploy.cli.main import main; main()", "doctor"],
        env={**os.environ, "BLEIBE_DATA": str(system.data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.returncode, [line for line in done.stdout.splitlines() if " broker " in line]


async def test_a_topic_that_nobody_asked_for_is_named_and_else_all_is_well(system: Target) -> None:
    _, lines = await doctor(system)
    assert len(lines) == 1
    assert lines[0].split()[:3] == ["ok", "broker", str(len(topics(CITY)))]
    async with administrating(system.clients) as admin:
        await admin.create_topics([NewTopic("notices.stray", 1, 1)])
        try:
            status, lines = await eventually(lambda: told_of_stray(system), within_s=30)
            assert status == 1
            assert lines[0].split()[:3] == ["NOT", "OK", "broker"]
        finally:
            await admin.delete_topics(["notices.stray"])


async def told_of_stray(system: Target) -> tuple[int, list[str]] | None:
    status, lines = await doctor(system)
    return (status, lines) if any("topic notices.stray is not in the catalogue" in line for line in lines) else None
