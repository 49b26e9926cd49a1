"""The supervisor of a local system: starts PostgreSQL, the broker and the services, keeps them running, stops them all.

    with Local(default_folder()) as local:
        local.start_postgres()
        dsns = local.ensure_databases(["intake", "outreach"])
        bootstrap = local.start_broker()
        local.start(Process("intake", [...], env, ready="http://127.0.0.1:1234/health/ready"), ...)
        local.wait()

Nothing it starts outlives it, not even a `kill -9`: see `leash.py`, and `end_leftovers` where the kernel has no such tie.
"""

import contextlib
import logging
import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self, TypeVar

from deploy.local import folder, kafka
from deploy.local.broker import broker_process
from deploy.local.folder import Running
from deploy.local.outside import remove
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.postgres import Postgres, dsn, ensure_databases
from deploy.local.processes import GRACE, Child, Process, end_leftovers

FIRST_PAUSE, LONGEST_PAUSE, HEALTHY_AFTER = 0.2, 10.0, 30.0
PORT_ATTEMPTS = 5
ADDRESS_TAKEN = re.compile("Address (already )?in use")
"""As PostgreSQL, Apache Kafka and the embedded broker say it in their logs."""
POLL = 0.05

T = TypeVar("T")

logger = logging.getLogger("bleibe.local")


class StartError(RuntimeError):
    """A process ended, or took too long, before it was ready; the message ends with the last lines of its log."""


@dataclass
class _Kept:
    """A process under supervision: its present child, and when to start the next one should it have died."""

    child: Child
    supervised: bool = False
    pause: float = FIRST_PAUSE
    restart_at: float | None = None


class Local:
    """A local system over one data folder, used as a context manager; its methods may be called from any thread.

    SIGINT, SIGTERM and SIGHUP end the block of a `Local` entered in the main thread, and so stop everything.
    `durable=False` is for tests: no fsync, and the databases are removed at the end.

    Raises FolderInUseError on entry where a system already runs from this folder.
    """

    def __init__(self, data: Path, *, durable: bool = True) -> None:
        self.data = data.resolve()
        self.running = Running(data=str(self.data))
        self._durable = durable
        self._kept: dict[str, _Kept] = {}
        self._batches: list[list[str]] = []
        self._guard = threading.RLock()
        self._stopping = False
        self._finished = threading.Event()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(folder.held(self.data))
            logs = self.data / "logs"
            logs.mkdir(exist_ok=True)
            logs.chmod(0o700)
            earlier = folder.last_running(self.data)
            if earlier and (ended := end_leftovers(earlier.processes)):
                logger.warning("ended what an earlier run left behind: %s", ", ".join(ended))
            folder.forget_running(self.data)
            stack.enter_context(_orderly_signals())
            # The kernel ends a child when the *thread* that made it ends, so one thread makes them all and lasts.
            self._maker = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="maker"))
            self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
            self._keeper.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._stack:
            self.stop()

    def start_postgres(self) -> str:
        """Start PostgreSQL on a free port, made on first use; the superuser's data source."""
        postgres = Postgres(self.data, durable=self._durable)
        postgres.prepare()
        port = self._start_on_free_port(postgres.process)
        self.running.postgres_port = port
        self._write_note()
        return postgres.admin_dsn(port)

    def ensure_databases(self, services: Iterable[str]) -> dict[str, str]:
        """One database and role per service; the data source of each. PostgreSQL must run."""
        port = self.running.postgres_port
        if port is None:
            raise RuntimeError("start PostgreSQL first")
        passwords = {service: folder.password(self.data, service) for service in services}
        ensure_databases(Postgres(self.data).admin_dsn(port), passwords)
        dsns = {service: dsn(service, secret, port, service) for service, secret in passwords.items()}
        self.running.databases.update(dsns)
        self._write_note()
        return dsns

    def start_broker(self) -> str:
        """Start the broker, empty, on a free port; its bootstrap address."""
        port = self._start_on_free_port(lambda port: broker_process(self.data, port))
        self.running.bootstrap = f"{LOOPBACK}:{port}"
        self._write_note()
        return self.running.bootstrap

    def start_kafka(self, nodes: int = 1, settings: Mapping[str, str] | None = None, administrator: str | None = None) -> str:
        """Start Apache Kafka instead of the embedded broker, on so many nodes; its bootstrap addresses.

        `settings` and `administrator` as for `kafka_process`. Raises NoKafkaError.
        """

        def started() -> str:
            cluster = kafka.cluster(nodes)
            self.start(*(kafka.kafka_process(self.data, node, cluster, settings, administrator) for node in cluster))
            return kafka.bootstrap(cluster)

        self.running.bootstrap = _patiently(started)
        self.running.kafka_nodes = nodes
        self._write_note()
        return self.running.bootstrap

    def start(self, *processes: Process) -> None:
        """Start these side by side, wait until all are ready, and from then on start again whichever dies.

        They are stopped together, before all that was started earlier. Raises StartError; then none of them is kept.
        """
        names: list[str] = []
        with self._guard:
            if known := {process.name for process in processes} & self._kept.keys():
                raise ValueError(f"already started: {', '.join(sorted(known))}")
            self._batches.append(names)
        try:
            with self._guard:
                for process in processes:
                    self._kept[process.name] = _Kept(self._make(process))
                    names.append(process.name)
                self._write_note()
            for name in names:
                self._await_ready(name)
        except BaseException:
            self._end(names)
            raise
        for name in names:
            self._kept[name].supervised = True

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL, *, restart: bool = True) -> None:
        """Send a signal, by default the deadly one, to a process. It is started again unless `restart=False`."""
        with self._guard:
            kept = self._kept[name]
            kept.supervised = restart
            if number == signal.SIGKILL:
                kept.child.kill()
            else:
                kept.child.signal(number)

    def resume(self, name: str) -> None:
        """Start a process again that was killed with `restart=False`, and wait until it is ready."""
        with self._guard:
            kept = self._kept[name]
            if kept.child.exit_status() is None:
                raise RuntimeError(f"{name} still runs")
            self._renew(kept)
        self.wait_ready(name)

    def wait_ready(self, name: str, within: float = 60.0) -> None:
        """Wait until the process runs and says it is ready, through restarts. Raises TimeoutError."""
        deadline = time.monotonic() + within
        while not self._kept[name].child.ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} was not ready within {within:.0f} s; see {self._kept[name].child.log}")
            time.sleep(POLL)

    def pid(self, name: str) -> int:
        """The process id of the present child of that name."""
        return self._kept[name].child.pid

    def publish(self, name: str, address: str) -> None:
        """Name a page's address in `running.json`."""
        self.running.pages[name] = address
        self._write_note()

    def wait(self) -> None:
        """Wait for Ctrl-C."""
        with contextlib.suppress(KeyboardInterrupt):
            while not self._finished.wait(1):
                pass

    def stop(self) -> None:
        """Stop everything in the reverse order of its start; a second Ctrl-C stops it at once."""
        with self._guard:
            if self._finished.is_set():
                return
            self._stopping = True
        try:
            for names in reversed(self._batches):
                self._end(names)
        finally:
            for kept in self._kept.values():
                kept.child.kill()
            self._finished.set()
            self._keeper.join()
            folder.forget_running(self.data)
            if not self._durable:
                remove(self.data, folder.POSTGRES)

    def _end(self, names: list[str]) -> None:
        with self._guard:
            ending = [self._kept[name] for name in names]
            for kept in ending:
                kept.supervised = False
        for kept in ending:
            kept.child.ask_to_stop()
        deadline = time.monotonic() + GRACE
        for kept in ending:
            kept.child.stopped_by(deadline)
        with self._guard:
            for name in names:
                del self._kept[name]
            self._batches.remove(names)
            self._write_note()

    def _start_on_free_port(self, process_on: Callable[[int], Process]) -> int:
        """Start a process on a port that nobody has; which."""

        def started() -> int:
            port = free_port()
            self.start(process_on(port))
            return port

        return _patiently(started)

    def _await_ready(self, name: str) -> None:
        child = self._kept[name].child
        deadline = time.monotonic() + child.process.ready_within
        while not child.ready():
            status = child.exit_status()
            if status is not None or time.monotonic() > deadline:
                what = "was not ready in time" if status is None else f"ended with status {status} before it was ready"
                raise StartError(f"{name} {what}; see {child.log}, which ends with:\n{child.log_tail()}")
            time.sleep(POLL)

    def _keep(self) -> None:
        while not self._finished.wait(POLL):
            with self._guard:
                for name, kept in self._kept.items():
                    if kept.supervised and not self._stopping:
                        self._look_after(name, kept)

    def _look_after(self, name: str, kept: _Kept) -> None:
        status = kept.child.exit_status()
        now = time.monotonic()
        if status is None:
            if now - kept.child.since > HEALTHY_AFTER:
                kept.pause = FIRST_PAUSE
        elif kept.restart_at is None:
            kept.restart_at = now + kept.pause
            logger.warning("%s ended with status %s and is started again in %.1f s", name, status, kept.pause)
            kept.pause = min(kept.pause * 2, LONGEST_PAUSE)
        elif now >= kept.restart_at:
            try:
                self._renew(kept)
            except OSError:  # no memory, no disk space: perhaps later
                kept.restart_at = now + kept.pause
                logger.exception("%s could not be started again", name)

    def _renew(self, kept: _Kept) -> None:
        kept.child = self._make(kept.child.process)
        kept.restart_at = None
        kept.supervised = True
        self._write_note()

    def _make(self, process: Process) -> Child:
        return self._maker.submit(Child, process, self.data / "logs" / f"{process.name}.log").result()

    def _write_note(self) -> None:
        with self._guard:
            self.running.processes = {name: kept.child.record for name, kept in self._kept.items()}
            folder.write_running(self.data, self.running)


def _patiently(started: Callable[[], T]) -> T:
    """Somebody may take a port between our look and the server's start, so try again with others; nothing else is."""
    for attempt in range(1, PORT_ATTEMPTS):
        try:
            return started()
        except StartError as error:
            if not ADDRESS_TAKEN.search(str(error)):
                raise
            time.sleep(FIRST_PAUSE * attempt)
    return started()


@contextlib.contextmanager
def _orderly_signals() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP unwind the main thread for as long as the block runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    wanted = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: leave, signal.SIGHUP: leave}
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
