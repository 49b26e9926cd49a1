"""Cases merged and split at random while notices, visits and facts go on: every promise holds when all has settled."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deploy.cli import erase
from deploy.cli.databases import database
from deploy.cli.reconcile import Check, reconcile
from deploy.cli.target import Target
from deploy.local.supervisor import Local
from deploy.local.system import start_system
from services.intake import clarifying
from services.intake.clarifying import Clarifying
from shared.contracts.catalogue import ASSIGNMENTS, CASES, FIELD_REPORTS
from shared.contracts.codes import AttemptResult, Channel, Window
from shared.contracts.topics.assignments import AssignmentCreated
from shared.contracts.topics.cases import CaseMerged, CaseSplit
from shared.contracts.topics.field_reports import AttemptReported
from shared.contracts.topics.notices import HearingSet, NoticeCorrected, Party, ProceedingRef, ServiceReported, SuitFiled
from shared.contracts.topics.parts import GivenAddress
from shared.messaging.model import Rejected
from shared.runtime.clock import BERLIN
from tests.system.clerks import deciding, undo
from tests.system.one_case import CITY, Marks
from tests.system.one_notice import COURT, Sender, cases_of, events, message, read, settled, suit, target_of
from tests.system.traces_of import holding, household_of, is_nowhere
from tests.the_broker import start_broker
from tests.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

STEPS = 24


@pytest.fixture(scope="module")
def moving() -> Iterator[Local]:
    """A system of this module's own."""
    with tempfile.TemporaryDirectory(prefix="bleibe-moves-") as folder, Local(Path(folder), durable=False) as local:
        start_broker(local)
        start_system(local)
        yield local


class Town:
    """Households that are much alike, their suits, and all that happens to them."""

    def __init__(self, target: Target, people: Clarifying, chance: Random) -> None:
        self.target, self.people, self.chance = target, people, chance
        self.sender = Sender(target.bootstrap)
        self.suits: list[SuitFiled] = []
        self.done: list[str] = []
        self.town = uuid4().hex[:6]

    async def cases(self) -> list[UUID]:
        """The living cases of this town."""
        async with database(self.target, "intake") as intake:
            rows = await intake.fetch(
                "select distinct case_id from statements where id = any($1) and case_id is not null", list(self.sender.answers)
            )
        return sorted(row["case_id"] for row in rows)

    async def sued(self) -> None:
        number = len(self.suits)
        people = self.chance.sample(["Erika", "Erik", "Emil", "Emilia"], self.chance.randint(1, 2))
        home = GivenAddress(street="Albersloher Weg", house_number=str(401 + 2 * (number % 5)), postcode="48167", place="Münster")
        family = f"Muster{self.town}{'e' * (number % 2)}"
        self.suits.append(
            suit(
                number + 1,
                defendants=tuple(Party(family_name=family, given_name=each, address=home) for each in people),
                proceeding=ProceedingRef(court_code="R2713", docket=f"{number + 1} C {self.town}/26"),
            )
        )
        await self.sender.send(message(COURT, self.suits[-1]))

    async def served(self) -> None:
        about = self.chance.choice(self.suits)
        today = datetime.now(UTC).date()
        await self.sender.send(message(COURT, _about(about, ServiceReported, served_on=today, defendants=about.defendants[:1])))

    async def heard(self) -> None:
        at = datetime.now(UTC) + timedelta(days=self.chance.randint(20, 60))
        await self.sender.send(message(COURT, _about(self.chance.choice(self.suits), HearingSet, hearing_at=at)))

    async def visited(self) -> None:
        raws = await read(self.target.bootstrap, [ASSIGNMENTS.of(team.id) for team in CITY.teams])
        known = [(raw, one) for raw in raws for one in events([raw], AssignmentCreated)]
        mine = [(raw, one) for raw, one in known if any(self.town in each.family_name for each in one.residents)]
        if not mine:
            return
        raw, planned = self.chance.choice(mine)
        report = AttemptReported(
            case_id=planned.case_id,
            channel=Channel.AUTHORITY,
            actor="cw",
            recorded_at=datetime.now(UTC),
            visit_id=planned.visit_id,
            attempted_on=datetime.now(BERLIN).date(),
            window=Window.MORNING,
            result=self.chance.choice([AttemptResult.MET, AttemptResult.NOT_MET]),
            information_handed_over=True,
        )
        topic = FIELD_REPORTS.of(raw.topic.partition(".")[2])
        await self.sender.send(message(topic, report, key=planned.case_id))

    async def merged(self) -> None:
        cases = await self.cases()
        if len(cases) > 1:
            await self.people.merge(*self.chance.sample(cases, 2), by="cl-01")

    async def split(self) -> None:
        cases = await self.cases()
        if cases:
            case = self.chance.choice(cases)
            async with database(self.target, "intake") as intake:
                notices = (await clarifying.notices(intake, [case]))[case]
            chosen = {each.key for each in notices if self.chance.random() < 0.5}
            await self.people.split(case, chosen, seen=[each.key for each in notices], by="cl-02")

    async def undone(self) -> None:
        async with database(self.target, "intake") as intake:
            moves = [each for case in await self.cases() for each in await clarifying.moves_of(intake, case)]
            seen = await clarifying.notices(intake, [each.case_id for each in moves])
        merges = [each for each in moves if each.kind == "MERGED"]
        if merges:
            move = self.chance.choice(merges)
            await self.people.undo(move.case_id, move.moved, seen=[each.key for each in seen[move.case_id]], by="cl-03")

    async def happens(self) -> None:
        """Something, whatever is still on its way."""
        steps = [self.sued, self.served, self.heard, self.visited, self.merged, self.merged, self.split, self.undone]
        step = self.chance.choice(steps)
        try:
            await step()
        except Rejected as refused:
            self.done.append(f"{step.__name__} refused: {refused.rule}")
        else:
            self.done.append(step.__name__)


def _about(about: SuitFiled, kind: Any, **fields: Any) -> Any:  # noqa: ANN401  any notice about a suit
    return kind(
        channel=about.channel,
        actor=about.actor,
        legal_basis=about.legal_basis,
        recorded_at=datetime.now(UTC),
        proceeding=about.proceeding,
        **fields,
    )


def _corrected(notice: UUID, content: Any) -> NoticeCorrected:  # noqa: ANN401  any notice
    head = {name: getattr(content, name) for name in ("channel", "actor", "legal_basis", "recorded_at")}
    return NoticeCorrected(corrects=notice, content=content, **head)


@settings(max_examples=4, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(chance=st.randoms(use_true_random=True))
def test_random_merges_and_splits_under_load_break_no_promise(moving: Local, chance: Random) -> None:
    asyncio.run(_live(moving, chance))


async def _live(moving: Local, chance: Random) -> None:
    target = target_of(moving)
    async with deciding(moving) as people:
        town = Town(target, people, chance)
        for _ in range(4):
            await town.sued()
        await town.sender.until_answered()
        await town.merged()
        with contextlib.suppress(Rejected):  # what chance merged may have brought nothing of its own
            await town.undone()
        for _ in range(STEPS):
            await town.happens()
        await town.sender.until_answered()
        await settled(target)
    broken: list[Check] = []

    async def whole() -> bool:
        """A household that comes to have a doubt is told of it by a job of its own, whenever that comes."""
        nonlocal broken
        broken = [check for check in await reconcile(target) if not check.ok]
        return not broken

    with contextlib.suppress(AssertionError):
        await eventually(whole)
    assert broken == [], town.done
    raws = await read(target.bootstrap, [CASES.name])
    told = Counter(MERGED=len(events(raws, CaseMerged)), SPLIT=len(events(raws, CaseSplit)))
    async with database(target, "intake") as intake:
        decided = await intake.fetch("select kind, count(*) from moves group by kind")
    assert told["MERGED"]
    assert told == Counter({row["kind"]: row["count"] for row in decided}), town.done  # chance may have split nothing


async def test_a_corrected_notice_of_an_absorbed_case_goes_back_with_it_and_its_old_household_id_erases_it(
    moving: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, sender, homes = target_of(moving), Sender(target_of(moving).bootstrap), (Marks(), Marks())
    monkeypatch.setattr(erase, "target", lambda: target)
    notices = await sender.send(*(message(COURT, each.suit()) for each in homes))
    await sender.until_answered()
    cases = await cases_of(target, notices)
    old_homes = {case_id: await household_of(target, case_id) for case_id in cases.values()}
    async with deciding(moving) as people:
        into = await people.merge(*cases.values(), by="cl-01")
        (stays,) = [n for n, notice in enumerate(notices) if cases[notice] == into]
        goes = 1 - stays
        absorbed = cases[notices[goes]]
        await settled(target)
        suit_ = homes[goes].suit(filed_on=datetime.now(UTC).date() - timedelta(days=3))
        corrected = _corrected(notices[goes], suit_)
        (correction,) = await sender.send(message(COURT, corrected))
        await sender.until_answered()
        assert (await cases_of(target, [correction]))[correction] == into
        await settled(target)
        new = await undo(people, moving, into, absorbed)
    await settled(target)
    known = await cases_of(target, [*notices, correction])
    assert known == {notices[stays]: into, notices[goes]: new, correction: new}
    assert [check for check in await reconcile(target) if not check.ok] == []

    await erase._erase(old_homes[absorbed], "Art. 17 GDPR")
    await eventually(lambda: is_nowhere(target, homes[goes]), within_s=60)
    await settled(target)
    assert (await cases_of(target, notices)) == {notices[stays]: into}
    assert await holding(target, homes[stays]) >= {"intake.statements", "outreach.registers", "outreach.journal"}
    assert [check for check in await reconcile(target) if not check.ok] == []


PARKED = """
    insert into parked (topic, key, n, digest, reason, rule, record_headers)
    values ('cases', gen_random_uuid(), 1, '\\x00', 'failed', 'ValueError', '[]')
"""
BREAKS = [
    ("nothing is parked unexplained", "outreach", PARKED),
    (
        "the live read model equals a rebuilt one",
        "reporting",
        "delete from case_rows where ctid = any(array(select ctid from case_rows limit 1))",
    ),
    (
        "every reader has read every event",
        "referral",
        "update progress set last = last - 1 where ctid = any(array(select ctid from progress where topic = 'cases' limit 1))",
    ),
    (
        "merged and split cases share nothing",
        "outreach",
        "update case_kin set part_of = gen_random_uuid() where part_of is not null",
    ),
    (
        "every defendant of a suit is covered once or excused",
        "outreach",
        "delete from journal where type = 'de.bleibe.visit.owed.v1'",
    ),
    (
        "every accepted notice is in exactly one case",
        "intake",
        "delete from statements where ctid = any(array(select ctid from statements limit 1))",
    ),
]


async def test_the_proof_fails_where_a_promise_is_broken(moving: Local) -> None:
    """Runs last: what it breaks stays broken, and each break adds its own promise to those that no longer hold."""
    target = target_of(moving)
    expected: set[str] = set()
    for promise, service, statement in BREAKS:
        async with database(target, service) as connection:
            assert await connection.execute(statement) not in {"UPDATE 0", "DELETE 0"}
        expected.add(promise)
        assert {check.name for check in await reconcile(target) if not check.ok} >= expected, promise
