"""Who read whose data, and what for: written in the transaction that reads (Art. 5 II, 32 GDPR; § 76 BDSG as model)."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from shared.runtime.persons import Person

if TYPE_CHECKING:
    from asyncpg import Connection, Record
    from asyncpg.pool import PoolConnectionProxy


async def record_read(
    tx: "Connection[Record] | PoolConnectionProxy[Record]",
    person: Person,
    purpose: str,
    subjects: Sequence[UUID],
    what: str,
    at: datetime,
) -> None:
    """Note that `person` read `what` (a code such as ``day_sheet``) about `subjects` (case or household ids).

    Raises ``ValueError`` when the person does not act in a role, and asyncpg's errors: no record, no reading.
    """
    if person.acting is None:
        raise ValueError("a read needs the role it was made in; take the person from require() or acting_as()")
    await tx.execute(
        """
        insert into reads (at, person_id, role, purpose, what, subject_id)
        select $1, $2, $3, $4, $5, subject from unnest($6::uuid[]) as subject
        """,
        at,
        person.id,
        person.acting.value,
        purpose,
        what,
        list(subjects),
    )
