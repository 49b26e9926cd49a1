"""`make chaos MINUTES=n [SEED=n] [NODES=3]`: load and faults for so long, then the verdict as one line of JSON.

The first line names the seed, the last is the JSON, whatever happens. The logs and tables of a run that was not well are kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import shutil
import sys
import tempfile
from pathlib import Path

import structlog

from deploy.local.kafka import NoKafkaError
from tests.chaos.run import KEPT, Options, chaos


def main() -> None:
    """Status 1 where something was lost, doubled or out of order, stood still or raised; 2 where Kafka cannot be had."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long load and faults go on")
    parser.add_argument("--seed", type=int, default=None, help="repeat an earlier run's schedule")
    parser.add_argument("--nodes", type=int, choices=(0, 1, 3), default=0, help="nodes of Apache Kafka; 0: the embedded broker")
    parser.add_argument("--rate", type=float, default=2.0, help="suits filed a second")
    parser.add_argument("--every", type=float, default=6.0, help="seconds from one fault to the next, on average")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    options = Options(given.minutes * 60, seed, given.nodes, given.rate, given.every)
    print(f"seed {seed}: make chaos MINUTES={given.minutes:g} NODES={given.nodes} SEED={seed}", flush=True)
    if given.nodes < 3:
        print("NOT INJECTED on fewer than three nodes: killed brokers, one frozen beyond the session timeout; NODES=3 does that")
    _hush()
    try:
        with tempfile.TemporaryDirectory(prefix="bleibe-chaos-") as folder:
            summary = asyncio.run(chaos(Path(folder), options))
            if not summary["ok"]:
                _keep(Path(folder) / KEPT)
    except NoKafkaError as error:
        print(f"NOT RUN: on Apache Kafka, because {error}", file=sys.stderr)
        raise SystemExit(2) from None
    print(json.dumps(summary))
    raise SystemExit(0 if summary["ok"] else 1)


def _keep(logs: Path) -> None:
    """For whoever looks for the reason."""
    if logs.exists():
        kept = shutil.copytree(logs, tempfile.mkdtemp(prefix="bleibe-chaos-logs-"), dirs_exist_ok=True)
        print(f"its logs and tables are kept in {kept}")


def _hush() -> None:
    """Clients whose broker dies have much to say, and none of it is news here."""
    for name in ("aiokafka", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


if __name__ == "__main__":
    main()
