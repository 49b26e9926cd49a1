"""Closing a client of the broker, whatever state the broker is in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def closed(closing: Coroutine[Any, Any, object], within_s: float = 2.0) -> None:
    """Have a client close and wait for it so long at most; how it fails is its own affair.

    A consumer of aiokafka cancels its fetches and awaits them: one that rests between two tries, its broker being away, comes
    out of `stop` as `CancelledError`. To whoever awaits that it looks like being cancelled themselves: no `except Exception`
    holds it, and a task that lives on restarts ends without a word.
    """
    task = asyncio.create_task(closing)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # heard of, so that nobody warns
    try:
        await asyncio.wait([task], timeout=within_s)
    finally:
        task.cancel()
    await asyncio.wait([task], timeout=within_s)
