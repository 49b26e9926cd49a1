"""Databases restored from an older backup while the topics went on: each service alone, and all of them to one instant."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.cli.databases import database
from deploy.cli.recover import bring_service_back
from deploy.cli.target import SERVICES, Target
from deploy.demo.clients import Clients
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.supervisor import Local
from deploy.local.system import MUENSTER, service_environment, start_system
from shared.city import load_city
from shared.messaging.recovery import CONTENT_GONE, Place, came_back
from tests.chaos.evidence import collect
from tests.chaos.run import settle, speak
from tests.chaos.town import Town
from tests.chaos.verdict import Verdict, judge
from tests.system.one_notice import target_of
from tests.the_broker import start_broker
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.fault, pytest.mark.long, pytest.mark.timeout(400)]

CITY = load_city(MUENSTER)
SUITS = 20
REFUSES_S = 60
TALKATIVE = {"intake", "outreach", "referral"}
"""Reporting publishes nothing anew within a test, so that nothing of it stands on a topic that it would not know."""


@pytest.fixture(scope="module")
def restored() -> Iterator[Local]:
    """A system of this module's own: its databases go back in time."""
    with tempfile.TemporaryDirectory(prefix="bleibe-recover-") as folder, Local(Path(folder), durable=False) as local:
        start_broker(local)
        start_system(local)
        yield local


LOST = [*(pytest.param((each,), id=each) for each in SERVICES), pytest.param(SERVICES, id="all")]


@pytest.mark.parametrize("lost", LOST)
async def test_a_database_restored_from_a_backup_loses_and_doubles_nothing(restored: Local, lost: Sequence[str]) -> None:
    target = target_of(restored)
    town = Town(CITY, random.Random(f"recover {lost}"))  # noqa: S311  a town, no secret
    async with Clients(target.bootstrap, CITY, {}, town) as clients:
        await goes_on(restored, town, clients)
        backups: dict[str, Backup] = {}
        for service in lost:
            await stopped(restored, service)
            backups[service] = await backup_of(target, service)
            await as_admin(restored, f"create database backup_{service} template {service} owner {service}")
            await asyncio.to_thread(restored.resume, service)
        await goes_on(restored, town, clients)
        for service in lost:
            await stopped(restored, service)
        since = {service: await said_since(backups[service], target, service) for service in lost}
        assert all(since[service] for service in TALKATIVE & set(lost))
        for service in lost:
            await as_admin(restored, f"drop database {service}")
            await as_admin(restored, f"alter database backup_{service} rename to {service}")
        for service in TALKATIVE & set(lost):
            said = await asyncio.to_thread(tried_to_start, restored, service)
            assert f"bleibe recover {service}" in said
        lines = {service: await bring_service_back(target, service, CITY) for service in lost}
        for service in lost:
            assert {(each.topic, each.key, each.n) for each in lines[service]} == backups[service].came_back | since[service]
            assert await bring_service_back(target, service, CITY) == lines[service]  # it may be repeated
            await asyncio.to_thread(restored.resume, service)
        await goes_on(restored, town, clients)
    evidence = await collect(target, CITY)
    assert not evidence.broken
    assert judge(town.history, evidence) == Verdict((), (), ())
    assert not [each for told in lines.values() for each in told if each.look == CONTENT_GONE]


@dataclass(frozen=True, slots=True)
class Backup:
    """What a service had numbered when its backup was made, and what had come back to it before."""

    numbered: dict[tuple[str, str], int]
    came_back: set[Place]


async def backup_of(target: Target, service: str) -> Backup:
    async with database(target, service) as connection:
        rows = await connection.fetch("select topic, key, last from streams")
        back = {(topic, key, n) for topic, key, n, *_ in await came_back(connection)}
    return Backup({(row["topic"], row["key"]): row["last"] for row in rows}, back)


async def said_since(backup: Backup, target: Target, service: str) -> set[Place]:
    """Every event that the service has numbered since."""
    async with database(target, service) as connection:
        rows = await connection.fetch("select topic, key, n from journal")
    return {(row["topic"], row["key"], row["n"]) for row in rows if row["n"] > backup.numbered.get((row["topic"], row["key"]), 0)}


async def goes_on(local: Local, town: Town, clients: Clients) -> None:
    """Suits, visits and help, until all is settled."""
    began = time.monotonic()
    for _ in range(SUITS):
        town.sued()
    await speak(town, clients)
    await settle(town, clients, target_of(local), began - town.now)


async def stopped(local: Local, service: str) -> None:
    """Ask it to stop, and see it go."""
    pid = local.pid(service)
    local.kill(service, signal.SIGTERM, restart=False)
    await eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, within_s=60)


async def as_admin(local: Local, statement: str) -> None:
    port = local.running.postgres_port
    assert port is not None
    connection = await asyncpg.connect(Postgres(local.data).admin_dsn(port))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def tried_to_start(local: Local, service: str) -> str:
    """What a service says that does not start."""
    environment = service_environment(local.running, service, free_port(), "wall", service)
    done = subprocess.run(
        [sys.executable, "-m", f"services.{service}"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=REFUSES_S,
        check=False,
    )
    assert done.returncode
    return done.stdout + done.stderr
