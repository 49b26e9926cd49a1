"""One run of one contestant: from the first notice in its hands to the last of its records on the broker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.speed.hop.peers import ROOT, Contestant
from benchmarks.speed.hop.place import Place
from benchmarks.speed.hop.work import OUTPUTS, SENDER
from benchmarks.speed.notices import suits
from deploy.local.processes import leashed
from shared.messaging.migrate import CORE, migrate
from shared.messaging.topics import TopicSpec, ensure_topics

PARTITIONS = 12
MIGRATIONS = Path(__file__).parent / "migrations"
LOOK_S, QUIET_S, START_S, LIMIT_S = 0.025, 1.0, 60.0, 120.0
AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Ground:
    """Broker and database server that all share."""

    bootstrap: str
    admin_dsn: str
    idempotent: bool
    folder: Path

    @property
    def clients(self) -> dict[str, Any]:
        """Connection settings of a Kafka client."""
        return {"bootstrap_servers": self.bootstrap.split(",")}


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it. `records` on its output topics and rows in its tables, each counted afterwards.

    `processor_seconds`: what its own process took of a processor meanwhile; broker and database are not in it.
    """

    contestant: str
    notices: int
    seconds: float
    processor_seconds: float
    records: int
    cases: int
    households: int

    @property
    def rate(self) -> float:
        """Notices per second."""
        return self.notices / self.seconds

    @property
    def once(self) -> bool:
        """Whether every notice came to its two rows and three records, and to no more."""
        return (self.records, self.cases, self.households) == (len(OUTPUTS) * self.notices, self.notices, self.notices)


async def preload(ground: Ground, topic: str, notices: int) -> None:
    """Put so many suits on a topic of twelve partitions; 1 % ask to be traced."""
    await ensure_topics(ground.clients, [TopicSpec(topic, PARTITIONS, {})], afresh=not ground.idempotent)
    async with AIOKafkaProducer(**ground.clients, acks="all", linger_ms=5, max_batch_size=262_144) as producer:
        sent = []
        for raw in suits(range(notices), topic=topic, source=SENDER, traced=0.01):
            sent.append(await producer.send(raw.topic, raw.value, raw.key, headers=list(raw.headers)))
            if len(sent) == AT_ONCE:
                await asyncio.gather(*sent)
                sent.clear()
        await asyncio.gather(*sent)


async def run(ground: Ground, contestant: Contestant, topic: str, notices: int, number: int) -> Run:
    """Run it once, on a database and topics of its own.

    Raises:
        RuntimeError: it ended, or it did not come to its end in time.
    """
    command = await asyncio.to_thread(contestant.command)
    tag = f"{contestant.module}-{number}"
    async with _database(ground, f"hop_{contestant.module}_{number}") as dsn, _outputs(ground, tag) as outputs:
        place = Place(ground.bootstrap, dsn, topic, tag, ground.idempotent, str(ground.folder / "spans"))
        async with _process(command, place) as process:
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), START_S)
            if not line:
                raise RuntimeError(f"{contestant.name} ended before its first notice")
            rest = asyncio.create_task(process.stdout.read())  # one that writes more must not stand still at a full pipe
            busy = _processor_seconds(process.pid)
            ended = await outputs.complete(len(OUTPUTS) * notices, process)
            busy = _processor_seconds(process.pid) - busy
            rest.cancel()
        cases, households = await _rows(dsn)
        return Run(contestant.name, notices, ended - float(line), busy, await outputs.counted(), cases, households)


@dataclass(slots=True)
class Outputs:
    """The topics that a contestant writes to."""

    asking: AIOKafkaConsumer
    partitions: Sequence[TopicPartition]

    async def complete(self, wanted: int, process: asyncio.subprocess.Process) -> float:
        """The moment at which the last record was acknowledged: the ends did not move any more, and so many are there.

        The ends alone would not do: the embedded broker gives the one after the start of its newest batch as the end.
        """
        ends: dict[TopicPartition, int] = {}
        changed, limit = time.monotonic(), time.monotonic() + LIMIT_S
        while True:
            newest = await self.asking.end_offsets(self.partitions)
            now = time.monotonic()
            if newest != ends:
                ends, changed = newest, now
            elif now - changed > QUIET_S and await self.counted() >= wanted:
                return changed
            if process.returncode is not None or now > limit:
                when = f"after {LIMIT_S:.0f} s" if process.returncode is None else f"when it ended with {process.returncode}"
                raise RuntimeError(f"{self.partitions[0].topic}: {await self.counted()} of {wanted} records {when}")
            await asyncio.sleep(LOOK_S)

    async def counted(self) -> int:
        """How many records there are: the ends, and what comes after them."""
        for partition, end in (await self.asking.end_offsets(self.partitions)).items():
            self.asking.seek(partition, end)
        read_at = time.monotonic()
        while time.monotonic() - read_at < QUIET_S:
            if await self.asking.getmany(timeout_ms=100):
                read_at = time.monotonic()
        return sum([await self.asking.position(each) for each in self.partitions])


@contextlib.asynccontextmanager
async def _outputs(ground: Ground, tag: str) -> AsyncIterator[Outputs]:
    topics = [f"{output}.{tag}" for output in OUTPUTS]
    await ensure_topics(ground.clients, [TopicSpec(topic, PARTITIONS, {}) for topic in topics], afresh=not ground.idempotent)
    partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(**ground.clients, group_id=None, enable_auto_commit=False) as asking:
        asking.assign(partitions)
        yield Outputs(asking, partitions)


@contextlib.asynccontextmanager
async def _database(ground: Ground, name: str) -> AsyncIterator[str]:
    admin = await asyncpg.connect(ground.admin_dsn)
    try:
        await admin.execute(f"create database {name}")
        dsn = ground.admin_dsn.rpartition("/")[0] + f"/{name}"
        await migrate(dsn, [CORE, MIGRATIONS])
        yield dsn
    finally:
        await admin.execute(f"drop database if exists {name} with (force)")
        await admin.close()


@contextlib.asynccontextmanager
async def _process(command: Sequence[str], place: Place) -> AsyncIterator[asyncio.subprocess.Process]:
    """The contestant at work; it does not outlive the block, nor us."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(Path.home()), "PYTHONPATH": str(ROOT)}
    pipes: Any = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(*leashed(command), cwd=ROOT, env=environment, **pipes)
    try:
        assert process.stdin is not None
        process.stdin.write(place.line())
        await process.stdin.drain()
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _processor_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def _rows(dsn: str) -> tuple[int, int]:
    connection = await asyncpg.connect(dsn)
    try:
        row = await connection.fetchrow("select (select count(*) from cases), (select count(*) from households)")
        assert row is not None
        return row[0], row[1]
    finally:
        await connection.close()
