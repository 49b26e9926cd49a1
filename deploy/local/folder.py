"""The data folder of a local system: its lock, its passwords, and the note that tells other commands where it runs.

Standard library only, so that `clean` works without the virtual environment.
"""

import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

LOCK = "lock"
RUNNING = "running.json"
SECRETS = "secrets.json"
POSTGRES = "postgres"


class FolderInUseError(RuntimeError):
    """Another system runs from this data folder."""


class FolderNotOursError(RuntimeError):
    """The folder was not made by us; `clean` must never remove such a one."""


@dataclass(frozen=True)
class ProcessRecord:
    """A process we started: `started` is its creation time in seconds since 1970, so that a reused pid is not taken for it."""

    pid: int
    started: float
    stop_signal: int
    log: str


@dataclass
class Running:
    """Where the parts of a running system are: ports, data sources by service, page addresses, processes by name.

    `kafka_nodes` is 0 where the broker is the embedded one. Where it asks for names and speaks TLS, `kafka_passwords` is the
    folder with each user's password and `kafka_ca` the file with the authority's certificate.
    """

    data: str
    postgres_port: int | None = None
    bootstrap: str | None = None
    kafka_nodes: int = 0
    kafka_passwords: str | None = None
    kafka_ca: str | None = None
    databases: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    processes: dict[str, ProcessRecord] = field(default_factory=dict)


def default_folder() -> Path:
    """`BLEIBE_DATA`, else `.data` in the current folder, as an absolute path."""
    return Path(os.environ.get("BLEIBE_DATA") or ".data").resolve()


@contextlib.contextmanager
def held(data: Path) -> Iterator[None]:
    """The folder, made if need be and locked for as long as the block runs. The lock dies with the process.

    Raises FolderInUseError where another process holds it, FolderNotOursError where it is full of other things.
    """
    data.mkdir(parents=True, exist_ok=True)
    if not (data / LOCK).exists() and any(data.iterdir()):
        raise FolderNotOursError(f"{data} holds other things already. Set BLEIBE_DATA to an empty or a new folder.")
    data.chmod(0o711)  # PostgreSQL may run as another user below it; every file in it is closed on its own
    descriptor = os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor, data)
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def read_running(data: Path) -> Running | None:
    """What runs from this folder now, or None. What a killed system left behind does not count."""
    try:
        descriptor = os.open(data / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return last_running(data)
    finally:
        os.close(descriptor)
    return None


def last_running(data: Path) -> Running | None:
    """What ran last from this folder, whether or not it still does; None after an orderly stop."""
    try:
        note = json.loads((data / RUNNING).read_text())
    except FileNotFoundError:
        return None
    note["processes"] = {name: ProcessRecord(**record) for name, record in note["processes"].items()}
    return Running(**note)


def write_running(data: Path, running: Running) -> None:
    """Replace the note in one step, readable by its owner alone: it holds passwords."""
    _write_private(data / RUNNING, json.dumps(asdict(running), indent=2))


def forget_running(data: Path) -> None:
    """Remove the note after an orderly stop."""
    (data / RUNNING).unlink(missing_ok=True)


def password(data: Path, name: str) -> str:
    """The password of that name, made up at first use and kept in the folder."""
    path = data / SECRETS
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if name not in known:
        known[name] = secrets.token_urlsafe(24)
        _write_private(path, json.dumps(known, indent=2))
    return known[name]


def _lock(descriptor: int, data: Path) -> None:
    deadline = time.monotonic() + 1  # a reader of the note holds the lock for an instant
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                holder = os.pread(descriptor, 32, 0).decode().strip() or "unknown"
                raise FolderInUseError(
                    f"a system already runs from {data} (process {holder}). Use it, stop it with Ctrl-C where it was "
                    "started, or set BLEIBE_DATA to another folder to start a second one."
                ) from None
            time.sleep(0.02)
        else:
            return


def _write_private(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)
