"""The tables of likeness and doubt, set-based as store.py: who is like whom, what people are asked, what they decided."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from asyncpg import Record

from services.intake import alike
from services.intake.alike import Form
from services.intake.desk import Desk
from services.intake.likeness import CANDIDATES, WIDE
from services.intake.questions import Question, from_json, to_json
from shared.contracts.catalogue import CASES, HOUSEHOLDS
from shared.messaging.model import Tx

QUESTIONS = "select id, one, other, reasons, asked_on, state, decided_by, decided_at from clarifications"


async def nearest(tx: Tx, forms: Sequence[Form]) -> list[tuple[int, UUID, UUID, str]]:
    """The people to compare with these: number of the form, household, person and form. Bounded, however many are stored.

    `offset 0` keeps the lookup household by household, by the index; as a join it read the whole table while that was small.
    `order by` keeps each key by the index: for just any 17 rows of a table without statistics yet all of it was read, key by key.
    """
    if not forms:
        return []
    rows = await tx.fetch(
        """
        with led as materialized (
            select n, array(
                select household_id from likeness_keys l where l.key = wanted.key order by household_id limit $3 + 1
            ) as households
            from unnest($1::int[], $2::bigint[]) as wanted (n, key)
        ), nearness as (
            select n, household_id, row_number() over (
                partition by n order by sum(1.0::float8 / cardinality(households)) desc, household_id
            ) as place
            from led cross join lateral unnest(households) as household_id
            where cardinality(households) <= $3
            group by n, household_id
        )
        select n, household_id, person_id, form from nearness cross join lateral (
            select person_id, form from likenesses l where l.household_id = nearness.household_id offset 0
        ) people where place <= $4
        """,
        [n for n, form in enumerate(forms) for _ in form.keys],
        [key for form in forms for key in form.keys],
        WIDE,
        CANDIDATES,
    )
    return [(row["n"], row["household_id"], row["person_id"], row["form"]) for row in rows]


async def load(tx: Tx, desk: Desk, ids: Sequence[UUID]) -> None:
    """Lay on the desk who the people of these households are, who they are kept apart from, and the open questions about them."""
    people: dict[UUID, dict[UUID, set[Form]]] = {}
    for row in await tx.fetch(
        "select household_id, person_id, form from likenesses where household_id = any($1::uuid[]) order by 1, 2, 3", ids
    ):
        people.setdefault(row["household_id"], {}).setdefault(row["person_id"], set()).add(alike.read(row["form"]))
    for household_id, found in people.items():
        desk.put_people(household_id, {person_id: frozenset(forms) for person_id, forms in found.items()})
    for row in await tx.fetch("select one, other from kept_apart where one = any($1::uuid[]) or other = any($1::uuid[])", ids):
        desk.apart.add(frozenset(row))
    for row in await tx.fetch(
        f"{QUESTIONS} where state = 'OPEN' and (one = any($1::uuid[]) or other = any($1::uuid[]))", list(desk.cases)
    ):
        found_question = question_of(row)
        desk.questions[found_question.id] = found_question


def question_of(row: Record) -> Question:
    """A row of QUESTIONS."""
    return Question(
        row["id"], row["one"], row["other"], from_json(row["reasons"]), row["asked_on"], row["state"], row["decided_by"],
        row["decided_at"],
    )  # fmt: skip


async def save_people(tx: Tx, desk: Desk) -> None:
    """Write who the people of changed households are."""
    changed = sorted(desk.changed_people)
    if not changed:
        return
    people = [
        (each, person_id, form) for each in changed for person_id, forms in desk.people[each].items() for form in sorted(forms)
    ]
    await tx.execute(
        """
        with kept as materialized (
            select distinct key, household_id from unnest($2::bigint[], $3::uuid[]) as k (key, household_id)
        ), gone as (
            delete from likeness_keys l where household_id = any($1::uuid[])
                and not exists (select from kept k where k.key = l.key and k.household_id = l.household_id)
        )
        insert into likeness_keys (key, household_id) select key, household_id from kept order by 1, 2 on conflict do nothing
        """,
        changed,
        [key for _, _, form in people for key in form.keys],
        [household_id for household_id, _, form in people for _ in form.keys],
    )
    await tx.execute(
        """
        with kept as materialized (
            select * from unnest($2::uuid[], $3::uuid[], $4::text[]) as k (household_id, person_id, form)
        ), gone as (
            delete from likenesses l where household_id = any($1::uuid[]) and not exists (
                select from kept k where (k.household_id, k.person_id, k.form) = (l.household_id, l.person_id, l.form)
            )
        )
        insert into likenesses (household_id, person_id, form) select * from kept on conflict do nothing
        """,
        changed,
        [household_id for household_id, _, _ in people],
        [person_id for _, person_id, _ in people],
        [form.text for _, _, form in people],
    )


async def save(tx: Tx, desk: Desk) -> None:
    """Write questions, why statements were attached, and who is kept apart: each only where there is any."""
    changed = [desk.questions[each] for each in sorted(desk.changed_questions)]
    dropped = [each.id for each in changed if each.state == "DROPPED"]
    if dropped:
        await tx.execute("delete from clarifications where id = any($1::uuid[])", dropped)
    questions = [each for each in changed if each.state != "DROPPED"]
    if questions:
        await tx.execute(
            """
            insert into clarifications (id, one, other, score, reasons, asked_on, state, decided_by, decided_at)
            select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::float8[], $5::jsonb[], $6::date[], $7::text[],
                                 $8::text[], $9::timestamptz[])
            on conflict (id) do update set one = excluded.one, other = excluded.other, state = excluded.state,
                decided_by = excluded.decided_by, decided_at = excluded.decided_at
            """,
            [each.id for each in questions],
            [each.one for each in questions],
            [each.other for each in questions],
            [each.score for each in questions],
            [to_json(each.reasons) for each in questions],
            [each.asked_on for each in questions],
            [each.state for each in questions],
            [each.decided_by for each in questions],
            [each.decided_at for each in questions],
        )
    if desk.reasons:
        why = sorted(desk.reasons.items())
        await tx.execute(
            """
            insert into reasons (source, id, score, reasons)
            select * from unnest($1::text[], $2::uuid[], $3::float8[], $4::jsonb[])
            on conflict do nothing
            """,
            [source for (source, _), _ in why],
            [each for (_, each), _ in why],
            [max(each.score for each in reasons) for _, reasons in why],
            [to_json(reasons) for _, reasons in why],
        )
    if desk.apart:
        pairs = sorted(sorted(pair) for pair in desk.apart)
        await tx.execute(
            """
            insert into kept_apart (one, other) select one, other from unnest($1::uuid[], $2::uuid[]) as pair (one, other)
            where (select count(*) from households where id in (one, other)) = 2  -- a neighbour may be erased meanwhile
            on conflict do nothing
            """,
            [one for one, _ in pairs],
            [other for _, other in pairs],
        )


async def save_merged(tx: Tx, desk: Desk) -> None:
    """Households whose ids mean others now: they go, where they are still there, and their ids stay known."""
    gone, into = list(desk.merged), list(desk.merged.values())
    await tx.execute(
        """
        with moved as (select * from unnest($1::uuid[], $2::uuid[]) as m (id, household_id)), earlier as (
            update household_aliases a set household_id = m.household_id from moved m where a.household_id = m.id
        )
        insert into household_aliases (id, household_id) select * from moved
        on conflict (id) do update set household_id = excluded.household_id
        """,
        gone,
        into,
    )
    await tx.execute("delete from households where id = any($1::uuid[])", gone)


async def uncause(tx: Tx, keys: Sequence[str], notices: Sequence[UUID]) -> None:
    """These notices no longer belong to these keys: erasing what was said under them is not to erase the notices."""
    await tx.execute(
        """
        update journal set causation_id = null where topic = any($1::text[]) and causation_id = any($3::uuid[])
            and key in (select key from unnest($2::text[]) as key
                        union select a.id::text from household_aliases a where a.household_id::text = any($2::text[]))
        """,
        [CASES.name, HOUSEHOLDS.name],
        list(keys),
        list(notices),
    )


async def hold_both(tx: Tx, case_id: UUID, new: UUID) -> None:
    """What held a case, or an alias of it, holds both parts after its split (legal hold): nobody has said which one it meant."""
    await tx.execute(
        """
        insert into holds (case_id, who, reason, since)
        select distinct on (part) part, h.who, h.reason, h.since
        from holds h join cases c on c.id = h.case_id cross join unnest(array[$1, $2]::uuid[]) as part
        where c.id = $1 or c.merged_into in ($1, $2) order by part, h.since
        on conflict do nothing
        """,
        case_id,
        new,
    )
