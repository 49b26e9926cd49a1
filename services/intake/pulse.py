"""The register's pulse: one empty record a day in each of its partitions, so that Kafka forgets in the quiet ones, too.

Kafka compacts no segment that is still open, and closes one only when the next record comes: in a partition where nobody writes
any more a name that was taken back would stand for ever, whatever `max.compaction.lag.ms` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count
from uuid import UUID, uuid5

from shared.contracts.catalogue import HOUSEHOLDS
from shared.messaging.model import Said, Tx
from shared.messaging.wire import partition_of
from shared.runtime.clock import BERLIN

_NAMESPACE = UUID("8f0e6f0a-6f1c-4b7e-9a35-7f2f0f6f1d1c")


def _keys(partitions: int) -> Iterator[str]:
    """A key for each partition, by the way in which our events find theirs."""
    open_ones = set(range(partitions))
    for n in count():
        key = str(uuid5(_NAMESPACE, str(n)))
        partition = partition_of(key.encode(), partitions)
        if partition in open_ones:
            open_ones.discard(partition)
            yield key
        if not open_ones:
            return


KEYS = tuple(_keys(HOUSEHOLDS.partitions))
"""The households that never are: only tombstones bear these keys."""


async def pulse(tx: Tx, now: datetime) -> Sequence[Said]:
    """A tombstone for each partition, once a day of the city's calendar; none before the register has its first entry."""
    newest = await tx.fetchrow(
        """
        select exists (select from streams where topic = $1) as begun,
               (select max(time) from journal where topic = $1 and key = $2) as last
        """,
        HOUSEHOLDS.name,
        KEYS[0],
    )
    assert newest is not None
    today = now.astimezone(BERLIN).date()
    if not newest["begun"] or (newest["last"] is not None and newest["last"].astimezone(BERLIN).date() >= today):
        return ()
    return [Said(HOUSEHOLDS.name, key, None) for key in KEYS]
