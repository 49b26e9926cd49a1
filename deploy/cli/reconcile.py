"""`bleibe reconcile`: the promises, proven from the databases.

Coverage is checked from what the services told the world (the newest `cases` event against all of `visits`), not from
their own tables, so that a service cannot prove itself right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated
from uuid import UUID

from asyncpg import Connection, Record
from cyclopts import Parameter
from pydantic import BaseModel

from deploy.cli.databases import database
from deploy.cli.flow import behind, unsent
from deploy.cli.output import run
from deploy.cli.target import SERVICES, Target, target
from deploy.cli.told import Cases, Coverage, astray, cases_of, coverage_of, held_twice, referrals_of
from services.referral.casefile import CaseFile
from services.reporting.rebuild import check as check_reporting
from shared.contracts.catalogue import CASES, EVENT_TYPES, NOTICES, REFERRALS, VISITS
from shared.contracts.codes import Stage


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
        notices = await _notices(intake)
        cases, told = await _cases(intake), coverage_of(await _told(outreach, VISITS.name))
    return [
        notices,
        _covered(cases, told),
        await _moved(system, cases, told),
        await _level(system),
        await _parked(system),
        await _read_model(system),
    ]


async def _notices(intake: Connection[Record]) -> Check:
    """The primary key of `statements` allows one case a notice; here every accepted one must have its place, and no alias."""
    row = await intake.fetchrow(
        """
        select count(*) as accepted,
               count(*) filter (where s.id is null) as lost,
               count(*) filter (where s.id is not null and s.case_id is null) as waiting,
               count(*) filter (where s.case_id is not null and (c.id is null or c.merged_into is not null)) as homeless,
               (array_agg(i.id) filter (
                   where s.id is null or (s.case_id is not null and (c.id is null or c.merged_into is not null))
               ))[1:5] as examples
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
    detail += f", {row['homeless']} in no live case"
    return Check("every accepted notice is in exactly one case", ok, detail if ok else f"{detail}, first: {row['examples']}")


def _covered(cases: Cases, told: Mapping[UUID, Coverage]) -> Check:
    """An absorbed case owes nothing itself: what it owed, and whom, is its surviving case's."""
    defendants, uncovered, doubled = 0, [], []
    for case_id, case in cases.live.items():
        coverage = told.get(case_id, Coverage()).renamed(cases.names.get(case_id, {}))
        for proceeding in case.proceedings if case.stage is not Stage.NONE else ():
            for defendant in proceeding.defendants:
                defendants += 1
                if not coverage.covers(defendant.person_id, defendant.address_id, proceeding.proceeding_id):
                    uncovered.append(f"case {case.case_id} person {defendant.person_id}")
        doubled += [f"case {case.case_id} person {person}" for person in coverage.owed_twice()]
    ok = not uncovered and not doubled
    detail = f"{defendants} defendants, {len(uncovered)} without visit or reason, {len(doubled)} owed twice"
    return Check(
        "every defendant of a suit is covered once or excused", ok, detail if ok else f"{detail}: {(uncovered + doubled)[:5]}"
    )


async def _moved(system: Target, cases: Cases, told: Mapping[UUID, Coverage]) -> Check:
    """Merged and split cases: every id means one case, and what a case has, no other has."""
    aliases: dict[str, dict[UUID, UUID]] = {}
    for service, statement in _ALIASES.items():
        async with database(system, service) as connection:
            aliases[service] = {row["alias"]: row["into"] for row in await connection.fetch(statement)}
    async with database(system, "outreach") as outreach:
        visits = await outreach.fetch("select visit_id, case_id from open_visits")
    async with database(system, "referral") as referral:
        referrals = referrals_of(await _told(referral, REFERRALS.name))
        kept = await referral.fetch("select referral_id, case_id from referrals")
        files = await referral.fetch("select state from case_files where follows <> '{}' or state -> 'taken_in' <> '[]'")
    live = cases.live
    broken = [f"{service}'s alias {each}" for service, known in aliases.items() for each in astray(known, cases.newest)]
    broken += [f"obligation {each}" for each in held_twice(live, {key: each.owed for key, each in told.items()})]
    broken += [f"referral {each}" for each in held_twice(live, referrals)]
    broken += [f"visit {row['visit_id']} of no live case" for row in visits if row["case_id"] not in live]
    broken += [f"referral {row['referral_id']} of no live case" for row in kept if row["case_id"] not in live]
    moving = [CaseFile.model_validate_json(row["state"]) for row in files]
    broken += [f"case {each.case_id} waits for its other half" for each in moving if each.facts and not each.ready]
    ids = {each for known in aliases.values() for each in known}
    detail = f"{len(ids)} aliases, {len(broken)} of them, of obligations, visits and referrals without exactly one case"
    return Check("merged and split cases share nothing", not broken, detail if not broken else f"{detail}: {broken[:5]}")


_ALIASES = {
    "intake": "select id as alias, merged_into as into from cases where merged_into is not null",
    "outreach": "select case_id as alias, part_of as into from case_kin where part_of is not null",
    "referral": """
        select case_id as alias, (state ->> 'merged_into')::uuid as into from case_files where state ->> 'merged_into' is not null
    """,
}


async def _cases(intake: Connection[Record]) -> Cases:
    """The newest event of each case, and all that replaced ids."""
    rows = await intake.fetch(
        """
        select type, data from (
            select id, type, data, row_number() over (partition by key order by n desc) as age from journal where topic = $1
        ) told
        where age = 1 or data like '%"replaced":[{%' order by id
        """,
        CASES.name,
    )
    return cases_of(_events(rows))


async def _told(connection: Connection[Record], topic: str) -> list[BaseModel]:
    """All that a service told on this topic."""
    return _events(await connection.fetch("select type, data from journal where topic = $1 order by id", topic))


def _events(rows: Iterable[Record]) -> list[BaseModel]:
    """Without what was erased."""
    return [EVENT_TYPES[row["type"]].model_validate_json(row["data"]) for row in rows if row["type"] in EVENT_TYPES]


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
