"""Rebuilding reporting from its log, beside a naive replay.

Run: python -m benchmarks.speed.rebuild [EVENTS]

The log holds cases that all live the same life of sixteen facts, in the order in which they would have come: first facts first.
Naive: fact by fact in the order of the log, the case's row read, folded and upserted, one transaction for every hundred facts.
It gets a twentieth of the log, which does it no harm. Both in turn, three times, on one database server; at the end each has to
have come to the same rows. Prints JSON: facts per second of both.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from deploy.local.supervisor import Local
from services.reporting import rebuild as rebuilding
from services.reporting import store
from services.reporting.fold import fold
from services.reporting.parts import Parts
from shared.contracts.catalogue import EVENT_TYPES
from shared.contracts.codes import (
    ApplicationDecision,
    ArrearsCause,
    AssertedBy,
    AttemptResult,
    Basis,
    CaseChange,
    CaseStatus,
    Channel,
    ContactKind,
    NeedGroup,
    ObligationClose,
    ObligationReason,
    Outcome,
    Promise,
    ReferralState,
    Stage,
    Window,
)
from shared.contracts.fields import Event
from shared.contracts.topics import assessments, cases, outcomes, referrals, visits
from shared.messaging.migrate import CORE, migrate

EVENTS, PASSES, NAIVE_SHARE, TOGETHER = 100_000, 3, 20, 100
FIRST = date(2026, 7, 6)
MIGRATIONS = Path(store.__file__).parent / "migrations"
MULTIPLY = """
    insert into facts (topic, key, n, event_id, type, time, data)
    select topic, new.key, n, gen_random_uuid(), type, time, replace(data, $1::text, new.key::text)::jsonb
    from unnest($2::text[], $3::bigint[], $4::text[], $5::text[]) with ordinality as fact (topic, n, type, data, place),
        (select gen_random_uuid() as key from generate_series(1, $6)) as new, (select $7::timestamptz as time) as moment
    order by place
"""


def main() -> None:
    """Measure and print."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    with tempfile.TemporaryDirectory(prefix="bleibe-rebuild-") as folder, Local(Path(folder), durable=False) as local:
        print(json.dumps(asyncio.run(compared(local.start_postgres(), events)), indent=1))


async def compared(admin_dsn: str, events: int) -> dict[str, object]:
    """Both in turn, each on its log; the medians."""
    long, short = await _log(admin_dsn, "long", events), await _log(admin_dsn, "short", events // NAIVE_SHARE)
    ours, naive = [], []
    for _ in range(PASSES):
        report = await rebuilding.rebuild(long)
        ours.append(report.facts / report.seconds)
        naive.append(await _naive(short))
    checked = [await rebuilding.check(dsn) for dsn in (long, short)]
    ours_rate, naive_rate = statistics.median(ours), statistics.median(naive)
    return {
        "facts": checked[0].facts,
        "cases": checked[0].cases,
        "facts_per_second": round(ours_rate),
        "naive": {"facts": checked[1].facts, "facts_per_second": round(naive_rate)},
        "times_as_fast": round(ours_rate / naive_rate, 1),
        "by_pass": [[round(one) for one in each] for each in (ours, naive)],
        "same_rows": all(each.equal for each in checked),
    }


async def _log(admin_dsn: str, name: str, events: int) -> str:
    """A database with a log of about so many facts; its data source."""
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(f"create database {name}")
    await admin.close()
    dsn = admin_dsn.rpartition("/")[0] + f"/{name}"
    await migrate(dsn, [CORE, MIGRATIONS])
    template = uuid4()
    life = [(topic, n, event) for topic, facts in _life(template).items() for n, event in enumerate(facts, 1)]
    life.sort(key=lambda each: each[1])
    connection = await asyncpg.connect(dsn, command_timeout=300)
    await connection.execute(
        MULTIPLY,
        str(template),
        [topic for topic, _, _ in life],
        [n for _, n, _ in life],
        [event.TYPE for _, _, event in life],
        [event.model_dump_json() for _, _, event in life],
        max(1, events // len(life)),
        datetime.now(UTC),
    )
    await connection.execute("vacuum analyze facts")
    await connection.close()
    return dsn


async def _naive(dsn: str) -> float:
    """Facts per second of a replay into the emptied live rows."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("truncate case_rows")
        started = time.perf_counter()
        facts = await connection.fetch("select key, type, data from facts order by position")
        for start in range(0, len(facts), TOGETHER):
            async with connection.transaction():
                for fact in facts[start : start + TOGETHER]:
                    known = await store.load_parts(connection, [fact["key"]])
                    parts = known.get(fact["key"], Parts())
                    fold(parts, EVENT_TYPES[fact["type"]].model_validate_json(fact["data"]))
                    await store.save_parts(connection, {fact["key"]: parts})
        return len(facts) / (time.perf_counter() - started)
    finally:
        await connection.close()


def _life(case_id: UUID) -> Mapping[str, Sequence[Event]]:
    """All that reporting hears of a case that ends well, by topic in order."""
    suit, person, obligation, report, referral = (uuid4() for _ in range(5))

    def day(number: int) -> date:
        return FIRST + timedelta(days=number)

    opened = cases.CaseOpened(
        case_id=case_id,
        household_id=uuid4(),
        household_version=1,
        district="NORD",
        status=CaseStatus.OPEN,
        stage=Stage.SUIT_FILED,
        received_on=FIRST,
        channel=Channel.XJUSTIZ,
        changes=(CaseChange.OPENED, CaseChange.SUIT),
        changed_on=FIRST,
        proceedings=(
            cases.ProceedingFact(
                proceeding_id=suit,
                channel=Channel.XJUSTIZ,
                received_on=FIRST,
                defendants=(cases.DefendantFact(person_id=person),),
            ),
        ),
        deadlines=(
            cases.DeadlineFact(rule="SCHONFRIST_END", on=day(63), basis=Basis.EXACT, rule_version="1", proceeding_id=suit),
        ),
    )
    newer = {name: getattr(opened, name) for name in cases.CaseEvent.model_fields}
    owed = visits.Obligation(
        obligation_id=obligation,
        person_id=person,
        address_id=uuid4(),
        proceeding_id=suit,
        district="NORD",
        round=1,
        reason=ObligationReason.SUIT,
        promise=Promise.WD5,
        owed_since=FIRST,
        due_on=day(7),
    )
    asked = {"case_id": case_id, "referral_id": referral, "group": NeedGroup.ADVICE, "try_number": 1}
    return {
        "cases": [
            opened,
            *(cases.CaseUpdated(**newer | {"changed_on": day(each)}) for each in (2, 5, 9)),
            cases.CaseClosed(**newer | {"changed_on": day(50), "status": CaseStatus.CLOSED}),
        ],
        "visits": [
            visits.VisitOwed(case_id=case_id, obligations=(owed,)),
            visits.VisitPlanned(case_id=case_id, visit_id=uuid4(), obligation_ids=(obligation,), planned_on=day(3), window=None),
            visits.VisitAttempted(
                case_id=case_id,
                report_id=report,
                obligation_ids=(obligation,),
                attempted_on=day(3),
                window=Window.MORNING,
                result=AttemptResult.MET,
            ),
            visits.ObligationClosed(case_id=case_id, obligation_ids=(obligation,), how=ObligationClose.MET, closed_on=day(3)),
            visits.ContactMade(case_id=case_id, report_id=uuid4(), kind=ContactKind.TELEPHONE, contacted_on=day(6), reached=True),
        ],
        "assessments": [
            assessments.AssessmentRecorded(
                case_id=case_id,
                report_id=report,
                assessed_on=day(3),
                causes=(assessments.Cause(cause=next(iter(ArrearsCause)), primary=True, asserted_by=AssertedBy.TENANT),),
            )
        ],
        "referrals": [
            referrals.ReferralChanged.model_validate(asked | {"state": ReferralState.OFFERED, "changed_on": day(3)}),
            referrals.ReferralChanged.model_validate(asked | {"state": ReferralState.ACCEPTED, "changed_on": day(4)}),
            referrals.ApplicationDecided(
                case_id=case_id,
                referral_id=referral,
                provider="jobcenter",
                decision=next(iter(ApplicationDecision)),
                decided_on=day(20),
            ),
            referrals.ReferralChanged.model_validate(asked | {"state": ReferralState.ACCEPTED, "changed_on": day(21)}),
        ],
        "outcomes": [outcomes.OutcomeRecorded(case_id=case_id, outcome=Outcome.TENANCY_KEPT_INSTALMENTS, ended_on=day(50))],
    }


if __name__ == "__main__":
    main()
