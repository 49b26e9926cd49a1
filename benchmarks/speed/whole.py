"""The whole system: how many notices a second reach reporting, how soon an assignment can be read, what each process costs.

Run: python -m benchmarks.speed.whole [--kafka NODES] [--notices N]

Side by side in one run, each on a system of its own with the same notices: batches as they are, and one message a transaction,
which is what a chain of handlers called message by message does, with the same decisions, rows and guarantees. Prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.speed.notices import suits
from deploy.local.folder import Running
from deploy.local.supervisor import Local
from deploy.local.system import MUENSTER, start_system
from shared.city import load_city
from shared.contracts.catalogue import ASSIGNMENTS
from shared.messaging.asking import never_make_topics
from shared.messaging.wire import Raw

SAMPLED = 0.01
"""The share of notices that are traced."""

MESSAGE_BY_MESSAGE = {"BLEIBE_BATCH_MAX_RECORDS": "1"}
_CHAIN_SHARE = 5
"""The chain is given so many times fewer notices: its rate does not depend on how many there are."""

_LIMIT_S = 900


@dataclass(frozen=True, slots=True)
class Options:
    """How large a run is. `kafka`: so many nodes of Apache Kafka, 0 the embedded broker."""

    kafka: int
    notices: int
    per_second: int
    seconds: int


def main() -> None:
    """Measure, print."""
    never_make_topics()
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kafka", type=int, default=0)
    asked.add_argument("--notices", type=int, default=10_000)
    asked.add_argument("--per-second", type=int, default=50)
    asked.add_argument("--seconds", type=int, default=30)
    print(json.dumps(measure(Options(**vars(asked.parse_args()))), indent=1))


def measure(options: Options) -> dict[str, Any]:
    """All figures of one run."""
    with system(options, {}) as running:
        whole = asyncio.run(_saturated(running, options.notices))
        whole |= {"latency_ms": asyncio.run(_latency(running, options))}
    with system(options, MESSAGE_BY_MESSAGE) as running:
        chain = asyncio.run(_saturated(running, options.notices // _CHAIN_SHARE))
        chain |= {"latency_ms": asyncio.run(_latency(running, options))}
    return {
        "broker": f"Apache Kafka, {options.kafka} node(s)" if options.kafka else "embedded",
        "notices_per_second_offered": options.per_second,
        "whole": whole,
        "message_by_message": chain,
        "ratio": round(whole["notices_per_second"] / chain["notices_per_second"], 2),
    }


@contextmanager
def system(options: Options, more: Mapping[str, str]) -> Iterator[Running]:
    """A system of its own, with `more` settings for its services."""
    os.environ.update({"BLEIBE_SAMPLE_RATIO": str(SAMPLED), **more})
    try:
        with tempfile.TemporaryDirectory(prefix="bleibe-speed-") as folder, Local(Path(folder), durable=False) as local:
            if options.kafka:
                local.start_kafka(options.kafka)
            yield start_system(local)
    finally:
        for name in more:
            del os.environ[name]


async def _saturated(running: Running, notices: int) -> dict[str, Any]:
    """All notices at once; the time until reporting has the last case and outreach has said the last assignment."""
    raws = list(suits(range(notices), traced=SAMPLED))
    reporting, outreach = [await asyncpg.connect(running.databases[name]) for name in ("reporting", "outreach")]
    producer = producer_of(running)
    await producer.start()
    before, started = _used(running), time.perf_counter()
    try:
        await asyncio.gather(*[await send(producer, raw) for raw in raws])
        await _until(reporting, "select count(*) >= $1 from case_rows where cases is not null and visits is not null", notices)
        took = time.perf_counter() - started
        await _until(outreach, "select count(*) = $1 from outbox", 0)
    finally:
        await producer.stop()
        await reporting.close()
        await outreach.close()
    used = _used(running)
    return {
        "notices": notices,
        "notices_per_second": round(notices / took, 1),
        "processor_ms_a_notice": {name: round((used[name][0] - before[name][0]) / notices * 1000, 2) for name in used},
        "memory_mb": {name: {"before": before[name][1], "after": used[name][1]} for name in used},
        "records_a_notice": round(await _records(running) / notices, 2),
    }


async def _until(connection: asyncpg.Connection[asyncpg.Record], question: str, number: int) -> None:
    async with asyncio.timeout(_LIMIT_S):
        while not await connection.fetchval(question, number):  # noqa: ASYNC110  another process makes it true
            await asyncio.sleep(0.05)


async def _latency(running: Running, options: Options) -> dict[str, float] | str:
    """From the moment a notice is sent to the moment somebody who listens has its assignment, at an even pace."""
    teams = [ASSIGNMENTS.of(team.id) for team in load_city(MUENSTER).teams]
    reader = AIOKafkaConsumer(*teams, bootstrap_servers=running.bootstrap, fetch_max_wait_ms=5, auto_offset_reset="latest")
    producer = producer_of(running)
    await reader.start()
    await producer.start()
    sent: dict[str, float] = {}
    took: dict[str, float] = {}
    of_notice: dict[str, str] = {}
    wanted = options.per_second * options.seconds
    try:
        await reader.seek_to_end()
        listening = asyncio.create_task(_listen(reader, took))
        begin = time.perf_counter()
        for n, raw in enumerate(suits(range(10_000_000, 10_000_000 + wanted), traced=SAMPLED)):
            await asyncio.sleep(max(0.0, begin + n / options.per_second - time.perf_counter()))
            sent[_id(raw)] = time.perf_counter()
            await send(producer, raw)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(60):
                while len(of_notice) < wanted or not took.keys() >= set(of_notice.values()):
                    await asyncio.sleep(0.2)
                    of_notice = await _cases(running, list(sent))
        listening.cancel()
    finally:
        await producer.stop()
        await reader.stop()
    if not took.keys() >= set(of_notice.values()):
        return "fell behind"
    waited = sorted((took[of_notice[notice]] - at) * 1000 for notice, at in sent.items())
    cut = statistics.quantiles(waited, n=100)
    return {"p50": round(cut[49], 1), "p90": round(cut[89], 1), "p99": round(cut[98], 1), "most": round(waited[-1], 1)}


async def _listen(reader: AIOKafkaConsumer, took: dict[str, float]) -> None:
    async for record in reader:
        took.setdefault(record.key.decode(), time.perf_counter())


async def _cases(running: Running, notices: list[str]) -> dict[str, str]:
    connection = await asyncpg.connect(running.databases["intake"])
    try:
        rows = await connection.fetch("select id, case_id from statements where id = any($1::uuid[])", notices)
    finally:
        await connection.close()
    return {str(row["id"]): str(row["case_id"]) for row in rows}


async def _records(running: Running) -> int:
    """Events of all journals."""
    total = 0
    for dsn in running.databases.values():
        connection = await asyncpg.connect(dsn)
        total += await connection.fetchval("select count(*) from journal")
        await connection.close()
    return total


def producer_of(running: Running) -> AIOKafkaProducer:
    """Not started yet."""
    return AIOKafkaProducer(bootstrap_servers=running.bootstrap, acks="all", linger_ms=0, max_batch_size=262_144)


async def send(producer: AIOKafkaProducer, raw: Raw) -> asyncio.Future[Any]:
    """Hand it to the producer; the future says when the broker has it."""
    sent: asyncio.Future[Any] = await producer.send(raw.topic, raw.value, raw.key, headers=list(raw.headers))
    return sent


def _id(raw: Raw) -> str:
    return next((value or b"").decode() for name, value in raw.headers if name == "ce_id")


def _used(running: Running) -> dict[str, tuple[float, int]]:
    """Seconds of processor time and megabytes of memory of each process, what it started included."""
    found = {}
    for name, record in running.processes.items():
        process = psutil.Process(record.pid)
        family = [_of_one(one) for one in (process, *process.children(recursive=True))]
        found[name] = sum(seconds for seconds, _ in family), sum(memory for _, memory in family) >> 20
    return found


def _of_one(process: psutil.Process) -> tuple[float, int]:
    """Seconds, those of its children that ended included, and bytes. One that has just ended is in its parent's figure."""
    try:
        return sum(process.cpu_times()[:4]), process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0.0, 0


if __name__ == "__main__":
    main()
