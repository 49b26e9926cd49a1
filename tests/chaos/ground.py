"""A system whose services reach PostgreSQL and every node of the broker through proxies of ours."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local import kafka
from deploy.local.broker import NAME, broker_process
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.postgres import Postgres
from deploy.local.supervisor import Local
from deploy.local.system import start_system
from tests.chaos.faults import POSTGRES
from tests.proxy import Proxy, listening, through


class Behind(Local):
    """A local system whose data sources lead through `way`."""

    def __init__(self, data: Path, way: Proxy) -> None:
        super().__init__(data, durable=False)
        self._way = way

    def ensure_databases(self, services: Iterable[str]) -> dict[str, str]:
        """As a local system's, and through the proxy."""
        direct = super().ensure_databases(services)
        assert self.running.postgres_port is not None
        self._way.target = self.running.postgres_port
        self.running.databases |= {service: through(dsn, self._way) for service, dsn in direct.items()}
        return dict(self.running.databases)


@dataclass(frozen=True, slots=True)
class Ground:
    """A running system, the ways to its parts by process name, and the names of the broker's nodes."""

    local: Local
    ways: dict[str, Proxy]
    brokers: tuple[str, ...]
    durable: bool

    async def admin(self, statement: str) -> None:
        """As PostgreSQL's superuser, not through the proxy."""
        port = self.local.running.postgres_port
        assert port is not None
        connection: Any = await asyncpg.connect(Postgres(self.local.data).admin_dsn(port), timeout=10)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def leader(self, topic: str, partition: int) -> str | None:
        """The node that leads this partition now; None where there is none, or nobody says so."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.local.running.bootstrap, request_timeout_ms=5000)
        try:
            await asyncio.wait_for(admin.start(), 10)
            told = (await asyncio.wait_for(admin.describe_topics([topic]), 10))[0]["partitions"]
        except (KafkaError, OSError, TimeoutError):
            return None
        finally:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(admin.close(), 2)
        led_by = next((each["leader"] for each in told if each["partition"] == partition), None)
        return next((name for name in self.brokers if name == f"kafka-{led_by}"), None)


@contextlib.asynccontextmanager
async def ground(data: Path, nodes: int) -> AsyncIterator[Ground]:
    """Start everything; on the embedded broker where `nodes` is 0. All of it ends with the block.

    Raises NoKafkaError.
    """
    async with contextlib.AsyncExitStack() as stack:
        names = tuple(f"kafka-{number}" for number in range(1, nodes + 1)) or (NAME,)
        ways = {name: await stack.enter_async_context(listening()) for name in (POSTGRES, *names)}
        local = stack.enter_context(Behind(data, ways[POSTGRES]))
        start = _start_kafka if nodes else _start_embedded
        await asyncio.to_thread(start, local, [ways[name] for name in names])
        await asyncio.to_thread(start_system, local)
        yield Ground(local, ways, names, durable=nodes > 1)


def _start_embedded(local: Local, ways: list[Proxy]) -> None:
    """The broker tells its clients the proxy's address."""
    way = ways[0]
    way.target = free_port()
    process = broker_process(local.data, way.target)
    direct, told = (f"--advertised-listener-url=tcp://{LOOPBACK}:{port}" for port in (way.target, way.port))
    local.start(dataclasses.replace(process, argv=[told if each == direct else each for each in process.argv]))
    local.running.bootstrap = f"{LOOPBACK}:{way.port}"


def _start_kafka(local: Local, ways: list[Proxy]) -> None:
    """Clients and the other nodes come through the proxy."""
    cluster = kafka.cluster(len(ways))
    processes = []
    for node, way in zip(cluster, ways, strict=True):
        way.target = node.port
        told = {"advertised.listeners": f"CLIENTS://{LOOPBACK}:{way.port}"}
        processes.append(kafka.kafka_process(local.data, node, cluster, told))
    local.start(*processes)
    local.running.bootstrap = ",".join(f"{LOOPBACK}:{way.port}" for way in ways)
    local.running.kafka_nodes = len(ways)
