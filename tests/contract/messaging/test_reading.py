"""Topics read to their end, and a restored service that reads again what it has not heard."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import TopicPartition

from deploy.cli.recover import bring_service_back
from deploy.cli.target import Target
from deploy.local.ports import free_port
from deploy.local.system import MUENSTER
from shared.city import load_city
from shared.messaging import reading, rereading
from shared.messaging.journal import Entry
from shared.messaging.model import Said, Tx
from shared.messaging.reading import TopicMissing, every_record, to_the_end
from shared.messaging.recovery import (
    CONTENT_GONE,
    Imported,
    ask_to_read_again,
    bring_back,
    came_back,
    done,
    left_to_say,
    unanswered,
)
from shared.messaging.rereading import read_again
from shared.messaging.wire import Raw
from tests.contract.messaging.brokers import PARTITIONS, Broker, make_topics, produce
from tests.contract.messaging.toy import NUMBERS, ORDERS, RECEIPTS, SUMS, Sum, Toy, number, order

KEYS = [f"k{n}" for n in range(20)]


async def test_every_record_of_every_partition_the_broker_has(writer: Toy, broker: Broker) -> None:
    await make_topics(broker, writer.tag)
    await produce(broker, writer.tag, [number(key, n, 1) for key in KEYS for n in (1, 2, 3)])
    found = [one async for records in every_record(broker.clients(), [NUMBERS + writer.tag]) for one in records]
    assert sorted((one.key.decode(), dict(one.headers)["ce_keysequence"]) for one in found) == sorted(
        (key, str(n).encode()) for key in KEYS for n in (1, 2, 3)
    )
    assert {one.partition for one in found} == set(range(PARTITIONS))


async def test_a_topic_that_the_broker_does_not_have_is_named(broker: Broker) -> None:
    with pytest.raises(TopicMissing, match=r"not\.there"):
        await anext(every_record(broker.clients(), ["not.there"]))


PLACE = TopicPartition("t", 0)


class Silent:
    """A broker that was there and answers nothing any more."""

    def assign(self, _: Sequence[TopicPartition]) -> None: ...

    def seek(self, _: TopicPartition, __: int) -> None: ...

    async def getmany(self, *_: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        assert timeout_ms
        await asyncio.sleep(0)
        return {}

    async def position(self, _: TopicPartition) -> int:
        return 0

    def highwater(self, _: TopicPartition) -> int | None:
        return None

    def last_poll_timestamp(self, _: TopicPartition) -> int | None:
        return None


class Slow(Silent):
    """As the embedded broker: its end is the start of its newest batch, its mark counts a record too many; and it is late."""

    def __init__(self, *answers: list[Any]) -> None:
        self._answers, self._asked, self._given = list(answers), 0, 0

    async def getmany(self, *_: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        assert timeout_ms
        await asyncio.sleep(0)
        self._asked += 1
        if self._asked == 1:
            return {}
        records = self._answers.pop(0) if self._answers else []
        self._given += len(records)
        return {PLACE: records} if records else {}

    async def position(self, _: TopicPartition) -> int:
        return self._given

    def highwater(self, _: TopicPartition) -> int | None:
        return 9 if self._asked > 1 else None

    def last_poll_timestamp(self, _: TopicPartition) -> int | None:
        return self._asked if self._asked > 1 else None


async def test_a_partition_whose_first_answer_is_late_is_read_all_the_same() -> None:
    slow = Slow(["a", "b"], ["c"])
    async with asyncio.timeout(10):
        assert [records async for records in to_the_end(slow, {PLACE: 0}, {PLACE: 0}, 5)] == [["a", "b"], ["c"]]


async def test_a_broker_that_stops_answering_is_given_up() -> None:
    async with asyncio.timeout(10):
        with pytest.raises(TimeoutError):
            await anext(to_the_end(Silent(), {PLACE: 0}, {PLACE: 1}, 0.1))


async def test_a_broker_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ANSWER_S", 0.5)

    async def mute(heard: asyncio.StreamReader, said: asyncio.StreamWriter) -> None:
        await heard.read()
        said.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server, asyncio.timeout(10):
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(TimeoutError):
            await anext(every_record({"bootstrap_servers": [f"127.0.0.1:{port}"]}, ["t"]))


async def again(toy: Toy, broker: Broker) -> None:
    await ask_to_read_again(toy.pool)  # type: ignore[arg-type]  # a pool executes as a connection does
    await read_again(toy.pool, toy.pipeline, broker.clients(), [NUMBERS + toy.tag, ORDERS + toy.tag])


async def test_what_a_lagging_reader_never_read_is_read_again_whatever_clocks_say(writer: Toy, broker: Broker) -> None:
    heard, late = order("k", 10), order("k", 20)
    erased = order("k", 30)
    await make_topics(broker, writer.tag)
    await produce(broker, writer.tag, [number("k", 1, 1), number("k", 2, 2), heard, erased, late])
    await writer.pipeline.handle([tagged(one, writer.tag) for one in (number("k", 1, 1), heard, erased)])
    await writer.pool.execute("delete from inbound where id = any($1::uuid[])", [event_id(erased)])
    await writer.pool.execute("insert into ticks (job, clock_date, ran_at) values ('j', now(), now() + interval '1 year')")
    await again(writer, broker)
    assert sorted((await writer.account("k"))[1]) == [1, 2, 10, 20, 30]
    assert await writer.parked() == []
    assert len(await writer.journal(RECEIPTS)) == 3
    await again(writer, broker)
    assert sorted((await writer.account("k"))[1]) == [1, 2, 10, 20, 30]
    assert len(await writer.journal(RECEIPTS)) == 3


def tagged(raw: Raw, tag: str) -> Raw:
    return Raw(raw.topic + tag, raw.key, raw.value, raw.headers)


def event_id(raw: Raw) -> str:
    return (dict(raw.headers)["ce_id"] or b"").decode()


async def test_a_reading_that_failed_begins_again(writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    await make_topics(broker, writer.tag)
    await produce(broker, writer.tag, [number("k", 1, 1), number("k", 2, 2)])
    with monkeypatch.context() as broken:
        broken.setattr(rereading, "every_record", lambda *_: every_record(broker.clients(), ["not.there"]))
        with pytest.raises(TopicMissing):
            await again(writer, broker)
    await read_again(writer.pool, writer.pipeline, broker.clients(), [NUMBERS + writer.tag])
    assert await writer.account("k") == (3, [1, 2])


NOW = datetime(2026, 11, 23, tzinfo=UTC)


def back(key: str, n: int, cause: UUID | None = None, topic: str = SUMS) -> Imported:
    return Imported(topic, key, n, uuid4(), Sum.TYPE, NOW, "{}", cause or uuid4(), None)


async def test_the_report_is_the_same_after_the_service_was_led_there_again(writer: Toy) -> None:
    async with writer.pool.acquire() as connection:
        await ask_to_read_again(connection)
        await bring_back(connection, [back("a", 1), back("a", 2), back("b", 1)], {(SUMS, "b", 1): "look"})
        before = await came_back(connection)
        assert [(*line[:3], line[5]) for line in before] == [(SUMS, "a", 1, ""), (SUMS, "a", 2, ""), (SUMS, "b", 1, "look")]
        said = [Entry(Said(SUMS, "a", Sum(total=1, seen=1)), None, None)] * 3
        assert len(await left_to_say(connection, said, [])) == 1
        assert len(await left_to_say(connection, said, [])) == 3
        assert await came_back(connection) == before


async def test_a_batch_asks_only_for_what_it_says(writer: Toy) -> None:
    fetched = 0

    async with writer.pool.acquire() as connection:
        await ask_to_read_again(connection)
        await bring_back(connection, [back(f"k{n}", 1) for n in range(500)], {})

        async def fetch(*args: Any) -> Any:  # noqa: ANN401  handed on
            nonlocal fetched
            rows = await connection.fetch(*args)
            fetched += len(rows)
            return rows

        counted: Tx = SimpleNamespace(fetch=fetch, execute=connection.execute)  # type: ignore[assignment]  # all that is asked
        assert await left_to_say(counted, [Entry(Said(SUMS, "k7", Sum(total=1, seen=1)), None, None)], []) == []
    assert fetched == 1


async def test_a_message_never_answered_is_not_taken_for_one_told_before(writer: Toy) -> None:
    """The shop wrote while the service was down; what had been told of its account came of an order that is read after it."""
    never, answered = order("k", 10), order("k", 30)
    cause = UUID(event_id(answered))
    sums = SUMS + writer.tag
    async with writer.pool.acquire() as connection:
        await ask_to_read_again(connection)
        await bring_back(connection, [back("k", 1, cause, sums), back(str(cause), 1, cause, RECEIPTS)], {})
    writer.pipeline.recovering = True
    await writer.pipeline.handle([tagged(never, writer.tag), tagged(answered, writer.tag)])
    assert await writer.account("k") == (40, [10, 30])
    assert await writer.journal(sums) == [("k", 1, "{}"), ("k", 2, '{"total":10,"seen":1}')]
    assert await writer.pool.fetchval("select again_at is not null from recovered where topic = $1", sums)


async def test_what_a_lost_message_had_caused_swallows_nothing_new(writer: Toy) -> None:
    said = [Entry(Said(SUMS, "k", Sum(total=1, seen=1)), uuid4(), None)]
    async with writer.pool.acquire() as connection:
        await ask_to_read_again(connection)
        await bring_back(connection, [back("k", 1), back("k", 2)], {(SUMS, "k", 1): CONTENT_GONE})
        assert await left_to_say(connection, said, []) == []
        assert await left_to_say(connection, said, []) == said
        assert await connection.fetchval("select array_agg(n) from recovered where again_at is null") == [1]


async def test_what_an_earlier_recovery_left_over_takes_no_part_in_the_next(writer: Toy) -> None:
    said = [Entry(Said(SUMS, "k", Sum(total=1, seen=1)), uuid4(), None)]
    receipt = RECEIPTS, str(uuid4())
    async with writer.pool.acquire() as connection:
        await ask_to_read_again(connection)
        await bring_back(connection, [back("k", 1), back(receipt[1], 1, topic=RECEIPTS)], {})
        await ask_to_read_again(connection)  # the command was repeated before the service started
        assert await unanswered(connection, [receipt]) == [True]
        await done(connection)
        await ask_to_read_again(connection)
        assert await unanswered(connection, [receipt]) == [False]
        assert await left_to_say(connection, said, []) == said


async def test_a_broker_that_is_away_is_said_in_a_sentence(writer: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    target = Target({"intake": writer.dsn}, f"127.0.0.1:{free_port()}", {}, None)
    with pytest.raises(SystemExit):
        await bring_service_back(target, "intake", load_city(MUENSTER))
    assert "Nothing has happened" in capsys.readouterr().err
    assert await writer.pool.fetchval("select count(*) from recoveries") == 0


async def test_the_release_before_can_still_write_what_came_back(writer: Toy) -> None:
    await writer.pool.execute("insert into recovered (topic, key, n, causation_id) values ('t', 'k', 1, null)")
    assert await writer.pool.fetchval("select type from recovered") == ""
