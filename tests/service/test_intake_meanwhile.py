"""What comes between a person's look and their decision, or between a job's look and its lock: nothing is decided blindly."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from deploy.cli import erase
from deploy.cli.target import Target
from services.intake import erasing_store
from services.intake.clarifying import Clarifying
from services.intake.facts import StatementKey
from services.intake.room import IntakeRoom
from shared.contracts.codes import Answer
from shared.contracts.topics.notices import NoticeRevoked
from shared.messaging.model import Rejected
from tests.service.intake_process import COURT, Intake, held_up
from tests.service.test_intake import batch
from tests.service.test_intake_clarifying import LIKELY, hear, notices_of, ref, two, undo
from tests.unit.intake_words import days, heard, hearing_set, party, said, stranger, suit

pytestmark = pytest.mark.service

SOURCE = "urn:bleibe:partner:ag-muenster"


async def household(intake: Intake, case_id: UUID) -> UUID:
    found: UUID = await intake.pool.fetchval("select household_id from cases where id = $1", case_id)
    return found


async def merged(intake: Intake, people: Clarifying) -> tuple[UUID, UUID]:
    """A case, and one that it absorbed."""
    one, other = await two(intake)
    into = await people.merge(one, other, by="cl-01")
    (absorbed,) = {one, other} - {into}
    return into, absorbed


async def test_after_an_undone_merge_the_old_ids_mean_what_was_given_back(intake: Intake, people: Clarifying) -> None:
    one, other = await two(intake)
    homes = {case: await household(intake, case) for case in (one, other)}
    into = await people.merge(one, other, by="cl-01")
    (absorbed,) = {one, other} - {into}
    new = await undo(intake, people, into, absorbed)
    assert await intake.pool.fetchval("select merged_into from cases where id = $1", absorbed) == new
    assert await intake.ask(homes[absorbed]) == "erased"
    rows = await intake.pool.fetch("select id from cases")
    assert {row["id"] for row in rows} == {into}


async def test_a_hold_goes_with_what_is_split_off(intake: Intake, people: Clarifying) -> None:
    into, absorbed = await merged(intake, people)
    await intake.pool.execute("insert into holds (case_id, who, reason) values ($1, 'recht', 'Berufung')", into)
    new = await undo(intake, people, into, absorbed)
    rows = await intake.pool.fetch("select case_id, who, reason from holds")
    assert {tuple(row) for row in rows} == {(each, "recht", "Berufung") for each in (into, new)}
    assert await intake.ask(await household(intake, new)) == "held"


async def test_what_held_an_alias_holds_both_parts(intake: Intake, people: Clarifying) -> None:
    one, other = await two(intake)
    for case in (one, other):
        await intake.pool.execute("insert into holds (case_id, who, reason) values ($1, 'recht', 'Berufung')", case)
    into = await people.merge(one, other, by="cl-01")
    (absorbed,) = {one, other} - {into}
    await intake.pool.execute("delete from holds where case_id = $1", into)
    new = await undo(intake, people, into, absorbed)
    for case in (into, new):
        assert await intake.ask(await household(intake, case)) == "held"


async def test_a_hold_by_the_command_means_the_case_that_an_id_is_part_of(
    intake: Intake, people: Clarifying, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erase, "target", lambda: Target({"intake": database}, "", {}, None))
    one, other = await two(intake)
    await erase._hold(other, "Berufung")
    into = await people.merge(one, other, by="cl-01")
    (absorbed,) = {one, other} - {into}
    await erase._lift(into)
    assert await intake.count("holds") == 0
    await erase._hold(absorbed, "Berufung")
    assert await intake.pool.fetchval("select case_id from holds") == into
    with pytest.raises(SystemExit):
        await erase._lift(uuid4())


async def test_a_merge_decided_on_a_case_that_is_an_alias_by_now_is_refused(intake: Intake, people: Clarifying) -> None:
    into, absorbed = await merged(intake, people)
    third = await hear(intake, stranger(3), n=3)
    with pytest.raises(Rejected) as refused:
        await people.merge(third, absorbed, by="cl-02")
    assert refused.value.rule == "changed"
    with pytest.raises(Rejected) as refused:
        await people.split(absorbed, [], seen=await notices_of(intake, absorbed), by="cl-02")
    assert refused.value.rule == "changed"
    assert await intake.pool.fetchval("select count(*) from cases where status = 'OPEN'") == 2
    assert await household(intake, into) == await household(intake, absorbed)


async def test_an_answer_to_a_question_that_is_about_another_case_by_now_is_refused(intake: Intake, people: Clarifying) -> None:
    one, other = await two(intake)
    question = await intake.pool.fetchval("select id from clarifications")
    third = await hear(intake, stranger(3), n=3, received_on=days(-9).date())
    assert await people.merge(third, other, by="cl-01") == third
    with pytest.raises(Rejected) as refused:
        await people.decide(question, {one, other}, same=False, by="cl-02")
    assert refused.value.rule == "changed"
    assert await people.decide(question, {one, third}, same=False, by="cl-02") is None


async def test_a_notice_that_lands_while_a_split_waits_for_its_lock_stops_it(intake: Intake, people: Clarifying) -> None:
    into, absorbed = await merged(intake, people)
    seen = await notices_of(intake, into)
    async with held_up(intake.pool, "match_keys") as waiting:
        late = asyncio.create_task(people.undo(into, absorbed, seen=seen, by="cl-02"))
        await waiting(1)
        await intake.pool.execute(
            """
            insert into statements (source, id, type, case_id, rank, received_on, recorded_at, content)
            select source, $2, type, case_id, rank, received_on, recorded_at, content from statements where case_id = $1 limit 1
            """,
            into,
            uuid4(),
        )
    with pytest.raises(Rejected) as refused:
        await late
    assert refused.value.rule == "changed"


async def test_likeness_to_somebody_who_is_just_split_off_is_not_missed(
    intake: Intake, people: Clarifying, room: IntakeRoom
) -> None:
    into, absorbed = await merged(intake, people)
    (moved,) = [each for each in (party(), LIKELY) if each.family_name != await _family(intake, into, absorbed)]
    alike = moved.model_copy(update={"given_name": "Zz"})
    async with held_up(intake.pool, "moves") as waiting:
        splitting = asyncio.create_task(undo(intake, people, into, absorbed))
        await waiting(1)
        hearing = asyncio.create_task(batch(intake.pool, room, heard(suit(alike, proceeding=ref(9)))))
        await waiting(2)
    new = await splitting
    await hearing
    rows = await intake.pool.fetch("select one, other from clarifications where state = 'OPEN'")
    assert new in {case for row in rows for case in row}


async def _family(intake: Intake, into: UUID, absorbed: UUID) -> str:
    """Whose notice was there before the merge."""
    found: str = await intake.pool.fetchval(
        "select content -> 'defendants' -> 0 ->> 'family_name' from statements where case_id = $1 and not $2 = any(came_with)",
        into,
        absorbed,
    )
    return found


async def agreed(intake: Intake, notice: UUID) -> StatementKey:
    """A notice revoked by its source, that two persons agreed to erase."""
    await intake.hear(said(NoticeRevoked, revokes=notice), topic=COURT)
    await intake.pool.execute(
        "insert into revocations (source, id, first, second, second_at) values ($1, $2, 'anna', 'bernd', now())", SOURCE, notice
    )
    return SOURCE, notice


async def test_a_revoked_notice_that_moves_while_its_erasure_waits_is_erased_with_the_next_turn(
    intake: Intake, people: Clarifying, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await two(intake)
    assert (await hear(intake, party(), n=3), await hear(intake, LIKELY, n=4)) == (one, other)
    into = await people.merge(one, other, by="cl-01")
    (absorbed,) = {one, other} - {into}
    row, _ = await intake.pool.fetch("select id from statements where $1 = any(came_with)", absorbed)
    await agreed(intake, row["id"])
    names, (work,) = erasing_store.names, (each for each in intake.running.service.jobs if each.name == "revocations")

    async def moves_first(*args: object) -> object:
        monkeypatch.setattr(erasing_store, "names", names)
        await undo(intake, people, into, absorbed)
        return await names(*args)  # type: ignore[arg-type]  # what it was called with

    monkeypatch.setattr(erasing_store, "names", moves_first)
    await intake.running.run_job(work)
    assert await intake.pool.fetchval("select done_at from revocations") is None
    await intake.running.run_job(work)
    assert await intake.pool.fetchval("select done_at from revocations") is not None
    assert await intake.pool.fetchval("select count(*) from statements where id = $1", row["id"]) == 0


async def test_a_revoked_notice_that_never_found_its_case_is_erased_too(intake: Intake) -> None:
    waiting, identity = hearing_set(days(20)), uuid4()
    await intake.hear(waiting, identity)
    await agreed(intake, identity)
    await intake.work()
    assert [await intake.count(table) for table in ("statements", "inbound")] == [0, 0]
    assert await intake.pool.fetchval("select done_at from revocations") is not None
    assert (await intake.hear(waiting, identity)).answer is Answer.REJECTED
