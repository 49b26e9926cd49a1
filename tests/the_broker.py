"""The broker a test run is on: the embedded one, or one node of Apache Kafka where BLEIBE_TEST_KAFKA=1."""

from __future__ import annotations

import os
import shutil

import pytest

from deploy.local import broker, kafka
from deploy.local.kafka import NoKafkaError
from deploy.local.supervisor import Local

ON_KAFKA = os.environ.get("BLEIBE_TEST_KAFKA") == "1"
BROKER = "kafka-1" if ON_KAFKA else broker.NAME
"""The name of its process."""


def start_broker(local: Local) -> str:
    """Start the run's kind of broker, empty; its bootstrap address."""
    if not ON_KAFKA:
        return local.start_broker()
    try:
        return local.start_kafka()
    except NoKafkaError as error:
        pytest.skip(f"NOT CHECKED: on Apache Kafka, because {error}")


def resume_empty(local: Local) -> None:
    """Start the broker that was killed again, without its memory: the embedded one never has any."""
    if ON_KAFKA:
        shutil.rmtree(local.data / BROKER / kafka.LOG)
    local.resume(BROKER)
