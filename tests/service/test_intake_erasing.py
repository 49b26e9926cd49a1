"""Intake forgets: on request, by the clock, and revoked notices when two persons agree. On a real database."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from deploy.cli import erase
from deploy.cli.target import Target
from shared.contracts.catalogue import CASES, HOUSEHOLDS, NOTICES, owner_of
from shared.contracts.fields import Event
from shared.contracts.topics.cases import CaseErased
from shared.contracts.topics.notices import NoticeCorrected, NoticeRevoked, ProceedingRef
from shared.messaging.erasure import ERASED
from shared.messaging.journal import TOMBSTONE, republish
from shared.messaging.model import Answer
from tests.service.intake_process import CITY, Intake
from tests.unit.intake_words import NOW, days, hearing_set, party, said, suit

pytestmark = pytest.mark.service


OURS = ("statements", "cases", "households", "match_keys", "inbound", "parked")


async def test_an_erased_household_leaves_a_tombstone_the_word_that_it_is_gone_and_numbers_without_gaps(intake: Intake) -> None:
    await intake.hear(suit())
    await intake.hear(hearing_set(days(20)))
    case_id, household_id = await intake.case()
    assert await intake.ask(household_id) == "erased"
    assert [await intake.count(table) for table in OURS] == [0] * len(OURS)
    journal = await intake.pool.fetch("select topic, n, type, data from journal where topic = any($1) order by topic, n", TOPICS)
    gone = CaseErased(case_id=case_id, household_id=household_id).model_dump_json()
    assert [tuple(row) for row in journal] == [
        ("cases", 1, ERASED, "{}"),
        ("cases", 2, ERASED, "{}"),
        ("cases", 3, CaseErased.TYPE, gone),
        ("households", 2, TOMBSTONE, None),
    ]
    rows = await intake.pool.fetch("select topic, last from streams where topic = any($1)", TOPICS)
    assert {row["topic"]: row["last"] for row in rows} == {"cases": 3, "households": 2}


TOPICS = [CASES.name, HOUSEHOLDS.name]


async def test_what_was_not_sent_yet_goes_out_empty_and_can_be_republished(intake: Intake) -> None:
    await intake.hear(suit())
    _, household_id = await intake.case()
    await intake.ask(household_id)
    queued = "select j.topic, j.n, j.type from outbox o join journal j on j.id = o.journal_id where topic = any($1) order by o.id"
    left = [("cases", 1, ERASED), ("cases", 2, CaseErased.TYPE), ("households", 2, TOMBSTONE)]
    assert [tuple(row) for row in await intake.pool.fetch(queued, TOPICS)] == left
    async with intake.pool.acquire() as connection, connection.transaction():
        await republish(connection)
    assert [tuple(row) for row in await intake.pool.fetch(queued, TOPICS)] == left


@pytest.mark.parametrize("kind", ["replay", "correction", "revocation"])
async def test_a_replay_and_what_speaks_of_it_are_refused_and_not_kept(intake: Intake, kind: str) -> None:
    notice = uuid4()
    await intake.hear(suit(), notice)
    _, household_id = await intake.case()
    await intake.ask(household_id)
    data: dict[str, tuple[Event, UUID]] = {
        "replay": (suit(), notice),
        "correction": (said(NoticeCorrected, corrects=notice, content=suit()), uuid4()),
        "revocation": (said(NoticeRevoked, revokes=notice), uuid4()),
    }
    decision = await intake.hear(*data[kind])
    assert (decision.answer, decision.field, decision.rule) == (Answer.REJECTED, "id", "erased")
    assert await intake.pool.fetchval("select count(*) from inbound where refused_value is not null") == 0
    assert await intake.count("cases") == await intake.count("statements") == 0


async def test_the_same_household_may_come_again(intake: Intake) -> None:
    await intake.hear(suit())
    case_id, household_id = await intake.case()
    await intake.ask(household_id)
    assert (await intake.hear(suit())).answer is Answer.ACCEPTED
    again = await intake.case()
    assert again[0] != case_id
    assert again[1] != household_id


async def test_another_household_keeps_all_it_has(intake: Intake) -> None:
    await intake.hear(suit())
    _, household_id = await intake.case()
    await intake.hear(suit(party("Fremd"), proceeding=ProceedingRef(court_code="R2713", docket="9 C 9/26")))
    await intake.hear(suit(party("Fremd"), filed_on=NOW.date() + timedelta(days=30)))
    await intake.ask(household_id)
    assert [await intake.count(table) for table in ("cases", "statements", "inbound")] == [1, 1, 2]
    assert await intake.pool.fetchval("select count(*) from inbound where refused_value is not null") == 1
    assert await intake.pool.fetchval("select count(*) from journal where topic = 'cases' and type like '%opened%'") == 1


async def test_a_hold_keeps_a_household_until_it_is_lifted(intake: Intake) -> None:
    await intake.hear(suit())
    case_id, household_id = await intake.case()
    await intake.close(case_id)
    await intake.pool.execute("insert into holds (case_id, who, reason) values ($1, 'recht', 'Berufung')", case_id)
    assert await intake.ask(household_id) == "held"
    await intake.work(NOW + timedelta(days=3660))
    assert await intake.count("cases") == 1
    await intake.pool.execute("delete from holds")
    await intake.work()
    assert await intake.count("cases") == 0


async def test_asking_for_somebody_unknown_does_nothing(intake: Intake) -> None:
    await intake.hear(suit())
    assert await intake.ask(uuid4()) == "unknown"
    assert await intake.count("cases") == 1


async def test_a_closed_case_goes_by_the_clock_and_an_open_one_never(intake: Intake) -> None:
    await intake.hear(suit())
    case_id, _ = await intake.case()
    await intake.hear(suit(party("Fremd"), proceeding=ProceedingRef(court_code="R2713", docket="9 C 9/26")))
    await intake.close(case_id)
    months = CITY.retention.closed_case_months
    on_the_day = NOW.replace(year=NOW.year + months // 12)
    await intake.work(on_the_day)
    assert await intake.count("cases") == 2
    await intake.work(on_the_day + timedelta(days=1))
    assert await intake.pool.fetchval("select array_agg(status) from cases") == ["OPEN"]
    assert await intake.pool.fetchval("select count(*) from journal where type = $1", CaseErased.TYPE) == 1
    await intake.work(on_the_day + timedelta(days=3660))
    assert await intake.count("cases") == 1


async def test_what_belongs_to_no_case_ends_too(intake: Intake) -> None:
    waiting = uuid4()
    await intake.hear(hearing_set(days(20)), waiting)
    assert await intake.count("statements") == 1
    await intake.work(NOW + timedelta(days=360))
    assert await intake.count("statements") == 1
    await intake.work(NOW + timedelta(days=370))
    assert await intake.count("statements") == await intake.count("inbound") == 0
    assert (await intake.hear(hearing_set(days(20)), waiting)).rule == "erased"


async def test_that_a_termination_was_healed_outlives_the_household_until_its_own_end(intake: Intake) -> None:
    await intake.hear(suit())
    case_id, household_id = await intake.case()
    await intake.pool.execute(
        """
        update cases set state = jsonb_set(state, '{last,proceedings,0}', (state #> '{last,proceedings,0}') || $2::jsonb)
        where id = $1
        """,
        case_id,
        json.dumps({"outcome": "HEALED", "outcome_on": "2026-11-25"}),
    )
    await intake.ask(household_id)
    row = await intake.pool.fetchrow("select person, healed_on::text, expires_on::text from healings")
    assert row is not None
    assert (len(row["person"]), row["healed_on"], row["expires_on"]) == (32, "2026-11-25", "2029-11-25")
    again = suit(proceeding=ProceedingRef(court_code="R2713", docket="77 C 77/27"))
    await intake.hear(again)
    assert await intake.pool.fetchval("select state -> 'last' -> 'banners' from cases") == '["SCHONFRIST_EXHAUSTED"]'
    await intake.work(NOW.replace(year=2029, month=11, day=25))
    assert await intake.count("healings") == 1
    await intake.work(NOW.replace(year=2029, month=11, day=26))
    assert await intake.count("healings") == 0


async def test_a_revoked_notice_goes_with_its_case_when_a_second_person_agrees(
    intake: Intake, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(erase, "target", lambda: Target({"intake": database}, "", {}, None))
    notice = uuid4()
    await intake.hear(suit(), notice)
    with pytest.raises(SystemExit):
        await erase._agree(notice, "anna")  # nobody revoked it
    await intake.hear(said(NoticeRevoked, revokes=notice))
    await erase._list()
    assert str(notice) in capsys.readouterr().out
    await erase._agree(notice, "anna")
    with pytest.raises(SystemExit):
        await erase._agree(notice, "anna")
    await intake.work()
    assert await intake.count("statements") == 2
    await erase._agree(notice, "bernd")
    await intake.work()
    assert [await intake.count(table) for table in OURS] == [0] * len(OURS)
    assert await intake.pool.fetchval("select count(*) from journal where type = $1", TOMBSTONE) == 1
    assert (await intake.hear(suit(), notice)).rule == "erased"


async def test_a_revoked_notice_goes_and_the_case_that_another_supports_stays(intake: Intake) -> None:
    notice = uuid4()
    await intake.hear(suit(party("Irrtum", "Ines"), party()), notice, NOTICES.of("jobcenter"))
    await intake.hear(suit())
    await intake.hear(said(NoticeRevoked, revokes=notice), topic=NOTICES.of("jobcenter"))
    await intake.pool.execute(
        "insert into revocations (source, id, first, second, second_at) values ($1, $2, 'anna', 'bernd', now())",
        owner_of(NOTICES.of("jobcenter")),
        notice,
    )
    await intake.work()
    assert [await intake.count(table) for table in ("cases", "statements", "households")] == [1, 1, 1]
    for table in ("statements", "households", "cases", "match_keys", "journal", "inbound"):
        found: Any = await intake.pool.fetchval(f"select count(*) from {table} t where t::text ilike '%irrtum%'")  # noqa: S608  a name
        assert found == 0, table
    assert (await intake.hear(hearing_set(days(20)))).answer is Answer.ACCEPTED


async def test_the_command_refuses_a_reason_that_names_somebody(
    intake: Intake, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erase, "target", lambda: Target({"intake": database}, "", {}, None))
    await intake.hear(suit())
    _, household_id = await intake.case()
    with pytest.raises(SystemExit):
        await erase._erase(household_id, "Antrag von Frau Beispiel")
    assert await intake.count("erasures") == 0


async def test_the_command_takes_the_id_of_a_case_for_its_household(
    intake: Intake, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(erase, "target", lambda: Target({"intake": database}, "", {}, None))
    monkeypatch.setattr(erase, "WAIT_S", 0)
    await intake.hear(suit())
    case_id, household_id = await intake.case()
    with pytest.raises(SystemExit):
        await erase._erase(case_id, "Art. 17 GDPR")
    assert "not done yet" in capsys.readouterr().err
    assert await intake.pool.fetchval("select household_id from erasures") == household_id
