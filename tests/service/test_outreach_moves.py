"""Merged and split cases on a real database: two processes at once, aliases, notes, and what is left after erasing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any, cast

import asyncpg
import pytest

from services.outreach import store
from services.outreach.app import build
from shared.contracts.catalogue import CASES
from shared.contracts.codes import Answer, AttemptResult, Window
from shared.contracts.fields import Event
from shared.contracts.topics.cases import CaseErased, CaseEvent, CaseMerged
from shared.contracts.topics.field_reports import AttemptReported, FieldReport
from shared.contracts.topics.households import HouseholdRecorded
from shared.messaging.wire import Raw
from shared.runtime.service import Context
from tests.service.test_outreach import CREATED, Process, pool, record, registered, reported, said, told
from tests.unit.outreach_room import MONDAY, Town, city
from tests.unit.outreach_story import Story

__all__ = ["pool"]
pytestmark = pytest.mark.service

WITHDRAWN = "de.bleibe.assignment.withdrawn.v1"
TAKEN_OVER = "de.bleibe.visit.taken-over.v1"


def _on(event: CaseEvent | CaseMerged | CaseErased, n: int) -> Raw:
    return record(event, CASES.name, event.case_id, n)


def _begun(stories: list[Story]) -> list[Raw]:
    return [
        raw for each in stories for raw in (told(each.s), told(each.x), registered(each.shared_home), registered(each.other_home))
    ]


def _met(story: Story) -> FieldReport:
    (suit,) = story.x.proceedings
    return AttemptReported(
        **story.town.by(story.x),
        address_id=suit.defendants[0].address_id,
        attempted_on=MONDAY,
        window=Window.EVENING,
        result=AttemptResult.MET,
        note="Hat einen Hund namens Waldi.",
    )


def _stories(count: int, *, same: bool = False, first: int = 0) -> list[Story]:
    return [Story(same, town=Town(first + seed)) for seed in range(count)]


@pytest.mark.parametrize("pair", range(4))
async def test_both_keys_of_a_merge_in_two_processes_at_once_move_it_once(pool: asyncpg.Pool[asyncpg.Record], pair: int) -> None:
    one, other, stories = Process(pool), Process(pool), _stories(10, first=100 * pair)
    await one.hear(*_begun(stories))
    await one.hear(*(reported(_met(each)) for each in stories[:5]))
    both = [
        one.hear(*(_on(each.gone, 2) for each in stories)),
        other.hear(*(_on(each.merged, 2) for each in reversed(stories))),
    ]
    await asyncio.gather(*(both if pair % 2 else reversed(both)))
    assert await pool.fetchval("select count(*) from parked") == 0
    assert {row["case_id"] for row in await pool.fetch("select case_id from case_files")} == {each.s.case_id for each in stories}
    aliases = await pool.fetch("select case_id, part_of from case_kin where part_of is not null")
    assert {row["case_id"]: row["part_of"] for row in aliases} == {each.x.case_id: each.s.case_id for each in stories}
    assert len(await said(pool, TAKEN_OVER)) == 10
    assert await pool.fetchval("select count(*) from open_visits where seat is not null and waiting_since is null") == 15
    withdrawn = [each for each in await said(pool, WITHDRAWN) if each["reason"] == "CASE_MOVED"]
    assert len(withdrawn) == 5
    again = {each["visit_id"]: each["case_id"] for each in await said(pool, CREATED)}
    assert {again[each["visit_id"]] for each in withdrawn} <= {str(each.s.case_id) for each in stories}
    notes = await pool.fetch("select case_id from notes")
    assert {row["case_id"] for row in notes} == {each.s.case_id for each in stories[:5]}


@pytest.mark.parametrize("pair", range(4))
async def test_a_report_by_the_old_id_meets_the_merge_halfway(pool: asyncpg.Pool[asyncpg.Record], pair: int) -> None:
    one, other, stories = Process(pool), Process(pool), _stories(10, same=True, first=100 * pair)
    await one.hear(*_begun(stories))
    await one.hear(*(_on(each.merged, 2) for each in stories))
    both = [
        one.hear(*(_on(each.gone, 2) for each in stories)),
        other.hear(*(reported(_met(each)) for each in reversed(stories))),
    ]
    answers = await asyncio.gather(*(both if pair % 2 else reversed(both)))
    assert {each for batch in answers for each in batch} <= {Answer.ACCEPTED}
    assert await pool.fetchval("select count(*) from parked") == 0
    assert await pool.fetchval("select count(*) from open_visits") == 0
    assert await pool.fetchval("select count(*) from notes join case_files using (case_id)") == 10


async def test_a_split_hands_visits_and_notes_over_in_two_processes_at_once(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    one, other, stories = Process(pool), Process(pool), _stories(10)
    await one.hear(*_begun(stories), *(registered(each.new_home) for each in stories))
    await one.hear(*(reported(_met(each)) for each in stories[:5]))
    await one.hear(*(_on(each.gone, 2) for each in stories), *(_on(each.merged, 2) for each in stories))
    await asyncio.gather(
        one.hear(*(_on(each.parted, 3) for each in stories)), other.hear(*(_on(each.n, 1) for each in reversed(stories)))
    )
    assert await pool.fetchval("select count(*) from parked") == 0
    for cases, visits in (([each.s.case_id for each in stories], 10), ([each.n.case_id for each in stories], 5)):
        assert await pool.fetchval("select count(*) from open_visits where case_id = any($1)", cases) == visits
    notes = await pool.fetch("select case_id from notes")
    assert {row["case_id"] for row in notes} == {each.n.case_id for each in stories[:5]}
    assert await pool.fetchval("select count(*) from open_visits where waiting_since is not null") == 0


async def test_a_visit_may_take_the_seat_that_an_absorbed_cases_visit_gives_up(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    process, (story,) = Process(pool), _stories(1, same=True)
    await process.hear(*_begun([story]))
    async with pool.acquire() as connection, connection.transaction():
        files = await store.load_files(connection, [story.s.case_id, story.x.case_id], [])
        (staying,), (going,) = files[story.s.case_id].visits, files[story.x.case_id].visits
        earlier = replace(staying, caseworker=going.caseworker, on=going.on, window=going.window, seat=going.seat)
        assert earlier != staying
        await store.save_files(connection, [replace(files[story.s.case_id], visits=(earlier,))], [], {story.x.case_id})
    assert [tuple(each) for each in await pool.fetch("select visit_id, seat from open_visits")] == [(staying.id, going.seat)]


async def test_the_number_of_statements_does_not_grow_with_the_merges(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    process = Process(pool)
    counts: list[int] = []
    process.metrics.batch = lambda records, statements, seconds: counts.append(statements)  # type: ignore[method-assign]  # noqa: ARG005  a probe
    for size in (1, 2, 20):  # the first also teaches the connection its types
        stories = _stories(size, first=1000 * size)
        await process.hear(*_begun(stories))
        await process.hear(*(raw for each in stories for raw in (_on(each.gone, 2), _on(each.merged, 2))))
    assert counts[3] == counts[5]


async def test_a_merged_case_is_erased_with_its_alias(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    process, (story,) = Process(pool), _stories(1)
    await process.hear(*_begun([story]), reported(_met(story)))
    await process.hear(_on(story.gone, 2), _on(story.merged, 2))
    gone = [CaseErased(case_id=each.case_id, household_id=each.household_id) for each in (story.x, story.s)]
    homes: list[Event | None] = [None, None]
    await process.hear(
        *(_on(each, 3) for each in gone),
        *(record(home, "households", each.household_id, 2) for home, each in zip(homes, gone, strict=True)),
    )
    assert await pool.fetchval("select count(*) from case_kin where not erased or part_of is not null") == 0
    for table in ("case_files", "registers", "open_visits", "notes"):
        assert await pool.fetchval(f"select count(*) from {table}") == 0, table  # noqa: S608  names of our own
    assert await process.hear(reported(_met(story))) == [Answer.REJECTED]


async def test_who_left_with_a_split_is_not_told_of_under_the_old_key_any_more(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    process, (story,) = Process(pool), _stories(1)
    named = json.loads(story.shared_home.model_dump_json())
    named["members"][1]["family_name"] = "Kanari"
    shared = HouseholdRecorded.model_validate(named)
    await process.hear(told(story.s), told(story.x), registered(shared), _on(story.gone, 2), _on(story.merged, 2))
    await process.hear(_on(story.parted, 3), _on(story.n, 1), registered(story.new_home), registered(story.home, 2))
    jobs = build(Context(cast("Any", None), city(), process.clock, process.metrics)).jobs
    (replaced,) = [each for each in jobs if each.name == "replaced"]
    await process.job(replaced.run)
    assert await _naming(pool, "Kanari") == 1, "not sent yet"
    last = await pool.fetchval("select count(*) from journal where topic like 'assignments.%'")
    await pool.execute("delete from outbox")
    await process.job(replaced.run)
    assert await _naming(pool, "Kanari") == 0
    assert await pool.fetchval("select count(*) from journal where topic like 'assignments.%'") == last
    assert await pool.fetchval("select count(*) from journal where data like '%Probe%'") == 2
    planned = await pool.fetch("select visit_id from open_visits order by 1")
    newest = await pool.fetch(
        "select (data::jsonb ->> 'visit_id')::uuid as visit_id from journal where data like '%Probe%' order by 1"
    )
    assert newest == planned


async def _naming(pool: asyncpg.Pool[asyncpg.Record], word: str) -> int:
    found: int = await pool.fetchval("select count(*) from journal where position($1 in data) > 0", word)
    return found


async def test_nobody_waits_for_a_move_that_was_emptied_with_the_case_that_it_made(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    process, (story,) = Process(pool), _stories(1)
    await process.hear(*_begun([story]))
    await process.hear(reported(_met(story)))
    await process.hear(_on(story.gone, 2), _on(story.merged, 2))
    assert await pool.fetchval("select count(*) from notes") == 1
    emptied = CaseErased(case_id=story.n.case_id, household_id=story.n.household_id)
    await process.hear(_on(emptied, 1), _on(CaseErased(case_id=story.x.case_id, household_id=story.x.household_id), 3))
    assert await pool.fetchval("select count(*) from notes") == 0
    await process.hear(_on(story.parted, 3))
    (state,) = await pool.fetch("select case_id, state -> 'waiting' as waiting, state -> 'owed' as owed from case_files")
    assert (state["case_id"], state["waiting"]) == (story.s.case_id, "[]")
    assert str(story.x.proceedings[0].proceeding_id) not in state["owed"]
    assert await pool.fetchval("select count(*) from open_visits") == 1
