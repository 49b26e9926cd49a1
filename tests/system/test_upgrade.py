"""Intake of the next release runs beside the others of this one: what they cannot know yet stops nobody and parks nothing.

The next release is this one's code with what a release may bring: a field more in an event, a column more in a table.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import pytest

from deploy.cli.databases import database
from deploy.cli.target import Target
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.processes import Process
from deploy.local.supervisor import Local
from deploy.local.system import MUENSTER, service_environment, start_system
from shared.contracts.catalogue import CASES, HOUSEHOLDS, VISITS, owner_of, topic_of
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.visits import VisitOwed
from shared.messaging.wire import Envelope, Raw, encode
from shared.runtime.metrics import Name
from tests.system.one_notice import COURT, Sender, cases_of, events, message, read, settled, suit, target_of, write
from tests.system.test_metrics import numbers
from tests.the_broker import start_broker
from tests.unit.outreach_room import MONDAY, Town, at
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
READERS = ("outreach", "referral", "reporting")
UNHEARD_OF = "de.bleibe.case.unheard-of.v1"


@pytest.fixture
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

    await eventually(lambda: owed_for(target, case), within_s=60)
    said = {(CASES.name, str(case.case_id)): 3, (HOUSEHOLDS.name, str(entry.household_id)): 1}
    await eventually(lambda: all_have_read(target, said), within_s=60)
    for reader in READERS:
        await eventually(partial(has_passed_over, target, reader, before[reader] + 1))
        async with database(target, reader) as connection:
            assert not await connection.fetchval("select count(*) from parked")
    assert len(await owed_for(target, case)) == 1


NEXT = "intake-next"
FIELD = "field_of_the_next_release"


@pytest.fixture
def whole() -> Iterator[Local]:
    """A system of this release, whose intake is replaced."""
    with tempfile.TemporaryDirectory(prefix="bleibe-upgrade-") as folder, Local(Path(folder), durable=False) as local:
        start_broker(local)
        start_system(local)
        yield local


async def test_intake_is_upgraded_and_put_back_while_the_others_run(whole: Local, tmp_path: Path) -> None:
    target = target_of(whole)
    assert await fields_told(target, await told_of_a_suit(target)) == {None}
    stop(whole, "intake")
    whole.start(next_intake(whole, tmp_path))
    assert await fields_told(target, await told_of_a_suit(target)) == {True}
    stop(whole, NEXT)
    whole.resume("intake")  # on tables that the next release has widened
    assert await fields_told(target, await told_of_a_suit(target)) == {None}
    await settled(target)
    for service in ("intake", *READERS):
        async with database(target, service) as connection:
            assert not await connection.fetchval("select count(*) from parked")


def stop(local: Local, name: str) -> None:
    """Raises psutil.TimeoutExpired where it still runs after a minute."""
    process = psutil.Process(local.pid(name))
    local.kill(name, signal.SIGTERM, restart=False)
    process.wait(timeout=60)


def next_intake(local: Local, release: Path) -> Process:
    """A process of the next release's code."""
    for package in ("services", "shared"):
        shutil.copytree(ROOT / package, release / package, ignore=shutil.ignore_patterns("__pycache__"))
    cases = release / "shared" / "contracts" / "topics" / "cases.py"
    code, line = cases.read_text(), "    household_version: Count\n"
    assert code.count(line) == 1
    cases.write_text(code.replace(line, f"{line}    {FIELD}: bool = True\n"))
    wider = release / "services" / "intake" / "migrations" / "9999_next_release.sql"
    wider.write_text(f"alter table cases add column {FIELD} boolean not null default true;\n")
    port = free_port()
    local.publish("intake", f"http://{LOOPBACK}:{port}")
    environment = service_environment(local.running, "intake", port, "wall", NEXT)
    code_of_its_own = {"PYTHONPATH": str(release), "PYTHONSAFEPATH": "1", "BLEIBE_CITY": str(MUENSTER)}
    ready = f"http://{LOOPBACK}:{port}/health/ready"
    return Process(NEXT, [sys.executable, "-m", "services.intake"], environment | code_of_its_own, ready=ready)


async def told_of_a_suit(target: Target) -> str:
    """Send one and wait until every reader has its case; the case's id."""
    sender = Sender(target.bootstrap)
    notices = await sender.send(message(COURT, suit(1)))
    await sender.until_answered()
    case_id = (await cases_of(target, notices))[notices[0]]

    async def all_read() -> bool:
        return all([await last(target, reader, case_id) for reader in READERS])

    await eventually(all_read, within_s=60)
    return str(case_id)


async def fields_told(target: Target, case_id: str) -> set[bool | None]:
    """What the case's events say in the next release's field; None where they do not have it."""
    told = [each for each in await read(target.bootstrap, [CASES.name]) if each.key == case_id.encode()]
    return {json.loads(each.value or b"{}").get(FIELD) for each in told}


def of_the_next_release(case: CaseEvent, n: int) -> Raw:
    """The case as it stands, with a field that this release does not have."""
    data = json.dumps({**json.loads(case.model_dump_json()), FIELD: True}).encode()
    return encode(CASES.name, envelope(str(case.case_id), case.TYPE, n), data)


def with_unknown_type(raw: Raw) -> Raw:
    headers = tuple((name, UNHEARD_OF.encode() if name == "ce_type" else value) for name, value in raw.headers)
    return replace(raw, headers=headers)


def envelope(key: str, event_type: str, n: int) -> Envelope:
    return Envelope(uuid4(), owner_of(CASES.name), event_type, at(MONDAY), key, n=n)


async def last(target: Target, reader: str, case_id: UUID) -> int:
    async with database(target, reader) as connection:
        statement = "select last from progress where topic = $1 and key = $2"
        return int(await connection.fetchval(statement, CASES.name, str(case_id)) or 0)


async def all_have_read(target: Target, said: Mapping[tuple[str, str], int]) -> bool:
    """Whether each reader has read so far what intake said, by topic and key, and all that the readers themselves said."""
    read: dict[str, dict[tuple[str, str], int]] = {}
    written = dict(said)
    for reader in READERS:
        async with database(target, reader) as connection:
            rows = await connection.fetch("select topic, key, last from progress")
            read[reader] = {(row["topic"], row["key"]): row["last"] for row in rows}
            rows = await connection.fetch("select topic, key, last from streams")
            written |= {(row["topic"], row["key"]): row["last"] for row in rows}
    return all(
        read[reader].get(place) == n for place, n in written.items() for reader in topic_of(place[0]).readers if reader in READERS
    )


async def owed_for(target: Target, case: CaseEvent) -> list[VisitOwed]:
    return [each for each in events(await read(target.bootstrap, [VISITS.name]), VisitOwed) if each.case_id == case.case_id]


async def has_passed_over(target: Target, reader: str, events: float) -> bool:
    """Whether it counts so many: it does after their commit."""
    return await unheard_of(target, reader) == events


async def unheard_of(target: Target, reader: str) -> float:
    """How many events of a type that it does not know a reader has passed over."""
    shown = await numbers(target, reader)
    return sum(
        value for (name, labels), value in shown.items() if name == Name.EVENTS_HANDLED and ("outcome", "unknown_type") in labels
    )
