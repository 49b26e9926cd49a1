"""When has everything settled? When nobody has anything left to send, read or do for this moment of the clock."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date

from asyncpg import Connection, Record

from deploy.cli.databases import databases
from deploy.cli.target import SERVICES, Target
from deploy.demo.clients import Clients
from shared.contracts.catalogue import ASSIGNMENTS, CATALOGUE, HANDOVERS, OFFERS

LONGEST_S = 180.0
PAUSE_S = 0.025
_STATE = """
select (select count(*) from outbox) as unsent,
       (select count(*) from parked where n is not null) as parked,
       (select min(clock_date) from ticks) as ticked,
       (select coalesce(json_object_agg(topic, total), '{}') from
           (select topic, sum(last) as total from streams where topic not like 'receipts.%' group by topic) as w
       )::text as written,
       (select coalesce(json_object_agg(topic, total), '{}') from
           (select topic, sum(last) as total from progress group by topic) as r
       )::text as read
"""
_READERS = [
    (topic.name, topic.writer, reader)
    for topic in CATALOGUE
    if topic.family is None
    for reader in topic.readers
    if reader in SERVICES
]
_OUTSIDE = ((ASSIGNMENTS.name, "outreach"), (OFFERS.name, "referral"), (HANDOVERS.name, "referral"))


class NotSettled(RuntimeError):
    """Something stands still; the message says what."""


@dataclass(frozen=True, slots=True)
class _State:
    unsent: int
    parked: int
    ticked: date | None
    written: dict[str, int]
    read: dict[str, int]


@dataclass(frozen=True, slots=True)
class Settlement:
    """Looks at all four databases and at the clients."""

    connections: dict[str, Connection[Record]]
    clients: Clients

    async def settled(self, today: date) -> None:
        """Wait until everything has settled on this day.

        Raises:
            NotSettled: it has not within `LONGEST_S`.
        """
        until = time.monotonic() + LONGEST_S
        while why := await self._why_not(today):
            if time.monotonic() > until:
                raise NotSettled(f"After {LONGEST_S:.0f} s: {why}. `bleibe doctor` and `bleibe parked list` say more.")
            await asyncio.sleep(PAUSE_S)
        self.clients.listen_to(())

    async def _why_not(self, today: date) -> str | None:
        """What is still under way, None when nothing is.

        The databases are looked at one instant apart, which does no harm: whatever moves between two looks was written more
        often than read, or read more often than written.
        """
        if self.clients.unanswered:
            return f"{self.clients.unanswered} messages of the clients have no receipt"
        states = await self._look()
        if why := _at_work(states, today):
            return why
        awaited = {
            writer: f"the clients have read {read} of {written} events on {topic}"
            for topic, writer in _OUTSIDE
            if (read := self.clients.read_of(writer, topic)) != (written := _written(states[writer], topic))
        }
        self.clients.listen_to(awaited)
        return next(iter(awaited.values()), None)

    async def _look(self) -> dict[str, _State]:
        rows = await asyncio.gather(*(connection.fetchrow(_STATE) for connection in self.connections.values()))
        return {
            service: _State(row["unsent"], row["parked"], row["ticked"], json.loads(row["written"]), json.loads(row["read"]))
            for service, row in zip(self.connections, rows, strict=True)
            if row is not None
        }


def _at_work(states: dict[str, _State], today: date) -> str | None:
    for service, state in states.items():
        if state.unsent:
            return f"{service} has {state.unsent} events to send"
        if state.ticked is not None and state.ticked != today:
            return f"{service} did its periodic work last for {state.ticked}"
    for topic, writer, reader in _READERS:
        written, read = states[writer].written.get(topic, 0), states[reader].read.get(topic, 0)
        if written != read:
            return f"{reader} has read {read} of {written} events on {topic}, {states[reader].parked} are parked there"
    return None


def _written(state: _State, family: str) -> int:
    return sum(n for name, n in state.written.items() if name.startswith(f"{family}."))


@contextlib.asynccontextmanager
async def settlement(system: Target, clients: Clients) -> AsyncIterator[Settlement]:
    """With connections of its own to the four databases."""
    async with databases(system, SERVICES) as connections:
        yield Settlement(connections, clients)
