"""How far every reader is behind every writer, key by key: `streams.last` against `progress.last`."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.cli.databases import databases
from deploy.cli.target import SERVICES, Target
from shared.contracts.catalogue import CATALOGUE


@dataclass(frozen=True, slots=True)
class Behind:
    """A reader that has not read all of a key."""

    topic: str
    reader: str
    key: str
    written: int
    read: int


async def behind(target: Target) -> tuple[int, list[Behind]]:
    """How many (key, reader) pairs there are, and those that are not level."""
    pairs, found = 0, []
    async with databases(target, SERVICES) as connections:
        for topic in CATALOGUE:
            readers = [reader for reader in topic.readers if reader in SERVICES]
            if topic.writer not in SERVICES or topic.family is not None or not readers:
                continue
            rows = await connections[topic.writer].fetch("select key, last from streams where topic = $1", topic.name)
            written: dict[str, int] = {row["key"]: row["last"] for row in rows}
            for reader in readers:
                rows = await connections[reader].fetch("select key, last from progress where topic = $1", topic.name)
                read: dict[str, int] = {row["key"]: row["last"] for row in rows}
                pairs += len(written)
                found += [
                    Behind(topic.name, reader, key, written.get(key, 0), read.get(key, 0))
                    for key in sorted(written.keys() | read.keys())
                    if written.get(key, 0) != read.get(key, 0)
                ]
    return pairs, found


async def unsent(target: Target) -> dict[str, int]:
    """Events written and not yet sent, by service."""
    async with databases(target, SERVICES) as connections:
        return {service: await connection.fetchval("select count(*) from outbox") for service, connection in connections.items()}
