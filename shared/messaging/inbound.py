"""Messages from outside, each once: (source, id) is claimed in the transaction that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.messaging.model import Answer, Decision, Tx
from shared.messaging.sequence import Task

ID_REUSED = Decision(answer=Answer.REJECTED, field="id", rule="id_reused")
DUPLICATE = Decision(answer=Answer.DUPLICATE)
ERASED = "erased"
"""The rule that refuses what was erased: nothing of it is kept, see erasure.py."""


async def claim(tx: Tx, tasks: Sequence[Task], owner_of: dict[str, str], now: datetime) -> None:
    """Claim these messages, heard `now`; those seen before get their decision here: a duplicate, or another under a used id.

    The insert waits for a concurrent claim of the same message, so over Kafka and HTTP at once only one goes on.
    """
    first: dict[tuple[str, str], Task] = {}
    for task in tasks:
        first.setdefault(_identity(task, owner_of), task)
    ordered = sorted(first.items(), key=lambda item: item[0])
    await tx.execute(
        """
        insert into inbound (source, id, topic, digest, type, recorded_at)
        select *, $6::timestamptz from unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[], $5::text[]) order by 1, 2
        on conflict do nothing
        """,
        [source for (source, _), _ in ordered],
        [task.read.id for _, task in ordered],
        [task.raw.topic for _, task in ordered],
        [task.raw.digest() for _, task in ordered],
        [getattr(task.read, "type", None) for _, task in ordered],
        now,
    )
    rows = await tx.fetch(
        """
        select source, id, digest, answer from inbound
        where (source, id) in (select * from unnest($1::text[], $2::uuid[]))
        """,
        [source for (source, _), _ in ordered],
        [task.read.id for _, task in ordered],
    )
    known = {(row["source"], str(row["id"])): row for row in rows}
    for task in tasks:
        row = known[_identity(task, owner_of)]
        if row["answer"] is not None or first[_identity(task, owner_of)] is not task:
            task.decision = DUPLICATE if row["digest"] == task.raw.digest() else ID_REUSED


async def answer(tx: Tx, tasks: Sequence[Task], owner_of: dict[str, str]) -> None:
    """Keep what each newly claimed message was answered; the content stays only where it was refused."""
    if not tasks:
        return
    decided = [(task, task.decision) for task in tasks if task.decision is not None]
    await tx.execute(
        """
        update inbound i set answer = t.answer, field = t.field, rule = t.rule, refused_value = t.value
        from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[])
            as t(source, id, answer, field, rule, value)
        where i.source = t.source and i.id = t.id
        """,
        [owner_of[task.raw.topic] for task, _ in decided],
        [task.read.id for task, _ in decided],
        [decision.answer for _, decision in decided],
        [decision.field for _, decision in decided],
        [decision.rule for _, decision in decided],
        [task.raw.value if _kept(decision) else None for task, decision in decided],
    )


def _kept(decision: Decision) -> bool:
    return decision.answer is Answer.REJECTED and decision.rule != ERASED


def _identity(task: Task, owner_of: dict[str, str]) -> tuple[str, str]:
    return owner_of[task.raw.topic], str(task.read.id)
