"""`bleibe recover`: one service's database was restored alone from a backup; bring back what its topics still know.

The report names events by topic, key, number and type, and messages by their ids: nothing in it is personal.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from aiokafka.errors import KafkaConnectionError

from deploy.cli.databases import database
from deploy.cli.output import fail, run
from deploy.cli.target import Target, target, target_city
from deploy.kafka.wanted import Kind, Operation, grants
from shared.city import City
from shared.contracts.catalogue import EVENT_TYPES, RECEIPTS, topic_of
from shared.contracts.topics.cases import CaseErased
from shared.messaging.fetching import read_every_record
from shared.messaging.journal import TOMBSTONE
from shared.messaging.migrate import CORE, migrate
from shared.messaging.model import Heard, Tx
from shared.messaging.reading import TopicMissing, every_record
from shared.messaging.recovery import CONTENT_GONE, Imported, Place, ask_to_read_again, bring_back, came_back, unknown
from shared.messaging.relay import LOCK
from shared.messaging.wire import Raw, Reader, TopicRules, message_id


@dataclass(frozen=True, slots=True)
class Line:
    """One event that came back, and why a person may have to look at it; empty where the service finds its way alone."""

    topic: str
    key: str
    n: int
    event_type: str
    written_at: datetime
    look: str
    came_back_at: datetime


NOBODYS_MESSAGE = "people or the clock caused it: do it again, or see that it was not done twice"
ERASED = "erased since the backup: erase again"


def recover(service: Literal["intake", "outreach", "referral", "reporting"], *, report: Path | None = None) -> None:
    """Bring back what a restored service's own topics still know, and have it read again what it heard since.

    For a service that says its database was restored from a backup, and refuses to start. Stop all its processes first. The
    report lists every event that came back, now or before; those with a word in the column `look` are for a person.

    Example: bleibe recover intake

    Args:
        service: whose database was restored.
        report: where to write the list; `recovered-<service>.csv` if not said.
    """
    lines = run(bring_service_back(target(), service, target_city()))
    path = report or Path(f"recovered-{service}.csv")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Line.__dataclass_fields__)
        writer.writerows(astuple(line) for line in lines)
    keys = {(line.topic, line.key) for line in lines}
    print(f"{len(lines)} events of {len(keys)} keys came back, {sum(bool(line.look) for line in lines)} for a person: {path}")
    print(f"Start {service}, wait until `bleibe doctor` finds all readers level, then run `bleibe reconcile`.")


async def bring_service_back(system: Target, service: str, city: City) -> list[Line]:
    """Do so; all that ever came back. Nothing has happened if it fails, and it may be repeated."""
    read_every_record()
    await migrate(system.databases[service], [CORE])
    mine, heard = _written(service, city), _heard(service, city)
    async with database(system, service) as connection:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", LOCK):
            fail(f"{service} still runs. Stop all its processes first.")
        try:
            found = await _unknown(connection, system, service, mine)
            kept = await _kept(connection, system, heard, found)
        except TopicMissing as missing:
            fail(str(missing))
        except KafkaConnectionError:
            fail("The broker does not answer. Nothing has happened: run this again when `bleibe doctor` finds the broker.", 3)
        async with connection.transaction():
            await bring_back(connection, found, {(each.topic, each.key, each.n): _why(each, kept) for each in found})
            await ask_to_read_again(connection)
        return [Line(*row) for row in await came_back(connection)]


async def _unknown(tx: Tx, system: Target, service: str, topics: Collection[str]) -> list[Imported]:
    """The service's own events that its database does not know, each once, in the order of their keys."""
    found: dict[Place, Imported] = {}
    async for records in every_record(system.clients, topics):
        events = [event for one in records if (event := _event(_raw(one), service)) is not None]
        found |= {(each.topic, each.key, each.n): each for each in await unknown(tx, events)}
    return [found[place] for place in sorted(found)]


async def _kept(tx: Tx, system: Target, topics: Collection[str], found: Iterable[Imported]) -> set[str]:
    """Of the messages that these answer or that caused them, the ids of those that the database or a topic has still."""
    causes = {cause for each in found if (cause := _cause(each)) is not None}
    if not causes:
        return set()
    rows = await tx.fetch("select id::text from inbound where id::text = any($1::text[]) and answer is not null", list(causes))
    kept = {row["id"] for row in rows}
    async for records in every_record(system.clients, topics):
        kept |= causes & {str(message_id(_raw(one))) for one in records}
    return kept


def _why(event: Imported, kept: Collection[str]) -> str:
    """What a person has to see to."""
    if event.type in {TOMBSTONE, CaseErased.TYPE}:
        return ERASED
    cause = _cause(event)
    if cause is None:
        return NOBODYS_MESSAGE
    return "" if cause in kept else CONTENT_GONE


def _cause(event: Imported) -> str | None:
    """The id of the message that led to it; None: people or the clock did."""
    if _is_receipt(event):
        return event.key
    return str(event.causation) if event.causation else None


def _is_receipt(event: Imported) -> bool:
    return event.topic.startswith(f"{RECEIPTS.name}.")


def _written(service: str, city: City) -> set[str]:
    return {
        each.name
        for each in grants(city)
        if (each.principal, each.kind, each.operation) == (service, Kind.TOPIC, Operation.WRITE)
    }


def _heard(service: str, city: City) -> set[str]:
    """What it reads, without what it writes itself."""
    may_read = {
        each.name for each in grants(city) if (each.principal, each.kind, each.operation) == (service, Kind.TOPIC, Operation.READ)
    }
    return may_read - _written(service, city)


def _event(raw: Raw, service: str) -> Imported | None:
    """An event that this service wrote; None for anything else."""
    source = f"urn:bleibe:service:{service}"
    rules = TopicRules(source, register=topic_of(raw.topic).retention_days is None)
    heard = Reader(EVENT_TYPES, {raw.topic: rules}).read(raw)
    if not isinstance(heard, Heard) or heard.n is None:
        return None
    caused_by = _header(raw, "ce_causationid")
    return Imported(
        heard.topic,
        heard.key,
        heard.n,
        heard.id,
        heard.type,
        heard.time,
        None if raw.value is None else raw.value.decode(),
        UUID(caused_by) if caused_by else None,
        heard.traceparent,
    )


def _raw(record: Any) -> Raw:  # noqa: ANN401  aiokafka ships no types
    return Raw(record.topic, record.key, record.value, tuple(record.headers))


def _header(raw: Raw, name: str) -> str:
    return next(((value or b"").decode(errors="replace") for key, value in raw.headers if key == name), "")
