"""The toy service as a process of its own, to be killed: `python -m tests.contract.messaging.child DSN FOLDER ROLE ...`.

Roles: `append KEY TIMES` writes events; `consume BOOTSTRAP TAG [CRASH]` is a member of the group, and dies at the
named point of its first batch: `in_transaction`, `before_commit` (of the offsets), or at `acknowledged_first` with the offsets
committed before the transaction, to show what that would lose; `relay BOOTSTRAP TAG` dies when the broker has all.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import uvloop

from shared.messaging import consumer as consumer_module
from shared.messaging import relay as relay_module
from shared.messaging.consumer import Consumer
from shared.messaging.model import Heard, Tx
from tests.contract.messaging.brokers import Broker, broker_at, consumer_of, relay_of
from tests.contract.messaging.toy import Accounts, Ledger, Toy, toy

HOLD = 4242
"""While somebody holds this advisory lock, every batch of a child stands still in the middle of its transaction."""


class Held(Ledger):
    """The room, where each batch waits for the lock."""

    async def load(self, tx: Tx, heard: Sequence[Heard], now: datetime) -> Accounts:
        state = await super().load(tx, heard, now)
        await tx.execute("select pg_advisory_xact_lock_shared($1)", HOLD)
        return state


async def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying(Held):
    """The room that dies at the last step before the journal."""

    async def save(self, tx: Tx, state: Accounts) -> None:
        await super().save(tx, state)
        await die()


async def append(service: Toy, key: str, times: int) -> None:
    for value in range(times):
        await service.write(*service.says(key, value))


async def consume(service: Toy, broker: Broker, crash: str | None) -> None:
    if crash in {"in_transaction", "acknowledged_first"}:
        service.pipeline.room = Dying(service.tag)
    if crash == "before_commit":
        vars(consumer_module)["_commit"] = die
    if crash == "acknowledged_first":
        _acknowledge_first()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    consumer = consumer_of(service, broker)
    await consumer.start()
    await stop.wait()
    await consumer.stop(15)


def _acknowledge_first() -> None:
    real = Consumer._on_batch

    async def on_batch(self: Consumer, message: Any) -> None:  # noqa: ANN401  handed on
        await message.consumer.commit()
        await real(self, message)

    Consumer._on_batch = on_batch  # type: ignore[method-assign]  # the mechanism switched off


async def main(dsn: str, folder: str, role: str, *rest: str) -> None:
    tag = rest[1] if role != "append" else ""
    async with toy(dsn, Path(folder), tag=tag) as service:
        service.pipeline.room = Held(tag)
        if role == "append":
            await append(service, rest[0], int(rest[1]))
        elif role == "consume":
            await consume(service, broker_at(rest[0]), rest[2] if len(rest) > 2 else None)
        else:
            vars(relay_module)["remember"] = die
            await relay_of(service, broker_at(rest[0])).run()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
