"""Closing a client of the broker, whatever state the broker is in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer


async def closed(closing: Coroutine[Any, Any, object], within_s: float = 2.0) -> None:
    """Have a client close and wait for it so long at most; how it fails is its own affair, even where it was cancelled."""
    task = asyncio.create_task(closing)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # heard of, so that nobody warns
    try:
        await asyncio.wait([task], timeout=within_s)
    finally:
        task.cancel()
    await asyncio.wait([task], timeout=within_s)


async def consumer_closed(consumer: AIOKafkaConsumer, within_s: float = 2.0) -> None:
    """Close a consumer that belongs to no group.

    aiokafka's cancels its fetches and awaits them: one that rests between two tries, its broker being away, comes out of `stop`
    as `CancelledError`. To whoever awaits that it looks like being cancelled themselves: no `except Exception` holds it, and a
    task that lives on restarts ends without a word. What `stop` would have closed next stays open then.
    """
    await closed(consumer.stop(), within_s)
    await closed(consumer._client.close(), within_s)  # noqa: SLF001  a second `stop` does nothing
