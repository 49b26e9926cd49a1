"""Apache Kafka on this machine, as far as it can be looked at without Java: what is tried again, said and kept from others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.local import kafka
from deploy.local.kafka import Node, NoKafkaError, kafka_process
from deploy.local.processes import Process
from deploy.local.supervisor import Local, StartError

pytestmark = pytest.mark.service

TAKEN, FREE = Node(1, 1111, 1112), Node(1, 2221, 2222)


def test_a_port_taken_in_the_last_moment_is_exchanged_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node itself is played: it ends where its port is the one that somebody took."""
    offers = iter([[TAKEN], [FREE]])
    program = "import signal, sys\nif sys.argv[1] == '1111': raise SystemExit('Address already in use')\nsignal.pause()"

    def played(_data: Path, node: Node, *_: Any) -> Process:  # noqa: ANN401  settings that do not matter here
        return Process(node.name, [sys.executable, "-c", program, str(node.port)], ready=lambda _pid: node is FREE)

    monkeypatch.setattr(kafka, "cluster", lambda _size: next(offers))
    monkeypatch.setattr(kafka, "kafka_process", played)
    with Local(tmp_path / "data", durable=False) as local:
        assert local.start_kafka() == "127.0.0.1:2221"
        assert local.running.bootstrap == "127.0.0.1:2221"
    assert next(offers, None) is None


def test_a_kafka_that_cannot_start_for_another_reason_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offers = iter([[TAKEN], [FREE]])

    def played(_data: Path, node: Node, *_: Any) -> Process:  # noqa: ANN401  settings that do not matter here
        return Process(node.name, [sys.executable, "-c", "raise SystemExit('no memory')"], ready=lambda _pid: False)

    monkeypatch.setattr(kafka, "cluster", lambda _size: next(offers))
    monkeypatch.setattr(kafka, "kafka_process", played)
    with Local(tmp_path / "data", durable=False) as local, pytest.raises(StartError, match="no memory"):
        local.start_kafka()
    assert next(offers) == [FREE]


def test_a_maven_that_never_ends_is_a_kafka_that_is_not_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(command: list[str], *, timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(kafka, "JARS", tmp_path / "jars")
    monkeypatch.setattr(kafka, "missing", lambda: None)
    monkeypatch.setattr(subprocess, "run", hangs)
    with pytest.raises(NoKafkaError, match=f"after {kafka.FETCH_S} s"):
        kafka.jars()


def test_the_administrators_password_is_no_argument_and_in_no_file_that_others_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "_command", lambda *args: list(args))
    process = kafka_process(tmp_path, FREE, [FREE], administrator="hush")
    assert "format" in process.argv[-1]
    assert "hush" not in " ".join([*process.argv, *(process.env or {}).values()])
    holding = [file for file in tmp_path.rglob("*") if file.is_file() and "password=hush" in file.read_text()]
    assert [file.stat().st_mode & 0o777 for file in holding] == [0o600]
    assert f"@{holding[0]}" in process.argv[-1]
