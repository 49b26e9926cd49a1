"""A household through all four services, erased: nothing of it is left in any table, and nobody is left behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from deploy.cli import erase
from deploy.cli.databases import database
from deploy.cli.reconcile import reconcile
from deploy.cli.target import SERVICES, Target
from deploy.local.supervisor import Local
from deploy.local.system import start_system
from shared.contracts.catalogue import RECEIPTS
from shared.contracts.codes import Answer
from shared.contracts.topics.receipts import ReceiptIssued
from shared.messaging.wire import Raw
from tests.system.clerks import deciding, undo
from tests.system.one_case import Marks, play
from tests.system.one_notice import (
    COURT,
    Sender,
    cases_of,
    events,
    message,
    nothing_of_the_journals_is_missing,
    read,
    settled,
    suit,
    target_of,
    write,
)
from tests.system.traces_of import holding, household_of, is_nowhere
from tests.the_broker import BROKER, resume_empty, start_broker
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.fault]


@pytest.fixture(scope="module")
def doomed() -> Iterator[Local]:
    """A system of this module's own: data go, and its broker forgets."""
    with tempfile.TemporaryDirectory(prefix="bleibe-erasure-") as folder, Local(Path(folder), durable=False) as local:
        start_broker(local)
        start_system(local)
        yield local


async def test_an_erased_household_is_in_no_table_and_nobody_is_left_behind(
    doomed: Local, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = target_of(doomed)
    sender = Sender(target.bootstrap)
    monkeypatch.setattr(erase, "target", lambda: target)
    played = await play(target)
    beside = await sender.send(message(COURT, suit(1)))
    await sender.send(*unusable(played.marks))
    await sender.until_answered()
    await settled(target)
    before = await holding(target, played.marks)
    assert before >= {
        "intake.statements", "intake.households", "intake.match_keys", "intake.journal", "intake.inbound", "intake.parked",
        "outreach.registers", "outreach.journal", "outreach.notes", "referral.households", "referral.journal",
    }  # fmt: skip

    # Reporting reads nothing more until the broker has forgotten all and was filled from what the journals still hold.
    doomed.kill("reporting", restart=False)
    await sender.send(message(COURT, played.marks.suit(monthly_rent="700.00")))
    await sender.until_answered()
    household = await household_of(target, played.case_id)
    await erase._erase(household, "Art. 17 GDPR")
    assert f"{(datetime.now(UTC) + timedelta(days=401, hours=1)).date()}" in capsys.readouterr().out
    await eventually(lambda: is_nowhere(target, played.marks), within_s=30)
    doomed.kill(BROKER, restart=False)
    resume_empty(doomed)
    doomed.resume("reporting")
    await eventually(lambda: nothing_of_the_journals_is_missing(target), within_s=120)
    await settled(target)

    await write(target.bootstrap, [message(COURT, played.marks.suit(), message_id=played.notice_id)])
    await eventually(lambda: answers_to(target, played.notice_id, (Answer.REJECTED, "erased")), within_s=30)
    await settled(target)
    assert await holding(target, played.marks) == set()
    assert [check for check in await reconcile(target) if not check.ok] == []
    assert (await cases_of(target, beside)).keys() == set(beside)
    async with database(target, "reporting") as reporting:
        assert await reporting.fetchval("select count(*) from erased where case_id = $1", played.case_id) == 1
        assert await reporting.fetchval("select count(*) from facts where key = $1", played.case_id) == 0


async def test_of_a_household_that_was_merged_and_split_again_nothing_is_left_and_the_other_stays(
    doomed: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, sender, homes = target_of(doomed), Sender(target_of(doomed).bootstrap), (Marks(), Marks())
    monkeypatch.setattr(erase, "target", lambda: target)
    notices = await sender.send(*(message(COURT, each.suit()) for each in homes))
    await sender.until_answered()
    await settled(target)
    cases = await cases_of(target, notices)
    async with deciding(doomed) as people:
        into = await people.merge(*cases.values(), by="cl-01")
        stays, goes = sorted(range(2), key=lambda n: cases[notices[n]] != into)
        await eventually(lambda: told_of(target, into, homes[goes]), within_s=30)
        new = await undo(people, doomed, into, cases[notices[goes]])
    await settled(target)
    await erase._erase(await household_of(target, new), "Art. 17 GDPR")
    await eventually(lambda: is_nowhere(target, homes[goes]), within_s=60)
    await settled(target)
    assert await holding(target, homes[stays]) >= {"intake.statements", "outreach.registers", "outreach.journal"}
    assert [check for check in await reconcile(target) if not check.ok] == []

    # A broker that has forgotten is filled from the journals alone: what has an end on Kafka is at its end.
    doomed.kill(BROKER, restart=False)
    resume_empty(doomed)
    await eventually(lambda: nothing_of_the_journals_is_missing(target), within_s=120)
    raws = await read(target.bootstrap, await written(target))
    assert not [raw for raw in raws if any(mark in str(raw.value) for mark in astuple(homes[goes]))]
    assert [raw for raw in raws if homes[stays].family_name in str(raw.value)]


async def written(target: Target) -> set[str]:
    """The topics on which any service has said anything."""
    topics: set[str] = set()
    for service in SERVICES:
        async with database(target, service) as connection:
            topics |= {row["topic"] for row in await connection.fetch("select distinct topic from journal")}
    return topics


async def told_of(target: Target, case_id: UUID, marks: Marks) -> bool:
    """Whether a team was told of this person under the key of this case."""
    async with database(target, "outreach") as outreach:
        found: bool = await outreach.fetchval(
            "select exists (select from journal where topic like 'assignments.%' and key = $1 and position($2 in data) > 0)",
            str(case_id),
            marks.family_name,
        )
    return found


def unusable(marks: Marks) -> list[Raw]:
    """A notice about the household that is refused and kept for a person to see, and one that nobody can read."""
    refused = message(COURT, marks.suit(filed_on=datetime.now(UTC).date() + timedelta(days=400)))
    unreadable = message(COURT, marks.suit())
    return [refused, replace(unreadable, value=(unreadable.value or b"")[:-1])]


async def answers_to(target: Target, notice: UUID, wanted: tuple[Answer, str]) -> bool:
    """Whether a notice got this answer, beside the one it had before it was erased."""
    raws = await read(target.bootstrap, [RECEIPTS.of(COURT.partition(".")[2])])
    told = [(each.answer, each.rule) for each in events(raws, ReceiptIssued) if each.message_id == notice]
    assert set(told) <= {(Answer.ACCEPTED, None), wanted}
    return wanted in told
