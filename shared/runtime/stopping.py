"""How long each step of a stop may take, one after the other, and the end of a process that will not end.

HTTP, then the consumer (finish the batch, commit, leave the group), the relay, the pool, the traces. What is cut off comes
again: a request from its sender, a batch from Kafka, an event from the outbox.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Final, TypeVar

T = TypeVar("T")

HUNG: Final = 70
"""The exit status of a process that would not go on, or not end; its supervisor starts a new one."""

HTTP_STOP_S: Final = 3
HTTP_LAST_S: Final = 1.0
"""What uvicorn may take beyond its own limit."""
RELAY_STOP_S: Final = 3.0
POOL_STOP_S: Final = 3.0
TRACES_STOP_S: Final = 3.0


def finish_s(grace_s: float) -> float:
    """Seconds for the batch in hand; the rest of the consumer's grace is for the offsets and for leaving the group."""
    return 0.8 * grace_s


def stop_limit_s(grace_s: float) -> float:
    """Seconds from the signal to the end of the process; whoever supervises it waits longer. `grace_s` is the consumer's."""
    return HTTP_STOP_S + HTTP_LAST_S + grace_s + RELAY_STOP_S + POOL_STOP_S + TRACES_STOP_S


class StoppedEarlyError(Exception):
    """The signal came before the start was over."""


async def unless_stopped(stop: asyncio.Event, start: Coroutine[object, object, T]) -> T:
    """What `start` gives. Raises StoppedEarlyError where `stop` is set first; `start` is cancelled then."""
    starting, stopped = asyncio.create_task(start), asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
    if starting.cancelled():
        raise StoppedEarlyError
    return starting.result()


def begin_to_stop(stop: asyncio.Event, grace_s: float) -> None:
    """Say it to whoever waits. Each step has its limit; the timer is for what cannot be cancelled, as a thread is."""
    stop.set()
    last = threading.Timer(stop_limit_s(grace_s), os._exit, (HUNG,))
    last.daemon = True
    last.start()
