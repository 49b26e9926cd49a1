"""A client is closed, and nothing of how it closes reaches whoever closes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.messaging.closing import closed


class Client:
    """Closes as it is told to; `gave_up` once it was cancelled over it."""

    def __init__(self, closes: Callable[[], Awaitable[object]]) -> None:
        self.closes, self.began, self.gave_up = closes, asyncio.Event(), False

    async def stop(self) -> None:
        self.began.set()
        try:
            await self.closes()
        except asyncio.CancelledError:
            self.gave_up = True
            raise


async def cancels_its_own() -> None:
    """As aiokafka's consumer does with a fetch that rests."""
    fetch = asyncio.create_task(asyncio.sleep(3600))
    await asyncio.sleep(0)
    fetch.cancel()
    await fetch


async def fails() -> None:
    raise ConnectionError


@pytest.mark.parametrize("closes", [cancels_its_own, fails])
async def test_what_comes_out_of_a_client_that_closes_is_its_own_affair(closes: Callable[[], Awaitable[object]]) -> None:
    await closed(Client(closes).stop())
    current = asyncio.current_task()
    assert current is not None
    assert not current.cancelling()


async def test_a_client_that_does_not_close_in_time_is_left() -> None:
    client = Client(lambda: asyncio.sleep(3600))
    await closed(client.stop(), 0.01)
    assert client.gave_up


async def test_whoever_closes_it_can_still_be_cancelled() -> None:
    client = Client(lambda: asyncio.sleep(3600))
    closing = asyncio.create_task(closed(client.stop(), 3600))
    await client.began.wait()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await asyncio.sleep(0)
    assert client.gave_up
