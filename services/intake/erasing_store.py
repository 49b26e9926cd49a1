"""The SQL of erasing: locks as in store.py (notices, match keys, household rows), then read, then delete. Set-based."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from services.intake.facts import Rank, Statement, StatementKey
from services.intake.law.healing import Healing
from services.intake.snapshot import CaseState, HouseholdState
from shared.contracts.catalogue import EVENT_TYPES
from shared.contracts.codes import CaseStatus
from shared.messaging.model import Tx


@dataclass(slots=True)
class Holding:
    """All that intake holds of a household, as far as erasing asks; its cases' aliases are among its cases.

    `persons` are the match keys of its people, `aliases` the households that became part of it.
    """

    household: HouseholdState
    cases: list[CaseState] = field(default_factory=list)
    held: set[UUID] = field(default_factory=set)
    statements: list[StatementKey] = field(default_factory=list)
    persons: list[str] = field(default_factory=list)
    aliases: list[UUID] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asked to erase a household."""

    id: int
    household_id: UUID


async def requests(tx: Tx) -> list[Request]:
    """What is asked and not done; of a merged household, what it is part of now."""
    rows = await tx.fetch(
        """
        select e.id, coalesce(a.household_id, e.household_id) as household_id
        from erasures e left join household_aliases a on a.id = e.household_id
        where e.done_at is null order by e.id for update of e
        """
    )
    return [Request(row["id"], row["household_id"]) for row in rows]


async def answer(tx: Tx, done: Sequence[tuple[int, str, int]], now: datetime) -> None:
    """Note what came of requests: id, outcome, number of cases."""
    await tx.execute(
        """
        update erasures e set done_at = $4, outcome = t.outcome, cases = t.cases
        from unnest($1::bigint[], $2::text[], $3::int[]) as t(id, outcome, cases) where e.id = t.id
        """,
        [each for each, _, _ in done],
        [outcome for _, outcome, _ in done],
        [cases for _, _, cases in done],
        now,
    )


async def closed_since(tx: Tx, cut_off: date, limit: int = 500) -> set[UUID]:
    """Households with a closed case last changed by that day, no open or newer case, and none on hold."""
    rows = await tx.fetch(
        """
        select distinct old.household_id from cases old
        where old.status = $1 and old.state -> 'last' ->> 'changed_on' <= $2 and not exists (
            select from cases c left join holds h on h.case_id = c.id
            where c.household_id = old.household_id
              and (c.status = 'OPEN' or c.state -> 'last' ->> 'changed_on' > $2 or h.case_id is not null)
        )
        limit $3
        """,
        CaseStatus.CLOSED.value,
        cut_off.isoformat(),
        limit,
    )
    return {row["household_id"] for row in rows}


async def names(
    tx: Tx, households: Collection[UUID], also: Collection[StatementKey] = ()
) -> tuple[list[StatementKey], list[str]]:
    """The notices of these households, their match keys and keys of likeness, to be locked before anything is decided.

    `also`: further notices, and the court files that lead to them where they wait for their case.
    """
    statements = await tx.fetch(
        "select s.source, s.id from statements s join cases c on c.id = s.case_id where c.household_id = any($1::uuid[])",
        list(households),
    )
    keys = await tx.fetch(
        """
        select key from match_keys where household_id = any($1::uuid[])
        union all select 'like|' || key from likeness_keys where household_id = any($1::uuid[])
        union all select docket from statements where case_id is null and docket is not null
            and (source, id) in (select * from unnest($2::text[], $3::uuid[]))
        """,
        list(households),
        [source for source, _ in also],
        [each for _, each in also],
    )
    return [*((row["source"], row["id"]) for row in statements), *also], [row["key"] for row in keys]


async def holdings(tx: Tx, households: Collection[UUID]) -> dict[UUID, Holding]:
    """These households, locked, with what belongs to them; one that is not there is missing."""
    rows = await tx.fetch("select state from households where id = any($1::uuid[]) order by id for update", list(households))
    states = [HouseholdState.model_validate_json(row["state"]) for row in rows]
    found = {state.id: Holding(state) for state in states}
    ids = list(found)
    for row in await tx.fetch(
        """
        select c.household_id, c.state, h.case_id is not null as held
        from cases c left join holds h on h.case_id = c.id where c.household_id = any($1::uuid[]) order by c.id
        """,
        ids,
    ):
        case = CaseState.model_validate_json(row["state"])
        found[row["household_id"]].cases.append(case)
        if row["held"]:
            found[row["household_id"]].held.add(case.id)
    for row in await tx.fetch(
        """
        select c.household_id, s.source, s.id from statements s join cases c on c.id = s.case_id
        where c.household_id = any($1::uuid[])
        """,
        ids,
    ):
        found[row["household_id"]].statements.append((row["source"], row["id"]))
    for row in await tx.fetch(
        "select household_id, key from match_keys where household_id = any($1::uuid[]) and case_id is null", ids
    ):
        found[row["household_id"]].persons.append(row["key"])
    for row in await tx.fetch("select household_id, id from household_aliases where household_id = any($1::uuid[])", ids):
        found[row["household_id"]].aliases.append(row["id"])
    return found


async def delete(tx: Tx, households: Collection[UUID]) -> None:
    """Delete households with their cases, statements, match keys and holds."""
    await tx.execute("delete from households where id = any($1::uuid[])", list(households))


async def keep_healings(tx: Tx, found: Iterable[tuple[bytes, Healing, date]]) -> None:
    """Keep healed terminations under keyed hashes, each until its own last day."""
    rows = [(person, each.healed_on, each.termination_received_on, last) for person, each, last in found]
    await tx.execute(
        """
        insert into healings (person, healed_on, termination_received_on, expires_on)
        select * from unnest($1::bytea[], $2::date[], $3::date[], $4::date[]) order by 1, 2 on conflict do nothing
        """,
        *([row[n] for row in rows] for n in range(4)),
    )


async def expire(tx: Tx, today: date, unplaced_before: date, drafts_before: datetime) -> list[StatementKey]:
    """Delete what is past its own last day: healings, drafts, statements whose case never came. Returns the latter."""
    await tx.execute("delete from healings where expires_on < $1", today)
    await tx.execute("delete from drafts where updated_at < $1", drafts_before)
    rows = await tx.fetch(
        "delete from statements where case_id is null and received_on < $1 returning source, id", unplaced_before
    )
    return [(row["source"], row["id"]) for row in rows]


async def drop_drafts(tx: Tx, notices: Collection[UUID], mentions: Iterable[tuple[str, ...]]) -> None:
    """Delete half-typed forms and corrections of these notices, and those in which all words of one of these occur."""
    await tx.execute("delete from drafts where id = any($1::uuid[]) or corrects = any($1::uuid[])", list(notices))
    for words in mentions:
        await tx.execute(
            """
            delete from drafts where not exists (
                select from unnest($1::text[]) as word where position(word in content::text) = 0
            )
            """,
            list(words),
        )


async def agreed_revocations(tx: Tx) -> list[StatementKey]:
    """Revoked notices that two persons agreed to erase."""
    rows = await tx.fetch(
        "select source, id from revocations where second_at is not null and done_at is null order by source, id for update"
    )
    return [(row["source"], row["id"]) for row in rows]


async def households_of(tx: Tx, statements: Collection[StatementKey]) -> set[UUID]:
    """The households in whose cases these statements are."""
    rows = await tx.fetch(
        """
        select distinct c.household_id from statements s join cases c on c.id = s.case_id
        where (s.source, s.id) in (select * from unnest($1::text[], $2::uuid[]))
        """,
        [source for source, _ in statements],
        [each for _, each in statements],
    )
    return {row["household_id"] for row in rows}


async def statements_of(tx: Tx, households: Collection[UUID]) -> dict[UUID, list[Statement]]:
    """All statements of these households, by household."""
    rows = await tx.fetch(
        """
        select c.household_id, s.source, s.id, s.type, s.case_id, s.rank, s.received_on, s.recorded_at, s.refers_to, s.content
        from statements s join cases c on c.id = s.case_id where c.household_id = any($1::uuid[])
        """,
        list(households),
    )
    found: dict[UUID, list[Statement]] = {}
    for row in rows:
        content = EVENT_TYPES[row["type"]].model_validate_json(row["content"])
        found.setdefault(row["household_id"], []).append(
            Statement(
                row["source"], row["id"], content, Rank(row["rank"]), row["received_on"], row["recorded_at"], row["case_id"],
                row["refers_to"],
            )
        )  # fmt: skip
    return found


async def save_household(tx: Tx, household: HouseholdState) -> None:
    """Write a household's state."""
    await tx.execute("update households set state = $2::jsonb where id = $1", household.id, household.model_dump_json())


async def delete_cases(tx: Tx, cases: Collection[UUID]) -> None:
    """Delete these cases with all that hangs on them."""
    await tx.execute("delete from cases where id = any($1::uuid[])", list(cases))


async def delete_statements(tx: Tx, statements: Collection[StatementKey]) -> None:
    """Delete these statements."""
    await tx.execute(
        "delete from statements where (source, id) in (select * from unnest($1::text[], $2::uuid[]))",
        [source for source, _ in statements],
        [each for _, each in statements],
    )


async def revocations_done(tx: Tx, agreed: Collection[StatementKey], now: datetime) -> None:
    """Note those of these that are gone."""
    await tx.execute(
        """
        update revocations r set done_at = $3 where (source, id) in (select * from unnest($1::text[], $2::uuid[]))
            and not exists (select from statements s where s.source = r.source and s.id = r.id)
        """,
        [source for source, _ in agreed],
        [each for _, each in agreed],
        now,
    )
