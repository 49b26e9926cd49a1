"""Intake's tables, set-based: a batch costs at most a fixed number of statements, however large it is and whatever is stored.

Locks are taken in one order: advisory locks on notices that may refer to each other (sorted), advisory locks on match keys and
keys of likeness (sorted), then household rows by id. A household's lock covers its cases, its keys and their statements.
Everything that decides is read after its lock. Whom keys and ids lead to is asked again after the rows are locked: what was
merged meanwhile leads elsewhere, and is locked then; where that meets another's order, PostgreSQL breaks one of the two off, and
it is tried again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from uuid import UUID

from asyncpg import Record

from services.intake import doubt_store
from services.intake.desk import Desk, Owner
from services.intake.facts import Rank, Statement, StatementKey, stated
from services.intake.law.healing import Healing
from services.intake.matching import docket_of
from services.intake.snapshot import CaseState, HouseholdState
from shared.contracts.catalogue import EVENT_TYPES
from shared.contracts.codes import Stage
from shared.messaging.model import Tx

NOTICES, MATCH_KEYS = 1, 2
"""Kinds of advisory locks, in the order in which they are taken."""

_COLUMNS = "source, id, type, case_id, rank, received_on, recorded_at, refers_to, docket, came_with, content"
_MERGES = 10
"""How often households may be merged while we wait for them, before we give up."""


_SLOTS = 1024


async def lock(tx: Tx, kind: int, keys: Iterable[str]) -> None:
    """Keep other processes off these keys until the transaction ends, whether anything is stored under them or not.

    Keys share a fixed number of locks of their `kind`: a batch never takes more than PostgreSQL's lock table holds.
    """
    slots = {int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) % _SLOTS for key in keys}
    if slots:
        await tx.execute(
            "select pg_advisory_xact_lock($1::int, n) from (select * from unnest($2::int[]) as n order by n) s",
            kind,
            sorted(slots),
        )


async def connected(tx: Tx, keys: Sequence[StatementKey], dockets: Sequence[str]) -> list[Statement]:
    """These statements, those that wait for these court files, and all that refer to them or that they refer to."""
    if not keys and not dockets:
        return []
    rows = await tx.fetch(
        f"""
        with recursive wanted as (
            select * from unnest($1::text[], $2::uuid[]) as w(source, id)
        ), found as (
            select s.source, s.id, s.refers_to from statements s join wanted w on s.source = w.source and s.id = w.id
            union
            select s.source, s.id, s.refers_to from statements s join wanted w on s.source = w.source and s.refers_to = w.id
            union
            select source, id, refers_to from statements where case_id is null and docket = any($3::text[])
        ), chain as (
            select * from found
            union
            select s.* from chain c cross join lateral (
                select s.source, s.id, s.refers_to from statements s where s.source = c.source and s.refers_to = c.id
                union all
                select s.source, s.id, s.refers_to from statements s where s.source = c.source and s.id = c.refers_to
            ) s
        )
        select {_COLUMNS} from statements where (source, id) in (select source, id from chain)
        """,  # noqa: S608  the columns are a constant
        [source for source, _ in keys],
        [each for _, each in keys],
        list(dockets),
    )
    return [_statement(row) for row in rows]


async def load(tx: Tx, desk: Desk, keys: Sequence[str], case_ids: Sequence[UUID], households: Sequence[UUID] = ()) -> None:
    """Lay on the desk the households that these match keys, cases and ids lead to, locked, with all that belongs to them.

    Of a court file that they name and another household has, only that it has it, not locked: so nobody else claims it.

    Raises:
        TimeoutError: they are merged faster than they can be locked.
    """
    for _ in range(_MERGES):
        new = await led_to(tx, keys, case_ids, households) - desk.households.keys()
        if not new:
            break
        for row in await tx.fetch("select state from households where id = any($1::uuid[]) order by id for update", list(new)):
            household = HouseholdState.model_validate_json(row["state"])
            desk.households[household.id] = household
    else:
        raise TimeoutError
    if not desk.households:
        return
    ids = list(desk.households)
    for row in await tx.fetch("select state from cases where household_id = any($1::uuid[])", ids):
        desk.put_case(CaseState.model_validate_json(row["state"]))
    for row in await tx.fetch(
        f"select {_COLUMNS} from statements where case_id = any($1::uuid[])",  # noqa: S608  the columns are a constant
        list(desk.cases),
    ):
        desk.put(_statement(row))
    files = {docket for each in desk.statements.values() if (docket := docket_of(stated(each.content))) is not None}
    for row in await tx.fetch(
        "select key, household_id, case_id from match_keys where household_id = any($1::uuid[]) or key = any($2::text[])",
        ids,
        list(files),
    ):
        desk.put_key(row["key"], Owner(row["household_id"], row["case_id"]))
    await doubt_store.load(tx, desk, ids)


async def led_to(tx: Tx, keys: Sequence[str], case_ids: Sequence[UUID], households: Sequence[UUID]) -> set[UUID]:
    """The households that keys, cases and ids lead to, through merges; with a case come those that were split from it."""
    if not keys and not case_ids and not households:
        return set()
    rows = await tx.fetch(
        """
        with recursive meant as (
            select id, household_id, merged_into from cases where id = any($2::uuid[])
            union
            select c.* from meant m cross join lateral (
                select id, household_id, merged_into from cases where id = m.merged_into
                union all
                select id, household_id, merged_into from cases where split_from = m.id
            ) c
        )
        select household_id from match_keys where key = any($1::text[])
        union select household_id from meant
        union select id from households where id = any($3::uuid[])
        union select household_id from household_aliases where id = any($3::uuid[])
        """,
        list(keys),
        list(case_ids),
        list(households),
    )
    return {row["household_id"] for row in rows}


async def healed(tx: Tx, persons: Sequence[bytes]) -> dict[bytes, tuple[Healing, ...]]:
    """Healed terminations that outlived an erasure, by the keyed hash of a person."""
    found: dict[bytes, tuple[Healing, ...]] = {}
    if not persons:
        return found
    for row in await tx.fetch(
        "select person, healed_on, termination_received_on from healings where person = any($1::bytea[])", list(persons)
    ):
        found[row["person"]] = (*found.get(row["person"], ()), Healing(row["termination_received_on"], row["healed_on"]))
    return found


async def save(tx: Tx, desk: Desk) -> None:
    """Write what decisions changed."""
    await _save_households(tx, [desk.households[each] for each in sorted(desk.changed_households)])
    await _save_cases(tx, [desk.cases[each] for each in sorted(desk.changed_cases)])
    await _save_statements(tx, [desk.statements[key] for key in sorted(desk.changed_statements)])
    owned = {(key, each): desk.keys.get(key, {}).get(each) for key, each in sorted(desk.changed_keys)}
    await _save_keys(
        tx, [(key, owner) for (key, _), owner in owned.items() if owner], [key for key, owner in owned.items() if not owner]
    )
    await doubt_store.save_people(tx, desk)
    await doubt_store.save(tx, desk)
    if desk.merged:
        await doubt_store.save_merged(tx, desk)


async def _save_households(tx: Tx, households: Sequence[HouseholdState]) -> None:
    if not households:
        return
    await tx.execute(
        """
        insert into households (id, version, state) select * from unnest($1::uuid[], $2::int[], $3::jsonb[])
        on conflict (id) do update set version = excluded.version, state = excluded.state
        """,
        [each.id for each in households],
        [each.version for each in households],
        [each.model_dump_json() for each in households],
    )


async def _save_cases(tx: Tx, cases: Sequence[CaseState]) -> None:
    if not cases:
        return
    await tx.execute(
        """
        insert into cases (id, household_id, status, stage, merged_into, split_from, state)
        select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::jsonb[])
        on conflict (id) do update set household_id = excluded.household_id, status = excluded.status, stage = excluded.stage,
            merged_into = excluded.merged_into, state = excluded.state
        """,
        [each.id for each in cases],
        [each.household_id for each in cases],
        [each.status for each in cases],
        [each.last.stage if each.last else Stage.NONE for each in cases],
        [each.merged_into for each in cases],
        [each.split_from for each in cases],
        [each.model_dump_json() for each in cases],
    )


async def _save_keys(tx: Tx, owned: Sequence[tuple[str, Owner]], freed: Sequence[tuple[str, UUID]]) -> None:
    """A court file's key is free before it leads to another household."""
    if freed:
        await tx.execute(
            "delete from match_keys where (key, household_id) in (select * from unnest($1::text[], $2::uuid[]))",
            [key for key, _ in freed],
            [household_id for _, household_id in freed],
        )
    if owned:
        await tx.execute(
            """
            insert into match_keys (key, household_id, case_id) select * from unnest($1::text[], $2::uuid[], $3::uuid[])
            on conflict (key, household_id) do update set case_id = excluded.case_id
            """,
            [key for key, _ in owned],
            [owner.household_id for _, owner in owned],
            [owner.case_id for _, owner in owned],
        )


async def _save_statements(tx: Tx, statements: Sequence[Statement]) -> None:
    if not statements:
        return
    await tx.execute(
        f"""
        insert into statements ({_COLUMNS})
        select source, id, type, case_id, rank, received_on, recorded_at, refers_to, docket, came_with::uuid[], content
        from unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[], $5::smallint[], $6::date[], $7::timestamptz[],
                    $8::uuid[], $9::text[], $10::text[], $11::jsonb[]) as s ({_COLUMNS})
        on conflict (source, id) do update
            set case_id = excluded.case_id, docket = excluded.docket, came_with = excluded.came_with
        """,  # noqa: S608  the columns are a constant
        [each.source for each in statements],
        [each.id for each in statements],
        [each.content.TYPE for each in statements],
        [each.case_id for each in statements],
        [int(each.rank) for each in statements],
        [each.received_on for each in statements],
        [each.recorded_at for each in statements],
        [each.refers_to for each in statements],
        [each.docket for each in statements],
        [f"{{{','.join(map(str, each.came_with))}}}" for each in statements],
        [each.content.model_dump_json() for each in statements],
    )


def _statement(row: Record) -> Statement:
    return Statement(
        source=row["source"],
        id=row["id"],
        content=EVENT_TYPES[row["type"]].model_validate_json(row["content"]),
        rank=Rank(row["rank"]),
        received_on=row["received_on"],
        recorded_at=row["recorded_at"],
        case_id=row["case_id"],
        refers_to=row["refers_to"],
        docket=row["docket"],
        came_with=tuple(row["came_with"]),
    )
