"""Two persons agree that a revoked notice is erased (Widerruf); jobs.py then erases it. By page and by command alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.intake.facts import StatementKey
from shared.contracts.topics.notices import NoticeRevoked
from shared.messaging.model import Rejected, Tx

LISTED = 200
"""The most that one list shows."""

_REVOKED = f"""
    select s.source, s.id, s.type, s.case_id, min(r.received_on) as revoked_on, a.first, a.first_at, a.second
    from statements r join statements s on s.source = r.source and s.id = r.refers_to
    left join revocations a on a.source = s.source and a.id = s.id
    where r.type = '{NoticeRevoked.TYPE}'
"""  # noqa: S608  a constant
_EACH = "group by s.source, s.id, a.first, a.first_at, a.second"


@dataclass(frozen=True, slots=True)
class Revoked:
    """A revoked notice that is still kept: who agreed first that it goes, and when; who second, where its case is on hold."""

    source: str
    id: UUID
    type: str
    case_id: UUID | None
    revoked_on: date
    first: str | None
    first_at: datetime | None
    second: str | None


async def revoked(tx: Tx) -> list[Revoked]:
    """The revoked notices that are still kept: first those that wait for a second person, then the longest revoked."""
    rows = await tx.fetch(
        f"{_REVOKED} {_EACH} order by a.first is null or a.second is not null, revoked_on, s.id limit $1", LISTED
    )
    return [Revoked(**row) for row in rows]


async def revoked_as(tx: Tx, notice_id: UUID) -> list[Revoked]:
    """Those of this id: two senders may have used one."""
    return [Revoked(**row) for row in await tx.fetch(f"{_REVOKED} and s.id = $1 {_EACH} order by s.source", notice_id)]


async def count_waiting(tx: Tx) -> int:
    """How many wait for a second person."""
    count: int = await tx.fetchval(
        """
        select count(*) from revocations a where second is null
            and exists (select from statements s where s.source = a.source and s.id = a.id)
        """
    )
    return count


async def agree(tx: Tx, notice: StatementKey, who: str, at: datetime) -> bool:
    """Agree that this notice is erased. True: it took the second person's word, and it goes; False: it waits for that.

    Raises:
        Rejected: `not_revoked` (or erased already), `second_person` (who agreed first), `agreed` (two have agreed already).
    """
    source, notice_id = notice
    if all(each.source != source for each in await revoked_as(tx, notice_id)):
        raise Rejected("notice", "not_revoked")
    noted = await tx.fetchrow(
        """
        insert into revocations as a (source, id, first, first_at) values ($1, $2, $3, $4)
        on conflict (source, id) do update set second = excluded.first, second_at = excluded.first_at
            where a.second is null and a.first <> excluded.first
        returning second
        """,
        source,
        notice_id,
        who,
        at,
    )
    if noted is None:
        first = await tx.fetchval("select first from revocations where source = $1 and id = $2 and second is null", *notice)
        raise Rejected("notice", "second_person" if first == who else "agreed")
    return noted["second"] is not None
