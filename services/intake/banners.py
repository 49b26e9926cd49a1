"""The banner of a possible duplicate, kept true where the other case ended, came back, or was erased. A job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.intake.snapshot import CaseState, doubted
from shared.contracts.catalogue import CASES
from shared.messaging.model import Said, Tx
from shared.runtime.clock import BERLIN

LIMIT = 500

_WRONG = """
    with doubtful as (
        select q.one, q.other from clarifications q join cases a on a.id = q.one join cases b on b.id = q.other
        where q.state = 'OPEN' and a.status = 'OPEN' and b.status = 'OPEN'
    ), meant as (
        select one as id from doubtful union select other from doubtful
    ), shown as (
        select id from cases where (state -> 'last' -> 'banners') ? 'POSSIBLE_DUPLICATE' and status = 'OPEN'
    )
    select id, meant.id is not null as doubtful from meant full join shown using (id)
    where (meant.id is null) <> (shown.id is null) order by id limit $1
"""


async def correct(tx: Tx, now: datetime) -> Sequence[Said]:
    """Show the banner on open cases that an open question asks about with another open one, and on no others."""
    wrong = {row["id"] for row in await tx.fetch(_WRONG, LIMIT)}
    if not wrong:
        return ()
    await tx.execute(
        "select from households where id in (select household_id from cases where id = any($1::uuid[])) order by id for update",
        list(wrong),
    )
    still: dict[UUID, bool] = {row["id"]: row["doubtful"] for row in await tx.fetch(_WRONG, LIMIT) if row["id"] in wrong}
    changed = []
    for row in await tx.fetch("select state from cases where id = any($1::uuid[])", list(still)):
        case = CaseState.model_validate_json(row["state"])
        assert case.last is not None
        event = doubted(case.last, now.astimezone(BERLIN).date(), doubtful=still[case.id])
        changed.append(case.model_copy(update={"doubtful": still[case.id], "last": event}))
    await tx.execute(
        "update cases c set state = t.state from unnest($1::uuid[], $2::jsonb[]) as t (id, state) where c.id = t.id",
        [each.id for each in changed],
        [each.model_dump_json() for each in changed],
    )
    return [Said(CASES.name, str(each.id), each.last) for each in changed]
