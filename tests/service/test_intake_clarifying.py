"""Likeness, clarifications, merges and splits on a real database, by two processes at once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import pytest
from asyncpg import Record

from services.intake import banners, clarifying
from services.intake.clarifying import Clarifying
from services.intake.facts import StatementKey
from services.intake.likeness import Level
from services.intake.room import IntakeRoom
from shared.contracts.codes import Evidence, LegalFact
from shared.contracts.topics.cases import CaseErased, CaseMerged
from shared.contracts.topics.notices import ProceedingRef
from shared.contracts.topics.parts import GivenAddress
from shared.contracts.topics.visits import LegalFactSeen
from shared.messaging.model import Answer, Heard, Rejected
from tests.service.intake_process import Intake
from tests.service.test_intake import batch, statements_of
from tests.unit.intake_words import NOW, days, heard, hearing_set, party, stranger, suit, told

pytestmark = pytest.mark.service

Pool: TypeAlias = "asyncpg.Pool[Record]"
SLIP = GivenAddress(street="Hamer Straße", house_number="12", postcode="48153", place="Münster")
LIKELY = party("Beyspil", "B.", SLIP)


def ref(n: int) -> ProceedingRef:
    return ProceedingRef(court_code="R2713", docket=f"{n} C 1/26")


async def hear(intake: Intake, *people: Any, n: int, **more: Any) -> UUID:  # noqa: ANN401  parties, fields of a notice
    """A suit; returns its case."""
    identity = uuid4()
    decision = await intake.hear(suit(*people, proceeding=ref(n), **more), identity)
    assert decision.answer is Answer.ACCEPTED
    case_id: UUID = await intake.pool.fetchval("select case_id from statements where id = $1", identity)
    return case_id


async def two(intake: Intake) -> tuple[UUID, UUID]:
    return await hear(intake, party(), n=1), await hear(intake, LIKELY, n=2)


async def undo(intake: Intake, people: Clarifying, into: UUID, absorbed: UUID) -> UUID:
    return await people.undo(into, absorbed, seen=await notices_of(intake, into), by="cl-02")


async def notices_of(intake: Intake, case_id: UUID) -> list[StatementKey]:
    async with intake.pool.acquire() as connection:
        return [each.key for each in (await clarifying.notices(connection, [case_id]))[case_id]]


async def flagged(intake: Intake) -> set[UUID]:
    await intake.work()
    rows = await intake.pool.fetch("select id from cases where (state -> 'last' -> 'banners') ? 'POSSIBLE_DUPLICATE'")
    return {row["id"] for row in rows}


async def test_a_likely_household_is_a_case_at_once_with_a_flag_on_both_and_a_question(intake: Intake) -> None:
    one, other = await two(intake)
    assert one != other
    assert await flagged(intake) == {one, other}
    (asked,) = await clarifying.open_questions(intake.pool)  # type: ignore[arg-type]  # a pool reads as a connection does
    assert {asked.one, asked.other} == {one, other}
    (why,) = asked.reasons
    assert {each.field: each.level for each in why.features}["number"] is Level.SAME
    assert why.score == pytest.approx(asked.score)
    assert "eispiel" not in await intake.pool.fetchval("select reasons::text from clarifications")


async def test_a_certain_household_is_attached_and_the_decision_keeps_its_reasons(intake: Intake) -> None:
    one = await hear(intake, party("Beispiel", "Bertha"), n=1)
    assert await hear(intake, party("Beispiehl", "Bertha"), n=2) == one
    notices = (await clarifying.notices(intake.pool, [one]))[one]  # type: ignore[arg-type]  # a pool reads as a connection does
    assert sorted(bool(each.by_likeness) for each in notices) == [False, True]
    record = await intake.pool.fetchval("select state -> 'record' ->> 'members' from households")
    assert record.count("person_id") == 1
    assert not await flagged(intake)


async def test_different_takes_the_flag_away_for_good(intake: Intake, people: Clarifying) -> None:
    one, other = await two(intake)
    assert await flagged(intake) == {one, other}
    question = await intake.pool.fetchval("select id from clarifications")
    assert await people.decide(question, {one, other}, same=False, by="cl-01") is None
    assert not await flagged(intake)
    with pytest.raises(Rejected, match="decided"):
        await people.decide(question, {one, other}, same=True, by="cl-02")
    assert await hear(intake, LIKELY, n=3) == other
    assert await intake.pool.fetchval("select count(*) from clarifications") == 1
    decided = await clarifying.question(intake.pool, question)  # type: ignore[arg-type]  # a pool reads as a connection does
    assert decided is not None
    assert (decided.state, decided.decided_by) == ("DIFFERENT", "cl-01")


async def test_same_merges_and_whatever_leads_to_either_leads_to_the_one(intake: Intake, people: Clarifying) -> None:
    one, other = await two(intake)
    question = await intake.pool.fetchval("select id from clarifications")
    into = await people.decide(question, {one, other}, same=True, by="cl-01")
    assert into in {one, other}
    assert await intake.count("households") == 1
    assert {row["status"] for row in await intake.pool.fetch("select status from cases")} == {"OPEN", "MERGED"}
    assert await hear(intake, party(), n=3) == into
    assert await hear(intake, LIKELY, n=4) == into
    assert await hear(intake, party("Otto", "Fremd"), n=2) == into
    assert not await flagged(intake)
    moves = await clarifying.moves_of(intake.pool, into)  # type: ignore[arg-type]  # a pool reads as a connection does
    assert [(each.kind, each.who) for each in moves] == [("MERGED", "cl-01")]


async def test_the_outcome_of_an_absorbed_case_does_not_close_the_one_it_is_part_of(intake: Intake, people: Clarifying) -> None:
    one, other = await two(intake)
    into = await people.merge(one, other, by="cl-01")
    (absorbed,) = {one, other} - {into}
    await intake.close(absorbed)
    await intake.close(into)
    assert await intake.pool.fetchval("select status from cases where id = $1", into) == "OPEN"
    await intake.close(into, absorbed)
    assert await intake.pool.fetchval("select status from cases where id = $1", into) == "CLOSED"


async def test_an_undone_merge_is_two_cases_again_that_stay_apart(intake: Intake, people: Clarifying) -> None:
    one, other = await two(intake)
    into = await people.merge(one, other, by="cl-01")
    (absorbed,) = {one, other} - {into}
    came = [each for each in (await clarifying.notices(intake.pool, [into]))[into] if each.came_with]  # type: ignore[arg-type]  # a pool reads as a connection does
    assert [each.came_with for each in came] == [(absorbed,)]
    new = await undo(intake, people, into, absorbed)
    assert await intake.count("households") == 2
    assert not await flagged(intake)
    assert {await hear(intake, party(), n=1), await hear(intake, LIKELY, n=2)} == {into, new}
    with pytest.raises(Rejected, match="nothing_came"):
        await undo(intake, people, into, absorbed)


async def test_the_flag_follows_the_other_case(intake: Intake) -> None:
    one, other = await two(intake)
    assert await flagged(intake) == {one, other}
    await intake.close(other)
    assert not await flagged(intake)


async def test_two_processes_hearing_two_spellings_at_once_ask_or_attach(intake: Intake, room: IntakeRoom) -> None:
    for n in range(6):
        other = stranger(n)
        slip = other.model_copy(update={"given_name": "Zz"})
        await asyncio.gather(
            batch(intake.pool, room, heard(suit(other, proceeding=ref(2 * n)))),
            batch(intake.pool, room, heard(suit(slip, proceeding=ref(2 * n + 1)))),
        )
    assert await intake.pool.fetchval("select count(*) from cases") == 12
    assert await intake.pool.fetchval("select count(*) from clarifications") == 6


async def settled(*work: Awaitable[object]) -> list[object]:
    """Everything at once; refusals are answers."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException) and not isinstance(each, Rejected):
            raise each
    return list(done)


async def test_two_processes_merging_crosswise_make_one_case(intake: Intake, people: Clarifying) -> None:
    cases = [await hear(intake, stranger(n), n=n) for n in range(6)]
    pairs = list(itertools.combinations(cases, 2))
    await settled(
        *(people.merge(*pair, by="cl-01") for pair in pairs), *(people.merge(*reversed(pair), by="cl-02") for pair in pairs)
    )
    assert await intake.pool.fetchval("select count(*) from cases where status = 'OPEN'") == 1
    assert await intake.pool.fetchval("select count(*) from cases where status = 'MERGED'") == 5
    assert await intake.count("households") == 1
    living = await intake.pool.fetchval("select id from cases where status = 'OPEN'")
    assert await intake.pool.fetchval("select count(*) from statements where case_id = $1", living) == 6
    assert await intake.pool.fetchval("select count(*) from journal where type = $1", CaseMerged.TYPE) == 5


async def test_what_arrives_for_a_case_while_it_is_merged_reaches_the_surviving_one(
    intake: Intake, people: Clarifying, room: IntakeRoom
) -> None:
    for n in range(5):
        one, other = await hear(intake, stranger(2 * n), n=2 * n), await hear(intake, stranger(2 * n + 1), n=2 * n + 1)
        done = await settled(
            people.merge(one, other, by="cl-01"),
            batch(intake.pool, room, seen(one), heard(hearing_set(days(20), proceeding=ref(2 * n)))),
            batch(intake.pool, room, seen(other), heard(hearing_set(days(20), proceeding=ref(2 * n + 1)))),
        )
        into = done[0]
        assert await intake.pool.fetchval("select count(*) from statements where case_id = $1", into) == 6
    assert await intake.pool.fetchval("select count(*) from cases where status = 'OPEN'") == 5


def seen(case_id: UUID) -> Heard:
    fact = LegalFactSeen(
        case_id=case_id, report_id=uuid4(), fact=LegalFact.SERVED, on=days(-3).date(), evidence=Evidence.DOCUMENT
    )
    return told("visits", "outreach", fact)


async def test_doubts_cost_no_statement_more_for_a_larger_batch(intake: Intake, room: IntakeRoom) -> None:
    await batch(intake.pool, room, *(heard(suit(stranger(n), proceeding=ref(n))) for n in range(60)))

    def doubted(start: int, end: int) -> list[Heard]:
        slips = (stranger(n).model_copy(update={"given_name": "Zz"}) for n in range(start, end))
        return [heard(suit(slip, proceeding=ref(1000 + start + n))) for n, slip in enumerate(slips)]

    await statements_of(intake.pool, room, *doubted(0, 1))  # a new connection first asks about types
    one = await statements_of(intake.pool, room, *doubted(1, 2))
    assert await statements_of(intake.pool, room, *doubted(2, 60)) == one <= 23
    assert await intake.count("clarifications") == 60


async def test_an_erased_household_takes_its_aliases_along(intake: Intake, people: Clarifying) -> None:
    one, other = await two(intake)
    homes = {row["household_id"] for row in await intake.pool.fetch("select household_id from cases")}
    into = await people.merge(one, other, by="cl-01")
    (home,) = {row["household_id"] for row in await intake.pool.fetch("select household_id from cases")}
    (alias,) = homes - {home}
    assert await intake.ask(alias) == "erased"
    tables = (
        "cases",
        "households",
        "statements",
        "match_keys",
        "likeness_keys",
        "likenesses",
        "reasons",
        "clarifications",
        "moves",
    )
    assert [await intake.count(table) for table in (*tables, "inbound", "household_aliases")] == [0] * (len(tables) + 2)
    rows = await intake.pool.fetch("select key from journal where topic = 'cases' and type = $1", CaseErased.TYPE)
    assert {row["key"] for row in rows} == {str(one), str(other)}
    assert into in {one, other}
    text = await intake.pool.fetchval("select string_agg(data::text, ' ') from journal")
    assert "Beispiel" not in text
    assert "Beyspil" not in text


async def test_erasing_one_side_of_a_split_leaves_the_other_alone(intake: Intake, people: Clarifying) -> None:
    one, other = await two(intake)
    into = await people.merge(one, other, by="cl-01")
    (absorbed,) = {one, other} - {into}
    new = await undo(intake, people, into, absorbed)
    names = {into: "Beispiel", new: "Beyspil"} if into == one else {into: "Beyspil", new: "Beispiel"}
    gone = await intake.pool.fetchval("select household_id from cases where id = $1", new)
    assert await intake.ask(gone) == "erased"
    assert [await intake.count(table) for table in ("households", "inbound", "statements")] == [1, 1, 1]
    text = await intake.pool.fetchval("select string_agg(data::text, ' ') from journal")
    assert names[new] not in text
    assert names[into] in text


async def test_the_rest_of_a_split_is_erased_without_the_notices_that_left(intake: Intake, people: Clarifying) -> None:
    one, other = await two(intake)
    into = await people.merge(one, other, by="cl-01")
    (absorbed,) = {one, other} - {into}
    new = await undo(intake, people, into, absorbed)
    gone = await intake.pool.fetchval("select household_id from cases where id = $1", into)
    assert await intake.ask(gone) == "erased"
    assert [await intake.count(table) for table in ("households", "inbound", "statements")] == [1, 1, 1]
    assert await intake.pool.fetchval("select case_id from statements") == new


async def test_a_job_with_nothing_to_do_says_nothing(intake: Intake) -> None:
    async with intake.pool.acquire() as connection, connection.transaction():
        assert not await banners.correct(connection, NOW)
