"""Members of a group that die, hang, leave or lose what they stand on: every record takes effect once, none is skipped."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, RequestTimedOutError
from aiokafka.protocol.commit import OffsetCommitRequest

from deploy.local.supervisor import Local
from shared.messaging import consumer as consumer_module
from shared.messaging import memory
from shared.messaging.consumer import Consumer
from shared.messaging.model import Tx
from tests.contract.messaging.brokers import (
    Broker,
    committed,
    consumer_of,
    make_topics,
    produce,
    relay_of,
    running,
)
from tests.contract.messaging.child import HOLD, Held
from tests.contract.messaging.children import child, ended
from tests.contract.messaging.toy import Accounts, Ledger, Toy, number, toy
from tests.proxy import proxied
from tests.the_broker import BROKER, ON_KAFKA, resume_empty
from tests.waiting import eventually

PATIENCE_S = 30.0
KEYS = [f"k{n}" for n in range(8)]
pytestmark = pytest.mark.fault


def records(*ns: int) -> list[Any]:
    return [number(key, n, n) for n in ns for key in KEYS]


@contextlib.asynccontextmanager
async def hearing(service: Toy, broker: Broker, max_records: int = 100, instance: str | None = None) -> AsyncIterator[Consumer]:
    """A consumer at work in this process."""
    consumer = consumer_of(service, broker, max_records=max_records, instance=instance)
    await asyncio.wait_for(consumer.start(), 30)
    try:
        yield consumer
    finally:
        await consumer.stop(15)


async def complete(service: Toy, *values: int) -> None:
    """Every key comes to these values, in this order and each once; nothing is parked."""

    async def there() -> bool:
        rows = await service.pool.fetch("select id, seen from accounts")
        return {row["id"]: list(row["seen"]) for row in rows} == {key: list(values) for key in KEYS}

    await eventually(there, PATIENCE_S)
    assert await service.parked() == []


@contextlib.asynccontextmanager
async def held(service: Toy) -> AsyncIterator[None]:
    """Every batch of a child stands still in the middle of its transaction, to the end of the block."""
    connection = await asyncpg.connect(service.dsn)
    try:
        await connection.execute("select pg_advisory_lock($1)", HOLD)
        yield
    finally:
        await connection.close()


async def waiting(service: Toy) -> int:
    return int(
        await service.pool.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        )
    )


async def crash_and_take_over(service: Toy, broker: Broker, folder: Path, crash: str) -> None:
    """A process dies at that point of its first batch; another one carries on."""
    await make_topics(broker, service.tag)
    await produce(broker, service.tag, records(1, 2, 3))
    async with child(service.dsn, folder, "consume", broker.bootstrap, service.tag, crash) as dying:
        assert await ended(dying) == -signal.SIGKILL
    done = await service.pool.fetchval("select count(*) from progress where last > 0")
    assert (done > 0) == (crash == "before_commit"), "it died at another point than it was told to"
    assert await committed(broker, service) == 0, "offsets were committed before the end of their batch"
    async with hearing(service, broker):
        await complete(service, 1, 2, 3)


async def test_a_crash_in_the_transaction_loses_nothing(writer: Toy, broker: Broker, tmp_path: Path) -> None:
    await crash_and_take_over(writer, broker, tmp_path, "in_transaction")


async def test_a_crash_between_the_commit_and_the_offsets_changes_nothing(writer: Toy, broker: Broker, tmp_path: Path) -> None:
    await crash_and_take_over(writer, broker, tmp_path, "before_commit")


async def test_two_members_hold_the_same_records_and_one_is_killed(writer: Toy, broker: Broker, tmp_path: Path) -> None:
    await make_topics(broker, writer.tag)
    await produce(broker, writer.tag, records(1, 2, 3))
    member = "consume", broker.bootstrap, writer.tag
    async with held(writer), child(writer.dsn, tmp_path, *member) as first:

        async def in_mid_batch(times: int) -> bool:
            return await waiting(writer) >= times

        await eventually(lambda: in_mid_batch(1), 30)
        async with child(writer.dsn, tmp_path, *member) as second:
            await eventually(lambda: in_mid_batch(2), 30)
            first.kill()
            await ended(first)
            async with contextlib.AsyncExitStack() as after:
                await writer.pool.execute(
                    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and objid = $1", HOLD
                )
                after.callback(second.terminate)
                await complete(writer, 1, 2, 3)
            assert await ended(second) == 0


async def test_a_stop_in_mid_batch_finishes_and_commits_it(writer: Toy, broker: Broker, tmp_path: Path) -> None:
    await make_topics(broker, writer.tag)
    await produce(broker, writer.tag, records(1))
    async with contextlib.AsyncExitStack() as hearing_at_last:
        async with held(writer):
            consuming = child(writer.dsn, tmp_path, "consume", broker.bootstrap, writer.tag)
            process = await hearing_at_last.enter_async_context(consuming)
            await eventually(writer.somebody_waits, 30)
            process.terminate()
            with pytest.raises(TimeoutError):
                await ended(process, 0.3)
        assert await ended(process) == 0
    await complete(writer, 1)
    assert await committed(broker, writer) == len(KEYS)


async def test_a_first_batch_that_hangs_is_seen_as_lag(writer: Toy, broker: Broker) -> None:
    writer.pipeline.room = Held(writer.tag)
    await make_topics(broker, writer.tag)
    async with hearing(writer, broker) as consumer:
        async with held(writer):
            await produce(broker, writer.tag, records(1))
            await eventually(writer.somebody_waits, 30)
            assert sum(consumer.lag().values()) > 0
        await complete(writer, 1)
        await eventually(lambda: not any(consumer.lag().values()))


async def test_a_commit_leaves_out_the_batch_in_hand(writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "COMMIT_EVERY_S", 3600)
    writer.pipeline.room = Held(writer.tag)
    await make_topics(broker, writer.tag)
    async with hearing(writer, broker) as consumer:
        await produce(broker, writer.tag, records(1))
        await complete(writer, 1)
        async with held(writer):
            await produce(broker, writer.tag, records(2))
            await eventually(writer.somebody_waits, 30)
            await consumer._commit_handled()
            assert await committed(broker, writer) == len(KEYS)
        await complete(writer, 1, 2)


async def test_what_was_handled_under_an_earlier_assignment_is_not_committed(
    writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "COMMIT_EVERY_S", 3600)
    await make_topics(broker, writer.tag)
    async with hearing(writer, broker) as consumer:
        await produce(broker, writer.tag, records(1))
        await complete(writer, 1)
        await eventually(lambda: consumer._to_commit)
        assert consumer._to_commit_of is consumer._given()
        consumer._to_commit_of = object()
        await consumer._commit_handled()
        assert await committed(broker, writer) == 0


async def test_a_commit_is_not_tried_again_as_somebody_else(writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker without its memory would take the places of before from a member that it does not know, or knows anew."""
    monkeypatch.setattr(consumer_module, "COMMIT_EVERY_S", 3600)
    asked: list[int] = []
    await make_topics(broker, writer.tag)
    async with hearing(writer, broker) as consumer:
        await produce(broker, writer.tag, records(1))
        await complete(writer, 1)
        await eventually(lambda: consumer._to_commit)
        members: Any = consumer._subscriber.consumer
        coordinator = members._coordinator
        send = coordinator._send_req

        async def away(request: object) -> object:
            if not isinstance(request, OffsetCommitRequest):
                return await send(request)
            asked.append(coordinator.generation)
            coordinator.reset_generation()  # as a heartbeat does that is answered before
            raise RequestTimedOutError

        monkeypatch.setattr(coordinator, "_send_req", away)
        given, offsets = consumer._given(), dict(consumer._to_commit)
        await consumer._commit_handled()
        assert len(asked) == 1
        with pytest.raises(CommitFailedError):
            await members.commit_under(given, offsets)
        await eventually(lambda: consumer._given() not in {None, given})
        with pytest.raises(CommitFailedError):
            await members.commit_under(given, offsets)
        assert len(asked) == 1


@pytest.mark.parametrize("given_anew", [False, True])
async def test_a_refused_commit_is_tried_again_unless_the_partitions_were_given_anew(
    writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch, *, given_anew: bool
) -> None:
    consumer = consumer_of(writer, broker)
    assignment, old, new = object(), TopicPartition("numbers", 0), TopicPartition("numbers", 1)

    async def refused(*_: object) -> bool:
        consumer._note({new: 1}, object() if given_anew else assignment)
        return False

    monkeypatch.setattr(consumer_module, "_commit", refused)
    monkeypatch.setattr(consumer, "_given", lambda: assignment)
    consumer._note({old: 5000}, assignment)
    await consumer._commit_handled()
    assert consumer._to_commit == ({new: 1} if given_anew else {old: 5000, new: 1})


async def test_a_database_that_goes_away_and_comes_back(other_database: str, tmp_path: Path, broker: Broker, writer: Toy) -> None:
    async with proxied(other_database) as (proxy, address), toy(address, tmp_path, tag=writer.tag) as service:
        await make_topics(broker, service.tag)
        async with hearing(service, broker) as consumer:
            await produce(broker, service.tag, records(1))
            await complete(service, 1)
            proxy.cut()
            await produce(broker, service.tag, records(2, 3))
            await eventually(lambda: "database" in consumer._health.missing())
            proxy.mend()
            await complete(service, 1, 2, 3)
            await eventually(lambda: "database" not in consumer._health.missing())


class Refusing(Ledger):
    """Cannot save for some tries."""

    def __init__(self, tag: str, times: int) -> None:
        super().__init__(tag)
        self.times = times

    async def save(self, tx: Tx, state: Accounts) -> None:
        if self.times:
            self.times -= 1
            raise asyncpg.SerializationError("clash")
        await super().save(tx, state)


async def offered_again(service: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch, max_records: int = 7) -> None:
    """The poll limit is near before the batch can be handled."""
    monkeypatch.setattr(consumer_module, "OFFER_AGAIN_S", 0)
    await make_topics(broker, service.tag)
    await produce(broker, service.tag, records(1, 2, 3))
    service.pipeline.room = Refusing(service.tag, 4)
    async with hearing(service, broker, max_records=max_records):
        await complete(service, 1, 2, 3)


def partitions_of(consumer: Consumer) -> frozenset[TopicPartition]:
    return frozenset(consumer._subscriber.consumer.assignment()) if consumer.assigned() else frozenset()  # type: ignore[union-attr]  # it has one once assigned


@pytest.mark.skipif(not ON_KAFKA, reason="NOT CHECKED on the embedded broker: members that keep their name")
async def test_a_member_that_keeps_its_name_finds_its_partitions_and_no_other_notices(writer: Toy, broker: Broker) -> None:
    """A process that is started again within the session timeout costs its group no new division."""
    await make_topics(broker, writer.tag)
    async with hearing(writer, broker, instance="stays") as stays:
        async with hearing(writer, broker, instance="goes") as goes:
            await eventually(lambda: partitions_of(stays) and partitions_of(goes))
            its, divided = partitions_of(goes), generation_of(stays)
        async with hearing(writer, broker, instance="goes") as back:
            await eventually(lambda: partitions_of(back))
            assert partitions_of(back) == its
            assert generation_of(stays) == divided


def generation_of(consumer: Consumer) -> int:
    """How often the group was divided, as this member knows."""
    return int(consumer._subscriber.consumer._coordinator.generation)  # type: ignore[union-attr]  # as above


@pytest.mark.parametrize("max_records", [7, 100, 1000], ids=["more was read behind it", "nothing came behind it", "a small one"])
async def test_a_batch_that_cannot_be_handled_is_offered_again_and_never_skipped(
    writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch, max_records: int
) -> None:
    await offered_again(writer, broker, monkeypatch, max_records)
    assert await committed(broker, writer) == 3 * len(KEYS)


async def test_a_broker_that_freezes_and_comes_back(
    writer: Toy, reader: Toy, mortal: Local, mortal_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "ANSWER_S", 3)
    relay = relay_of(writer, mortal_broker, request_timeout_s=0.5)
    await make_topics(mortal_broker, writer.tag)
    async with running(relay), hearing(reader, mortal_broker):
        await write(writer, 1)
        await complete(reader, 1)
        try:
            mortal.kill(BROKER, signal.SIGSTOP)
            await write(writer, 2)
            await eventually(lambda: not relay.active)
        finally:
            mortal.kill(BROKER, signal.SIGCONT)
        await write(writer, 3)
        await complete(reader, 1, 2, 3)


async def test_a_broker_that_is_killed_and_comes_back_empty(
    writer: Toy, reader: Toy, mortal: Local, mortal_broker: Broker
) -> None:
    await make_topics(mortal_broker, writer.tag)
    async with running(relay_of(writer, mortal_broker, request_timeout_s=1)), hearing(reader, mortal_broker):
        await write(writer, 1, 2)
        await complete(reader, 1, 2)
        mortal.kill(BROKER, restart=False)
        await write(writer, 3)
        await asyncio.to_thread(resume_empty, mortal)
        await write(writer, 4)
        await complete(reader, 1, 2, 3, 4)
        await write(writer, 5)
        await complete(reader, 1, 2, 3, 4, 5)


async def write(service: Toy, *values: int) -> None:
    await service.write(*[said for value in values for key in KEYS for said in service.says(key, value)])


async def test_a_relay_killed_between_send_and_delete(writer: Toy, reader: Toy, broker: Broker, tmp_path: Path) -> None:
    await write(writer, 1, 2)
    async with child(writer.dsn, tmp_path, "relay", broker.bootstrap, writer.tag) as dying:
        assert await ended(dying) == -signal.SIGKILL
    assert await writer.outbox() == 2 * len(KEYS)
    async with running(relay_of(writer, broker)), hearing(reader, broker):
        await complete(reader, 1, 2)

        async def all_deleted() -> bool:
            return await writer.outbox() == 0

        await eventually(all_deleted)
