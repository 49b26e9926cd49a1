"""Kafka clusters of this tier's own; without Java or Maven what needs one is skipped by name."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from deploy.local.kafka import NoKafkaError
from deploy.local.supervisor import Local


@contextlib.contextmanager
def kafka_of(
    what: str, nodes: int = 1, settings: Mapping[str, str] | None = None, administrator: str | None = None
) -> Iterator[Local]:
    """A cluster in a folder of its own. `what` is not checked where there can be none."""
    with tempfile.TemporaryDirectory(prefix="bleibe-kafka-") as folder, Local(Path(folder), durable=False) as local:
        try:
            local.start_kafka(nodes, settings, administrator)
        except NoKafkaError as error:
            pytest.skip(f"NOT CHECKED: {what}, because {error}")
        yield local
