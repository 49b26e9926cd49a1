"""Run all contestants in turn, twice, and print JSON and a table.

Run: python -m benchmarks.speed.hop [--kafka] [--notices N] [--passes N] [--only NAME,NAME]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.speed.hop.measure import Ground, Run, preload, run
from benchmarks.speed.hop.peers import CONTESTANTS, FLOOR, OURS, Contestant, quix_version
from deploy.local.supervisor import Local

PACKAGES = ("aiokafka", "asyncpg", "faststream", "faststream-outbox", "pydantic", "sqlalchemy")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kafka", action="store_true", help="Apache Kafka, one node, instead of the embedded broker")
    parser.add_argument("--notices", type=int, default=20_000)
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--only", default=",".join(each.name for each in CONTESTANTS))
    given = parser.parse_args()
    chosen = [each for each in CONTESTANTS if each.name in given.only.split(",")]
    with tempfile.TemporaryDirectory(prefix="bleibe-hop-") as folder, Local(Path(folder), durable=False) as local:
        bootstrap = local.start_kafka() if given.kafka else local.start_broker()
        ground = Ground(bootstrap, local.start_postgres(), given.kafka, Path(folder))
        result = asyncio.run(compared(ground, chosen, given.notices, given.passes))
    print(json.dumps({"broker": "Apache Kafka" if given.kafka else "embedded"} | result, indent=1))
    print(table(result), file=sys.stderr)


async def compared(ground: Ground, chosen: Sequence[Contestant], notices: int, passes: int) -> dict[str, Any]:
    """All of them in turn, so many times: medians, every single rate, and what stood in somebody's way."""
    amounts = {each.name: max(1, round(notices * each.share)) for each in chosen}
    topics = {amount: f"notices.hop-{amount}" for amount in set(amounts.values())}
    for amount, topic in topics.items():
        await preload(ground, topic, amount)
    runs: dict[str, list[Run]] = defaultdict(list)
    hindered = {each.name: reason for each in chosen if (reason := each.missing())}
    for number, each in product(range(passes), chosen):
        if each.name not in hindered:
            amount = amounts[each.name]
            try:
                runs[each.name].append(await run(ground, each, topics[amount], amount, number))
            except RuntimeError as error:
                hindered[each.name] = str(error)
                runs.pop(each.name, None)
    rates = {name: statistics.median(one.rate for one in done) for name, done in runs.items()}
    ours = rates.get(OURS.name, 0.0)
    return {
        "versions": {
            **{name: version(name) for name in PACKAGES if find_spec(name.replace("-", "_"))},
            "quixstreams": quix_version(),
        },
        "contestants": {name: _row(done, rates[name], ours) for name, done in runs.items()},
        "share_of_the_floor": round(ours / rates[FLOOR.name], 3) if FLOOR.name in rates else None,
        "hindered": hindered,
    }


def _row(runs: Sequence[Run], rate: float, ours: float) -> dict[str, Any]:
    return {
        "notices": runs[0].notices,
        "notices_per_second": round(rate),
        "by_pass": [round(each.rate) for each in runs],
        "processor_ms_per_notice": round(min(each.processor_seconds / each.notices for each in runs) * 1000, 3),
        "each_once": all(each.once for each in runs),
        "ours_beside_it": round(ours / rate, 2),
    }


def table(result: dict[str, Any]) -> str:
    """The same for a reader."""
    lines = ["| one hop | notices/s | own processor ms per notice | ours beside it | each notice once |", "|---|---|---|---|---|"]
    for name, row in result["contestants"].items():
        once = "yes" if row["each_once"] else "no"
        busy, beside = row["processor_ms_per_notice"], row["ours_beside_it"]
        lines.append(f"| {name} | {row['notices_per_second']:,} | {busy:.3f} | {beside:.2f} | {once} |")
    lines += [f"| {name} | - | - | - | {reason} |" for name, reason in result["hindered"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
