"""Messages from outside, each once: (source, id) is claimed in the transaction that answers it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

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
    identities = [(owner_of[task.raw.topic], task.read.id) for task in tasks]
    first = dict(zip(reversed(identities), reversed(tasks), strict=True))
    digests = {identity: task.raw.digest() for identity, task in first.items()}
    claimed = await tx.fetch(
        """
        insert into inbound (source, id, topic, digest, type, recorded_at)
        select *, $6::timestamptz from unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[], $5::text[]) order by 1, 2
        on conflict do nothing returning source, id
        """,
        [source for source, _ in first],
        [message_id for _, message_id in first],
        [task.raw.topic for task in first.values()],
        list(digests.values()),
        [getattr(task.read, "type", None) for task in first.values()],
        now,
    )
    ours = {(row["source"], row["id"]) for row in claimed}
    others = [identity for identity in first if identity not in ours]
    digests |= await _digests(tx, others)
    for task, identity in zip(tasks, identities, strict=True):
        if identity not in ours or first[identity] is not task:
            task.decision = DUPLICATE if digests[identity] == task.raw.digest() else ID_REUSED


async def _digests(tx: Tx, messages: Sequence[tuple[str, UUID | None]]) -> dict[tuple[str, UUID | None], bytes]:
    """Of messages that were answered before."""
    if not messages:
        return {}
    rows = await tx.fetch(
        "select source, id, digest from inbound where (source, id) in (select * from unnest($1::text[], $2::uuid[]))",
        [source for source, _ in messages],
        [message_id for _, message_id in messages],
    )
    return {(row["source"], row["id"]): row["digest"] for row in rows}


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
