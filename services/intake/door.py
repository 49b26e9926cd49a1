"""What a request may cost: its size, its time, and how many a sender may make."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from shared.messaging.model import Rejected
from shared.runtime.problems import Problem

MAX_BYTES: Final = 2_000_000
BODY_S = 10.0
"""Seconds until a body must be there; the largest one comes within them at 2 Mbit/s."""


@dataclass(slots=True)
class Allowance:
    """Requests per sender in this process: a bucket of `burst` tokens that refills by `per_second`."""

    per_second: float = 200
    burst: float = 500
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, sender: str, now: float) -> float:
        """Take one token and return 0, or return the seconds until there is one."""
        left, at = self._left.get(sender, (self.burst, now))
        left = min(self.burst, left + (now - at) * self.per_second)
        taken = left >= 1
        self._left[sender] = (left - taken, now)
        return 0 if taken else (1 - left) / self.per_second

    def spend(self, sender: str) -> None:
        """Take one token.

        Raises:
            Problem: `too_many_requests`, with Retry-After in seconds.
        """
        seconds = self.wait(sender, time.monotonic())
        if seconds > 0:
            raise Problem("too_many_requests", headers={"Retry-After": str(math.ceil(seconds))})


async def body(request: Request) -> bytes:
    """The whole body.

    Raises:
        Rejected: `too_large`.
        Problem: `too_slow`, or `bad_request` where the client hung up.
    """
    read = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                read += chunk
                if len(read) > MAX_BYTES:
                    raise Rejected(None, "too_large")
    except TimeoutError:
        raise Problem("too_slow", headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise Problem("bad_request") from None
    return bytes(read)
