"""`bleibe reconcile`: the promises, proven from the databases.

Coverage is checked from what the services told the world (the newest `cases` event against all of `visits`), not from
their own tables, so that a service cannot prove itself right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Annotated
from uuid import UUID

from asyncpg import Connection, Record
from cyclopts import Parameter

from deploy.cli.databases import database
from deploy.cli.flow import behind, unsent
from deploy.cli.output import run
from deploy.cli.target import SERVICES, Target, target
from services.reporting.rebuild import check as check_reporting
from shared.contracts.catalogue import CASES, NOTICES, VISITS
from shared.contracts.codes import Stage
from shared.contracts.topics.cases import CaseErased, CaseEvent
from shared.contracts.topics.visits import ObligationClosed, ReportCorrected, VisitOwed


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, whether it holds, and the figures; `detail` names ids where it does not."""

    name: str
    ok: bool
    detail: str


def reconcile_command(*, as_json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> None:
    """Prove the promises from the databases; ends with status 1 where one does not hold.

    Example: bleibe reconcile --json

    Args:
        as_json: one JSON object instead of lines.
    """
    checks = run(reconcile(target()))
    if as_json:
        print(
            json.dumps(
                {"ok": all(check.ok for check in checks), "checks": [asdict(check) for check in checks]}, ensure_ascii=False
            )
        )
    else:
        for check in checks:
            print(f"{'holds ' if check.ok else 'BROKEN'}  {check.name}: {check.detail}")
    if not all(check.ok for check in checks):
        raise SystemExit(1)


async def reconcile(system: Target) -> list[Check]:
    """All checks, each on its own."""
    async with database(system, "intake") as intake, database(system, "outreach") as outreach:
        checks = [await _notices(intake), await _covered(intake, outreach)]
    return [*checks, await _level(system), await _parked(system), await _read_model(system)]


async def _notices(intake: Connection[Record]) -> Check:
    """The primary key of `statements` allows one case a notice; here every accepted one must have its place."""
    row = await intake.fetchrow(
        """
        select count(*) as accepted,
               count(*) filter (where s.id is null) as lost,
               count(*) filter (where s.id is not null and s.case_id is null) as waiting,
               count(*) filter (where s.case_id is not null and c.id is null) as homeless,
               (array_agg(i.id) filter (where s.id is null))[1:5] as examples
        from inbound i
        left join statements s on s.source = i.source and s.id = i.id
        left join cases c on c.id = s.case_id
        where i.answer = 'accepted' and i.topic like $1
        """,
        f"{NOTICES.name}.%",
    )
    assert row is not None
    ok = not row["lost"] and not row["homeless"]
    detail = f"{row['accepted']} accepted, {row['waiting']} wait for the notice they belong to, {row['lost']} lost"
    return Check("every accepted notice is in exactly one case", ok, detail if ok else f"{detail}, first: {row['examples']}")


@dataclass(slots=True)
class _Coverage:
    """What `visits` said of one case: who is owed or excused, and which obligations are open."""

    owed: dict[UUID, tuple[UUID, UUID, int]]
    excused: set[UUID]
    closed: set[UUID]


async def _covered(intake: Connection[Record], outreach: Connection[Record]) -> Check:
    newest = await intake.fetch(
        "select distinct on (key) key, type, data from journal where topic = $1 order by key, n desc", CASES.name
    )
    told = _coverage(await outreach.fetch("select key, type, data from journal where topic = $1 order by id", VISITS.name))
    defendants, uncovered, doubled = 0, [], []
    for row in newest:
        if row["type"] == CaseErased.TYPE:
            continue
        case = CaseEvent.model_validate_json(row["data"])
        coverage = told.get(row["key"], _Coverage({}, set(), set()))
        owed = {(person, address) for person, address, _ in coverage.owed.values()}
        for proceeding in case.proceedings if case.stage is not Stage.NONE else ():
            for defendant in proceeding.defendants:
                defendants += 1
                if (defendant.person_id, defendant.address_id) not in owed and defendant.person_id not in coverage.excused:
                    uncovered.append(f"case {case.case_id} person {defendant.person_id}")
        still_open = [what for obligation, what in coverage.owed.items() if obligation not in coverage.closed]
        doubled += [f"case {case.case_id} person {person}" for person, _, _ in {x for x in still_open if still_open.count(x) > 1}]
    ok = not uncovered and not doubled
    detail = f"{defendants} defendants, {len(uncovered)} without visit or reason, {len(doubled)} owed twice"
    return Check(
        "every defendant of a suit is covered once or excused", ok, detail if ok else f"{detail}: {(uncovered + doubled)[:5]}"
    )


def _coverage(rows: Iterable[Record]) -> dict[str, _Coverage]:
    told: dict[str, _Coverage] = {}
    for row in rows:
        coverage = told.setdefault(row["key"], _Coverage({}, set(), set()))
        if row["type"] == VisitOwed.TYPE:
            owed = VisitOwed.model_validate_json(row["data"])
            coverage.owed |= {each.obligation_id: (each.person_id, each.address_id, each.round) for each in owed.obligations}
            coverage.excused |= {each.person_id for each in owed.excused}
        elif row["type"] == ObligationClosed.TYPE:
            coverage.closed |= set(ObligationClosed.model_validate_json(row["data"]).obligation_ids)
        elif row["type"] == ReportCorrected.TYPE:
            coverage.closed -= set(ReportCorrected.model_validate_json(row["data"]).reopened_obligation_ids)
    return told


async def _level(system: Target) -> Check:
    waiting = {service: count for service, count in (await unsent(system)).items() if count}
    pairs, late = await behind(system)
    ok = not late and not waiting
    detail = f"{pairs} keys and readers, {len(late)} behind, {sum(waiting.values())} events unsent"
    worst = ", ".join(f"{one.reader} read {one.read} of {one.written} of {one.topic} {one.key}" for one in late[:5])
    return Check("every reader has read every event", ok, detail if ok else f"{detail}: {worst or waiting}")


async def _parked(system: Target) -> Check:
    """Outside messages that a person must look at have told their sender so; an event of our own must not lie parked."""
    stuck, alone = [], 0
    for service in SERVICES:
        async with database(system, service) as connection:
            rows = await connection.fetch("select id, topic, n, rule from parked order by id")
        stuck += [f"{service} {row['id']} on {row['topic']}: {row['rule']}" for row in rows if row["n"] is not None]
        alone += sum(1 for row in rows if row["n"] is None)
    detail = f"{len(stuck)} events of ours, {alone} outside messages wait for a person"
    return Check("nothing is parked unexplained", not stuck, detail if not stuck else f"{detail}: {stuck[:5]}")


async def _read_model(system: Target) -> Check:
    report = await check_reporting(system.databases["reporting"])
    detail = f"{report.cases} cases from {report.facts} facts, {report.differing} differ"
    return Check("the live read model equals a rebuilt one", report.equal, detail)
