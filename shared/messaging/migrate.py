"""Applies SQL migrations in order, each once, in one transaction under a lock. Their content must not change afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import asyncpg

CORE = Path(__file__).parent / "migrations"


class MigrationChanged(RuntimeError):
    """An applied migration differs from its file."""


async def migrate(dsn: str, folders: Sequence[Path]) -> list[str]:
    """Bring a database up to date; returns the names applied now.

    Raises:
        MigrationChanged: a file was edited after it had been applied; write a new migration instead.
    """
    connection = await asyncpg.connect(dsn, timeout=30)
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(hashtext('bleibe.migrate'))")
            await connection.execute(
                """
                create table if not exists migrations (
                    name text primary key, digest text not null, applied_at timestamptz not null default now()
                )
                """
            )
            applied = {row["name"]: row["digest"] for row in await connection.fetch("select name, digest from migrations")}
            new = []
            for folder in folders:
                for path in sorted(folder.glob("*.sql")):
                    name, sql = f"{folder.parent.name}/{path.name}", path.read_text(encoding="utf-8")
                    digest = hashlib.sha256(sql.encode()).hexdigest()
                    if name in applied:
                        if applied[name] != digest:
                            raise MigrationChanged(f"{name} was applied with other content; restore it and add a new migration")
                        continue
                    await connection.execute(sql)
                    await connection.execute("insert into migrations (name, digest) values ($1, $2)", name, digest)
                    new.append(name)
            return new
    finally:
        await connection.close()
