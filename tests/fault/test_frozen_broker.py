"""A broker that answers nothing any more, though its connections stand: a service still ends, and loses nothing by it."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local import system
from deploy.local.supervisor import Local
from shared.runtime.stopping import stop_limit_s
from tests.system.one_notice import target_of
from tests.system.test_kill import filed_over_http
from tests.the_broker import BROKER, start_broker
from tests.waiting import eventually

pytestmark = pytest.mark.fault

GRACE_S = 5.0
"""The consumer's part in a local system."""


@pytest.fixture
async def local(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Local]:
    """A broker, a database and intake, of this test's own.

    Intake is no static member: such a one leaves its group without a word, others say so and wait for the answer. (Only on
    Apache Kafka; to aiokafka a member of the embedded broker's first generation is none.)
    """
    full = system.service_environment

    def without_name(*args: Any) -> dict[str, str]:  # noqa: ANN401  handed on
        return {name: value for name, value in full(*args).items() if name != "BLEIBE_INSTANCE"}

    monkeypatch.setattr(system, "service_environment", without_name)
    with tempfile.TemporaryDirectory(prefix="bleibe-frozen-") as folder, Local(Path(folder), durable=False) as local:
        start_broker(local)
        system.start_system(local, services=("intake",))
        yield local


async def test_a_service_ends_within_its_limit_and_sends_afterwards_what_it_could_not(local: Local) -> None:
    local.kill(BROKER, signal.SIGSTOP)
    await filed_over_http(target_of(local), local.data)
    database = await asyncpg.connect(local.running.databases["intake"])
    try:
        assert await _unsent(database) > 0

        child = local._kept["intake"].child
        began = time.monotonic()
        local.kill("intake", signal.SIGTERM, restart=False)
        try:
            status = child._popen.wait(stop_limit_s(GRACE_S))
        except subprocess.TimeoutExpired:
            pytest.fail("it still runs")
        took = time.monotonic() - began
        assert status == 0, f"ended with {status} after {took:.1f} s: {child.log_tail()}"
        assert await _unsent(database) > 0, "the broker was not frozen"

        local.kill(BROKER, signal.SIGCONT)
        local.resume("intake")

        async def sent() -> bool:
            return await _unsent(database) == 0

        await eventually(sent, 30)
    finally:
        local.kill(BROKER, signal.SIGCONT)
        await database.close()


async def _unsent(database: asyncpg.Connection[asyncpg.Record]) -> int:
    return int(await database.fetchval("select count(*) from outbox"))
