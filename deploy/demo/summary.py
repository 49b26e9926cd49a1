"""What a demo came to, counted from the databases and from what the clients measured."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from asyncpg import Connection, Record

from deploy.cli.databases import databases
from deploy.cli.target import SERVICES, Target
from deploy.demo.clients import Clients
from deploy.demo.play import Played
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.visits import ObligationClosed, VisitAttempted

_BY_FIELD = "select data::json ->> $2 as what, count(*) as times from journal where type = $1 group by 1 order by 2 desc"


async def summary(system: Target, played: Played, clients: Clients, first: date, last: date) -> list[tuple[str, str]]:
    """Lines of a name and what is to be said of it."""
    async with databases(system, SERVICES) as at:
        written = sum([await each.fetchval("select count(*) from journal") for each in at.values()])
        heard = sum([await each.fetchval("select count(*) from inbound") for each in at.values()])
        notices = await at["intake"].fetchval("select count(*) from inbound where topic like 'notices.%'")
        cases = await _counts(at["intake"], "select status as what, count(*) as times from cases group by 1 order by 2 desc")
        referrals = await _counts(
            at["referral"], "select state as what, count(*) as times from referrals group by 1 order by 2 desc"
        )
        attempts = await _counts(at["outreach"], _BY_FIELD, VisitAttempted.TYPE, "result")
        ends = await _counts(at["outreach"], _BY_FIELD, ObligationClosed.TYPE, "how")
        outcomes = await _counts(at["outreach"], _BY_FIELD, OutcomeRecorded.TYPE, "outcome")
    return [
        ("played", f"{first} to {last}, {played.days} days on the clock, constructed notices only"),
        ("messages", ", ".join(f"{count} {what}" for what, count in sorted(clients.sent.items()))),
        ("answers", ", ".join(f"{what} {count}" for what, count in sorted(clients.answers.items()))),
        *(
            (("refused", ", ".join(f"{what} {count}" for what, count in clients.refusals.most_common())),)
            if clients.refusals
            else ()
        ),
        ("cases", cases),
        ("visits", attempts),
        ("obligations", ends),
        ("referrals", referrals),
        ("outcomes", outcomes),
        ("records", f"{(written + heard) / max(1, notices):.1f} a notice on all topics together"),
        *_times(played),
    ]


def _times(played: Played) -> Iterator[tuple[str, str]]:
    yield "time", f"{played.seconds:.0f} s, {played.notices / max(played.seconds, 0.001):.0f} notices/s in step with the clock"
    took = sorted(1000 * each for each in played.latencies)
    if took:
        p50, p95 = took[len(took) // 2], took[min(len(took) - 1, len(took) * 95 // 100)]
        yield "latency", f"notice to assignment p50 {p50:.0f} ms, p95 {p95:.0f} ms, over {len(took)} defendants"


async def _counts(connection: Connection[Record], query: str, *arguments: str) -> str:
    rows = await connection.fetch(query, *arguments)
    return ", ".join(f"{row['what']} {row['times']}" for row in rows) or "none"
