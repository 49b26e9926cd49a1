"""What intake's pages read and the drafts they keep. Reading takes no lock that a notice would wait for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from services.intake import store as statements
from services.intake.facts import Statement
from services.intake.form import FormEntry
from services.intake.snapshot import CaseState, HouseholdState
from shared.messaging.model import Answer, Tx

LISTED = 200
"""The most lines of a list: more than one person looks through."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A form that is not filed yet, or the correction of one that is (`corrects`)."""

    id: UUID
    owner: str
    updated_at: datetime
    form: FormEntry
    corrects: UUID | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A notice as it arrived, and what it was answered. `refused` is the content, where it was refused."""

    source: str
    id: UUID
    type: str | None
    answer: Answer | None
    field: str | None
    rule: str | None
    recorded_at: datetime
    case_id: UUID | None
    refused: bytes | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """A message nobody could read or handle yet."""

    topic: str
    message_id: UUID | None
    field: str | None
    rule: str
    parked_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """Somebody read personal data."""

    at: datetime
    person_id: str
    role: str
    what: str


async def save_draft(tx: Tx, draft: Draft) -> UUID | None:
    """Keep a form, and return what it corrects; whoever saved last owns it."""
    corrects: UUID | None = await tx.fetchval(
        """
        insert into drafts (id, owner, updated_at, content, corrects) values ($1, $2, $3, $4, $5)
        on conflict (id) do update set owner = excluded.owner, updated_at = excluded.updated_at, content = excluded.content
        returning corrects
        """,
        draft.id,
        draft.owner,
        draft.updated_at,
        draft.form.model_dump_json(),
        draft.corrects,
    )
    return corrects


async def draft(tx: Tx, draft_id: UUID) -> Draft | None:
    """One draft."""
    row = await tx.fetchrow("select id, owner, updated_at, content, corrects from drafts where id = $1", draft_id)
    return None if row is None else _draft(row)


async def begin_correction(tx: Tx, draft: Draft) -> UUID:
    """Keep the draft of a correction, and return its id: that of the one which somebody has begun, where there is one."""
    begun: UUID = await tx.fetchval(
        """
        insert into drafts (id, owner, updated_at, content, corrects) values ($1, $2, $3, $4, $5)
        on conflict (corrects) where corrects is not null do update set corrects = excluded.corrects returning id
        """,
        draft.id,
        draft.owner,
        draft.updated_at,
        draft.form.model_dump_json(),
        draft.corrects,
    )
    return begun


async def drafts(tx: Tx, source: str) -> list[Draft]:
    """All drafts, the longest untouched first. One that the desk's partner `source` has filed is none any more."""
    rows = await tx.fetch(
        """
        select id, owner, updated_at, content, corrects from drafts d
        where not exists (select from inbound i where i.source = $1 and i.id = d.id and i.answer is distinct from 'rejected')
        order by updated_at limit $2
        """,
        source,
        LISTED,
    )
    return [_draft(row) for row in rows]


async def delete_draft(tx: Tx, draft_id: UUID) -> None:
    """Forget a draft."""
    await tx.execute("delete from drafts where id = $1", draft_id)


_RECEIVED = """
    select i.source, i.id, i.type, i.answer, i.field, i.rule, i.recorded_at, s.case_id, i.refused_value
    from inbound i left join statements s on s.source = i.source and s.id = i.id
"""


async def notices(tx: Tx, ids: Sequence[UUID]) -> list[Received]:
    """The notices of these ids, of whatever source."""
    rows = await tx.fetch(f"{_RECEIVED} where i.id = any($1::uuid[]) order by i.recorded_at, i.source", list(ids))
    return [_received(*row) for row in rows]


async def notices_of_case(tx: Tx, case_id: UUID) -> list[Received]:
    """All notices of a case, oldest first."""
    rows = await tx.fetch(f"{_RECEIVED} where s.case_id = $1 order by i.recorded_at, i.source, i.id", case_id)
    return [_received(*row) for row in rows]


async def notices_waiting(tx: Tx, docket: str) -> list[Received]:
    """The notices that name this court file (a key of matching.docket_key) and have no case yet."""
    rows = await tx.fetch(f"{_RECEIVED} where s.case_id is null and s.docket = $1 order by i.recorded_at", docket)
    return [_received(*row) for row in rows]


async def case_of_docket(tx: Tx, docket: str) -> UUID | None:
    """The case of a court file."""
    found: UUID | None = await tx.fetchval("select case_id from match_keys where key = $1", docket)
    return found


async def arrived_since(tx: Tx, topics: Sequence[str], since: datetime) -> list[Received]:
    """What arrived on these topics since then, newest first."""
    rows = await tx.fetch(
        f"""
        {_RECEIVED} where i.topic = any($1::text[]) and i.recorded_at >= $2 order by i.recorded_at desc limit $3
        """,
        list(topics),
        since,
        LISTED,
    )
    return [_received(*row) for row in rows]


async def counts_since(tx: Tx, topics: Sequence[str], since: datetime) -> dict[str, int]:
    """How many were answered how since then."""
    rows = await tx.fetch(
        """
        select answer, count(*) as times from inbound
        where topic = any($1::text[]) and recorded_at >= $2 and answer is not null
        group by answer order by answer
        """,
        list(topics),
        since,
    )
    return {row["answer"]: row["times"] for row in rows}


async def refused_since(tx: Tx, topics: Sequence[str], since: datetime) -> list[Received]:
    """What was refused since then, newest first."""
    rows = await tx.fetch(
        f"""
        {_RECEIVED} where i.topic = any($1::text[]) and i.recorded_at >= $2 and i.answer = 'rejected'
        order by i.recorded_at desc limit $3
        """,
        list(topics),
        since,
        LISTED,
    )
    return [_received(*row) for row in rows]


async def parked(tx: Tx, topics: Sequence[str]) -> list[Parked]:
    """The messages on these topics that wait for somebody to look at them, oldest first."""
    rows = await tx.fetch(
        "select topic, message_id, field, rule, parked_at from parked where topic = any($1::text[]) order by parked_at limit $2",
        list(topics),
        LISTED,
    )
    return [Parked(*row) for row in rows]


async def living(tx: Tx, case_ids: Sequence[UUID]) -> list[UUID]:
    """The cases that these ids mean now, each once: an alias means the case it is part of."""
    rows = await tx.fetch(
        "select c.id, coalesce(c.merged_into, c.id) as now from cases c where c.id = any($1::uuid[])", list(case_ids)
    )
    now = {row["id"]: row["now"] for row in rows}
    return list(dict.fromkeys(now[each] for each in case_ids if each in now))


async def cases(tx: Tx, case_ids: Sequence[UUID]) -> list[tuple[CaseState, HouseholdState]]:
    """These cases with their households."""
    rows = await tx.fetch(
        """
        select c.state, h.state as household from cases c join households h on h.id = c.household_id
        where c.id = any($1::uuid[])
        """,
        list(case_ids),
    )
    return [(CaseState.model_validate_json(row["state"]), HouseholdState.model_validate_json(row["household"])) for row in rows]


async def case(tx: Tx, case_id: UUID) -> tuple[CaseState, HouseholdState, list[Statement]] | None:
    """A case, its household and everything said in it."""
    found = await cases(tx, [case_id])
    if not found:
        return None
    keys = await tx.fetch("select source, id from statements where case_id = $1", case_id)
    said = await statements.connected(tx, [(each["source"], each["id"]) for each in keys], ())
    return *found[0], said


async def readings(tx: Tx, subjects: Sequence[UUID]) -> list[Reading]:
    """Who read about these notices or cases, newest first."""
    rows = await tx.fetch(
        "select at, person_id, role, what from reads where subject_id = any($1::uuid[]) order by at desc, id desc limit $2",
        list(subjects),
        LISTED,
    )
    return [Reading(*row) for row in rows]


def _draft(row: Record) -> Draft:
    return Draft(row["id"], row["owner"], row["updated_at"], FormEntry.model_validate_json(row["content"]), row["corrects"])


def _received(*columns: object) -> Received:
    source, notice_id, kind, answer, field, rule, at, case_id, content = columns
    return Received(source, notice_id, kind, Answer(answer) if answer else None, field, rule, at, case_id, content)  # type: ignore[arg-type]  # the columns of _RECEIVED, in order
