"""One notice through all four services while each of them, the database and the broker are killed."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from deploy.cli.databases import database
from deploy.cli.reconcile import reconcile
from deploy.cli.target import SERVICES, Target
from deploy.local.ports import LOOPBACK
from deploy.local.supervisor import Local
from deploy.local.system import MUENSTER, start_another, start_system, tokens
from shared.city import load_city
from shared.contracts.catalogue import ASSIGNMENTS, CASES, HOUSEHOLDS, VISITS, Topic, owner_of
from shared.contracts.codes import Answer
from shared.contracts.fields import Event
from shared.contracts.topics.assignments import AssignmentChanged, AssignmentCreated, AssignmentWithdrawn
from shared.contracts.topics.visits import VisitOwed
from shared.messaging.wire import Envelope, Raw, encode
from shared.runtime.metrics import Name
from tests.system.one_notice import (
    COURT,
    Sender,
    cases_of,
    events,
    header,
    message,
    nothing_of_the_journals_is_missing,
    read,
    settled,
    suit,
    target_of,
    write,
)
from tests.system.test_metrics import numbers
from tests.the_broker import BROKER, resume_empty, start_broker
from tests.unit.outreach_room import MONDAY, Town, at
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.fault]

CITY = load_city(MUENSTER)
ASSIGNED = [ASSIGNMENTS.of(team.id) for team in CITY.teams]
BEFORE, WHILE, AFTER = 10, 20, 10


@pytest.fixture(scope="module")
def doomed() -> Iterator[Local]:
    """A system of this module's own: its parts die."""
    with tempfile.TemporaryDirectory(prefix="bleibe-kill-") as folder, Local(Path(folder), durable=False) as local:
        start_broker(local)
        start_system(local)
        yield local


@pytest.mark.parametrize("victim", [*SERVICES, "postgres"])
async def test_no_notice_is_lost_or_doubled_when_one_is_killed(doomed: Local, victim: str) -> None:
    target, sender = target_of(doomed), Sender(target_of(doomed).bootstrap)
    notices = await sender.send(*(message(COURT, suit(n)) for n in range(BEFORE)))
    doomed.kill(victim)
    for n in range(WHILE):
        notices += await sender.send(message(COURT, suit(n)))
    doomed.wait_ready(victim)
    notices += await sender.send(*(message(COURT, suit(n)) for n in range(AFTER)))
    await sender.until_answered()
    await settled(target)
    await assert_each_has_its_place(target, sender, notices)


async def test_a_broker_that_comes_back_empty_is_filled_from_the_journals(doomed: Local) -> None:
    target, sender = target_of(doomed), Sender(target_of(doomed).bootstrap)
    notices = await sender.send(*(message(COURT, suit(n)) for n in range(BEFORE)))
    await sender.until_answered()
    await settled(target)
    doomed.kill(BROKER, restart=False)
    notices += await sender.send(message(COURT, suit(0)))
    notices += [await filed_over_http(target, doomed.data) for _ in range(3)]
    resume_empty(doomed)
    await sender.until_answered()
    await eventually(lambda: nothing_of_the_journals_is_missing(target), within_s=60)
    await settled(target)
    await assert_each_has_its_place(target, sender, notices)


async def test_two_processes_send_one_assignment_whichever_comes_first() -> None:
    """Here the test is intake, so that case and register entry come in the order it wants, or at the same instant."""
    with tempfile.TemporaryDirectory(prefix="bleibe-two-") as folder, Local(Path(folder), durable=False) as local:
        start_broker(local)
        start_system(local, services=("outreach",))
        beside = start_another(local, "outreach")
        target, town = target_of(local), Town()
        both = replace(target, pages={"one": target.pages["outreach"], "other": f"http://{LOOPBACK}:{beside.partition('-')[2]}"})
        suits = [town.suit() for _ in range(30)]
        cases = [of_intake(CASES, case.case_id, case) for case, _ in suits]
        entries = [of_intake(HOUSEHOLDS, entry.household_id, entry) for _, entry in suits]
        for first, then in ((cases[:10], entries[:10]), (entries[10:20], cases[10:20])):
            await write(target.bootstrap, first)
            await eventually(lambda: have_been_read(target, first), within_s=30)  # noqa: B023  it is awaited here
            await write(target.bootstrap, then)
        await asyncio.gather(write(target.bootstrap, cases[20:]), write(target.bootstrap, entries[20:]))
        await eventually(lambda: have_been_read(target, cases + entries), within_s=30)
        await write(target.bootstrap, cases + entries)
        await eventually(lambda: all_are_counted(both, 2 * len(cases + entries)), within_s=30)
        became = await counted(both)
        assert became == {"effective": len(cases + entries), "duplicate": became["duplicate"]}
        await eventually(lambda: nothing_to_send(target))
        raws = await read(target.bootstrap, [*ASSIGNED, VISITS.name])
    created = [each.case_id for each in events(raws, AssignmentCreated)]
    assert sorted(created) == sorted(case.case_id for case, _ in suits)
    assert not events(raws, AssignmentChanged, AssignmentWithdrawn)
    assert len(events(raws, VisitOwed)) == len(suits)


async def assert_each_has_its_place(target: Target, sender: Sender, notices: Collection[UUID]) -> None:
    """Each notice is accepted and has one case, one obligation, one assignment and one line in the read model."""
    broken = [check for check in await reconcile(target) if not check.ok]
    assert not broken
    assert {sender.answers[each].answer for each in notices if each in sender.answers} == {Answer.ACCEPTED}
    cases = await cases_of(target, notices)
    assert cases.keys() == set(notices)
    assert len(set(cases.values())) == len(notices)
    raws = await read(target.bootstrap, [*ASSIGNED, VISITS.name])
    owed = Counter(each.case_id for each in events(raws, VisitOwed) for _ in each.obligations)
    assigned = Counter(each.case_id for each in events(raws, AssignmentCreated))
    assert {owed[case] for case in cases.values()} == {1}
    assert {assigned[case] for case in cases.values()} == {1}
    async with database(target, "reporting") as reporting:
        lines = await reporting.fetchval(
            "select count(*) from case_rows where case_id = any($1) and line is not null", list(cases.values())
        )
    assert lines == len(notices)


async def filed_over_http(target: Target, data: Path) -> UUID:
    """A suit filed with intake itself: it is answered while the broker is away, since nothing waits for Kafka."""
    raw = message(COURT, suit(0))
    headers = {name.replace("ce_", "ce-"): (value or b"").decode() for name, value in raw.headers}
    headers["authorization"] = f"Bearer {tokens(data)['partner-ag-muenster']}"
    async with httpx.AsyncClient(base_url=target.pages["intake"], trust_env=False) as http:
        answer = await http.post("/notices", content=raw.value, headers=headers)
    assert answer.json()["messages"][0]["answer"] == Answer.ACCEPTED
    return UUID(header(raw, "ce_id"))


def of_intake(topic: Topic, key: UUID, data: Event) -> Raw:
    """The first event of a key, as intake would write it."""
    envelope = Envelope(uuid4(), owner_of(topic.name), data.TYPE, at(MONDAY), str(key), n=1)
    return encode(topic.name, envelope, data.model_dump_json().encode())


async def have_been_read(target: Target, raws: Sequence[Raw]) -> bool:
    """Whether outreach has read these events."""
    async with database(target, "outreach") as connection:
        rows = await connection.fetch("select topic, key from progress where last > 0")
    return {(raw.topic, (raw.key or b"").decode()) for raw in raws} <= {(row["topic"], row["key"]) for row in rows}


async def all_are_counted(both: Target, records: int) -> bool:
    """Whether the two processes have handled so many events of intake."""
    return sum((await counted(both)).values()) >= records  # more where one has taken over from the other


async def counted(both: Target) -> Counter[str]:
    """What became of intake's events in the two processes, by outcome."""
    outcomes: Counter[str] = Counter()
    for process in both.pages:
        for (name, labels), value in (await numbers(both, process)).items():
            about = dict(labels)
            if name == Name.EVENTS_HANDLED and about["topic"] in {CASES.name, HOUSEHOLDS.name}:
                outcomes[about["outcome"]] += int(value)
    return outcomes


async def nothing_to_send(target: Target) -> bool:
    """Whether outreach has sent all it wrote."""
    async with database(target, "outreach") as connection:
        return await connection.fetchval("select count(*) = 0 from outbox") or False
