"""Child processes that end with us, and the end of those that an earlier, killed system left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local.folder import ProcessRecord

LEASH = Path(__file__).with_name("leash.py")
GRACE = 20.0


@dataclass(frozen=True)
class User:
    """The system user a process runs as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Process:
    """A program to keep running.

    `env` is its whole environment, ours where None. `ready` is an address that answers 200, or a function of the process
    id; None: ready once started. `orphaned` is the signal the kernel sends when we die first.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    ready: str | Callable[[int], bool] | None = None
    ready_within: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    orphaned: signal.Signals = signal.SIGKILL
    user: User | None = None


def leashed(argv: Sequence[str], user: User | None = None, orphaned: signal.Signals = signal.SIGKILL) -> list[str]:
    """The command line that runs `argv` as a child of this process which does not outlive the calling thread."""
    identity = f"{user.uid}:{user.gid}" if user else "-"
    # -I -S: nothing but the standard library, a few milliseconds
    return [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), str(int(orphaned)), identity, *argv]


class Child:
    """One running process, leader of its own process group, writing to its log. Made by the thread it must not outlive."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process = process
        self.log = log
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._popen = subprocess.Popen(  # noqa: S603  the argv is our own
                leashed(process.argv, process.user, process.orphaned),
                env=None if process.env is None else dict(process.env),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        self.pid = self._popen.pid
        self.since = time.monotonic()
        self.record = ProcessRecord(self.pid, _creation_time(self.pid) or 0.0, int(process.stop_signal), str(log))

    def exit_status(self) -> int | None:
        """Its exit status, the negative signal that ended it, or None while it runs."""
        return self._popen.poll()

    def ready(self) -> bool:
        """Whether it runs and says it is ready."""
        check = self.process.ready
        if self.exit_status() is not None:
            return False
        if check is None:
            return True
        return _answers(check) if isinstance(check, str) else check(self.pid)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process itself; one that has ended is left in peace."""
        self._popen.send_signal(number)

    def ask_to_stop(self) -> None:
        """Ask for an orderly end, even where the process is frozen."""
        self.signal(self.process.stop_signal)
        self.signal(signal.SIGCONT)

    def stopped_by(self, deadline: float) -> None:
        """Wait until the monotonic deadline, then end its whole process group."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(max(0.0, deadline - time.monotonic()))
        self.kill()

    def kill(self) -> None:
        """End the process and its group at once."""
        if self.exit_status() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait()

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        with self.log.open(errors="replace") as file:
            return "".join(deque(file, lines))


def end_leftovers(records: Mapping[str, ProcessRecord]) -> list[str]:
    """End what an earlier, killed system of this data folder left running; names of those found.

    A process is known by its pid and its creation time together, never by its name.
    """
    found = {name: record for name, record in records.items() if _still_runs(record)}
    for record in found.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, record.stop_signal)
            os.kill(record.pid, signal.SIGCONT)
    deadline = time.monotonic() + GRACE / 2
    while time.monotonic() < deadline and any(map(_still_runs, found.values())):
        time.sleep(0.02)
    for record in found.values():
        if _still_runs(record):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(record.pid, signal.SIGKILL)
    return sorted(found)


def _still_runs(record: ProcessRecord) -> bool:
    created = _creation_time(record.pid)
    return created is not None and abs(created - record.started) < 2  # the clock may have been corrected meanwhile


def _creation_time(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def _answers(address: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy: it is this machine
    try:
        with opener.open(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
