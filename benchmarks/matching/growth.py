"""What a notice costs at 10,000 and at 1,000,000 households, side by side.

Run: python -m benchmarks.matching.growth

Fills two tables of keys on a PostgreSQL of its own, then takes the same kind of notice to both in turn: keys of the notice, one
look-up that ends in the candidates' normal forms, a decision about each. Half of the notices speak of a known household with a
slip, half of one that is new; all keys lie in memory. Prints JSON: medians, pages and candidates of both, and their ratios.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import asyncpg

from benchmarks.matching.towns import Towns
from deploy.local.supervisor import Local
from services.intake.likeness import CANDIDATES, WIDE, Normal, Record, Verdict, compare, keys, normal, packed, stored, unpacked

_SIZES = (10_000, 1_000_000)
_NOTICES, _WARMING, _PASS = 2_200, 200, 400
_LOOK_UP = """
    with led as materialized (
        select array(select household from {town}.household_keys h where h.key = wanted.key limit $2 + 1) as households
        from unnest($1::bigint[]) as wanted (key)
    ), nearest as (
        select household from led cross join lateral unnest(households) as household
        where cardinality(households) <= $2
        group by household order by sum(1.0::float8 / cardinality(households)) desc, household limit $3
    )
    select household, form from nearest join {town}.people using (household)
"""


class Cost(NamedTuple):
    """What one notice cost."""

    seconds: float
    compared: int
    found: bool | None
    """Whether the household that is meant was among the likely ones; None where it is a new one."""


def main() -> None:
    """Fill, measure, print."""
    sizes = [int(each) for each in sys.argv[1:]] or list(_SIZES)
    with tempfile.TemporaryDirectory(prefix="bleibe-growth-") as folder:
        with Local(Path(folder)) as local:  # durable: the setting outlives the server
            asyncio.run(_give_memory(local.start_postgres()))
        with Local(Path(folder), durable=False) as local:
            print(json.dumps(asyncio.run(_measured(local.start_postgres(), sizes)), indent=1))


async def _give_memory(dsn: str) -> None:
    """Room for all keys in PostgreSQL's own memory from the next start on, as whoever serves a million households gives it."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("alter system set shared_buffers = '2GB'")
    await connection.close()


async def _measured(dsn: str, sizes: list[int]) -> dict[str, object]:
    towns = Towns()
    connection = await asyncpg.connect(dsn)
    try:
        for size in sizes:
            await _fill(connection, f"town_{size}", towns, size)
        costs: dict[int, list[Cost]] = defaultdict(list)
        pages: dict[int, list[int]] = defaultdict(list)
        for n in range(_NOTICES):
            for size in sizes if n % 2 else reversed(sizes):
                notice, known = _notice(towns, size, n)
                costs[size].append(await _take(connection, f"town_{size}", notice, known))
                if n >= _WARMING and n % 10 < 2:
                    pages[size].append(await _pages(connection, f"town_{size}", notice))
    finally:
        await connection.close()
    rows = {size: _figures(costs[size][_WARMING:], pages[size]) for size in sizes}
    small, large = rows[sizes[0]], rows[sizes[-1]]
    passes = [
        round(statistics.median(_seconds(costs[sizes[-1]], start)) / statistics.median(_seconds(costs[sizes[0]], start)), 3)
        for start in range(_WARMING, _NOTICES, _PASS)
    ]
    return {
        "households": rows,
        "median_ratio_by_pass": passes,
        "ratio": {name: round(large[name] / small[name], 3) for name in small if small[name]},
    }


def _notice(towns: Towns, size: int, n: int) -> tuple[Record, int | None]:
    """The n-th notice, spread over the whole town, and the household that it means, if it is a known one."""
    number = (n * 7919) * size // 10_000 % size
    if n // 2 % 2:
        return towns.miswritten(number), number
    stranger = towns.household(number)._replace(family_name=towns.household(-n - 1).family_name)
    return stranger._replace(given_name=towns.household(-n - 1).given_name), None


async def _fill(connection: asyncpg.Connection[asyncpg.Record], town: str, towns: Towns, size: int) -> None:
    await connection.execute(
        f"""
        create schema {town};
        create table {town}.people (household int, form text not null);
        create table {town}.household_keys (key bigint not null, household int not null);
        """
    )
    for start in range(0, size, 50_000):
        people = [(n, normal(towns.household(n))) for n in range(start, min(start + 50_000, size))]
        forms = [(n, packed(form)) for n, form in people]
        await connection.copy_records_to_table("people", schema_name=town, records=forms)
        await connection.copy_records_to_table(
            "household_keys", schema_name=town, records=chain.from_iterable(map(_keys, people))
        )
    await connection.execute(
        f"""
        alter table {town}.people add primary key (household);
        alter table {town}.household_keys add primary key (key, household);
        """
    )
    await connection.execute(f"vacuum analyze {town}.household_keys")
    await connection.execute(f"vacuum analyze {town}.people")
    await connection.execute("create extension if not exists pg_prewarm")
    for relation in ("household_keys_pkey", "people_pkey", "people"):
        await connection.execute("select pg_prewarm($1::regclass)", f"{town}.{relation}")


def _keys(person: tuple[int, Normal]) -> Iterator[tuple[int, int]]:
    number, form = person
    return ((stored(key), number) for key in keys(form))


async def _take(connection: asyncpg.Connection[asyncpg.Record], town: str, notice: Record, known: int | None) -> Cost:
    """What intake does with a notice until it knows whose it is."""
    started = time.perf_counter()
    arrived = normal(notice)
    numbers = [stored(key) for key in keys(arrived)]
    people = await connection.fetch(_LOOK_UP.format(town=town), numbers, WIDE, CANDIDATES)
    likely = [household for household, form in people if compare(arrived, unpacked(form)).verdict is not Verdict.DIFFERENT]
    return Cost(time.perf_counter() - started, len(people), known in likely if known is not None else None)


async def _pages(connection: asyncpg.Connection[asyncpg.Record], town: str, notice: Record) -> int:
    """How many pages the look-up touches."""
    numbers = ",".join(str(stored(key)) for key in keys(normal(notice)))
    statement = (
        _LOOK_UP.format(town=town)
        .replace("$1::bigint[]", f"'{{{numbers}}}'::bigint[]")
        .replace("$2", str(WIDE))
        .replace("$3", str(CANDIDATES))
    )
    plan = json.loads(await connection.fetchval(f"explain (analyze, buffers, format json) {statement}"))[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _figures(costs: list[Cost], pages: list[int]) -> dict[str, float]:
    return {
        "median_ms": round(statistics.median(each.seconds for each in costs) * 1000, 3),
        "mean_ms_of_the_middle_half": round(_middle([each.seconds for each in costs]) * 1000, 3),
        "pages": round(statistics.mean(pages), 1),
        "compared": round(statistics.mean(each.compared for each in costs), 1),
        "found": round(statistics.mean(each.found for each in costs if each.found is not None), 4),
    }


def _seconds(costs: list[Cost], start: int) -> list[float]:
    return [each.seconds for each in costs[start : start + _PASS]]


def _middle(values: list[float]) -> float:
    ordered = sorted(values)
    return statistics.mean(ordered[len(ordered) // 4 : -(len(ordered) // 4)])


if __name__ == "__main__":
    main()
