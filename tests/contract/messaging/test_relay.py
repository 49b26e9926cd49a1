"""The relay: all that was journalled arrives, in order per key, whatever breaks on the way."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.producer.message_accumulator import BatchBuilder

from deploy.local.supervisor import Local
from shared.messaging import memory
from shared.messaging import relay as relay_module
from shared.messaging.journal import republish
from shared.messaging.memory import DatabaseBehindTopics, remember
from shared.messaging.relay import Relay
from tests.contract.messaging.brokers import (
    Broker,
    deliver,
    make_topics,
    produce,
    records_on,
    relay_of,
    running,
    sequence_on,
)
from tests.contract.messaging.toy import NUMBERS, RECEIPTS, Toy, number
from tests.the_broker import BROKER, resume_empty
from tests.waiting import eventually

PATIENCE_S = 20.0
KEYS = [f"k{n}" for n in range(8)]


async def write_round(writer: Toy, *values: int) -> None:
    """The same values under every key."""
    await writer.write(*[said for value in values for key in KEYS for said in writer.says(key, value)])


async def all_sent(writer: Toy) -> None:
    async def empty() -> bool:
        return await writer.outbox() == 0

    await eventually(empty, PATIENCE_S)


async def complete(reader: Toy, *values: int) -> None:
    """Every key took effect with exactly these values, in this order, and nothing waits."""
    for key in KEYS:
        assert await reader.account(key) == (sum(values), list(values))
    assert await reader.parked() == []


async def test_one_record_per_journal_row_in_order_of_its_key(writer: Toy, broker: Broker) -> None:
    async with running(relay_of(writer, broker)):
        for value in range(5):
            await write_round(writer, value, value)
        await all_sent(writer)
    assert await sequence_on(broker, NUMBERS + writer.tag) == {key: list(range(1, 11)) for key in KEYS}
    assert len(await writer.journal(NUMBERS + writer.tag)) == 10 * len(KEYS)


async def test_what_fills_several_batches_keeps_its_order_and_its_end_is_remembered(
    writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AIOKafkaProducer, "create_batch", lambda _: BatchBuilder(2_000, 0))
    await write_round(writer, *range(20))
    async with running(relay_of(writer, broker)):
        await all_sent(writer)
    assert await sequence_on(broker, NUMBERS + writer.tag) == {key: list(range(1, 21)) for key in KEYS}
    last = {r.partition: (r.offset, dict(r.headers)["ce_id"].decode()) for r in await records_on(broker, NUMBERS + writer.tag)}
    rows = await writer.pool.fetch("select partition, last_offset, event_id from published")
    assert {row["partition"]: (row["last_offset"], str(row["event_id"])) for row in rows} == last


async def test_kafkas_timestamp_is_the_wall_clock(writer: Toy, broker: Broker) -> None:
    async with running(relay_of(writer, broker)):
        before = await writer.pool.fetchval("select extract(epoch from clock_timestamp())")
        await write_round(writer, 1)
        await all_sent(writer)
    stamps = [record.timestamp / 1000 for record in await records_on(broker, NUMBERS + writer.tag)]
    assert all(float(before) - 1 < stamp < float(before) + 60 for stamp in stamps)


async def fails_once_after_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker has the batch, and the relay breaks before it deletes it."""
    failures = iter([True])

    async def breaks_once(*args: Any) -> None:  # noqa: ANN401  handed on
        if next(failures, False):
            raise ConnectionError
        await remember(*args)

    monkeypatch.setattr(relay_module, "remember", breaks_once)


async def test_what_was_sent_and_not_deleted_comes_again_and_takes_effect_once(
    writer: Toy, reader: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fails_once_after_sending(monkeypatch)
    await write_round(writer, 1, 2)
    async with running(relay_of(writer, broker)):
        await all_sent(writer)
    assert set(map(tuple, (await sequence_on(broker, NUMBERS + writer.tag)).values())) == {(1, 2, 1, 2)}
    await deliver(broker, reader)
    await complete(reader, 1, 2)


async def test_a_failed_send_starts_again_at_the_oldest_row(
    writer: Toy, reader: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Relay._send
    failures = iter([True])

    async def send(self: Relay, producer: Any, rows: list[Any]) -> list[Any]:  # noqa: ANN401  handed on
        if next(failures, False):
            await real(self, producer, rows[len(rows) // 2 :])  # the later half arrives
            raise ConnectionError
        return await real(self, producer, rows)

    monkeypatch.setattr(Relay, "_send", send)
    await write_round(writer, 1, 2)
    async with running(relay_of(writer, broker)):
        await all_sent(writer)
    assert set(map(tuple, (await sequence_on(broker, NUMBERS + writer.tag)).values())) == {(2, 1, 2)}
    await deliver(broker, reader)
    await complete(reader, 1, 2)


async def test_a_client_that_closes_as_if_cancelled_does_not_end_the_relay(
    writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Aiokafka's consumer cancels a fetch that rests after a failure, and awaits it: the relay is not what was cancelled."""
    await fails_once_after_sending(monkeypatch)
    close, left = Fetcher.close, []

    async def closes(self: Fetcher) -> None:
        left.append(self._client)
        await close(self)
        raise asyncio.CancelledError

    monkeypatch.setattr(Fetcher, "close", closes)
    await write_round(writer, 1)
    async with running(relay_of(writer, broker)) as task:
        await all_sent(writer)
        assert not task.done()
    assert left
    assert not [each for each in left if each._sync_task]  # nothing of it goes on asking the broker


async def test_only_one_relay_sends_and_the_other_takes_over(writer: Toy, broker: Broker) -> None:
    first, second = relay_of(writer, broker), relay_of(writer, broker)
    async with running(first):
        await eventually(lambda: first.active)
        async with running(second):

            async def second_waits() -> bool:
                return bool(
                    await writer.pool.fetchval(
                        """
                        select exists (select from pg_stat_activity a where datname = current_database()
                                       and pid <> pg_backend_pid() and query like '%pg_try_advisory_lock%'
                                       and not exists (select from pg_locks l where l.pid = a.pid and locktype = 'advisory'))
                        """
                    )
                )

            await eventually(second_waits, PATIENCE_S)
            await write_round(writer, 1)
            await all_sent(writer)
            await eventually(lambda: first.sent + second.sent >= len(KEYS))
            assert (first.sent, second.sent, second.active) == (len(KEYS), 0, False)
            holder = await writer.pool.fetchval(
                "select pid from pg_locks where locktype = 'advisory' and granted and objid = $1", relay_module.LOCK
            )
            await writer.pool.execute("select pg_terminate_backend($1)", holder)
            await eventually(lambda: first.active != second.active or None)
            await write_round(writer, 2)
            await all_sent(writer)
    assert set(map(tuple, (await sequence_on(broker, NUMBERS + writer.tag)).values())) == {(1, 2)}


@pytest.fixture
async def mortal_writer(writer: Toy, mortal: Local) -> AsyncIterator[Toy]:
    """A writer on the broker that may be killed, which runs again afterwards."""
    yield writer
    mortal.kill(BROKER, signal.SIGCONT)


def restart_empty(mortal: Local) -> None:
    mortal.kill(BROKER, restart=False)
    resume_empty(mortal)


async def test_a_batch_that_expires_in_the_producer_is_sent_again(
    mortal_writer: Toy, reader: Toy, mortal: Local, mortal_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "ANSWER_S", 3)
    relay = relay_of(mortal_writer, mortal_broker, request_timeout_s=0.5)
    async with running(relay):
        await write_round(mortal_writer, 1)
        await all_sent(mortal_writer)
        mortal.kill(BROKER, signal.SIGSTOP)
        await write_round(mortal_writer, 2)
        await eventually(lambda: not relay.active)  # it gave up the frozen broker
        await write_round(mortal_writer, 3)
        mortal.kill(BROKER, signal.SIGCONT)
        await all_sent(mortal_writer)
    await deliver(mortal_broker, reader)
    await complete(reader, 1, 2, 3)


async def test_a_broker_that_comes_back_empty_gets_the_whole_journal_before_anything_new(
    mortal_writer: Toy, reader: Toy, mortal: Local, mortal_broker: Broker
) -> None:
    async with running(relay_of(mortal_writer, mortal_broker, request_timeout_s=1)):
        await write_round(mortal_writer, 1, 2)
        await all_sent(mortal_writer)
        mortal.kill(BROKER, restart=False)
        await write_round(mortal_writer, 3)
        await asyncio.to_thread(resume_empty, mortal)
        await write_round(mortal_writer, 4)
        await all_there(mortal_writer, mortal_broker, 4)
    await deliver(mortal_broker, reader)
    await complete(reader, 1, 2, 3, 4)


async def all_there(writer: Toy, broker: Broker, n: int) -> None:
    """The topic holds every key's sequence from 1 to n."""

    async def there() -> bool:
        if await writer.outbox():
            return False
        try:
            sequences = await sequence_on(broker, NUMBERS + writer.tag)
        except Exception:  # noqa: BLE001  the topics are not there yet, or the broker is not
            return False
        return all(sorted(set(sequences.get(key, []))) == list(range(1, n + 1)) for key in KEYS)

    await eventually(there, PATIENCE_S)


async def test_an_idle_broker_that_comes_back_empty_is_noticed(
    mortal_writer: Toy, reader: Toy, mortal: Local, mortal_broker: Broker
) -> None:
    async with running(relay_of(mortal_writer, mortal_broker, request_timeout_s=1)):
        await write_round(mortal_writer, 1, 2)
        await all_sent(mortal_writer)
        await asyncio.to_thread(restart_empty, mortal)
        await all_there(mortal_writer, mortal_broker, 2)
    await deliver(mortal_broker, reader)
    await complete(reader, 1, 2)


async def test_an_empty_broker_that_was_written_to_since_is_noticed_by_what_it_holds(
    mortal_writer: Toy, reader: Toy, mortal: Local, mortal_broker: Broker
) -> None:
    """Half a batch reached the empty broker before the relay died: every offset is as high as it ever was."""
    async with running(relay_of(mortal_writer, mortal_broker)):
        await write_round(mortal_writer, 1)
        await all_sent(mortal_writer)
    await asyncio.to_thread(restart_empty, mortal)
    await make_topics(mortal_broker, mortal_writer.tag)
    await produce(mortal_broker, mortal_writer.tag, [number(key, 2, 2) for key in KEYS for _ in range(3)])
    await write_round(mortal_writer, 2)
    async with running(relay_of(mortal_writer, mortal_broker)):
        await all_there(mortal_writer, mortal_broker, 2)
    await deliver(mortal_broker, reader)
    await complete(reader, 1, 2)


async def test_a_restored_database_sends_nothing(writer: Toy, broker: Broker) -> None:
    async with running(relay_of(writer, broker)):
        await write_round(writer, 1, 2)
        await all_sent(writer)
        backup = await writer.pool.fetch("select topic, partition, first_offset, last_offset, event_id from published")
        await write_round(writer, 3)
        await all_sent(writer)
    before = len(await records_on(broker, NUMBERS + writer.tag))
    await writer.pool.execute("delete from journal where n = 3")
    await writer.pool.execute("update streams set last = 2")
    await writer.pool.execute("delete from published")
    await writer.pool.executemany("insert into published values ($1, $2, $3, $4, $5)", [tuple(row) for row in backup])
    async with running(relay_of(writer, broker)) as task:
        with pytest.raises(DatabaseBehindTopics):
            await asyncio.wait_for(task, PATIENCE_S)
    assert len(await records_on(broker, NUMBERS + writer.tag)) == before


async def test_a_database_that_begins_anew_beside_old_topics_sends_nothing(writer: Toy, broker: Broker) -> None:
    async with running(relay_of(writer, broker)):
        await write_round(writer, 1, 2)
        await all_sent(writer)
    await writer.pool.execute("truncate journal, outbox, streams, published")
    await write_round(writer, 1)
    async with running(relay_of(writer, broker)) as task:
        with pytest.raises(DatabaseBehindTopics):
            await asyncio.wait_for(task, PATIENCE_S)


async def test_another_services_receipts_on_the_same_topic_are_no_alarm(writer: Toy, reader: Toy, broker: Broker) -> None:
    """Two services answer the same sender: each writes to its topic and knows nothing of the other's sequences."""
    said = [one for key in KEYS for one in writer.says(key, 1, 2, 3)]
    receipts = [type(one)(RECEIPTS + writer.tag, one.key, one.data) for one in said]
    for _ in range(2):
        for service, source in ((writer, "urn:test:one"), (reader, "urn:test:other")):
            async with running(relay_of(service, broker, source=source)) as task:
                await service.write(*receipts[:8])
                await all_sent(service)
                assert not task.done()
    assert len(await records_on(broker, RECEIPTS + writer.tag)) == 4 * 8


async def test_what_bears_our_name_without_key_or_number_is_not_taken_for_ours(writer: Toy, broker: Broker) -> None:
    """Nothing that the relay sends lacks one of them, so they tell nothing of a database behind its topics."""
    await make_topics(broker, writer.tag)
    ours = number("strange", 9, 9)
    unnumbered = replace(ours, headers=tuple((name, value) for name, value in ours.headers if name != "ce_keysequence"))
    await produce(broker, writer.tag, [replace(ours, key=None), unnumbered])
    await write_round(writer, 1)
    async with running(relay_of(writer, broker)):
        await all_sent(writer)
    assert len(await records_on(broker, NUMBERS + writer.tag)) == 2 + len(KEYS)


async def test_republishing_while_writing_changes_nothing_for_readers(writer: Toy, reader: Toy, broker: Broker) -> None:
    async def keep_republishing() -> None:
        for _ in range(5):
            async with writer.pool.acquire() as connection, connection.transaction():
                await republish(connection)

    async with running(relay_of(writer, broker)):
        await write_round(writer, 20)
        await all_sent(writer)
        republishing = asyncio.create_task(keep_republishing())
        for value in range(21, 40):
            await write_round(writer, value)
        await republishing
        await all_sent(writer)
    assert len(await records_on(broker, NUMBERS + writer.tag)) > 20 * len(KEYS)
    await deliver(broker, reader)
    await complete(reader, *range(20, 40))
    await deliver(broker, reader)
    await complete(reader, *range(20, 40))


async def test_a_gap_is_healed_by_republishing(writer: Toy, reader: Toy, broker: Broker) -> None:
    await write_round(writer, 1, 2, 3)
    await writer.pool.execute("delete from outbox using journal j where j.id = journal_id and j.n = 2")  # lost on the way
    async with running(relay_of(writer, broker)):
        await all_sent(writer)
        await deliver(broker, reader)
        assert {(n, reason) for _, n, reason, _ in await reader.parked()} == {(3, "gap")}
        async with writer.pool.acquire() as connection, connection.transaction():
            assert await republish(connection, [NUMBERS + writer.tag]) == 3 * len(KEYS)
        await all_sent(writer)
    await deliver(broker, reader)
    await complete(reader, 1, 2, 3)


async def test_a_topic_that_was_made_again_with_fewer_partitions_is_filled_again(writer: Toy, broker: Broker) -> None:
    await write_round(writer, 1)
    async with running(relay_of(writer, broker)):
        await all_sent(writer)
    await writer.pool.execute(
        """
        insert into published (topic, partition, first_offset, last_offset, event_id)
        select topic, 99, 0, 0, event_id from published limit 1
        """
    )
    async with running(relay_of(writer, broker)):
        await eventually(lambda: writer.pool.fetchval("select not exists (select from published where partition = 99)"))
        await all_sent(writer)
    assert set(map(tuple, (await sequence_on(broker, NUMBERS + writer.tag)).values())) == {(1, 1)}
