"""`bleibe parked`: what could not take effect, for a person to see, put back or let go."""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from asyncpg import Record
from cyclopts import App

from deploy.cli.databases import database
from deploy.cli.output import fail, run, table
from deploy.cli.target import SERVICES, Target, target
from shared.contracts.catalogue import owner_of
from shared.messaging import parking
from shared.runtime.access_log import record_read
from shared.runtime.persons import Person, Role

_SHOWN = ("id", "topic", "key", "n", "source", "message_id", "reason", "field", "rule", "parked_at")

Service = Literal["intake", "outreach", "referral", "reporting"]

app = App(name="parked", help="What could not take effect: list it, look at it, put it back, or let it go.")


@app.command(name="list")
def list_(service: Service | None = None) -> None:
    """List what is parked, without any content.

    Example: bleibe parked list outreach

    Args:
        service: one service only.
    """
    rows = run(listing(target(), [service] if service else list(SERVICES)))
    table(("service", "id", "topic", "key", "n", "source", "message", "reason", "field", "rule", "parked at"), rows)


async def listing(system: Target, services: Sequence[str]) -> list[tuple[object, ...]]:
    """What is parked there, service by service. A key or source that is none of ours may be a name: it is left out."""
    rows: list[tuple[object, ...]] = []
    for service in services:
        async with database(system, service) as connection:
            rows += [(service, *_without_content(row).values()) for row in await parking.overview(connection)]
    return rows


@app.command
def show(service: Service, parked_id: int, *, content_because: str | None = None) -> None:
    """Show one record: what is wrong with it; headers and content only with a reason, which is kept.

    Example: bleibe parked show intake 12 --content-because "the court asks what arrived"

    Args:
        service: whose.
        parked_id: its number in the list.
        content_because: why the content must be read.
    """
    run(_show(service, parked_id, content_because))


async def _show(service: str, parked_id: int, because: str | None) -> None:
    async with database(target(), service) as connection, connection.transaction():
        found = await parking.look(connection, parked_id)
        if found is None:
            fail(f"{service} has nothing parked under {parked_id}. `bleibe parked list {service}` shows what there is.")
        row, raw = found
        shown = {name: value for name, value in _without_content(row).items() if name in _SHOWN}
        shown["bytes"] = len(raw.value or b"")
        if because is not None:
            shown["headers"] = {name: None if value is None else value.decode(errors="replace") for name, value in raw.headers}
            shown["content"] = (raw.value or b"").decode(errors="replace")
            person = Person(getpass.getuser(), frozenset({Role.OPERATOR}), acting=Role.OPERATOR)
            subject = row["message_id"] or UUID(int=parked_id)
            await record_read(connection, person, because, [subject], "parked_record", datetime.now(UTC))
        print(json.dumps(shown, indent=2, ensure_ascii=False, default=str))


def _without_content(row: Record) -> dict[str, object]:
    """The row with no key and source but such as follow our rules: an outside sender may have written a name there."""
    shown = dict(row)
    if shown["source"] != owner_of(shown["topic"]):
        shown["source"] = None
    try:
        UUID(shown["key"] or "")
    except ValueError:
        shown["key"] = None
    return shown


@app.command
def retry(service: Service, parked_id: int) -> None:
    """Put a failed record back: it runs again, and then all that waits behind it, in order.

    Example: bleibe parked retry outreach 12
    """
    run(_retry(service, parked_id))


async def _retry(service: str, parked_id: int) -> None:
    async with database(target(), service) as connection, connection.transaction():
        if not await parking.retry(connection, parked_id):
            fail(
                f"{service} has no failed record {parked_id}, and only such can be put back; see `bleibe parked list {service}`."
            )
    print(f"put back: {service} {parked_id}; it runs within a second")


@app.command
def drop(service: Service, parked_id: int, *, why: str) -> None:
    """Let a failed record go for good: who and why are kept, what waits behind it goes on.

    Example: bleibe parked drop intake 12 --why "sent twice by mistake, the partner agrees"
    """
    run(_drop(service, parked_id, why))


async def _drop(service: str, parked_id: int, why: str) -> None:
    async with database(target(), service) as connection, connection.transaction():
        if not await parking.drop(connection, parked_id, getpass.getuser(), why):
            fail(f"{service} has no failed record {parked_id}; see `bleibe parked list {service}`.")
    print(f"let go: {service} {parked_id}")
