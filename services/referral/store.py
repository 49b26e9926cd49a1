"""Cases, referrals and the register's copy in PostgreSQL: at most a fixed number of statements a batch.

Lock order: case rows by id, household rows by id, then the capacity lock where somebody may be asked. A case that becomes a
household's, or one with another, while these rows are being waited for is locked after them; should two transactions meet
there, the database breaks the tie and the pipeline tries again, and so it does where even then something has moved on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias
from uuid import UUID

from services.referral.casefile import CaseFile
from services.referral.referral import AT_PROVIDER, GROUPS, Referral
from shared.contracts.topics.households import HouseholdRecorded
from shared.messaging.model import Tx


@dataclass(frozen=True, slots=True)
class OpenReferral:
    """A row of a list for people."""

    referral_id: UUID
    case_id: UUID
    need: str
    state: str
    provider: str | None
    tries: int
    answer_by: date | None
    changed_on: date


_TOUCHED = """
    with recursive touched(case_id) as (
        select unnest($1::uuid[])
        union select case_id from referrals where referral_id = any($2::uuid[])
        union select case_id from case_files where household_id = any($3::uuid[])
        union select unnest(f.follows) from touched join case_files f using (case_id)
    )
"""
"""These cases, those of these referrals and households, and all that are to be read with them: what an alias leads to, and
what a split left on the other side."""


@dataclass(frozen=True, slots=True)
class Touched:
    """By what a batch names its cases."""

    cases: Collection[UUID]
    referrals: Collection[UUID] = ()
    households: Collection[UUID] = ()


async def case_ids(tx: Tx, touched: Touched) -> set[UUID]:
    """All cases that are touched, as far as is known before they are locked."""
    rows = await tx.fetch(
        _TOUCHED + "select case_id from touched",  # noqa: S608  written above
        list(touched.cases),
        list(touched.referrals),
        list(touched.households),
    )
    return {row["case_id"] for row in rows}


async def lock_files(tx: Tx, cases: Collection[UUID]) -> dict[UUID, CaseFile]:
    """These cases, locked; one nobody has heard of yet gets its row."""
    ids = sorted(cases)
    new = await tx.fetch(
        """
        insert into case_files (case_id, state) select each, jsonb_build_object('case_id', each) from unnest($1::uuid[]) as each
        order by 1 on conflict do nothing returning case_id
        """,
        ids,
    )
    files = {row["case_id"]: CaseFile(case_id=row["case_id"]) for row in new}
    rows = await tx.fetch(
        "select state from case_files where case_id = any($1::uuid[]) order by case_id for update",
        [each for each in ids if each not in files],
    )
    return files | _files(row["state"] for row in rows)


async def lock_households(tx: Tx, households: Collection[UUID]) -> dict[UUID, HouseholdRecorded | None]:
    """These households, locked, with the newest record of each."""
    ids = sorted(households)
    await tx.execute(
        "insert into households (household_id) select * from unnest($1::uuid[]) order by 1 on conflict do nothing", ids
    )
    rows = await tx.fetch(
        "select household_id, record from households where household_id = any($1::uuid[]) order by household_id for update", ids
    )
    return {row["household_id"]: _record(row["record"]) for row in rows}


async def late_files(tx: Tx, touched: Touched, known: Collection[UUID]) -> dict[UUID, CaseFile]:
    """Cases that came to be touched after `case_ids` looked."""
    rows = await tx.fetch(
        _TOUCHED  # noqa: S608  written above
        + """
        select state from case_files
        where case_id in (select case_id from touched) and case_id <> all($4::uuid[])
        order by case_id for update
        """,
        list(touched.cases),
        list(touched.referrals),
        list(touched.households),
        list(known),
    )
    return _files(row["state"] for row in rows)


async def held_by_service(tx: Tx) -> Counter[str]:
    """How many referrals each service holds. Until commit nobody else may ask anybody."""
    await tx.execute("select pg_advisory_xact_lock(hashtext('referral.capacity'))")
    rows = await tx.fetch("select service, count(*) as open from referrals where held group by service")
    return Counter({row["service"]: row["open"] for row in rows})


async def save_files(tx: Tx, files: Collection[CaseFile], today: date) -> None:
    """Write cases and their referrals; what is erased keeps its id alone."""
    if not files:
        return
    await tx.execute(
        """
        update case_files f set household_id = t.household_id, schonfrist_on = t.schonfrist_on, state = t.state,
            follows = array(select jsonb_array_elements_text(t.follows)::uuid), waits = t.waits
        from unnest($1::uuid[], $2::uuid[], $3::date[], $4::jsonb[], $5::jsonb[], $6::boolean[])
            as t(case_id, household_id, schonfrist_on, state, follows, waits)
        where f.case_id = t.case_id
        """,
        [each.case_id for each in files],
        [each.facts.household_id if each.facts else None for each in files],
        [each.schonfrist_on for each in files],
        [each.model_dump_json() for each in files],
        [json.dumps(sorted(map(str, each.follows))) for each in files],
        [each.waits for each in files],
    )
    referrals = [each for file in files for each in file.referrals]
    if referrals:
        await _save_referrals(tx, referrals, today)
    await tx.execute(
        "delete from referrals where case_id = any($1::uuid[]) and referral_id <> all($2::uuid[])",
        [each.case_id for each in files],
        [each.referral_id for each in referrals],
    )


async def _save_referrals(tx: Tx, referrals: Sequence[Referral], today: date) -> None:
    await tx.execute(
        """
        insert into referrals as r
            (referral_id, case_id, need, need_group, state, provider, service, tries, answer_by, held, undertaking_missing,
             changed_on)
        select t.*, $12
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::date[],
                    $10::bool[], $11::bool[])
            as t(referral_id, case_id, need, need_group, state, provider, service, tries, answer_by, held, missing)
        order by t.referral_id
        on conflict (referral_id) do update set
            case_id = excluded.case_id,
            state = excluded.state, provider = excluded.provider, service = excluded.service, tries = excluded.tries,
            answer_by = excluded.answer_by,
            held = excluded.held, undertaking_missing = excluded.undertaking_missing,
            changed_on = case when (r.state, r.tries) = (excluded.state, excluded.tries) then r.changed_on
                              else excluded.changed_on end
        """,
        [each.referral_id for each in referrals],
        [each.case_id for each in referrals],
        [each.need.value for each in referrals],
        [GROUPS[each.need].value for each in referrals],
        [each.state.value if each.state else None for each in referrals],
        [each.provider for each in referrals],
        [each.service for each in referrals],
        [len(each.tried) for each in referrals],
        [each.answer_by for each in referrals],
        [each.state in AT_PROVIDER and each.service is not None for each in referrals],
        [each.undertaking_missing for each in referrals],
        today,
    )


async def waiting_moves(tx: Tx) -> int:
    """How many cases wait for what the other key of a merge or split says."""
    count: int = await tx.fetchval("select count(*) from case_files where waits")
    return count


async def moved_referrals(tx: Tx) -> list[str]:
    """The referrals of cases that a merge or split touched: who was handed over may be elsewhere now."""
    rows = await tx.fetch("select referral_id from referrals join case_files using (case_id) where follows <> '{}'")
    return [str(row["referral_id"]) for row in rows]


async def save_households(tx: Tx, records: Mapping[UUID, HouseholdRecorded | None]) -> None:
    """Write the register's copy; None erases."""
    if not records:
        return
    await tx.execute(
        """
        update households h set record = t.record
        from unnest($1::uuid[], $2::jsonb[]) as t(household_id, record) where h.household_id = t.household_id
        """,
        list(records),
        [record.model_dump_json() if record else None for record in records.values()],
    )


async def overdue_cases(tx: Tx, today: date) -> set[UUID]:
    """The cases with an offer whose time is up."""
    rows = await tx.fetch("select distinct case_id from referrals where state = 'OFFERED' and answer_by < $1", today)
    return {row["case_id"] for row in rows}


Districts: TypeAlias = Sequence[str] | None
"""Where the cases lie that somebody may see; None: anywhere. A case whose district nobody knows is everybody's."""

_WITHIN = "($1::text[] is null or coalesce(f.state -> 'facts' ->> 'district', 'UNKNOWN') = any($1 || '{UNKNOWN}'::text[]))"


async def open_referrals(tx: Tx, districts: Districts) -> list[OpenReferral]:
    """The referrals that are not over, the most pressing answer first."""
    rows = await tx.fetch(
        f"""
        select r.referral_id, r.case_id, r.need, r.state, r.provider, r.tries, r.answer_by, r.changed_on
        from referrals r join case_files f using (case_id)
        where {_WITHIN} and r.state in ('CONSENT_PENDING', 'OFFERED', 'ACCEPTED', 'STARTED', 'ESCALATED')
        order by r.answer_by nulls last, r.changed_on, r.referral_id
        """,  # noqa: S608  the condition is a constant
        districts,
    )
    return [OpenReferral(**dict(row)) for row in rows]


async def escalated(tx: Tx, districts: Districts) -> list[tuple[OpenReferral, CaseFile]]:
    """What waits for the team lead, the oldest first, with its case."""
    rows = await tx.fetch(
        f"""
        select r.referral_id, r.case_id, r.need, r.state, r.provider, r.tries, r.answer_by, r.changed_on, f.state as file
        from referrals r join case_files f using (case_id)
        where {_WITHIN} and r.state = 'ESCALATED' order by r.changed_on, r.referral_id
        """,  # noqa: S608  the condition is a constant
        districts,
    )
    return [
        (OpenReferral(**{k: v for k, v in row.items() if k != "file"}), CaseFile.model_validate_json(row["file"])) for row in rows
    ]


async def missing_undertakings(tx: Tx, districts: Districts, today: date, until: date) -> list[tuple[UUID, date]]:
    """Cases whose Schonfrist ends from today to `until` while the landlord has no undertaking, and the day it ends."""
    rows = await tx.fetch(
        f"""
        select distinct f.case_id, f.schonfrist_on from referrals r join case_files f using (case_id)
        where {_WITHIN} and r.undertaking_missing and f.schonfrist_on between $2 and $3 order by f.schonfrist_on, f.case_id
        """,  # noqa: S608  the condition is a constant
        districts,
        today,
        until,
    )
    return [(row["case_id"], row["schonfrist_on"]) for row in rows]


def _files(states: Iterable[str]) -> dict[UUID, CaseFile]:
    files = [CaseFile.model_validate_json(state) for state in states]
    return {each.case_id: each for each in files}


def _record(text: str | None) -> HouseholdRecorded | None:
    return HouseholdRecorded.model_validate_json(text) if text is not None else None
