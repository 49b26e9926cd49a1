"""The local system: it starts, survives, refuses, and leaves nothing behind."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.local import broker, folder, ports, supervisor
from deploy.local.folder import FolderInUseError, FolderNotOursError, read_running
from deploy.local.outside import remove
from deploy.local.ports import free_port, free_ports, listens
from deploy.local.processes import Process, User
from deploy.local.supervisor import Local, StartError
from tests import waiting

pytestmark = pytest.mark.service

SLEEPER = [sys.executable, "-c", "import signal; signal.pause()"]
STUBBORN = """
import pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
while True:
    signal.pause()
"""
SYSTEM = """
import sys, pathlib
from deploy.local.supervisor import Local, Process
with Local(pathlib.Path(sys.argv[1])) as local:
    local.start_postgres()
    local.ensure_databases(["intake"])
    local.start_broker()
    local.start(Process("sleeper", [sys.executable, "-c", "import signal; signal.pause()"]))
    print("up", flush=True)
    local.wait()
"""


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder, and the end of its database even where that lies outside."""
    yield tmp_path / "data"
    remove(tmp_path / "data", folder.POSTGRES)


@contextlib.contextmanager
def system_in_its_own_process(data: Path) -> Iterator[subprocess.Popen[str]]:
    """PostgreSQL, broker and a sleeper under a supervisor that can be killed."""
    with subprocess.Popen(
        [sys.executable, "-c", SYSTEM, str(data)], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            yield process
        finally:
            process.kill()


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    asyncio.run(waiting.eventually(condition, within_s=20))


def fetch(dsn: str, statement: str) -> object:
    """One value from one database."""

    async def ask() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


def pids(data: Path) -> dict[str, int]:
    """The processes noted in the data folder."""
    last = folder.last_running(data)
    assert last is not None
    return {name: record.pid for name, record in last.processes.items()}


def runs(pid: int) -> bool:
    """Whether there is such a process, zombies apart."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def test_what_was_written_is_there_after_a_restart(data: Path) -> None:
    with Local(data) as local:
        local.start_postgres()
        dsn = local.ensure_databases(["intake"])["intake"]
        fetch(dsn, "CREATE TABLE notices (id int)")
        fetch(dsn, "INSERT INTO notices VALUES (7)")
    assert read_running(data) is None
    with Local(data) as local:
        local.start_postgres()
        dsn = local.ensure_databases(["intake"])["intake"]
        assert fetch(dsn, "SELECT id FROM notices") == 7
        assert fetch(dsn, "SHOW fsync") == "on"


def test_each_service_enters_its_own_database_only(data: Path) -> None:
    with Local(data, durable=False) as local:
        local.start_postgres()
        dsns = local.ensure_databases(["intake", "outreach"])
        assert fetch(dsns["intake"], "SELECT current_user || ' ' || current_database()") == "intake intake"
        assert fetch(dsns["intake"], "SELECT usesuper FROM pg_user WHERE usename = current_user") is False
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            fetch(dsns["intake"].removesuffix("/intake") + "/outreach", "SELECT 1")
        with pytest.raises(asyncpg.InvalidPasswordError):
            fetch(f"postgresql://intake:guess@127.0.0.1:{local.running.postgres_port}/intake", "SELECT 1")


def test_passwords_and_addresses_are_readable_by_their_owner_alone(data: Path) -> None:
    with Local(data, durable=False) as local:
        local.start_postgres()
        local.ensure_databases(["intake"])
        for name in (folder.RUNNING, folder.SECRETS, "logs/postgres.log"):
            assert stat.S_IMODE((data / name).stat().st_mode) == 0o600, name
        local.publish("intake", "http://127.0.0.1:1/")
        seen = read_running(data)
        assert seen is not None
        assert seen.pages == {"intake": "http://127.0.0.1:1/"}
        assert seen.databases == local.running.databases
        assert json.loads((data / folder.RUNNING).read_text())["processes"]["postgres"]["pid"] == local.pid("postgres")


def test_a_rejected_row_leaves_none_of_its_values_in_the_log(data: Path) -> None:
    with Local(data, durable=False) as local:
        local.start_postgres()
        dsn = local.ensure_databases(["intake"])["intake"]
        fetch(dsn, "CREATE TABLE people (name text PRIMARY KEY)")
        fetch(dsn, "INSERT INTO people VALUES ('Klara Mustermann')")
        with pytest.raises(asyncpg.UniqueViolationError):
            fetch(dsn, "INSERT INTO people VALUES ('Klara Mustermann')")
    log = (data / "logs" / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "Mustermann" not in log


def test_a_second_start_in_the_same_folder_is_refused(data: Path) -> None:
    with Local(data), pytest.raises(FolderInUseError, match=f"{data}.*process {os.getpid()}"), Local(data):
        pass
    with Local(data) as local:
        local.start(Process("sleeper", SLEEPER))


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").touch()
    with pytest.raises(FolderNotOursError), Local(tmp_path):
        pass


def test_a_killed_supervisor_takes_its_processes_along_and_blocks_nothing(data: Path) -> None:
    with system_in_its_own_process(data) as system:
        before = pids(data)
        assert before.keys() == {"postgres", "broker", "sleeper"}
        os.killpg(system.pid, signal.SIGKILL)
        system.wait()
        eventually(lambda: not any(map(runs, before.values())))
    with system_in_its_own_process(data) as system:
        assert not set(before.values()) & set(pids(data).values())
        system.send_signal(signal.SIGTERM)
        assert system.wait(30) == 128 + signal.SIGTERM
    assert not (data / folder.RUNNING).exists()


def test_processes_that_outlived_their_supervisor_are_ended_by_the_next_start(data: Path) -> None:
    with Local(data) as local:
        orphan = subprocess.Popen(SLEEPER, start_new_session=True)
        record = folder.ProcessRecord(orphan.pid, psutil.Process(orphan.pid).create_time(), int(signal.SIGTERM), str(local.data))
        stranger = folder.ProcessRecord(os.getpid(), 1.0, int(signal.SIGTERM), str(local.data))
    folder.write_running(data, folder.Running(str(data), processes={"orphan": record, "reused pid": stranger}))
    with Local(data):
        assert orphan.wait(5) == -signal.SIGTERM


def test_a_lock_file_left_by_a_reused_process_id_does_not_block_postgres(data: Path) -> None:
    with Local(data) as local:
        local.start_postgres()
    cluster = (data / folder.POSTGRES).resolve() / "cluster"
    owner = cluster.stat()
    user = User(owner.st_uid, owner.st_gid) if os.geteuid() == 0 else None
    with Local(data) as local:
        local.start(Process("stranger", ["/bin/sleep", "100"], user=user))
        (cluster / "postmaster.pid").write_text(
            f"{local.pid('stranger')}\n{cluster}\n1700000000\n5432\n\n127.0.0.1\n        1         1\nready   \n"
        )
        local.start_postgres()
        assert runs(local.pid("stranger"))


def test_ctrl_c_stops_everything(data: Path) -> None:
    with system_in_its_own_process(data) as system:
        started = pids(data)
        system.send_signal(signal.SIGINT)
        assert system.wait(30) in (0, -signal.SIGINT)  # it may come just before `wait`
        assert not any(map(runs, started.values()))


def test_a_killed_service_is_started_again(data: Path) -> None:
    with Local(data) as local:
        local.start(Process("sleeper", SLEEPER))
        first = local.pid("sleeper")
        local.kill("sleeper")
        eventually(lambda: local.pid("sleeper") != first)
        local.wait_ready("sleeper")
        eventually(lambda: pids(data)["sleeper"] == local.pid("sleeper"))


def test_a_killed_database_comes_back_on_its_port_with_what_was_committed(data: Path) -> None:
    with Local(data, durable=False) as local:
        local.start_postgres()
        dsn = local.ensure_databases(["intake"])["intake"]
        fetch(dsn, "CREATE TABLE notices AS SELECT 7 AS id")
        first = local.pid("postgres")
        local.kill("postgres")
        eventually(lambda: local.pid("postgres") != first)
        local.wait_ready("postgres")
        assert fetch(dsn, "SELECT id FROM notices") == 7


def test_a_killed_broker_stays_away_until_resumed_on_its_port(data: Path) -> None:
    with Local(data) as local:
        port = int(local.start_broker().rpartition(":")[2])
        local.kill(broker.NAME, restart=False)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        local.resume(broker.NAME)
        assert listens(local.pid(broker.NAME), port)


def test_a_frozen_service_is_stopped(data: Path) -> None:
    with Local(data) as local:
        local.start(Process("sleeper", SLEEPER))
        pid = local.pid("sleeper")
        local.kill("sleeper", signal.SIGSTOP)
        eventually(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
        begun = time.monotonic()
    assert not runs(pid)
    assert time.monotonic() - begun < 5


def test_a_service_that_ignores_the_request_is_ended_after_its_grace(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "GRACE", 0.5)
    deaf = tmp_path / "deaf"
    with Local(data) as local:
        local.start(Process("stubborn", [sys.executable, "-c", STUBBORN, str(deaf)], ready=lambda _pid: deaf.exists()))
        pid = local.pid("stubborn")
    assert not runs(pid)


def test_a_service_that_ends_before_it_is_ready_says_why(data: Path) -> None:
    argv = [sys.executable, "-c", "raise SystemExit('no such setting: COLOUR')"]
    with Local(data) as local:
        with pytest.raises(StartError, match=r"(?s)status 1 .*no such setting: COLOUR"):
            local.start(Process("broken", argv, ready="http://127.0.0.1:1/"))
        assert pids(data) == {}


def test_a_port_taken_in_the_last_moment_is_exchanged_for_another(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.ExitStack() as stack:
        taken = []
        for _ in range(2):
            other = stack.enter_context(socket.socket())
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken.append(int(other.getsockname()[1]))
        offers = iter([taken[0], free_port(), taken[1], free_port()])
        monkeypatch.setattr(supervisor, "free_port", lambda: next(offers))
        with Local(data, durable=False) as local:
            local.start_postgres()
            local.start_broker()
            assert local.running.postgres_port not in taken
            assert listens(local.pid(broker.NAME), int(str(local.running.bootstrap).rpartition(":")[2]))
        assert next(offers, None) is None


def test_an_offered_port_is_never_one_of_an_outgoing_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "EPHEMERAL_RANGE", tmp_path / "range")
    (tmp_path / "range").write_text("20000\t60999\n")
    assert all(port < 20000 for port in free_ports(500))


def test_ports_offered_together_differ() -> None:
    assert len(set(free_ports(500))) == 500
