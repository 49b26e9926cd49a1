"""The broker's memory held against ours: what it acknowledged must still be there, and nothing of ours that we don't know.

Table `published` holds, for each partition, first and last offset of the newest send that the broker acknowledged, and the
id of the event at the last one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.messaging.model import Tx
from shared.messaging.reading import to_the_end

_NUMBER = re.compile(r"[0-9]{1,18}$")

ANSWER_S = 15
"""How long the broker may take to answer, or to hand over the next records."""


class DatabaseBehindTopics(RuntimeError):
    """The topics hold events that the database has no memory of: it was restored from a backup."""

    def __init__(self, service: str, topic: str) -> None:
        super().__init__(
            f"{service}: topic {topic} holds newer events than the database wrote. The database was restored from a backup. "
            f"Nothing was decided or sent. Stop all processes of {service} and run: bleibe recover {service}"
        )


class BrokerForgot(Exception):
    """The broker no longer holds what it acknowledged: it was restarted empty."""


async def compare_ends(tx: Tx, producer: AIOKafkaProducer, probe: AIOKafkaConsumer) -> None:
    """The quick look: every partition must reach as far as it once did.

    Raises:
        BrokerForgot: one ends before what it acknowledged, or is not there any more.
    """
    rows = await tx.fetch("select topic, partition, first_offset from published")
    # Not the last offset: the embedded broker gives the start of its newest batch as the end of a partition.
    ours = {TopicPartition(row["topic"], row["partition"]): row["first_offset"] for row in rows}
    if ours.keys() - set(await _partitions(producer, {row["topic"] for row in rows})):
        raise BrokerForgot
    ends = await asyncio.wait_for(probe.end_offsets(list(ours)), ANSWER_S) if ours else {}
    if any(ends[partition] <= first for partition, first in ours.items()):
        raise BrokerForgot


async def compare_records(
    tx: Tx, producer: AIOKafkaProducer, probe: AIOKafkaConsumer, topics: Collection[str], service: str, source: str
) -> None:
    """The close look, before the first event goes to these topics: at our last offset and after it.

    Raises:
        BrokerForgot: another event stands there: the broker was restarted empty and has been written to since.
        DatabaseBehindTopics: `source` wrote events there that this database never numbered.
    """
    rows = await tx.fetch("select topic, partition, last_offset, event_id from published where topic = any($1)", list(topics))
    ours = {TopicPartition(row["topic"], row["partition"]): row for row in rows}
    all_of_them = await _partitions(producer, topics)
    if ours.keys() - set(all_of_them):
        raise BrokerForgot
    begins = await asyncio.wait_for(probe.beginning_offsets(all_of_them), ANSWER_S)
    ends = await asyncio.wait_for(probe.end_offsets(all_of_them), ANSWER_S)
    starts = begins | {partition: max(begins[partition], row["last_offset"]) for partition, row in ours.items()}
    to_read = {each: starts[each] for each in all_of_them if each in ours or begins[each] < ends[each]}
    to_see = ends | {each: max(ends[each], row["last_offset"] + 1) for each, row in ours.items()}
    async for records in to_the_end(probe, to_read, to_see, ANSWER_S):
        partition = TopicPartition(records[0].topic, records[0].partition)
        last = ours.get(partition)
        if last and any(r.offset == last["last_offset"] and _header(r, "ce_id") != str(last["event_id"]) for r in records):
            raise BrokerForgot
        if await _unknown(tx, partition.topic, [record for record in records if _header(record, "ce_source") == source]):
            raise DatabaseBehindTopics(service, partition.topic)
    if any(probe.highwater(partition) <= last["last_offset"] for partition, last in ours.items()):
        raise BrokerForgot


async def _partitions(producer: AIOKafkaProducer, topics: Collection[str]) -> list[TopicPartition]:
    """A topic that was deleted and made again may have fewer than before."""
    return [
        TopicPartition(topic, partition)
        for topic in topics
        for partition in await asyncio.wait_for(producer.partitions_for(topic), ANSWER_S)
    ]


async def _unknown(tx: Tx, topic: str, records: Collection[Any]) -> bool:
    """Whether some of these events of ours have a higher sequence than we ever gave. One without key or number is not ours."""
    numbered = [(key, n) for one in records if (key := _key(one)) and (n := _header(one, "ce_keysequence")) and _NUMBER.match(n)]
    return bool(
        await tx.fetchval(
            """
            select exists (
                select from unnest($2::text[], $3::bigint[]) as t(key, n)
                left join streams s on s.topic = $1 and s.key = t.key where t.n > coalesce(s.last, 0)
            )
            """,
            topic,
            [key for key, _ in numbered],
            [int(n) for _, n in numbered],
        )
    )


async def remember(tx: Tx, places: Collection[int], newest: Mapping[tuple[str, int], tuple[int, int, str]]) -> None:
    """Delete what was acknowledged from the outbox and remember, per partition, lowest and highest offset and its event.

    Raises:
        BrokerForgot: an offset was acknowledged that had been acknowledged before; nothing was deleted.
    """
    repeated = await tx.fetchval(
        """
        with now as (
            select * from unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::uuid[])
                as t(topic, partition, low, high, event_id)
        ), repeated as (
            select exists (select from now join published p using (topic, partition) where now.low <= p.last_offset) as so
        ), gone as (
            delete from outbox where id = any($1) and not (select so from repeated)
        ), kept as (
            insert into published (topic, partition, first_offset, last_offset, event_id)
            select topic, partition, low, high, event_id from now where not (select so from repeated)
            on conflict (topic, partition) do update
                set first_offset = excluded.first_offset, last_offset = excluded.last_offset, event_id = excluded.event_id
        )
        select so from repeated
        """,
        list(places),
        [topic for topic, _ in newest],
        [partition for _, partition in newest],
        [low for low, _, _ in newest.values()],
        [high for _, high, _ in newest.values()],
        [event_id for _, _, event_id in newest.values()],
    )
    if repeated:
        raise BrokerForgot


def _key(record: Any) -> str:  # noqa: ANN401  aiokafka ships no types
    return "" if record.key is None else record.key.decode(errors="replace").replace("\0", "")


def _header(record: Any, name: str) -> str:  # noqa: ANN401  aiokafka ships no types
    value = dict(record.headers).get(name)
    return "" if value is None else value.decode(errors="replace")  # somebody else's record must not keep us from sending
