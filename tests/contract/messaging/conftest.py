"""Two toy services on databases of their own, a broker to share, and one that may be killed."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy.local.supervisor import Local
from tests.contract.messaging.brokers import Broker, broker_at, new_tag
from tests.contract.messaging.toy import Toy, toy
from tests.the_broker import start_broker


@pytest.fixture(scope="session")
def broker(bootstrap: str) -> Broker:
    """The broker that all tests share; it is never disturbed."""
    return broker_at(bootstrap)


@pytest.fixture(scope="session")
def mortal() -> Iterator[Local]:
    """A broker of our own that may be frozen, killed and come back empty."""
    with tempfile.TemporaryDirectory(prefix="bleibe-mortal-") as folder, Local(Path(folder), durable=False) as running:
        start_broker(running)
        yield running


@pytest.fixture
def mortal_broker(mortal: Local) -> Broker:
    assert mortal.running.bootstrap is not None
    return broker_at(mortal.running.bootstrap)


@pytest.fixture
async def writer(database: str, tmp_path: Path) -> AsyncIterator[Toy]:
    """A service that writes, on topics of its own."""
    async with toy(database, tmp_path, tag=new_tag()) as service:
        yield service


@pytest.fixture
async def reader(other_database: str, tmp_path: Path, writer: Toy) -> AsyncIterator[Toy]:
    """Another service, which hears the writer."""
    async with toy(other_database, tmp_path, tag=writer.tag) as service:
        yield service


@pytest.fixture
async def other_database(admin_dsn: str) -> AsyncIterator[str]:
    """The address of a second database."""
    name = f"other_{uuid4().hex}"
    admin = await asyncpg.connect(admin_dsn)
    try:
        await admin.execute(f"create database {name}")
        yield admin_dsn.rsplit("/", 1)[0] + f"/{name}"
    finally:
        await admin.execute(f"drop database if exists {name} with (force)")
        await admin.close()
