"""The SQL of outreach: read and lock what a batch touches, write what it changed, with at most a fixed number of statements.

Locks, always in this order: one advisory lock for each household, so that a case and its household, heard at the same
instant by two processes, meet here, and one for each case of a merge or split and of their families, so that both keys'
events meet (households and cases sorted together; who joined a family meanwhile is locked next); the case files (by id); one
advisory lock for each team whose diary is planned in (sorted), so that nobody is booked twice. Unlike a row, an advisory
lock needs nothing to exist.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from uuid import UUID

from services.outreach.casefile import CASE_FILE, CaseFile, Note, Visit
from services.outreach.planning import Days, Seats
from shared.city import Caseworker
from shared.contracts.codes import Window
from shared.contracts.topics.households import HouseholdRecorded
from shared.messaging.model import Tx


def _lock_keys(kind: str, names: Iterable[object]) -> list[int]:
    digests = {blake2b(f"{kind}:{name}".encode(), digest_size=8).digest() for name in names}
    return sorted(int.from_bytes(digest, "big", signed=True) for digest in digests)


async def _lock(tx: Tx, keys: Sequence[int]) -> None:
    if keys:
        await tx.execute("select pg_advisory_xact_lock(key) from unnest($1::bigint[]) as key", keys)


@dataclass(frozen=True, slots=True)
class Kin:
    """The cases to read for a batch, their households, the family of each that has one, what aliases stand for, who is erased."""

    cases: set[UUID]
    households: set[UUID]
    families: dict[UUID, UUID]
    aliases: dict[UUID, UUID]
    erased: set[UUID]


async def lock_families(tx: Tx, cases: Collection[UUID], moving: Collection[UUID], households: Collection[UUID]) -> Kin:
    """Lock these cases' families and households, and what a merge or split names, as they are once the locks are held."""
    held: set[int] = set()
    while True:
        kin = await _kin(tx, {*cases, *moving}, households)
        wanted = _lock_keys("household", kin.households) + _lock_keys("case", {*moving, *kin.families})
        missing = sorted(set(wanted) - held)
        if held and not missing:
            return kin
        await _lock(tx, missing)
        held |= set(missing) or {0}


async def _kin(tx: Tx, cases: Collection[UUID], households: Collection[UUID]) -> Kin:
    rows = await tx.fetch(
        """
        with kin as (
            select case_id, family, part_of, erased from case_kin
            where family in (select family from case_kin where case_id = any($1::uuid[]))
        ), named as (
            select case_id from kin union select * from unnest($1::uuid[])
        )
        select case_id, k.family, k.part_of, k.erased, f.household_id,
            case when k.case_id is not null then array(
                select distinct (step #>> '{state,household_id}')::uuid from jsonb_array_elements(f.state -> 'waiting') as step
                where step #>> '{state,household_id}' is not null
            ) end as ahead
        from named left join kin k using (case_id) left join case_files f using (case_id)
        """,
        list(cases),
    )
    lived = {household_id for row in rows for household_id in (row["household_id"], *(row["ahead"] or ()))} - {None}
    return Kin(
        cases={row["case_id"] for row in rows},
        households=lived | set(households),
        families={row["case_id"]: row["family"] for row in rows if row["family"]},
        aliases={row["case_id"]: row["part_of"] for row in rows if row["part_of"]},
        erased={row["case_id"] for row in rows if row["erased"]},
    )


async def load_files(tx: Tx, cases: Collection[UUID], households: Collection[UUID]) -> dict[UUID, CaseFile]:
    """The files of these cases and of these households' cases, locked."""
    rows = await tx.fetch(
        """
        select case_id, state from case_files
        where case_id = any($1::uuid[]) or household_id = any($2::uuid[]) order by case_id for update
        """,
        list(cases),
        list(households),
    )
    return {row["case_id"]: CASE_FILE.validate_json(row["state"]) for row in rows}


async def load_registers(tx: Tx, households: Collection[UUID]) -> dict[UUID, HouseholdRecorded]:
    """The register's newest entries."""
    rows = await tx.fetch("select household_id, entry from registers where household_id = any($1::uuid[])", list(households))
    return {row["household_id"]: HouseholdRecorded.model_validate_json(row["entry"]) for row in rows}


async def lock_teams(tx: Tx, teams: Collection[str]) -> None:
    """Nobody else plans in these teams' diaries until this transaction ends."""
    await _lock(tx, _lock_keys("team", teams))


async def load_days(tx: Tx, caseworkers: Collection[str], today: date) -> Days:
    """The caseworkers' booked seats from today on."""
    if not caseworkers:
        return {}
    rows = await tx.fetch(
        """
        select caseworker, planned_on, array_agg(time_window) as windows, array_agg(seat) as seats from open_visits
        where caseworker = any($1::text[]) and planned_on >= $2 group by caseworker, planned_on
        """,
        list(caseworkers),
        today,
    )
    days: dict[str, dict[date, Seats]] = {}
    for row in rows:
        seats = frozenset(zip(map(Window, row["windows"]), row["seats"], strict=True))
        days.setdefault(row["caseworker"], {})[row["planned_on"]] = seats
    return days


async def save_registers(tx: Tx, entries: Sequence[HouseholdRecorded], erased: Collection[UUID]) -> None:
    """Keep the newest entries; forget the erased households."""
    if erased:
        await tx.execute("delete from registers where household_id = any($1::uuid[])", list(erased))
    if not entries:
        return
    await tx.execute(
        """
        insert into registers (household_id, version, entry)
        select * from unnest($1::uuid[], $2::bigint[], $3::jsonb[])
        on conflict (household_id) do update set version = excluded.version, entry = excluded.entry
        """,
        [entry.household_id for entry in entries],
        [entry.version for entry in entries],
        [entry.model_dump_json() for entry in entries],
    )


async def save_files(tx: Tx, files: Sequence[CaseFile], erased: Collection[UUID], merged: Collection[UUID] = ()) -> None:
    """Keep these files with their open visits; forget all of the erased cases and aliases but their ids.

    `merged` cases give up the seats of visits that nobody took over, before others may take these.
    """
    if erased:
        await _erase_files(tx, erased)
    await tx.execute(
        """
        insert into case_files (case_id, household_id, state) select * from unnest($1::uuid[], $2::uuid[], $3::jsonb[])
        on conflict (case_id) do update set household_id = excluded.household_id, state = excluded.state
        """,
        [file.case.case_id for file in files],
        [file.case.household_id for file in files],
        [CASE_FILE.dump_json(file).decode() for file in files],
    )
    open_visits = [(file.case.case_id, visit) for file in files for visit in file.visits if not visit.closed]
    await _save_visits(tx, [*(file.case.case_id for file in files), *merged], open_visits)


async def _erase_files(tx: Tx, erased: Collection[UUID]) -> None:
    await tx.execute("delete from case_files where case_id = any($1::uuid[])", list(erased))
    await tx.execute(
        """
        insert into case_kin (case_id, family, erased) select each, each, true from unnest($1::uuid[]) as each
        on conflict (case_id) do update set part_of = null, erased = true
        """,
        list(erased),
    )


async def save_moves(
    tx: Tx, kin: Mapping[UUID, UUID], aliases: Mapping[UUID, UUID], merged: Collection[UUID], reports: Mapping[UUID, UUID]
) -> None:
    """Keep who belongs together and which ids are aliases; the notes of moved reports follow; absorbed files are gone.

    `reports`: the case that each report went to with a split; where that is erased, its note is, too. Once the files and visits
    that took over are saved.
    """
    await tx.execute(
        """
        insert into case_kin (case_id, family, part_of) select * from unnest($1::uuid[], $2::uuid[], $3::uuid[])
        on conflict (case_id) do update set family = excluded.family, part_of = excluded.part_of
        """,
        list(kin),
        list(kin.values()),
        [aliases.get(each) for each in kin],
    )
    await tx.execute(
        """
        update notes set case_id = k.part_of from case_kin k join case_files f on f.case_id = k.part_of
        where notes.case_id = any($1::uuid[]) and k.case_id = notes.case_id
        """,
        list(merged),
    )
    await tx.execute(
        """
        update notes set case_id = went.case_id from unnest($1::uuid[], $2::uuid[]) as went (report_id, case_id)
        join case_files using (case_id) where notes.report_id = went.report_id
        """,
        list(reports),
        list(reports.values()),
    )
    await tx.execute(
        """
        delete from notes using unnest($1::uuid[], $2::uuid[]) as went (report_id, case_id) join case_kin k using (case_id)
        where notes.report_id = went.report_id and k.erased
        """,
        list(reports),
        list(reports.values()),
    )
    await tx.execute("delete from case_files where case_id = any($1::uuid[])", list(merged))


async def moved_keys(tx: Tx) -> list[str]:
    """The cases that a merge or split touched: what was said under their keys may tell of somebody who is elsewhere now."""
    return [str(row["case_id"]) for row in await tx.fetch("select case_id from case_kin where not erased")]


async def save_notes(tx: Tx, notes: Sequence[Note]) -> None:
    """Keep new notes."""
    await tx.execute(
        """
        insert into notes (report_id, case_id, actor, recorded_at, note)
        select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[])
        """,
        [note.report_id for note in notes],
        [note.case_id for note in notes],
        [note.actor for note in notes],
        [note.recorded_at for note in notes],
        [note.text for note in notes],
    )


async def _save_visits(tx: Tx, cases: Sequence[UUID], visits: Sequence[tuple[UUID, Visit]]) -> None:
    await tx.execute(
        "delete from open_visits where case_id = any($1::uuid[]) and visit_id <> all($2::uuid[])",
        list(cases),
        [visit.id for _, visit in visits],
    )
    if not visits:
        return
    await tx.execute(
        """
        insert into open_visits as old
            (visit_id, case_id, team, caseworker, planned_on, time_window, seat, alarmed, deadline_on, waiting_since)
        select visit_id, case_id, team, caseworker, planned_on, time_window, seat, alarmed, deadline_on,
            case when pending then clock_timestamp() end
        from unnest(
            $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::date[], $6::text[], $7::smallint[], $8::boolean[], $9::date[],
            $10::boolean[]
        ) as new (visit_id, case_id, team, caseworker, planned_on, time_window, seat, alarmed, deadline_on, pending)
        on conflict (visit_id) do update set
            case_id = excluded.case_id, team = excluded.team, caseworker = excluded.caseworker, planned_on = excluded.planned_on,
            time_window = excluded.time_window, seat = excluded.seat, alarmed = excluded.alarmed,
            deadline_on = excluded.deadline_on,
            waiting_since = case when excluded.waiting_since is not null
                then coalesce(old.waiting_since, excluded.waiting_since) end
        """,
        [visit.id for _, visit in visits],
        [case_id for case_id, _ in visits],
        [visit.team for _, visit in visits],
        [visit.caseworker for _, visit in visits],
        [visit.on for _, visit in visits],
        [visit.window for _, visit in visits],
        [visit.seat for _, visit in visits],
        [bool(visit.alarms) for _, visit in visits],
        [visit.deadline_on for _, visit in visits],
        [visit.pending for _, visit in visits],
    )


async def to_replan(tx: Tx, staff: Sequence[Caseworker], overdue: date, after: UUID, most: int) -> list[UUID]:
    """The cases with an open visit that nobody has, whose caseworker is away or gone, or that passed before `overdue`.

    In the order of their ids, `most` of them that come after one.
    """
    away = [(who.id, absence.first, absence.last) for who in staff for absence in who.absences]
    rows = await tx.fetch(
        """
        select distinct case_id from open_visits v
        where case_id > $6 and (caseworker is null or caseworker <> all($1::text[]) or planned_on < $2 or exists (
            select from unnest($3::text[], $4::date[], $5::date[]) as away (who, first, last)
            where away.who = v.caseworker and v.planned_on between away.first and away.last
        ))
        order by case_id limit $7
        """,
        [who.id for who in staff],
        overdue,
        [who for who, _, _ in away],
        [first for _, first, _ in away],
        [last for _, _, last in away],
        after,
        most,
    )
    return [row["case_id"] for row in rows]


async def read_visits(
    tx: Tx, caseworkers: Collection[str], team: str | None, day: date | None
) -> list[tuple[UUID, CaseFile, HouseholdRecorded | None]]:
    """The open visits of these caseworkers, and of the team's queue where a team is given; of one day, or all."""
    rows = await tx.fetch(
        """
        select v.visit_id, f.state, r.entry
        from open_visits v join case_files f using (case_id) left join registers r on r.household_id = f.household_id
        where (v.caseworker = any($1::text[]) or (v.team = $2 and (v.caseworker is null or v.caseworker <> all($1::text[]))))
            and ($3::date is null or v.planned_on = $3)
        order by v.planned_on nulls first, v.time_window, v.caseworker, v.visit_id
        """,
        list(caseworkers),
        team,
        day,
    )
    return [
        (
            row["visit_id"],
            CASE_FILE.validate_json(row["state"]),
            HouseholdRecorded.model_validate_json(row["entry"]) if row["entry"] else None,
        )
        for row in rows
    ]


async def read_to_do(tx: Tx, districts: Collection[str]) -> list[CaseFile]:
    """The open cases of these districts that the team lead must look at: advice promised, or a referral nobody takes."""
    rows = await tx.fetch(
        """
        select state from case_files
        where state->'case'->>'status' = 'OPEN' and state->'case'->>'district' = any($1::text[])
            and (state->>'advice_due' is not null or state->'referrals' @> '[{"state": "ESCALATED"}]')
        order by state->>'advice_due', case_id
        """,
        list(districts),
    )
    return [CASE_FILE.validate_json(row["state"]) for row in rows]
