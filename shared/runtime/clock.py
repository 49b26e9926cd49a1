"""The one injected clock: it runs in production, stands still in a test and is stepped in a demo."""

import os
from datetime import date, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")


class Clock(Protocol):
    """Tells the time of the city. Decisions never ask it; they are handed what it said."""

    def now(self) -> datetime:
        """The present moment, aware, in Europe/Berlin."""

    def today(self) -> date:
        """The present day in Europe/Berlin."""


class WallClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """The present moment, aware, in Europe/Berlin."""
        return datetime.now(BERLIN)

    def today(self) -> date:
        """The present day in Europe/Berlin."""
        return self.now().date()


class FixedClock:
    """Stands still until it is set."""

    def __init__(self, at: datetime) -> None:
        self.set(at)

    def set(self, at: datetime) -> None:
        """Put the hands to `at`. Raises ``ValueError`` when it names no time zone."""
        self._now = _berlin(at)

    def now(self) -> datetime:
        """The moment it was last set to, in Europe/Berlin."""
        return self._now

    def today(self) -> date:
        """The day it was last set to, in Europe/Berlin."""
        return self._now.date()


class FileClock:
    """Reads its time from a file that all processes of a demo share; an unchanged file stands still.

    Raises ``FileNotFoundError`` or ``ValueError`` when the file is missing or holds no ISO 8601 moment with offset.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._now = self.now()

    def now(self) -> datetime:
        """The moment the file holds, in Europe/Berlin."""
        stat = self._path.stat()
        version = (stat.st_mtime_ns, stat.st_ino)
        if version != self._seen:
            self._now = _berlin(datetime.fromisoformat(self._path.read_text(encoding="ascii").strip()))
            self._seen = version
        return self._now

    def today(self) -> date:
        """The day the file holds, in Europe/Berlin."""
        return self.now().date()


def step_clock(path: Path, at: datetime) -> None:
    """Set the clock file at `path` to `at`, whole or not at all; one writer at a time."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_text(_berlin(at).isoformat(), encoding="ascii")
    beside.replace(path)


def clock_from(setting: str) -> Clock:
    """The clock that the setting ``BLEIBE_CLOCK`` names: ``wall`` or the path of a clock file."""
    return WallClock() if setting == "wall" else FileClock(Path(setting))


def _berlin(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a clock needs a moment with its time zone, such as 2026-11-23T08:00:00+01:00")
    return at.astimezone(BERLIN)
