"""Reporting on a real database: the log and the rows together, rebuilds beside the live ones, erasure, releases, the page."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias, cast
from uuid import NAMESPACE_OID, UUID, uuid5
from xml.etree.ElementTree import fromstring

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel

from services.reporting import rebuild as rebuilding
from services.reporting import store
from services.reporting.publishing import Publishing
from services.reporting.room import ReportingRoom
from services.reporting.routes import routes
from shared.city import load_city
from shared.contracts.codes import (
    ArrearsCause,
    AssertedBy,
    AttemptResult,
    Basis,
    CaseChange,
    CaseStatus,
    Channel,
    ObligationClose,
    ObligationReason,
    Outcome,
    Promise,
    Stage,
    Window,
)
from shared.contracts.topics import assessments, cases, outcomes, visits
from shared.contracts.topics.figures import FigurePublished
from shared.messaging.migrate import CORE, migrate
from shared.messaging.model import Heard, Said
from shared.runtime.clock import BERLIN, FixedClock
from shared.runtime.pages import Pages
from shared.runtime.persons import Person, Role

pytestmark = pytest.mark.service

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

REPORTING = Path(store.__file__).parent
DISTRICTS = ("MITTE", "NORD")
RECEIVED = date(2026, 7, 6)
NOW = datetime(2026, 11, 22, 12, tzinfo=BERLIN)


def uuid(*numbers: int) -> UUID:
    return uuid5(NAMESPACE_OID, repr(numbers))


@dataclass(frozen=True)
class Story:
    """All facts of one constructed case, per topic in order."""

    number: int
    closed: bool = True

    @property
    def case_id(self) -> UUID:
        return uuid(self.number)

    def facts(self) -> dict[str, list[BaseModel]]:
        suit, person, obligation, report = (uuid(self.number, n) for n in range(1, 5))
        opened = cases.CaseOpened(
            case_id=self.case_id,
            household_id=uuid(self.number, 9),
            household_version=1,
            district=DISTRICTS[self.number % 2],
            status=CaseStatus.OPEN,
            stage=Stage.SUIT_FILED,
            received_on=RECEIVED,
            channel=Channel.XJUSTIZ,
            changes=(CaseChange.OPENED, CaseChange.SUIT),
            changed_on=RECEIVED,
            proceedings=(
                cases.ProceedingFact(
                    proceeding_id=suit,
                    channel=Channel.XJUSTIZ,
                    received_on=RECEIVED,
                    defendants=(cases.DefendantFact(person_id=person),),
                ),
            ),
            deadlines=(
                cases.DeadlineFact(
                    rule="SCHONFRIST_END", on=date(2026, 9, 7), basis=Basis.LOWER_BOUND, rule_version="1", proceeding_id=suit
                ),
            ),
        )
        owed = visits.Obligation(
            obligation_id=obligation,
            person_id=person,
            address_id=uuid(self.number, 8),
            proceeding_id=suit,
            district=opened.district,
            round=1,
            reason=ObligationReason.SUIT,
            promise=Promise.WD5,
            owed_since=RECEIVED,
            due_on=RECEIVED + timedelta(days=7),
        )
        met_on = RECEIVED + timedelta(days=1 + self.number % 4)
        met = [
            visits.VisitAttempted(
                case_id=self.case_id,
                report_id=report,
                obligation_ids=(obligation,),
                attempted_on=met_on,
                window=Window.MORNING,
                result=AttemptResult.MET,
            ),
            visits.ObligationClosed(
                case_id=self.case_id, obligation_ids=(obligation,), how=ObligationClose.MET, closed_on=met_on
            ),
        ]
        return {
            "cases": [opened, cases.CaseUpdated(**opened.model_dump())],
            "visits": [visits.VisitOwed(case_id=self.case_id, obligations=(owed,)), *(met if self.closed else [])],
            "assessments": [
                assessments.AssessmentRecorded(
                    case_id=self.case_id,
                    report_id=report,
                    assessed_on=met_on,
                    causes=(
                        assessments.Cause(cause=list(ArrearsCause)[self.number % 3], primary=True, asserted_by=AssertedBy.TENANT),
                    ),
                )
            ],
            "outcomes": [
                outcomes.OutcomeRecorded(
                    case_id=self.case_id, outcome=Outcome.TENANCY_KEPT_INSTALMENTS, ended_on=date(2026, 9, 1)
                )
            ],
        }

    def heard(self) -> list[Heard]:
        return [fact(topic, n, event) for topic, events in self.facts().items() for n, event in enumerate(events, 1)]

    def erased(self) -> Heard:
        return fact("cases", 99, cases.CaseErased(case_id=self.case_id, household_id=uuid(self.number, 9)))


def fact(topic: str, n: int, event: BaseModel) -> Heard:
    key, kind = str(cast("Any", event).case_id), cast("Any", event).TYPE
    event_id, at = uuid5(NAMESPACE_OID, f"{topic} {key} {n}"), datetime(2026, 7, 6, tzinfo=UTC)
    return Heard(topic, key, event_id, "urn:bleibe:service:x", kind, at, n, event)


def across(stories: Sequence[Story], seed: int) -> list[Heard]:
    """All facts of these cases: in order per topic and key, otherwise shuffled."""
    lines = [[each for each in story.heard() if each.topic == topic] for story in stories for topic in story.facts()]
    order = random.Random(seed)  # noqa: S311  an order, not a secret
    heard = []
    while lines:
        line = order.choice(lines)
        heard.append(line.pop(0))
        if not line:
            lines.remove(line)
    return heard


def visited(*numbers: int) -> list[Heard]:
    """These suits and their visits, without what came of them."""
    return [each for number in numbers for each in Story(number).heard() if each.topic in ("cases", "visits")]


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    await migrate(database, [CORE, REPORTING / "migrations"])
    async with asyncpg.create_pool(database, min_size=1, max_size=4) as pool:
        yield pool


async def hear(pool: Pool, heard: Sequence[Heard]) -> None:
    room = ReportingRoom()
    async with pool.acquire() as connection, connection.transaction():
        state = await room.load(connection, heard, NOW)
        for each in heard:
            room.decide(state, each)
        await room.save(connection, state)


async def publish(pool: Pool, now: datetime) -> list[Said]:
    async with pool.acquire() as connection, connection.transaction():
        return await Publishing(DISTRICTS).run(connection, now)


async def count(pool: Pool, table: str) -> int:
    found: int = await pool.fetchval(f"select count(*) from {table}")  # noqa: S608  a test's own table names
    return found


def figures(said: Sequence[Said]) -> dict[str, FigurePublished]:
    return {each.key: cast("FigurePublished", each.data) for each in said}


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_rows_are_what_the_log_says_however_batches_fall(pool: Pool, database: str, size: int) -> None:
    stories = [Story(number) for number in range(12)]
    heard = across(stories, seed=size)
    for start in range(0, len(heard), size):
        await hear(pool, heard[start : start + size])
    assert await count(pool, "facts") == len(heard)
    report = await rebuilding.check(database)
    assert (report.facts, report.cases, report.differing) == (len(heard), 12, 0)


async def test_the_number_of_statements_does_not_grow_with_the_batch(pool: Pool) -> None:
    """The first batch of a connection also asks for types; it does not count."""
    counts = []
    room = ReportingRoom()
    async with pool.acquire() as connection:
        for stories in ([Story(1)], [Story(2)], [Story(number) for number in range(10, 60)]):
            seen: list[object] = []
            heard = across(stories, seed=1)
            with connection.query_logger(seen.append):
                async with connection.transaction():
                    state = await room.load(connection, heard, NOW)
                    for each in heard:
                        room.decide(state, each)
                    await room.save(connection, state)
            counts.append(len(seen))
    assert counts[1] == counts[2] == 6


async def test_a_wrong_row_is_found_and_the_rebuilt_one_takes_its_place(pool: Pool, database: str) -> None:
    await hear(pool, across([Story(number) for number in range(5)], seed=1))
    before = await pool.fetch("select * from case_rows order by case_id")
    indexes = await pool.fetch("select indexdef from pg_indexes where tablename = 'case_rows' and schemaname = 'public'")
    await pool.execute("update case_rows set line = null where case_id = $1", Story(3).case_id)
    await pool.execute("delete from case_rows where case_id = $1", Story(4).case_id)
    report = await rebuilding.rebuild(database)
    assert (report.differing, report.equal) == (2, False)
    assert await pool.fetch("select * from case_rows order by case_id") == before
    assert await pool.fetch("select indexdef from pg_indexes where tablename = 'case_rows' and schemaname = 'public'") == indexes
    assert (await rebuilding.rebuild(database)).equal


async def test_rebuilt_while_new_facts_arrive(pool: Pool, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "FEW", 3)
    stories = [Story(number) for number in range(60)]
    heard = across(stories, seed=5)
    await hear(pool, heard[:40])
    rebuilt: list[rebuilding.RebuildReport] = []
    met = False

    async def arrive() -> None:
        for start in range(40, len(heard), 5):
            await hear(pool, heard[start : start + 5])
            if start == 200:
                await hear(pool, [Story(59).erased()])
        await hear(pool, [Story(58).erased()])

    arriving = asyncio.create_task(arrive())
    while not arriving.done():
        rebuilt.append(await rebuilding.rebuild(database))
        met |= rebuilt[-1].facts > await count(pool, "facts")
    await arriving
    assert met, "no case was folded again: nothing arrived during a rebuild"
    assert all(report.equal for report in rebuilt)
    assert (await rebuilding.check(database)).equal
    assert await count(pool, "case_rows") == 58


async def test_merged_cases_count_once_and_the_rebuilt_rows_agree(pool: Pool, database: str) -> None:
    """The absorbed case's row stays without a line; what it had is in the other's."""
    absorbed, survivor = Story(1), Story(3)
    owed, met, closed = absorbed.facts()["visits"]
    assert isinstance(owed, visits.VisitOwed)
    assert isinstance(met, visits.VisitAttempted)
    assert isinstance(closed, visits.ObligationClosed)
    await hear(pool, across([absorbed, survivor], seed=1))
    ended = cases.CaseMerged(
        case_id=absorbed.case_id,
        household_id=uuid(1, 9),
        into_case_id=survivor.case_id,
        into_household_id=uuid(3, 9),
        merged_on=RECEIVED,
    )
    state, other = survivor.facts()["cases"][-1], absorbed.facts()["cases"][-1]
    assert isinstance(state, cases.CaseUpdated)
    assert isinstance(other, cases.CaseUpdated)
    both = state.model_copy(
        update={"proceedings": (*state.proceedings, *other.proceedings), "deadlines": (*state.deadlines, *other.deadlines)}
    )
    taken = visits.VisitsTakenOver(
        case_id=survivor.case_id,
        from_case_id=absorbed.case_id,
        obligations=(visits.TakenObligation(**owed.obligations[0].model_dump(), how=closed.how, closed_on=closed.closed_on),),
        attempts=(visits.TakenAttempt.model_validate(met.model_dump(include=set(visits.TakenAttempt.model_fields))),),
    )
    await hear(pool, [fact("visits", 9, taken), fact("cases", 9, ended)])
    await hear(pool, [fact("cases", 9, both)])
    lines = await store.load_lines(pool)
    assert [len(line.suits) for line in lines] == [2]
    assert {suit.attempt_on for suit in lines[0].suits} == {RECEIVED + timedelta(days=2), RECEIVED + timedelta(days=4)}
    assert (await rebuilding.check(database)).equal
    await hear(pool, [absorbed.erased()])
    assert [len(line.suits) for line in await store.load_lines(pool)] == [2], "the survivor is erased under its own key"
    assert (await rebuilding.check(database)).equal


async def test_erased_means_gone_even_where_more_comes_late(pool: Pool, database: str) -> None:
    gone, kept = Story(1), Story(2)
    late = gone.heard()
    await hear(pool, [*late[:3], *kept.heard()])
    await hear(pool, [gone.erased()])
    await hear(pool, late[3:])
    assert await pool.fetchval("select array_agg(distinct key) from facts") == [kept.case_id]
    assert await pool.fetchval("select array_agg(case_id) from case_rows") == [kept.case_id]
    assert (await rebuilding.check(database)).equal


async def test_erased_in_the_batch_that_tells_of_the_case(pool: Pool) -> None:
    story = Story(1)
    first, *rest = story.heard()
    await hear(pool, [first, story.erased(), *rest])
    assert (await count(pool, "facts"), await count(pool, "case_rows"), await count(pool, "erased")) == (0, 0, 1)


async def test_a_quarter_is_published_once_it_has_settled_and_stays_when_its_cases_go(pool: Pool) -> None:
    stories = [Story(number) for number in range(24)]
    await hear(pool, across(stories, seed=1))
    assert await publish(pool, datetime(2026, 10, 28, 6, tzinfo=BERLIN)) == []
    said = figures(await publish(pool, datetime(2026, 10, 29, 6, tzinfo=BERLIN)))
    assert said["suits:2026Q3:CITY"].count == 24
    assert (said["visit_coverage:2026Q3:NORD"].count, said["visit_coverage:2026Q3:NORD"].share) == (12, 1)
    assert said["days_to_attempt_median:2026Q3:CITY"].value == 2.5
    assert said["cause_primary:2026Q3:CITY:UNEMPLOYMENT"].count == 8
    assert await publish(pool, datetime(2026, 10, 30, 6, tzinfo=BERLIN)) == []
    for story in stories[:20]:
        await hear(pool, [story.erased()])
    assert await publish(pool, datetime(2026, 10, 31, 6, tzinfo=BERLIN)) == []
    async with pool.acquire() as connection:
        release = (await store.load_releases(connection))["2026Q3"]
    assert release.sealed
    assert {(f.name, f.district): f.count for f in release.newest.figures}["suits", "CITY"] == 24


async def test_a_correction_is_published_only_where_it_tells_of_five(pool: Pool) -> None:
    """District NORD holds the odd numbers; four late suits there would be told by subtraction, six would not."""
    await hear(pool, across([Story(number) for number in range(24)], seed=1))
    await publish(pool, datetime(2026, 10, 29, 6, tzinfo=BERLIN))
    await hear(
        pool, [each for number in (101, 103, 105, 107) for each in Story(number).heard() if each.topic in ("cases", "visits")]
    )
    assert await publish(pool, datetime(2026, 10, 30, 6, tzinfo=BERLIN)) == []
    await hear(pool, visited(109, 111))
    said = figures(await publish(pool, datetime(2026, 10, 31, 6, tzinfo=BERLIN)))
    assert (said["suits:2026Q3:NORD"].count, said["suits:2026Q3:CITY"].count) == (18, 30)
    assert "suits:2026Q3:MITTE" not in said


def web(pool: Pool, roles: frozenset[Role]) -> httpx.AsyncClient:
    """The routes with a signed-in person; the door itself is the runtime's and tested there."""
    system = SimpleNamespace(
        pool=pool, clock=FixedClock(NOW), city=load_city(Path("deploy/muenster")), pages=Pages(REPORTING / "pages")
    )
    app = FastAPI()

    @app.middleware("http")
    async def signed_in(request: Request, onward: Any) -> Any:  # noqa: ANN401  starlette's own types
        request.state.person = Person("p", roles)
        return await onward(request)

    app.include_router(routes(cast("Any", system)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://reporting")


async def test_the_page_shows_a_line_and_its_charts_and_tables(pool: Pool) -> None:
    await hear(pool, across([Story(number, closed=number < 23) for number in range(24)], seed=1))
    async with web(pool, frozenset({Role.TEAM_LEAD})) as client:
        answer = await client.get("/", params={"quarter": "2026Q3"})
        assert answer.status_code == 200
        text = answer.text
        assert "Wohnraumsicherung in Münster: Zahlen" in text
        assert re.search(r'class="alarm"><b>1</b>überfällige Besuche', text)
        drawn = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
        assert len(drawn) >= 5
        for chart in drawn:
            svg = fromstring(chart)  # noqa: S314  our own page
            named = str(svg.get("aria-labelledby")).split()
            assert [each.tag.rpartition("}")[2] for each in svg[:2]] == ["title", "desc"]
            assert named == [svg[0].get("id"), svg[1].get("id")]
            assert text.count(named[0]) == 2
        assert text.count("<table>") == text.count("<caption>") >= 9
        assert "<script" not in text
        english = await client.get("/", params={"quarter": "2026Q3", "lang": "en"})
        assert "Visit guarantee" in english.text


async def test_the_empty_page_is_friendly(pool: Pool) -> None:
    async with web(pool, frozenset({Role.REPORTING_READER})) as client:
        answer = await client.get("/")
    assert answer.status_code == 200
    assert "Sobald etwas gemeldet ist, steht es hier." in answer.text
    assert "4/2026" in answer.text


async def test_the_interface_answers_in_json_with_small_numbers_protected(pool: Pool) -> None:
    await hear(pool, across([Story(number, closed=number < 23) for number in range(24)], seed=1))
    async with web(pool, frozenset({Role.OPERATOR})) as client:
        assert (await client.get("/api/guarantee")).json() == {"open": 1, "overdue": 1, "uncovered": 0}
        quarters = (await client.get("/api/quarters")).json()
        assert {"quarter": "2026Q3", "released_on": None} in quarters
        report = (await client.get("/api/quarters/2026Q3")).json()
        state = {(f["name"], f["district"], f["code"]): f for f in report["figures"]}
        assert state["suits", "CITY", None]["count"] == 24
        hidden = state["suit_state", "NORD", "OUTSTANDING"]
        assert (hidden["count"], hidden["protected"]) == (None, True)
        assert state["visit_coverage", "NORD", None]["protected"]
        assert (await client.get("/api/quarters/2026")).status_code == 422
        assert "/api/quarters/{quarter}" in (await client.get("/openapi.json")).json()["paths"]
