"""One running system for all tests that leave it as they found it: four services, PostgreSQL, broker, on the wall clock."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.cli.target import Target
from deploy.local.supervisor import Local
from deploy.local.system import start_system
from tests.system.one_case import Played, play
from tests.system.one_notice import target_of
from tests.the_broker import start_broker


@pytest.fixture(scope="session")
def system() -> Iterator[Target]:
    """Where the shared system is; it ends with the run."""
    with tempfile.TemporaryDirectory(prefix="bleibe-system-") as folder, Local(Path(folder), durable=False) as local:
        start_broker(local)
        start_system(local)
        yield target_of(local)


@pytest.fixture(scope="session")
async def played(system: Target) -> Played:
    """One household's whole way through the shared system."""
    return await play(system)
