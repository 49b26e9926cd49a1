"""The system a demo plays on: the one that runs from the data folder on a demo's clock, else one started for it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import psutil

from deploy.cli.target import Target
from deploy.demo.scenario import FIRST_DAY, MAIL
from deploy.local.folder import POSTGRES, Running, read_running
from deploy.local.outside import remove
from deploy.local.supervisor import Local
from deploy.local.system import CLOCK, SPANS, start_system
from shared.calendar import Calendar, next_working_day
from shared.runtime.clock import BERLIN, FileClock, step_clock


class NotForDemos(RuntimeError):
    """A system on the machine's own time runs, or ran, from this folder; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A running system whose clock the demo may step. `own` is None where it was running already."""

    running: Running
    clock: Path
    first_day: date
    own: Local | None

    @property
    def target(self) -> Target:
        """The same, as the commands see it."""
        assert self.running.bootstrap is not None
        return Target(self.running.databases, self.running.bootstrap, self.running.pages, Path(self.running.data))


@contextlib.contextmanager
def ground(data: Path, calendar: Calendar) -> Iterator[Ground]:
    """Use what runs, going on where its clock stands; else start anew, on `FIRST_DAY` with empty databases.

    Raises:
        NotForDemos: see there.
    """
    clock = data.resolve() / CLOCK
    running = read_running(data)
    if running is not None:
        if _clock_of(running) != str(clock):
            raise NotForDemos(_sorry(data, "runs"))
        yield Ground(running, clock, next_working_day(FileClock(clock).today(), calendar), None)
        return
    with Local(data) as local:
        if not clock.exists() and (data / POSTGRES).exists():
            raise NotForDemos(_sorry(data, "ran"))
        remove(data, POSTGRES)
        shutil.rmtree(data / SPANS, ignore_errors=True)
        step_clock(clock, datetime.combine(FIRST_DAY, MAIL, BERLIN))
        yield Ground(start_system(local), clock, FIRST_DAY, local)


def _clock_of(running: Running) -> str | None:
    """What the services were started with."""
    process = running.processes.get("intake")
    return None if process is None else psutil.Process(process.pid).environ().get("BLEIBE_CLOCK")


def _sorry(data: Path, verb: str) -> str:
    return (
        f"A system on the machine's own time {verb} from {data}; constructed households must not mix with what may be real. "
        "Set BLEIBE_DATA to another folder for the demo."
    )
