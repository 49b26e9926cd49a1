"""What all tiers share: one PostgreSQL and one broker per test run, a fresh database per test."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from deploy.local.supervisor import Local
from tests.the_broker import ON_KAFKA, start_broker

# Tests run on shared machines: a property is judged by its answers, not by its milliseconds.
settings.register_profile("bleibe", deadline=None)
settings.load_profile("bleibe")


def pytest_report_header() -> str:
    """What the run is on, and what that cannot show."""
    if ON_KAFKA:
        return "broker: Apache Kafka, one node"
    return "broker: the embedded one; NOT CHECKED on it: an idempotent producer, a memory beyond its process (make test-kafka)"


@pytest.fixture(scope="session")
def local() -> Iterator[Local]:
    """A supervisor in a folder of its own; what it starts ends with the run."""
    with tempfile.TemporaryDirectory(prefix="bleibe-test-") as folder, Local(Path(folder), durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def admin_dsn(local: Local) -> str:
    """The superuser of the test server."""
    return local.start_postgres()


@pytest.fixture(scope="session")
def bootstrap(local: Local) -> str:
    """The test broker; it is empty at the start of the run and may be killed by fault tests, which start it again."""
    return start_broker(local)


_numbers = itertools.count(1)


@pytest.fixture
async def database(admin_dsn: str) -> AsyncIterator[str]:
    """The address of a fresh, empty database."""
    name = f"test_{next(_numbers)}"
    admin = await asyncpg.connect(admin_dsn)
    try:
        await admin.execute(f"create database {name}")
        yield admin_dsn.rsplit("/", 1)[0] + f"/{name}"
    finally:
        await admin.execute(f"drop database if exists {name} with (force)")
        await admin.close()
