"""Intake of the next release runs beside the others of this one: what they cannot know yet stops nobody and parks nothing."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.cli.databases import database
from deploy.cli.target import Target
from deploy.local.supervisor import Local
from deploy.local.system import start_system
from shared.contracts.catalogue import CASES, HOUSEHOLDS, VISITS, owner_of
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.visits import VisitOwed
from shared.messaging.wire import Envelope, Raw, encode
from shared.runtime.metrics import Name
from tests.system.one_notice import events, read, target_of, write
from tests.system.test_metrics import numbers
from tests.the_broker import start_broker
from tests.unit.outreach_room import MONDAY, Town, at
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

READERS = ("outreach", "referral", "reporting")
UNHEARD_OF = "de.bleibe.case.unheard-of.v1"


@pytest.fixture(scope="module")
def without_intake() -> Iterator[Local]:
    """A system whose intake is the test."""
    with tempfile.TemporaryDirectory(prefix="bleibe-upgrade-") as folder, Local(Path(folder), durable=False) as local:
        start_broker(local)
        start_system(local, services=READERS)
        yield local


async def test_readers_of_an_older_release_go_on(without_intake: Local) -> None:
    target, town = target_of(without_intake), Town()
    case, entry = town.suit()
    before = {reader: await unheard_of(target, reader) for reader in READERS}
    newer = [of_the_next_release(case, n) for n in (1, 2, 3)]
    newer[1] = with_unknown_type(newer[1])
    await write(
        target.bootstrap,
        [*newer, encode(HOUSEHOLDS.name, envelope(str(entry.household_id), entry.TYPE, 1), entry.model_dump_json().encode())],
    )

    async def all_read() -> bool:
        return [await last(target, reader, case) for reader in READERS] == [3, 3, 3]

    await eventually(all_read, within_s=60)
    for reader in READERS:
        assert await unheard_of(target, reader) == before[reader] + 1
        async with database(target, reader) as connection:
            assert not await connection.fetchval("select count(*) from parked")
    owed = await eventually(lambda: owed_for(target, case))
    assert len(owed) == 1


def of_the_next_release(case: CaseEvent, n: int) -> Raw:
    """The case as it stands, with a field that this release does not have."""
    data = json.dumps({**json.loads(case.model_dump_json()), "field_of_the_next_release": True}).encode()
    return encode(CASES.name, envelope(str(case.case_id), case.TYPE, n), data)


def with_unknown_type(raw: Raw) -> Raw:
    headers = tuple((name, UNHEARD_OF.encode() if name == "ce_type" else value) for name, value in raw.headers)
    return replace(raw, headers=headers)


def envelope(key: str, event_type: str, n: int) -> Envelope:
    return Envelope(uuid4(), owner_of(CASES.name), event_type, at(MONDAY), key, n=n)


async def last(target: Target, reader: str, case: CaseEvent) -> int:
    async with database(target, reader) as connection:
        statement = "select last from progress where topic = $1 and key = $2"
        return int(await connection.fetchval(statement, CASES.name, str(case.case_id)) or 0)


async def owed_for(target: Target, case: CaseEvent) -> list[VisitOwed]:
    return [each for each in events(await read(target.bootstrap, [VISITS.name]), VisitOwed) if each.case_id == case.case_id]


async def unheard_of(target: Target, reader: str) -> float:
    """How many events of a type that it does not know a reader has passed over."""
    shown = await numbers(target, reader)
    return sum(
        value for (name, labels), value in shown.items() if name == Name.EVENTS_HANDLED and ("outcome", "unknown_type") in labels
    )
