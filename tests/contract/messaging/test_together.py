"""Two processes of one service, over Kafka and HTTP at once: two pipelines, each with connections of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from shared.messaging import parking, pipeline
from shared.messaging.model import Answer, Decision, Heard, Tx
from shared.messaging.wire import Raw
from tests.contract.messaging.toy import NAMES, NUMBERS, ORDERS, Accounts, Ledger, Order, Toy, number, order, raw, toy
from tests.waiting import eventually


@pytest.fixture
async def service(database: str, tmp_path: Path) -> AsyncIterator[Toy]:
    async with toy(database, tmp_path) as running:
        yield running


class Meeting(Ledger):
    """Both processes are in the middle of their batches before either goes on, if nothing keeps the second one out."""

    def __init__(self, service: Toy) -> None:
        super().__init__()
        self._service = service
        self.inside = 0

    async def load(self, tx: Tx, heard: Sequence[Heard], now: datetime) -> Accounts:
        self.inside += 1

        async def other_inside_or_waiting() -> bool:
            return self.inside > 1 or await self._service.somebody_waits()

        await eventually(other_inside_or_waiting)
        return await super().load(tx, heard, now)


async def handle_twice(service: Toy, records: Sequence[Raw]) -> list[list[Decision | None]]:
    """The same records in two processes at the same instant."""
    room = Meeting(service)
    both = [replace(service.pipeline, room=room) for _ in range(2)]
    return list(await asyncio.gather(*(each.handle(records) for each in both)))


async def test_two_processes_with_the_same_records_let_them_take_effect_once(service: Toy) -> None:
    await service.pipeline.handle([number("a", 1, 1)])
    await handle_twice(service, [number("a", n, n) for n in range(2, 6)])
    assert await service.account("a") == (15, [1, 2, 3, 4, 5])
    assert await service.progress("a") == 5


async def test_the_same_outside_message_over_two_ways_is_claimed_once(service: Toy) -> None:
    answers = await handle_twice(service, [order("a", 5, uuid4())])
    assert sorted(decision.answer for each in answers for decision in each if decision) == [Answer.ACCEPTED, Answer.DUPLICATE]
    assert await service.account("a") == (5, [5])


async def test_a_message_put_back_runs_once_in_two_processes(service: Toy) -> None:
    await service.pipeline.handle([order("a", 13)])
    parked = await service.pool.fetchval("select id from parked")
    async with service.pool.acquire() as connection:
        await parking.retry(connection, parked)
    room = Mended(service)
    both = [replace(service.pipeline, room=room) for _ in range(2)]
    await asyncio.gather(*(each.resume() for each in both))
    assert await service.account("a") == (12, [12])
    assert await service.parked() == []


class Mended(Meeting):
    """Somebody mended the rule: thirteen counts as twelve."""

    def decide(self, state: Accounts, heard: Heard) -> Decision:
        if isinstance(heard.data, Order) and heard.data.value == 13:
            heard = replace(heard, data=heard.data.model_copy(update={"value": 12}))
        return super().decide(state, heard)


class Clashing(Ledger):
    """The first tries meet another transaction."""

    def __init__(self, error: type[asyncpg.PostgresError]) -> None:
        super().__init__()
        self._errors = [error("clash"), error("clash")]

    async def save(self, tx: Tx, state: Accounts) -> None:
        if self._errors:
            raise self._errors.pop()
        await super().save(tx, state)


@pytest.mark.parametrize(
    "error",
    [asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.TooManyConnectionsError, asyncpg.AdminShutdownError],
)
async def test_transactions_that_met_are_tried_again_and_never_park(service: Toy, error: type[asyncpg.PostgresError]) -> None:
    clashing = replace(service.pipeline, room=Clashing(error))
    for _ in range(2):
        with pytest.raises(error):
            await clashing.handle([number("a", 1, 1)])
    assert await service.parked() == []
    await clashing.handle([number("a", 1, 1)])
    assert await service.account("a") == (1, [1])


async def test_a_real_deadlock_parks_nothing(service: Toy) -> None:
    """One batch and another transaction take the same rows crosswise; the database refuses one of them."""
    await service.pipeline.handle([number("a", 1, 1), number("b", 1, 1)])
    records = [number("a", 2, 1), number("b", 2, 1)]
    other = await asyncpg.connect(service.dsn)
    try:
        transaction = other.transaction()
        await transaction.start()
        await other.execute("update accounts set total = total where id = 'b'")
        batch = asyncio.create_task(service.pipeline.handle(records))
        await eventually(service.somebody_waits)
        try:
            await other.execute("update progress set last = last where key = 'a'")
            await transaction.commit()
        except asyncpg.DeadlockDetectedError:
            await transaction.rollback()
            await batch
        else:
            with pytest.raises(asyncpg.DeadlockDetectedError):
                await batch
            await service.pipeline.handle(records)
    finally:
        await other.close()
    assert await service.parked() == []
    assert await service.account("a") == await service.account("b") == (2, [1, 1])


async def test_a_value_the_driver_refuses_parks_its_event_and_no_other(service: Toy) -> None:
    """It never reaches the database, so waiting cannot help."""
    await service.pipeline.handle([number("a", 1, 2**70), number("b", 1, 1), number("a", 2, 1)])
    assert await service.account("b") == (1, [1])
    assert [row[:3] for row in await service.parked()] == [("a", 1, "failed"), ("a", 2, "behind")]


async def test_a_failing_statement_in_the_middle_of_what_was_parked_fails_its_own_event(service: Toy) -> None:
    """After the drop of the head the rest runs in one go; the culprit among them is found."""
    await service.pipeline.handle([number("a", 1, 13), number("a", 2, 600), number("a", 3, 66), number("a", 4, 0)])
    async with service.pool.acquire() as connection, connection.transaction():
        head = await connection.fetchval("select id from parked where n = 1")
        assert await parking.drop(connection, head, "operator", "agreed")
    await service.pipeline.resume()
    assert await service.account("a") == (600, [600])
    assert await service.parked() == [("a", 3, "failed", "CheckViolationError"), ("a", 4, "behind", "behind")]


async def test_the_line_stops_when_too_many_statements_fail(database: str, tmp_path: Path) -> None:
    async with toy(database, tmp_path, stop_at=5) as service:
        with pytest.raises(pipeline.StopTheLine):
            await service.pipeline.handle([number(str(key), 1, 666) for key in range(5)] + [number("good", 1, 1)])
        assert await service.parked() == []


async def test_a_register_record_put_back_runs_though_others_never_came(service: Toy) -> None:
    await service.pipeline.handle([raw(NAMES, "a", 5, b"{nonsense", kind="name")])
    parked = await service.pool.fetchval("update parked set record_value = $1 returning id", b'{"name": "five"}')
    async with service.pool.acquire() as connection:
        assert await parking.retry(connection, parked)
    assert await service.pipeline.resume() == 1
    assert await service.pool.fetchval("select name from accounts where id = 'a'") == "five"


async def test_a_gap_alarms_after_its_time_and_not_while_the_head_waits_for_a_person(service: Toy) -> None:
    async def alarms(older_than_s: float) -> int:
        async with service.pool.acquire() as connection:
            return await parking.gaps(connection, older_than_s)

    await service.pipeline.handle([number("gap", 2, 1), number("gap", 3, 1), number("failed", 1, 13), number("failed", 2, 1)])
    assert await alarms(60) == 0
    assert await alarms(0) == 1
    await service.pool.execute("update parked set parked_at = parked_at - interval '61 s'")
    assert await alarms(60) == 1
    await service.pipeline.handle([number("gap", 1, 1)])
    assert await alarms(60) == 0


async def test_a_gap_behind_a_dropped_failure_alarms_too(service: Toy) -> None:
    await service.pipeline.handle([number("a", 1, 13), number("a", 2, 2), number("a", 4, 4)])
    async with service.pool.acquire() as connection:
        async with connection.transaction():
            head = await connection.fetchval("select id from parked where n = 1")
            behind = await connection.fetchval("select id from parked where n = 4")
            assert not await parking.drop(connection, behind, "operator", "not the first of its key")
            assert await parking.drop(connection, head, "operator", "agreed")
        await service.pipeline.resume()
        assert await service.account("a") == (2, [2])
        assert await parking.gaps(connection, 0) == 1


async def test_an_unknown_type_is_counted(service: Toy) -> None:
    await service.pipeline.handle([raw(NUMBERS, "a", 1, b"{}", kind="news"), number("a", 2, 2)])
    assert service.handled("unknown", "unknown_type") == 1
    assert service.handled("number", "effective") == 1


async def test_the_same_poison_twice_in_a_batch_needs_no_second_try(service: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    async def apart(*_: object) -> None:
        raise AssertionError("the batch was taken apart")

    monkeypatch.setattr(pipeline.Pipeline, "_one_by_one", apart)
    nameless = raw(ORDERS, "a", None, b"{nonsense", kind="order")
    nameless = replace(nameless, headers=tuple((n, v) for n, v in nameless.headers if n != "ce_id"))
    await service.pipeline.handle([nameless, number("a", 1, 1), nameless])
    assert len(await service.parked()) == 1
    assert await service.account("a") == (1, [1])
