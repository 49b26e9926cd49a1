"""What each service holds in memory under an even load for long, minute by minute.

Run: python -m benchmarks.speed.memory [--minutes N] [--kafka NODES] [--per-second N]

No part of `make bench`, since it takes an hour. Prints JSON: megabytes (resident) of each service at the end of each minute, and
what the last ten of them are to the second ten.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from typing import Any

import psutil

from benchmarks.speed.notices import suits
from benchmarks.speed.whole import SAMPLED, Options, producer_of, send, system
from deploy.local.folder import Running
from deploy.local.system import SERVICES
from shared.messaging.asking import never_make_topics


def main() -> None:
    """Measure, print."""
    never_make_topics()
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=int, default=60)
    asked.add_argument("--kafka", type=int, default=0)
    asked.add_argument("--per-second", type=int, default=20)
    given = asked.parse_args()
    options = Options(given.kafka, 0, given.per_second, given.minutes * 60)
    with system(options, {}) as running:
        print(json.dumps(asyncio.run(_measured(running, options)), indent=1))


async def _measured(running: Running, options: Options) -> dict[str, Any]:
    held: dict[str, list[int]] = {name: [] for name in SERVICES}
    producer = producer_of(running)
    await producer.start()
    begin, minute = time.perf_counter(), 60 * options.per_second
    try:
        for n, raw in enumerate(suits(range(options.per_second * options.seconds), traced=SAMPLED), start=1):
            await asyncio.sleep(max(0.0, begin + n / options.per_second - time.perf_counter()))
            await send(producer, raw)
            if n % minute == 0:
                for name in SERVICES:
                    held[name].append(psutil.Process(running.processes[name].pid).memory_info().rss >> 20)
    finally:
        await producer.stop()
    return {
        "broker": f"Apache Kafka, {options.kafka} node(s)" if options.kafka else "embedded",
        "notices_per_second": options.per_second,
        "megabytes_by_minute": held,
        "most": {name: max(each) for name, each in held.items()},
        "growth": {name: _growth(each) for name, each in held.items() if len(each) >= 30},
    }


def _growth(held: list[int]) -> float:
    """The first ten minutes fill caches; from then on memory is to be flat."""
    return round(statistics.median(held[-10:]) / statistics.median(held[10:20]), 3)


if __name__ == "__main__":
    main()
