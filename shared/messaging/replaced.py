"""Private events that a newer one has replaced are emptied where a part of what they tell of may go to another key.

Whoever goes, goes with all that is under the new key, and is erased there. What was said of them before stands under the old
key, whose own erasure may be years away.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.messaging.erasure import ERASED, Memory
from shared.messaging.model import Said, Tx


@dataclass(frozen=True, slots=True)
class ForgetReplaced:
    """A job: of the keys that `keys` finds, each event goes once a newer one about the same stands behind it on its key.

    `about` is the field that names what an event of these `topics` is about; each event of them tells all there is to know of
    it. What is not sent yet stays until it is.
    """

    memory: Memory
    topics: Sequence[str]
    about: str
    keys: Callable[[Tx], Awaitable[Collection[str]]]

    async def run(self, tx: Tx, now: datetime) -> Sequence[Said]:  # noqa: ARG002  as every job
        """Empty what is replaced; says nothing."""
        keys = await self.keys(tx)
        if keys:
            await tx.execute(
                """
                update journal old set type = $4, data = '{}', causation_id = null, traceparent = null
                where topic = any($1::text[]) and key = any($2::text[]) and type <> all($3::text[])
                    and not exists (select from outbox where journal_id = old.id)
                    and exists (
                        select from journal new where new.topic = old.topic and new.key = old.key and new.n > old.n
                            and new.data::jsonb ->> $5 = old.data::jsonb ->> $5
                    )
                """,
                list(self.topics),
                list(keys),
                [*self.memory.keep, ERASED],
                ERASED,
                self.about,
            )
        return ()
