"""Where words of a household are still to be found."""

from __future__ import annotations

from dataclasses import astuple
from uuid import UUID

from deploy.cli.databases import database
from deploy.cli.target import SERVICES, Target
from tests.system.one_case import Marks


async def household_of(target: Target, case_id: UUID) -> UUID:
    """The household of a case."""
    async with database(target, "intake") as intake:
        found: UUID = await intake.fetchval("select household_id from cases where id = $1", case_id)
    return found


async def is_nowhere(target: Target, marks: Marks) -> bool:
    """Whether no database holds anything of the household any more."""
    return not await holding(target, marks)


async def holding(target: Target, marks: Marks) -> set[str]:
    """Every table of every database that holds a word of the household, in any case, as text or as bytes."""
    words = [word.lower() for word in astuple(marks)]
    patterns = [f"%{word}%" for word in words] + [f"%{word.encode().hex()}%" for word in astuple(marks)]
    found = set()
    for service in SERVICES:
        async with database(target, service) as connection:
            tables = await connection.fetch(
                "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
            )
            for schema, table in tables:
                if await connection.fetchval(
                    f'select exists (select from "{schema}"."{table}" t where lower(t::text) like any($1::text[]))',  # noqa: S608  names of tables
                    patterns,
                ):
                    found.add(f"{service}.{table}")
    return found
