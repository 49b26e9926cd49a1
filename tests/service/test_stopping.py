"""A service process: how its connections are set, and how it ends: step by step, before anybody loses patience with the whole."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from faststream.kafka import KafkaBroker
from pydantic import SecretStr

from deploy.local.folder import Running as LocalNote
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.processes import GRACE
from deploy.local.supervisor import Local
from deploy.local.system import SERVICES, service_environment
from services.intake.app import build
from shared.city import load_city
from shared.messaging import consumer
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.runtime import patience, process
from shared.runtime.clock import WallClock
from shared.runtime.health import Health
from shared.runtime.metrics import Metrics
from shared.runtime.pages import Pages
from shared.runtime.persons import write_persons
from shared.runtime.process import running
from shared.runtime.service import Context, Running
from shared.runtime.serving import serving
from shared.runtime.settings import MUENSTER, ServiceSettings
from shared.runtime.stopping import finish_s, stop_limit_s
from tests.compose_file import compose
from tests.the_broker import ON_KAFKA, start_broker
from tests.waiting import eventually

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    """A broker of this module's own: intake does not start on one where somebody else has written in its name."""
    with tempfile.TemporaryDirectory(prefix="bleibe-stopping-") as folder, Local(Path(folder), durable=False) as local:
        yield start_broker(local)


@pytest.fixture
def context(database: str, bootstrap: str, tmp_path: Path) -> Context:
    write_persons(tmp_path / "persons", [])
    (tmp_path / "key").write_text("0" * 64)
    settings = ServiceSettings(
        database_dsn=SecretStr(database),
        bootstrap_servers=bootstrap,
        kafka_idempotent=ON_KAFKA,
        kafka_session_timeout_ms=6000,
        http_port=free_port(),
        tokens_file=tmp_path / "persons",
        data_key_file=tmp_path / "key",
    )
    return Context(settings, load_city(MUENSTER), WallClock(), Metrics([]))


async def test_the_steps_come_in_their_order(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    def noted(owner: type, name: str, word: str) -> None:
        real: Callable[..., Awaitable[Any]] = getattr(owner, name)

        @functools.wraps(real)
        async def noting(*args: Any, **options: Any) -> Any:  # noqa: ANN401  handed on
            try:
                return await real(*args, **options)
            finally:
                ended.append(word)

        monkeypatch.setattr(owner, name, noting)

    noted(Consumer, "stop", "consumer")
    noted(Relay, "run", "relay")
    noted(asyncpg.Pool, "close", "pool")
    service, address = build(context), f"http://{LOOPBACK}:{context.settings.http_port}"
    async with running(service, context) as system:
        async with serving(service, system), httpx.AsyncClient() as client:
            await eventually(lambda: _answers(client, address))
        ended.append("http")
    assert ended == ["http", "consumer", "relay", "pool", "pool"]


async def test_what_decides_is_planned_by_keys_and_what_pages_read_is_not(context: Context) -> None:
    async with running(build(context), context) as system:
        for pool, plans, scans in ((system.pipeline.pool, "force_generic_plan", "off"), (system.pool, "auto", "on")):
            async with pool.acquire() as connection:
                assert await connection.fetchval("show plan_cache_mode") == plans
                assert await connection.fetchval("show enable_seqscan") == scans


async def test_a_step_that_never_ends_is_cut_off_and_the_next_one_comes(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[str] = []
    run = Relay.run

    async def for_ever(step: str) -> None:
        came.append(step)
        await asyncio.Event().wait()

    async def nothing_is_heard(_: Consumer) -> None:
        pass

    async def is_deaf(relay: Relay) -> None:
        sending = asyncio.ensure_future(run(relay))
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            sending.cancel()
            await for_ever("relay")

    monkeypatch.setattr(Consumer, "start", nothing_is_heard)
    monkeypatch.setattr(KafkaBroker, "stop", lambda _: for_ever("consumer"))
    monkeypatch.setattr(Relay, "run", is_deaf)
    monkeypatch.setattr(asyncpg.Pool, "close", lambda _: for_ever("pool"))
    for limit in ("RELAY_STOP_S", "POOL_STOP_S"):
        monkeypatch.setattr(process, limit, 1)
    hurried = replace(context, settings=context.settings.model_copy(update={"grace_s": 1}))
    async with asyncio.timeout(60):  # for the start and for a slow machine: what is not cut off lasts for ever
        async with running(build(hurried), hurried):
            pass
    assert came == ["consumer", "relay", "pool", "pool"]


async def _answers(client: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(f"{address}/health/live")).status_code == 200
    except httpx.HTTPError:
        return False


async def test_a_signal_during_the_start_ends_it_though_the_broker_never_answers(
    context: Context, database: str, tmp_path: Path
) -> None:
    """The last resort, a timer, lies far beyond the test's own limit."""
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    broker = await asyncio.start_server(silent, LOOPBACK, 0)
    environment = {
        "PATH": os.environ["PATH"],
        "BLEIBE_DATABASE_DSN": database,
        "BLEIBE_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{broker.sockets[0].getsockname()[1]}",
        "BLEIBE_HTTP_PORT": str(context.settings.http_port),
        "BLEIBE_TOKENS_FILE": str(tmp_path / "persons"),
        "BLEIBE_DATA_KEY_FILE": str(tmp_path / "key"),
        "BLEIBE_GRACE_S": "3600",
    }
    service = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.intake", env=environment)
    try:
        await asyncio.wait_for(asked.wait(), 60)
        service.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(service.wait(), 60) == 0
    finally:
        if service.returncode is None:
            service.kill()
            await service.wait()
        broker.close()


async def test_a_silent_connection_is_closed_by_the_real_server(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEADERS_S", 0.2)
    service = build(context)
    unused: Any = None
    system = Running(service, context, unused, unused, unused, Health([], []), Pages(service.templates))
    async with serving(service, system):

        async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
            try:
                return await asyncio.open_connection(LOOPBACK, context.settings.http_port)
            except OSError:
                return None

        reader, writer = await eventually(connected)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


def test_every_limit_leaves_room_for_the_next_one() -> None:
    grace_s = ServiceSettings.model_fields["grace_s"].default
    assert consumer.COMMIT_S < finish_s(grace_s) < grace_s, "a batch in hand is committed, and the group is left, in time"
    for service in SERVICES:
        assert stop_limit_s(grace_s) < float(compose()["services"][service]["stop_grace_period"].removesuffix("s"))


def test_the_local_supervisor_waits_for_longer_than_a_service_takes(tmp_path: Path) -> None:
    note = LocalNote(str(tmp_path), bootstrap=f"{LOOPBACK}:1", databases={"intake": "postgresql://nobody@127.0.0.1/x"})
    environment = service_environment(note, "intake", 1, "wall", "intake")
    assert stop_limit_s(float(environment["BLEIBE_GRACE_S"])) < GRACE
