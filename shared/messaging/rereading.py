"""A service whose database was restored from a backup reads again what it has not heard yet, before it does anything else.

It looks through its topics from their beginning, however far its reader lagged when the backup was made: `progress` knows what of
ours took effect, receipts tell which messages from outside were answered. What is left goes through the pipeline in one order,
that in which the records were written: so a report from the door comes after the case that it speaks of, as it did the first
time.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from asyncpg import Pool, Record

from shared.messaging.inbound import DUPLICATE
from shared.messaging.model import Tx
from shared.messaging.pipeline import Pipeline
from shared.messaging.reading import every_record
from shared.messaging.recovery import awaiting, done, not_heard, unanswered
from shared.messaging.wire import Raw, message_id, place_of

log = structlog.get_logger()

BATCH = 500


async def read_again(pool: Pool[Record], pipeline: Pipeline[Any], clients: Mapping[str, Any], topics: Sequence[str]) -> None:
    """Do so if `bleibe recover` asked for it; after a failure begin again with what is then left.

    Raises TimeoutError: the broker stopped answering. Raises TopicMissing: it does not have one of the topics.
    Raises StopTheLine: too much of it cannot be decided.
    """
    async with pool.acquire() as connection, awaiting(connection) as asked:
        if not asked:
            return
        left = await _left(connection, pipeline, clients, topics)
        log.info("reading_again", records=len(left))
        pipeline.recovering = True
        for foreign, run in itertools.groupby(left, lambda raw: pipeline.reader.rules(raw.topic).foreign):
            raws = list(run)
            for start in range(0, len(raws), BATCH):  # never both kinds in one batch: it would answer strangers first
                await pipeline.handle(raws[start : start + BATCH])
            log.info("read_again", records=len(raws), outcome="foreign" if foreign else "own")
        pipeline.recovering = False
        await done(connection)


async def _left(tx: Tx, pipeline: Pipeline[Any], clients: Mapping[str, Any], topics: Sequence[str]) -> list[Raw]:
    """What these topics hold and the database does not know, oldest first; that of one partition in its own order."""
    newest: dict[tuple[str, int], int] = {}
    found: list[tuple[int, Raw]] = []
    async for records in every_record(clients, topics):
        raws = [Raw(one.topic, one.key, one.value, tuple(one.headers)) for one in records]
        new = await _new(tx, pipeline, raws)
        for one, raw, is_new in zip(records, raws, new, strict=True):
            place = one.topic, one.partition  # a clock that was put back must not turn a partition round
            newest[place] = max(newest.get(place, 0), one.timestamp)
            if is_new:
                found.append((newest[place], raw))
    return [raw for _, raw in sorted(found, key=lambda each: each[0])]


async def _new(tx: Tx, pipeline: Pipeline[Any], raws: Sequence[Raw]) -> list[bool]:
    """Of records of one topic: whether the database does not know them. What cannot be told apart is looked at again."""
    topic = raws[0].topic
    if not pipeline.reader.rules(topic).foreign:
        return await not_heard(tx, topic, [place_of(raw) for raw in raws])
    ids = [message_id(raw) for raw in raws]
    receipts = [None if each is None else pipeline.receipt(topic, each, DUPLICATE) for each in ids]
    return await unanswered(tx, [None if each is None else (each.topic, each.key) for each in receipts])
