"""Apache Kafka for one machine, without Docker: its own jars from Maven, one or three KRaft nodes on the loopback address.

For tests and measurements. Needs `java` (17 or newer) and `mvn`; the jars are kept in `.cache/kafka` below the project.
A node formats its empty folder whenever it starts: one that lost its disk comes back without further ado.
"""

import functools
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.ports import LOOPBACK, free_ports, listens
from deploy.local.processes import Process

ROOT = Path(__file__).parents[2]
POM = ROOT / "deploy" / "kafka" / "pom.xml"
JARS = ROOT / ".cache" / "kafka"
CLUSTER = "BleibeLocalKafka000000"
HEAP = "384m"
LOG = "log"
ADMIN = "admin"
FETCH_S = 600


class NoKafkaError(RuntimeError):
    """Java or Maven is missing, or Maven could not get the jars; the message says which."""


@dataclass(frozen=True)
class Node:
    """One node, broker and controller in one process."""

    number: int
    port: int
    controller: int

    @property
    def name(self) -> str:
        """Its process's name."""
        return f"kafka-{self.number}"


def missing() -> str | None:
    """What stands in the way of running Kafka here; None: nothing."""
    absent = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"{' and '.join(absent)} not on this machine" if absent else None


def jars() -> Path:
    """The folder of the jars that the pom names, fetched once. Raises NoKafkaError."""
    stamp = JARS / "pom.xml"
    if stamp.exists() and stamp.read_bytes() == POM.read_bytes():
        return JARS
    if reason := missing():
        raise NoKafkaError(reason)
    shutil.rmtree(JARS, ignore_errors=True)
    command = ["mvn", "--quiet", "--batch-mode", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={JARS}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_S, check=False)  # noqa: S603  our own pom
    except subprocess.TimeoutExpired as late:
        raise NoKafkaError(
            f"Maven had not got the jars of {POM} after {late.timeout:.0f} s: is its registry reachable?"
        ) from None
    if done.returncode:
        raise NoKafkaError(f"Maven could not get the jars of {POM}:\n{done.stdout[-2000:]}")
    shutil.copyfile(POM, stamp)
    return JARS


def cluster(size: int) -> list[Node]:
    """So many nodes on free ports."""
    ports = iter(free_ports(2 * size))
    return [Node(number, next(ports), next(ports)) for number in range(1, size + 1)]


def bootstrap(nodes: Sequence[Node]) -> str:
    """Where clients begin."""
    return ",".join(f"{LOOPBACK}:{node.port}" for node in nodes)


def kafka_process(
    data: Path, node: Node, nodes: Sequence[Node], more: Mapping[str, str] | None = None, administrator: str | None = None
) -> Process:
    """One node of a cluster. `more` are further broker settings.

    `administrator` is the password of `admin`, the first user of a cluster that asks for one (see `secured.py`).
    """
    folder = data / node.name
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    properties.touch(mode=0o600)  # it may hold passwords
    settings = _settings(folder, node, nodes) | dict(more or {})
    properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    users = [f"@{_first_user(folder, administrator)}"] if administrator else []
    form = _command("kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER, "--config", str(properties), *users)
    serve = _command("kafka.Kafka", str(properties))
    formatted = shlex.quote(str(folder / LOG / "meta.properties"))
    return Process(
        name=node.name,
        argv=["/bin/sh", "-c", f"[ -e {formatted} ] || {shlex.join(form)} && exec {shlex.join(serve)}"],
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder)},
        ready=functools.partial(listens, port=node.port),
        ready_within=90,
        stop_signal=signal.SIGTERM,
    )


def _first_user(folder: Path, password: str) -> Path:
    """A file of arguments: those on a command line anybody may read in the list of processes."""
    file = folder / "first-user"
    file.touch(mode=0o600)
    file.write_text(f"--add-scram\nSCRAM-SHA-512=[name={ADMIN},password={password}]\n")
    return file


def _settings(folder: Path, node: Node, nodes: Sequence[Node]) -> dict[str, str]:
    copies = str(min(3, len(nodes)))
    needed = "2" if len(nodes) > 2 else "1"
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.number),
        "controller.quorum.voters": ",".join(f"{each.number}@{LOOPBACK}:{each.controller}" for each in nodes),
        "listeners": f"CLIENTS://{LOOPBACK}:{node.port},CONTROLLER://{LOOPBACK}:{node.controller}",
        "advertised.listeners": f"CLIENTS://{LOOPBACK}:{node.port}",
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENTS",
        "log.dirs": str(folder / LOG),
        "default.replication.factor": copies,
        "min.insync.replicas": needed,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": "6",
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": needed,
        "transaction.state.log.num.partitions": "3",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": needed,
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",  # a test need not wait longer for a takeover
        "num.io.threads": "2",
        "num.network.threads": "2",
        "log.cleaner.threads": "1",
    }


def _command(*args: str) -> list[str]:
    java = shutil.which("java")
    if java is None:
        raise NoKafkaError(missing() or "")
    options = ["-Djava.net.preferIPv4Stack=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
    return [java, f"-Xms{HEAP}", f"-Xmx{HEAP}", "-XX:+UseSerialGC", *options, "-cp", f"{jars()}/*", *args]
