"""Reporting's SQL: the log of facts and the read model. Locks: advisory per case (sorted), then rows of `case_rows`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from services.reporting.indicators import REPORT, QuarterReport
from services.reporting.lines import LINE, LINES, CaseLine, line_of
from services.reporting.parts import PART_TYPES, TOPICS, Parts
from services.reporting.releases import Release
from shared.messaging.model import Heard, Tx

Row = tuple[UUID, str | None, str | None, str | None, str | None, str | None, str | None]
"""A row of `case_rows`, JSON as text."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of the log; `data` is JSON."""

    heard: Heard
    case_id: UUID
    data: str


async def lock(tx: Tx, case_ids: Sequence[UUID]) -> None:
    """Hold these cases to the end of the transaction; two processes may hear two topics of one case."""
    locks = sorted({int.from_bytes(case_id.bytes[:8], signed=True) for case_id in case_ids})
    await tx.execute("select pg_advisory_xact_lock(each) from unnest($1::bigint[]) as each", locks)


async def load_parts(tx: Tx, case_ids: Sequence[UUID]) -> dict[UUID, Parts]:
    """The parts of these cases, as far as there are any."""
    rows = await tx.fetch(
        "select case_id, cases, visits, assessments, referrals, outcomes from case_rows where case_id = any($1)", case_ids
    )
    return {row["case_id"]: _parts(row) for row in rows}


async def load_erased(tx: Tx, case_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these cases were erased."""
    rows = await tx.fetch("select case_id from erased where case_id = any($1)", case_ids)
    return {row["case_id"] for row in rows}


async def append_facts(tx: Tx, facts: Sequence[Fact]) -> None:
    """Write these facts to the log; one that it holds stays as it is."""
    await tx.execute(
        """
        insert into facts (topic, key, n, event_id, type, time, data)
        select topic, key, n, event_id, type, time, data::jsonb
        from unnest($1::text[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::timestamptz[], $7::text[])
            as fact (topic, key, n, event_id, type, time, data)
        on conflict do nothing
        """,
        [fact.heard.topic for fact in facts],
        [fact.case_id for fact in facts],
        [fact.heard.n for fact in facts],
        [fact.heard.id for fact in facts],
        [fact.heard.type for fact in facts],
        [fact.heard.time for fact in facts],
        [fact.data for fact in facts],
    )


async def save_parts(tx: Tx, changed: Mapping[UUID, Parts]) -> None:
    """Write these cases' rows."""
    columns = list(zip(*(row_of(case_id, changed[case_id]) for case_id in sorted(changed)), strict=True))
    await tx.execute(
        """
        insert into case_rows (case_id, cases, visits, assessments, referrals, outcomes, line)
        select case_id, cases::jsonb, visits::jsonb, assessments::jsonb, referrals::jsonb, outcomes::jsonb, line::jsonb
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
            as part (case_id, cases, visits, assessments, referrals, outcomes, line)
        on conflict (case_id) do update set
            cases = excluded.cases, visits = excluded.visits, assessments = excluded.assessments,
            referrals = excluded.referrals, outcomes = excluded.outcomes, line = excluded.line
        """,
        *columns,
    )


async def erase(tx: Tx, case_ids: Iterable[UUID], quarters: Iterable[str]) -> None:
    """Delete all that is held of these cases; what was published of these quarters stays and is not corrected any more."""
    gone = sorted(case_ids)
    await tx.execute("insert into erased (case_id) select unnest($1::uuid[]) on conflict do nothing", gone)
    await tx.execute("delete from case_rows where case_id = any($1)", gone)
    await tx.execute("delete from facts where key = any($1)", gone)
    await tx.execute("update releases set sealed = true where quarter = any($1)", sorted(quarters))


async def load_lines(tx: Tx | asyncpg.Pool[asyncpg.Record]) -> list[CaseLine]:
    """Every case as the indicators read it."""
    text = await tx.fetchval("select coalesce(jsonb_agg(line), '[]')::text from case_rows where line is not null")
    return LINES.validate_json(text)


async def guarantee(tx: Tx, today: date) -> tuple[int, int, int]:
    """Where the promise to visit stands: owed where nobody has been, those overdue, defendants not covered."""
    row = await tx.fetchrow(
        """
        select coalesce(sum(jsonb_array_length(line -> 'owed')), 0) as owed,
            coalesce(sum((
                select count(*) from jsonb_array_elements_text(line -> 'owed') as due where due::date < $1
            )), 0) as overdue,
            coalesce(sum((line -> 'uncovered')::int), 0) as uncovered
        from case_rows where line ? 'owed' or line ? 'uncovered'
        """,
        today,
    )
    assert row is not None
    return int(row["owed"]), int(row["overdue"]), int(row["uncovered"])


async def load_releases(tx: Tx | asyncpg.Pool[asyncpg.Record]) -> dict[str, Release]:
    """Everything that was published, by quarter."""
    rows = await tx.fetch("select quarter, report, sealed from releases order by quarter, version")
    versions: dict[str, list[QuarterReport]] = {}
    sealed: set[str] = set()
    for row in rows:
        versions.setdefault(row["quarter"], []).append(REPORT.validate_json(row["report"]))
        if row["sealed"]:
            sealed.add(row["quarter"])
    return {quarter: Release(quarter, tuple(reports), quarter in sealed) for quarter, reports in versions.items()}


async def save_releases(tx: Tx, reports: Sequence[QuarterReport]) -> None:
    """Write these as the next version of their quarter each."""
    await tx.execute(
        """
        insert into releases (quarter, version, as_of, report)
        select quarter, coalesce((select max(version) from releases as old where old.quarter = new.quarter), 0) + 1,
            as_of, report::jsonb
        from unnest($1::text[], $2::date[], $3::text[]) as new (quarter, as_of, report)
        """,
        [report.quarter for report in reports],
        [report.as_of for report in reports],
        [REPORT.dump_json(report).decode() for report in reports],
    )


def row_of(case_id: UUID, parts: Parts) -> Row:
    """The case's row of the read model."""
    cases, visits, assessments, referrals, outcomes = (_json(topic, getattr(parts, topic)) for topic in TOPICS)
    line = line_of(parts)
    text = LINE.dump_json(line, exclude_defaults=True).decode() if line else None
    return case_id, cases, visits, assessments, referrals, outcomes, text


def _json(topic: str, part: object) -> str | None:
    return None if part is None else PART_TYPES[topic].dump_json(part).decode()


def _parts(row: asyncpg.Record) -> Parts:
    return Parts(**{topic: PART_TYPES[topic].validate_json(row[topic]) for topic in TOPICS if row[topic] is not None})
