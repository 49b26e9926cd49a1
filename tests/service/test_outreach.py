"""Outreach on a real database: two processes at once, jobs, erasure, pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from httpx import ASGITransport, AsyncClient
from pydantic import BaseModel, SecretStr

from services.outreach import jobs
from services.outreach.app import HERE, build
from services.outreach.jobs import Replanning, WaitingAlarm
from services.outreach.room import OutreachRoom
from services.outreach.routes import routes
from services.outreach.state import State
from shared.city import City
from shared.contracts.catalogue import CASES, EVENT_TYPES, FIELD_REPORTS, HOUSEHOLDS, owner_of
from shared.contracts.codes import Answer, AttemptResult, Stage, TerminationType
from shared.contracts.topics.cases import CaseErased, CaseEvent, TerminationFact
from shared.contracts.topics.field_reports import AttemptReported, FieldReport
from shared.contracts.topics.households import HouseholdRecorded
from shared.messaging.journal import Entry, append
from shared.messaging.migrate import CORE, migrate
from shared.messaging.model import Tx
from shared.messaging.pipeline import Pipeline
from shared.messaging.wire import Envelope, Raw, encode
from shared.runtime.clock import FixedClock
from shared.runtime.health import Health
from shared.runtime.metrics import Metrics
from shared.runtime.pages import Pages
from shared.runtime.persons import Person, Role, Tokens, make_token, write_persons
from shared.runtime.process import running
from shared.runtime.service import Context, Running, reader_for, receipt
from shared.runtime.settings import ServiceSettings
from shared.runtime.web import web_app
from tests.the_broker import ON_KAFKA
from tests.unit.outreach_room import MONDAY, Town, at, away, city
from tests.waiting import eventually

pytestmark = pytest.mark.service

CREATED = "de.bleibe.assignment.created.v1"


class Process:
    """One process of outreach, without Kafka."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], data: City | None = None) -> None:
        self.clock = FixedClock(at(MONDAY))
        self.metrics = Metrics(EVENT_TYPES)
        self.room = OutreachRoom(data or city())
        self.pool = pool
        service = build(Context(cast("Any", None), data or city(), self.clock, self.metrics))
        self.pipeline: Pipeline[State] = Pipeline(
            "outreach", self.room, reader_for(service.hears), pool, self.clock, self.metrics, receipt, lambda: None
        )

    async def hear(self, *records: Raw) -> list[Answer]:
        return [each.answer for each in await self.pipeline.handle(records) if each is not None]

    async def job(self, run: Any) -> None:  # noqa: ANN401  a job's run
        async with self.pool.acquire() as connection, connection.transaction():
            said = await run(connection, self.clock.now())
            await append(connection, [Entry(each, None, None) for each in said], self.clock.now())


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    await migrate(database, [CORE, HERE / "migrations"])
    async with asyncpg.create_pool(database, min_size=2, max_size=6) as pool:
        yield pool


def record(data: BaseModel | None, topic: str, key: UUID, n: int | None = 1, message_id: UUID | None = None) -> Raw:
    kind = getattr(data, "TYPE", HouseholdRecorded.TYPE)
    envelope = Envelope(message_id or uuid4(), owner_of(topic), kind, at(MONDAY), str(key), n)
    return encode(topic, envelope, data.model_dump_json().encode() if data else None)


def told(case: CaseEvent, n: int = 1) -> Raw:
    return record(case, CASES.name, case.case_id, n)


def registered(household: HouseholdRecorded, n: int = 1) -> Raw:
    return record(household, HOUSEHOLDS.name, household.household_id, n)


def reported(report: FieldReport, team: str = "nord-west") -> Raw:
    return record(report, FIELD_REPORTS.of(team), report.case_id, None)


async def said(pool: asyncpg.Pool[asyncpg.Record], kind: str) -> list[dict[str, Any]]:
    rows = await pool.fetch("select data from journal where type = $1 order by id", kind)
    return [json.loads(row["data"]) for row in rows]


def attempt(town: Town, case: CaseEvent, visit_id: str, result: AttemptResult) -> AttemptReported:
    return town.attempt(case, result, on=MONDAY, visit_id=UUID(visit_id), note="Hat einen Hund namens Waldi.")


def household_with(town: Town, count: int, district: str = "NORD") -> list[tuple[CaseEvent, HouseholdRecorded]]:
    return [town.suit(district=district) for _ in range(count)]


async def test_a_suit_an_assignment_a_visit_and_its_end(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    process, town = Process(pool), Town()
    case, household = town.suit(persons=2)
    await process.hear(told(case))
    assert not await said(pool, CREATED)
    await process.hear(registered(household))
    (assignment,) = await said(pool, CREATED)
    town.hear(case)
    answers = await process.hear(reported(attempt(town, case, assignment["visit_id"], AttemptResult.MET)))
    assert answers == [Answer.ACCEPTED]
    (closed,) = await said(pool, "de.bleibe.visit.obligation-closed.v1")
    assert len(closed["obligation_ids"]) == 2
    assert await pool.fetchval("select count(*) from open_visits") == 0
    assert await pool.fetchval("select note from notes") == "Hat einen Hund namens Waldi."
    assert await pool.fetchval("select count(*) from journal where data like '%Waldi%'") == 0


@pytest.mark.parametrize("pair", range(6))
async def test_a_case_and_its_household_in_two_processes_at_once_make_one_assignment(
    pool: asyncpg.Pool[asyncpg.Record], pair: int
) -> None:
    one, other, town = Process(pool), Process(pool), Town(pair)
    suits = household_with(town, 20)
    both = [one.hear(*(told(case) for case, _ in suits)), other.hear(*(registered(home) for _, home in reversed(suits)))]
    await asyncio.gather(*(both if pair % 2 else reversed(both)))
    created = await said(pool, CREATED)
    assert sorted(each["case_id"] for each in created) == sorted(str(case.case_id) for case, _ in suits)
    assert await pool.fetchval("select count(*) from open_visits where waiting_since is not null") == 0


async def test_two_processes_book_nobody_twice(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    processes, town = [Process(pool), Process(pool)], Town()
    suits = household_with(town, 40)
    batches = [suits[n : n + 5] for n in range(0, 40, 5)]
    await asyncio.gather(
        *(processes[n % 2].hear(*(told(case) for case, _ in batch)) for n, batch in enumerate(batches)),
    )
    assert await pool.fetchval("select count(*) from parked") == 0
    assert await pool.fetchval("select count(*) from open_visits where seat is not null") == 40
    assert (
        await pool.fetchval(
            "select max(times) from (select count(*) as times from open_visits group by caseworker, planned_on) as days"
        )
        == 4
    )


async def test_the_number_of_statements_does_not_grow_with_the_batch(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    process, town = Process(pool), Town()
    counts: list[int] = []
    process.metrics.batch = lambda records, statements, seconds: counts.append(statements)  # type: ignore[method-assign]  # noqa: ARG005  a probe
    for size in (1, 2, 40):  # the first also teaches the connection its types
        suits = household_with(town, size)
        await process.hear(*(told(case) for case, _ in suits), *(registered(home) for _, home in suits))
    assert counts[1] == counts[2] <= 16


async def test_a_sick_caseworkers_visits_move_and_a_second_run_changes_nothing(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    process, town = Process(pool), Town()
    case, household = town.suit(district="MITTE")
    await process.hear(told(case), registered(household))
    data = away("fk-01")
    sick = Process(pool, data)
    for _ in range(2):
        await sick.job(Replanning(sick.room, data).run)
    (changed,) = await said(pool, "de.bleibe.assignment.changed.v1")
    assert changed["caseworker"] == "fk-02"


@pytest.mark.parametrize("by_event", [False, True])
async def test_the_visit_of_a_caseworker_who_left_is_planned_anew(pool: asyncpg.Pool[asyncpg.Record], *, by_event: bool) -> None:
    process, town = Process(pool), Town()
    case, household = town.suit(district="MITTE")
    await process.hear(told(case), registered(household))
    had = await pool.fetchval("select caseworker from open_visits")
    data = city().model_copy(update={"caseworkers": tuple(each for each in city().caseworkers if each.id != had)})
    left = Process(pool, data)
    if by_event:
        await left.hear(told(case, 2))
    else:
        await left.job(Replanning(left.room, data).run)
    assert await pool.fetchval("select count(*) from parked") == 0
    assert await pool.fetchval("select caseworker from open_visits") not in {had, None}


async def test_planning_anew_goes_round_in_portions(pool: asyncpg.Pool[asyncpg.Record], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PORTION", 2)
    process, town = Process(pool), Town()
    for case, household in household_with(town, 3):
        await process.hear(told(case), registered(household))
    await pool.execute("update open_visits set caseworker = null")  # their files know better: nothing will change
    asked: list[int] = []
    load_cases = process.room.load_cases

    async def noting(tx: Tx, cases: set[UUID], *more: Any) -> State:  # noqa: ANN401  handed on
        asked.append(len(cases))
        return await load_cases(tx, cases, *more)

    monkeypatch.setattr(process.room, "load_cases", noting)
    job = Replanning(process.room, process.room.city)
    for _ in range(4):
        await process.job(job.run)
    assert asked == [2, 1, 2, 1]


async def test_an_assignment_that_waits_over_a_minute_alarms(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    process, town = Process(pool), Town()
    case, _ = town.suit()
    await process.hear(told(case))
    alarm = WaitingAlarm(process.metrics)
    await process.job(alarm.run)
    assert b"bleibe_waiting_assignment_alarms 0.0" in process.metrics.page()[0]
    await pool.execute("update open_visits set waiting_since = waiting_since - interval '61 seconds'")
    await process.job(alarm.run)
    assert b"bleibe_waiting_assignment_alarms 1.0" in process.metrics.page()[0]


async def test_a_late_plan_keeps_the_time_since_it_waits(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    process, town = Process(pool), Town()
    case, _ = town.suit()
    await process.hear(told(case))
    since = await pool.fetchval("select waiting_since from open_visits")
    await process.hear(told(case.model_copy(update={"arrears_months": 3}), 2))
    assert await pool.fetchval("select waiting_since from open_visits") == since


async def test_an_erased_case_leaves_no_row(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    process, town = Process(pool), Town()
    case, household = town.suit()
    await process.hear(told(case), registered(household))
    town.hear(case)
    (assignment,) = await said(pool, CREATED)
    await process.hear(reported(attempt(town, case, assignment["visit_id"], AttemptResult.NOT_MET)))
    gone = CaseErased(case_id=case.case_id, household_id=case.household_id)
    await process.hear(record(gone, CASES.name, case.case_id, 2), record(None, HOUSEHOLDS.name, case.household_id, 2))
    for table in ("case_files", "registers", "open_visits", "notes"):
        assert await pool.fetchval(f"select count(*) from {table}") == 0, table  # noqa: S608  names of our own
    late = await process.hear(reported(attempt(town, case, assignment["visit_id"], AttemptResult.MET)))
    assert late == [Answer.REJECTED]


async def test_a_report_that_breaks_a_rule_is_answered_and_changes_nothing(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    process, town = Process(pool), Town()
    case, household = town.suit()
    await process.hear(told(case), registered(household))
    town.hear(case)
    assert await process.hear(reported(town.outcome(case))) == [Answer.REJECTED]
    (answer,) = await said(pool, "de.bleibe.receipt.issued.v1")
    assert (answer["field"], answer["rule"]) == ("outcome", "open_obligation")


@asynccontextmanager
async def browser(process: Process, folder: Path, persons: Sequence[Person]) -> AsyncIterator[dict[str, AsyncClient]]:
    """A signed-in client for each person."""
    tokens = [make_token() for _ in persons]
    write_persons(folder / "persons.json", [(each, digest) for each, (_, digest) in zip(persons, tokens, strict=True)])
    pages = Pages(HERE / "pages")
    app = web_app(
        "outreach",
        tokens=Tokens.load(folder / "persons.json"),
        pages=pages,
        health=Health(loops=[], conditions=[]),
        metrics=process.metrics,
    )
    system = SimpleNamespace(pool=process.pool, clock=process.clock, city=process.room.city, pages=pages)
    app.include_router(routes(cast("Running", system)))
    clients = {
        each.id: AsyncClient(
            transport=ASGITransport(app), base_url="http://outreach", headers={"Authorization": f"Bearer {clear}"}
        )
        for each, (clear, _) in zip(persons, tokens, strict=True)
    }
    yield clients
    for client in clients.values():
        await client.aclose()


async def test_who_reads_what_and_every_reading_is_recorded(pool: asyncpg.Pool[asyncpg.Record], tmp_path: Path) -> None:
    process, town = Process(pool, away("fk-07", last=MONDAY)), Town()
    case, household = town.suit(persons=2)
    named = tuple(
        each.model_copy(update={"family_name": name, "language": "ar"})
        for each, name in zip(household.members, ("Probe", "Muster"), strict=True)
    )
    await process.hear(told(case), registered(household.model_copy(update={"members": named})))
    (assignment,) = await said(pool, CREATED)
    who, day = assignment["caseworker"], assignment["planned_on"]
    caseworker = frozenset({Role.CASEWORKER})
    persons = [
        Person("own", caseworker, team="nord-west", caseworker_id=who),
        Person("stranger", caseworker, team="nord-west", caseworker_id="fk-08"),
        Person("lead", frozenset({Role.TEAM_LEAD}), team="nord-west"),
        Person("other-lead", frozenset({Role.TEAM_LEAD}), team="mitte"),
        Person("clerk", frozenset({Role.CLERK})),
    ]
    async with browser(process, tmp_path, persons) as clients:
        seen = {name: await client.get("/visits") for name, client in clients.items()}
        assert {name: len(each.json()) for name, each in seen.items() if each.status_code == 200} == {
            "own": 1, "stranger": 0, "lead": 1, "other-lead": 0,
        }  # fmt: skip
        assert seen["clerk"].status_code == 403
        readers = await pool.fetch("select person_id, subject_id from reads")
        assert {(row["person_id"], row["subject_id"]) for row in readers} == {("own", case.case_id), ("lead", case.case_id)}
        sheet = await clients["own"].get(f"/tagesblatt/{who}/{day}")
        for words in ("Muster", "spricht Arabisch", "Die Schonfrist endet", "Montag, 25. Januar 2027", "noch nichts"):
            assert words in sheet.text
        english = await clients["own"].get(f"/tagesblatt/{who}/{day}?lang=en")
        assert "speaks Arabic" in english.text
        assert (await clients["stranger"].get(f"/tagesblatt/{who}/{day}")).status_code == 403
        advised, _ = town.suit()
        ended = TerminationFact(termination_id=uuid4(), types=(TerminationType.EXTRAORDINARY_ARREARS,), received_on=MONDAY)
        alone = {"proceedings": (), "terminations": (ended,), "stage": Stage.TERMINATED}
        await process.hear(told(advised.model_copy(update=alone)))
        town.hear(case)
        lost = reported(attempt(town, case, assignment["visit_id"], AttemptResult.MOVED_OUT))
        assert await process.hear(lost) == [Answer.ACCEPTED]
        overview = await clients["lead"].get("/")
        for words in ("Probeweg 1", "Teamliste", "Bitte klären, wer wo wohnt.", "Beratung zugesagt", "Do., 26.11.2026"):
            assert words in overview.text
        assert "Probeweg" not in (await clients["other-lead"].get("/")).text
    kinds = await pool.fetch("select distinct what from reads")
    assert {row["what"] for row in kinds} == {"visits", "day_sheet", "to_do"}


async def test_a_deputy_reads_the_absent_ones_sheet_only_during_cover(pool: asyncpg.Pool[asyncpg.Record], tmp_path: Path) -> None:
    process = Process(pool, away("fk-02", last=MONDAY))
    deputy = Person("deputy", frozenset({Role.CASEWORKER}), team="mitte", caseworker_id="fk-01")
    async with browser(process, tmp_path, [deputy]) as clients:
        for day, status in ((MONDAY, 200), (MONDAY + timedelta(days=1), 403)):
            process.clock.set(at(day))
            assert (await clients["deputy"].get(f"/tagesblatt/fk-02/{MONDAY}")).status_code == status


async def test_over_its_topics_from_the_suit_to_the_end_of_the_visit(database: str, bootstrap: str, tmp_path: Path) -> None:
    settings = ServiceSettings(
        database_dsn=SecretStr(database),
        bootstrap_servers=bootstrap,
        kafka_idempotent=ON_KAFKA,
        tokens_file=tmp_path / "tokens",
        data_key_file=tmp_path / "key",
    )
    (tmp_path / "key").write_text("k" * 64)
    context = Context(settings, city(), FixedClock(at(MONDAY)), Metrics(EVENT_TYPES))
    town = Town()
    case, household = town.suit()
    town.hear(case)
    async with running(build(context), context) as outreach, AIOKafkaProducer(bootstrap_servers=bootstrap) as outside:

        async def send(raw: Raw) -> None:
            await outside.send_and_wait(raw.topic, raw.value, raw.key, headers=list(raw.headers))

        await asyncio.gather(send(registered(household)), send(told(case)))
        (assignment,) = await eventually(lambda: said(outreach.pool, CREATED))
        await send(reported(attempt(town, case, assignment["visit_id"], AttemptResult.MET)))
        (closed,) = await eventually(lambda: said(outreach.pool, "de.bleibe.visit.obligation-closed.v1"))
        assert closed["how"] == "MET"
        await eventually(lambda: _sent(outreach.pool))


async def _sent(pool: asyncpg.Pool[asyncpg.Record]) -> bool:
    return bool(await pool.fetchval("select not exists (select from outbox)"))
