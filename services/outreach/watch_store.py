"""The SQL of what operations watch: counts over small tables, none of which reads a file for each case."""

from __future__ import annotations

from datetime import date

from shared.messaging.model import Tx


async def waiting_too_long(tx: Tx) -> int:
    """How many assignments have waited over a minute of real time."""
    count: int = await tx.fetchval(
        "select count(*) from open_visits where waiting_since < clock_timestamp() - interval '1 minute'"
    )
    return count


async def waiting_moves(tx: Tx) -> int:
    """How many cases wait for what the other key of a merge or split says."""
    count: int = await tx.fetchval(
        "select count(*) from case_kin join case_files f using (case_id) where f.state -> 'waiting' <> '[]'"
    )
    return count


async def open_deadlines(tx: Tx) -> dict[date | None, int]:
    """How many open visits must come before each day; None: before none."""
    rows = await tx.fetch("select deadline_on, count(*) as visits from open_visits group by deadline_on")
    return {row["deadline_on"]: row["visits"] for row in rows}
