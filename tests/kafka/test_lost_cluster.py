"""Three nodes of Apache Kafka lose their disks at once while nobody says anything: the journals fill the new ones."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from deploy.cli.reconcile import reconcile
from deploy.local import kafka
from deploy.local.supervisor import Local
from deploy.local.system import start_system
from tests.kafka.clusters import kafka_of
from tests.system.one_notice import COURT, Sender, message, nothing_of_the_journals_is_missing, settled, suit, target_of
from tests.waiting import eventually

pytestmark = [pytest.mark.fault, pytest.mark.timeout(420)]

NODES = tuple(f"kafka-{number}" for number in (1, 2, 3))


async def test_a_cluster_that_comes_back_with_empty_disks_is_filled_from_the_journals() -> None:
    with kafka_of("three nodes that lose their disks", nodes=3) as local:
        start_system(local)
        target, sender = target_of(local), Sender(target_of(local).bootstrap)
        await sender.send(*(message(COURT, suit(n)) for n in range(10)))
        await sender.until_answered()
        await settled(target)
        await lose_all(local)
        await eventually(lambda: nothing_of_the_journals_is_missing(target), within_s=150)
        await sender.send(message(COURT, suit(10)))
        await sender.until_answered(150)
        await settled(target, within_s=150)  # each consumer finds its new group in its own time
        assert [check for check in await reconcile(target) if not check.ok] == []


async def lose_all(local: Local) -> None:
    """Kill every node, remove its disk, and start them side by side: one alone is never ready."""
    for node in NODES:
        local.kill(node, restart=False)
    for node in NODES:
        shutil.rmtree(local.data / node / kafka.LOG)
    await asyncio.gather(*(asyncio.to_thread(local.resume, node) for node in NODES))
