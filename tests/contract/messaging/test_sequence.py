"""Effective once, in order per key, nothing dropped: on a real database, records handed in directly."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from shared.messaging import parking
from shared.messaging.model import Answer
from shared.messaging.pipeline import StopTheLine
from shared.messaging.wire import Raw
from tests.contract.messaging.toy import NAMES, NUMBERS, ORDERS, RECEIPTS, RIVAL, Name, Toy, number, order, raw, toy


@pytest.fixture
async def service(database: str, tmp_path: Path) -> AsyncIterator[Toy]:
    async with toy(database, tmp_path) as running:
        yield running


async def test_takes_effect_once_however_often_it_comes(service: Toy) -> None:
    records = [number("a", n, n) for n in range(1, 6)]
    await service.pipeline.handle(records + records)
    await service.pipeline.handle(records)
    assert await service.account("a") == (15, [1, 2, 3, 4, 5])
    assert [n for _, n, _ in await service.journal()] == [1, 2, 3, 4, 5]


async def test_any_order_and_any_batches_end_the_same(service: Toy) -> None:
    chance = random.Random(7)  # noqa: S311  a seeded shuffle
    records = [number(key, n, n * 10) for key in "abc" for n in range(1, 21)] * 2
    chance.shuffle(records)
    while records:
        size = chance.randint(1, 9)
        await service.pipeline.handle(records[:size])
        records = records[size:]
    for key in "abc":
        assert await service.account(key) == (2100, [n * 10 for n in range(1, 21)])
    assert await service.parked() == []


async def test_a_gap_parks_and_closes_in_order(service: Toy) -> None:
    await service.pipeline.handle([number("a", 1, 1), number("a", 3, 3), number("a", 4, 4), number("b", 1, 7)])
    assert await service.account("a") == (1, [1])
    assert await service.account("b") == (7, [7])
    assert await service.parked() == [("a", 3, "gap", "gap"), ("a", 4, "gap", "gap")]
    await service.pipeline.handle([number("a", 2, 2)])
    assert await service.account("a") == (10, [1, 2, 3, 4])
    assert await service.parked() == []


async def test_a_failing_decision_parks_alone_and_its_key_queues_behind(service: Toy) -> None:
    await service.pipeline.handle([number("a", 1, 1), number("a", 2, 13), number("b", 1, 5), number("a", 3, 3)])
    await service.pipeline.handle([number("a", 4, 4), number("b", 2, 5)])
    assert await service.account("a") == (1, [1])
    assert await service.account("b") == (10, [5, 5])
    assert await service.parked() == [
        ("a", 2, "failed", "ValueError"),
        ("a", 3, "behind", "behind"),
        ("a", 4, "behind", "behind"),
    ]


async def test_retry_keeps_a_failure_that_still_fails_and_drop_restores_the_order(service: Toy) -> None:
    await service.pipeline.handle([number("a", 1, 1), number("a", 2, 13), number("a", 3, 3), number("a", 4, 4)])
    head = await service.pool.fetchval("select id from parked where n = 2")
    async with service.pool.acquire() as connection:
        assert await parking.retry(connection, head)
    await service.pipeline.resume()
    assert await service.account("a") == (1, [1])
    assert (await service.parked())[0] == ("a", 2, "failed", "ValueError")
    async with service.pool.acquire() as connection, connection.transaction():
        assert await parking.drop(connection, head, "operator", "agreed with the writer")
    await service.pipeline.resume()
    assert await service.account("a") == (8, [1, 3, 4])
    assert await service.progress("a") == 4
    assert await service.pool.fetchval("select why from dropped") == "agreed with the writer"


async def test_a_failing_statement_parks_the_culprit_only(service: Toy) -> None:
    records = [
        number("a", 1, 1),
        number("b", 1, 600),
        number("b", 2, 66),
        number("b", 3, 0),
        number("c", 1, 3),
        number("a", 2, 2),
    ]
    await service.pipeline.handle(records)
    assert await service.account("a") == (3, [1, 2])
    assert await service.account("b") == (600, [600])
    assert await service.account("c") == (3, [3])
    assert await service.parked() == [("b", 2, "failed", "CheckViolationError"), ("b", 3, "behind", "behind")]


async def test_an_outside_message_whose_statement_fails_parks_and_its_sender_is_told_so(service: Toy) -> None:
    answers = await service.pipeline.handle([order("a", 5), order("b", 666), order("c", 7)])
    assert [answer.answer for answer in answers if answer] == [Answer.ACCEPTED, Answer.PARKED, Answer.ACCEPTED]
    assert await service.account("b") == (0, [])
    assert [reason for _, _, reason, _ in await service.parked()] == ["failed"]
    told = await service.pool.fetch("select answer from inbound order by answer")
    assert [row["answer"] for row in told] == ["accepted", "accepted", "parked"]


POISON = {
    "not JSON": lambda n: raw(NUMBERS, "a", n, b"{nonsense"),
    "wrong schema": lambda n: raw(NUMBERS, "a", n, b'{"value": "many"}'),
    "U+0000": lambda n: number("a", n, 1, text="nul \0 here"),
    "tombstone": lambda n: raw(NUMBERS, "a", n, None),
    "another's name": lambda n: _with_header(number("a", n, 1), "ce_source", b"urn:test:somebody"),
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
@pytest.mark.parametrize("place", [0, 1, 3], ids=["first", "middle", "last"])
async def test_poison_with_a_place_in_line_holds_its_key_and_no_other(service: Toy, poison: object, place: int) -> None:
    assert callable(poison)
    records = [number("a", n, n) if n != place + 1 else poison(n) for n in range(1, 5)]
    await service.pipeline.handle([number("b", 1, 1), *records, number("b", 2, 1)])
    assert await service.account("b") == (2, [1, 1])
    assert (await service.account("a"))[1] == list(range(1, place + 1))
    assert [(n, reason) for _, n, reason, _ in await service.parked()] == [
        (n, "failed" if n == place + 1 else "behind") for n in range(place + 1, 5)
    ]


@pytest.mark.parametrize("value", [None, b"\xff\xfe", b"no uuid"], ids=["none", "not UTF-8", "no UUID"])
async def test_headers_that_cannot_be_read_park_in_place_or_alone(service: Toy, value: bytes | None) -> None:
    in_place = _with_header(number("a", 1, 1), "ce_id", value)
    alone = _with_header(number("a", 2, 1), "ce_keysequence", value)
    await service.pipeline.handle([in_place, alone, number("b", 1, 1), in_place, alone])
    assert await service.account("b") == (1, [1])
    assert await service.parked() == [("a", 1, "failed", "missing_header"), ("a", None, "failed", "missing_header")]


async def test_headers_that_do_not_concern_us_do_not_matter(service: Toy) -> None:
    record = number("b", 1, 1)
    for name, value in (("x-anything", None), ("x-other", b"\xff"), ("traceparent", b"\xff"), ("content-type", None)):
        record = _with_header(record, name, value)
    await service.pipeline.handle([record])
    assert await service.account("b") == (1, [1])


async def test_an_unknown_type_moves_on(service: Toy) -> None:
    await service.pipeline.handle([raw(NUMBERS, "a", 1, b"{}", kind="news"), number("a", 2, 2)])
    assert await service.account("a") == (2, [2])
    assert await service.progress("a") == 2


async def test_a_register_takes_the_newest_and_a_tombstone(service: Toy) -> None:
    await service.pipeline.handle([raw(NAMES, "a", 5, Name(name="five")), raw(NAMES, "a", 3, Name(name="three"))])
    assert await service.pool.fetchval("select name from accounts where id = 'a'") == "five"
    await service.pipeline.handle([raw(NAMES, "a", 9, None, kind="name")])
    assert await service.pool.fetchval("select name from accounts where id = 'a'") is None
    assert await service.progress("a", NAMES) == 9


async def test_a_register_moves_past_a_failure(service: Toy) -> None:
    await service.pipeline.handle([raw(NAMES, "a", 1, b"{nonsense", kind="name")])
    assert [row[:3] for row in await service.parked()] == [("a", 1, "failed")]
    await service.pipeline.handle([raw(NAMES, "a", 2, Name(name="two"))])
    assert await service.parked() == []


async def test_a_message_twice_in_one_batch_is_accepted_before_it_is_a_duplicate(service: Toy) -> None:
    """Its sender reads the answers in their order, and the first one is the answer."""
    twice = order("a", 5)
    await service.pipeline.handle([twice, twice, order("a", 13)])
    receipts = [(key, json.loads(data or "")["answer"]) for key, _, data in await service.journal(RECEIPTS)]
    assert [answer for key, answer in receipts if key == (twice.key or b"").decode()] == [Answer.ACCEPTED, Answer.DUPLICATE]


async def test_outside_messages_are_answered_once_each(service: Toy) -> None:
    message_id = uuid4()
    first, other = order("a", 5, message_id), order("a", 6, message_id)
    answers = await service.pipeline.handle([first, first, other, order("a", -1), order("a", 13), order("b", 2)])
    assert [answer.answer for answer in answers if answer] == [
        Answer.ACCEPTED, Answer.DUPLICATE, Answer.REJECTED, Answer.REJECTED, Answer.PARKED, Answer.ACCEPTED,
    ]  # fmt: skip
    again = await service.pipeline.handle([first, other])
    assert [(answer.answer, answer.rule) for answer in again if answer] == [
        (Answer.DUPLICATE, None),
        (Answer.REJECTED, "id_reused"),
    ]
    assert await service.account("a") == (5, [5])
    assert len(await service.journal("receipts.shop")) == 8
    refused = await service.pool.fetchval("select count(*) from inbound where answer = 'rejected' and refused_value is not null")
    assert refused == 1


async def test_a_parked_outside_message_can_be_put_back(service: Toy) -> None:
    await service.pipeline.handle([order("a", 13), raw(ORDERS, str(uuid4()), None, b"{nonsense", kind="order")])
    parked = await service.pool.fetch("select id, rule from parked order by id")
    assert sorted(row["rule"] for row in parked) == ["ValueError", "not_json"]
    async with service.pool.acquire() as connection:
        for row in parked:
            assert await parking.retry(connection, row["id"])
    assert await service.pipeline.resume() == 2
    assert len(await service.parked()) == 2


async def test_the_line_stops_when_too_much_fails(database: str, tmp_path: Path) -> None:
    async with toy(database, tmp_path, stop_at=5) as service:
        with pytest.raises(StopTheLine):
            await service.pipeline.handle([number(str(key), 1, 13) for key in range(5)] + [number("good", 1, 1)])
        assert await service.parked() == []
        assert await service.progress("good") == 0


async def test_the_line_stops_when_no_outside_message_can_be_decided(database: str, tmp_path: Path) -> None:
    async with toy(database, tmp_path, stop_at=5) as service:
        with pytest.raises(StopTheLine):
            await service.pipeline.handle([order(f"o{n}", 13) for n in range(4)] + [order("r", 13, shop=RIVAL)])
        assert await service.parked() == []
        await service.pipeline.handle([order("good", 1)])
        assert await service.account("good") == (1, [1])


async def test_the_line_stops_over_several_batches_and_when_statements_fail(database: str, tmp_path: Path) -> None:
    async with toy(database, tmp_path, stop_at=5) as service:
        await service.pipeline.handle([order(f"o{n}", 666) for n in range(3)])
        await service.pipeline.handle([order("r", 666, shop=RIVAL)])
        with pytest.raises(StopTheLine):
            await service.pipeline.handle([order("o", 666)])
        assert len(await service.parked()) == 4


async def test_one_strangers_messages_never_stop_the_line(database: str, tmp_path: Path) -> None:
    async with toy(database, tmp_path, stop_at=5) as service:
        await service.pipeline.handle([order(f"o{n}", 13) for n in range(9)] + [order("good", 1, shop=RIVAL)])
        assert await service.account("good") == (1, [1])
        assert len(await service.parked()) == 9


async def test_statements_do_not_grow_with_the_batch(service: Toy) -> None:
    counts: list[int] = []
    for size in (5, 10, 400):
        seen: list[int] = []
        real = service.pipeline.metrics.batch
        service.pipeline.metrics.batch = lambda _r, statements, _s, seen=seen: seen.append(statements)  # type: ignore[method-assign, misc]  # a listener in its place
        await service.pipeline.handle(
            [number(f"{size}-{n % 50}", n // 50 + 1, 1) for n in range(size)] + [order("o", 1) for _ in range(size)]
        )
        service.pipeline.metrics.batch = real  # type: ignore[method-assign]  # put back
        counts += seen
    warm_up, small, large = counts
    assert warm_up >= small == large <= 14
    assert await service.pool.fetchval("select count(*) from journal") == await service.pool.fetchval(
        "select count(*) from outbox"
    )


def _with_header(record: Raw, name: str, value: bytes | None) -> Raw:
    return Raw(record.topic, record.key, record.value, (*((n, v) for n, v in record.headers if n != name), (name, value)))
