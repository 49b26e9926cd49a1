"""Connections to the services' databases, one for each, for commands that look at several."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable

from asyncpg import Connection, Record, connect

from deploy.cli.target import Target


@contextlib.asynccontextmanager
async def database(target: Target, service: str) -> AsyncIterator[Connection[Record]]:
    """A connection to one service's database."""
    connection = await connect(target.databases[service], timeout=10, command_timeout=120)
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def databases(target: Target, services: Iterable[str]) -> AsyncIterator[dict[str, Connection[Record]]]:
    """Connections to these services' databases, by service."""
    async with contextlib.AsyncExitStack() as stack:
        yield {service: await stack.enter_async_context(database(target, service)) for service in services}
