"""The steps that a service process takes again and again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine

import pytest

from shared.messaging.pipeline import StopTheLine
from shared.runtime import process
from shared.runtime.process import AGAIN_S, Step


class Wall:
    """A clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 100.0
        monkeypatch.setattr("shared.runtime.process.time.monotonic", lambda: self.at)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


async def test_a_step_that_fails_keeps_no_other_from_its_turn_and_is_tried_again(wall: Wall) -> None:
    ran: list[str] = []

    async def broken() -> None:
        ran.append("broken")
        raise ValueError

    async def sound() -> None:
        ran.append("sound")

    steps = [Step("broken", 60, broken, lambda: True), Step("sound", 60, sound)]
    for after, expected in ((0, ["broken", "sound"]), (AGAIN_S / 2, []), (AGAIN_S, ["broken"]), (60, ["broken", "sound"])):
        ran.clear()
        wall.at += after
        for step in steps:
            await step.turn()
        assert ran == expected


async def test_a_step_runs_when_due_or_early(wall: Wall) -> None:
    ran, new_day = [], False

    async def run() -> None:
        ran.append(wall.at)

    step = Step("daily", 60, run, lambda: new_day)
    await step.turn()
    wall.at += 30
    await step.turn()
    assert ran == [100.0]
    new_day = True
    await step.turn()
    assert ran == [100.0, 130.0]


def test_a_reading_again_that_stops_the_line_says_what_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stops(*_: object) -> None:
        raise StopTheLine("100 events are parked; look at `bleibe parked list intake` before going on")

    monkeypatch.setattr(process, "ServiceSettings", object)
    monkeypatch.setattr(process, "_serve", stops)
    with pytest.raises(SystemExit, match=r"Reading again .*bleibe parked list intake"):
        process.run(lambda _: pytest.fail("nothing is built"))


async def returns() -> None:
    pass


async def raises() -> None:
    raise ConnectionError


async def is_cancelled() -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("ends", [returns, raises, is_cancelled])
async def test_a_background_task_that_ends_in_whatever_way_ends_the_process(
    ends: Callable[[], Coroutine[None, None, None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service whose relay is gone would go on deciding, and nobody would hear of it."""
    signals: list[int] = []
    monkeypatch.setattr("shared.runtime.process.signal.raise_signal", signals.append)
    task = asyncio.create_task(ends())
    task.add_done_callback(process._end_of_process)
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert signals == [signal.SIGTERM]
