"""Waiting for a condition, never for a time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any


async def eventually(condition: Callable[[], Any | Awaitable[Any]], within_s: float = 30) -> Any:  # noqa: ANN401  what it became
    """Ask until the answer is true, and return it. AssertionError after the limit, with the last answer."""
    until = time.monotonic() + within_s
    while True:
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        assert time.monotonic() < until, f"not within {within_s} s; last answer: {answer!r}"
        await asyncio.sleep(0.02)
