"""Each promise rests on a mechanism: with it switched off, the promise's own test fails."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import TopicPartition

from deploy.local.supervisor import Local
from shared.messaging import consumer, inbound, journal, memory, parking, pipeline, relay
from shared.messaging.fetching import CarefulConsumer
from shared.messaging.model import Tx
from shared.messaging.pipeline import Pipeline
from shared.messaging.sequence import Line, Task
from tests.contract.messaging import test_relay, test_sequence, test_together, test_writers
from tests.contract.messaging.brokers import Broker
from tests.contract.messaging.toy import Toy, toy
from tests.fault.messaging import test_consumers

BROKEN = (AssertionError, asyncpg.PostgresError, TimeoutError, pytest.fail.Exception)


@pytest.fixture
async def service(database: str, tmp_path: Path) -> AsyncIterator[Toy]:
    async with toy(database, tmp_path) as running:
        yield running


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_relay, "PATIENCE_S", 4.0)
    monkeypatch.setattr(test_consumers, "PATIENCE_S", 5.0)


def no_progress(patch: pytest.MonkeyPatch) -> None:
    """What was read before is taken for new."""

    def offer(self: Line, task: Task) -> bool:
        self.last = min(self.last, task.n - 1)
        self.waiting[task.n] = task
        return True

    patch.setattr(Line, "offer", offer)


def no_order(patch: pytest.MonkeyPatch) -> None:
    """What comes takes effect, whether its turn or not."""

    def ready(self: Line) -> Iterator[Task]:
        while self.waiting:
            yield self.waiting[min(self.waiting)]

    patch.setattr(Line, "ready", ready)


def no_parking_behind(patch: pytest.MonkeyPatch) -> None:
    """A failure does not hold up what follows it."""

    def fails(self: Line, task: Task, *_: object) -> None:
        self.took_effect(task)

    patch.setattr(Line, "fails", fails)


def no_savepoints(patch: pytest.MonkeyPatch) -> None:
    """A statement that fails takes its whole batch with it."""

    async def together(self: Pipeline[Any], tx: Tx, tasks: list[Task], keys: parking.Keys) -> list[Any]:
        return [await self._effects(tx, tasks, keys, failing="together")]

    patch.setattr(Pipeline, "_one_by_one", together)


def no_stepping(patch: pytest.MonkeyPatch) -> None:
    """What was parked behind a failure runs again only as a whole."""
    real = Pipeline._effects

    async def whole(self: Pipeline[Any], tx: Tx, tasks: list[Task], keys: parking.Keys, **how: Any) -> Any:  # noqa: ANN401  handed on
        return await real(self, tx, tasks, keys, **(how | {"one": False}))

    patch.setattr(Pipeline, "_effects", whole)


def no_register_rule(patch: pytest.MonkeyPatch) -> None:
    """A register waits for every record like any other topic."""
    real = Line.__post_init__

    def as_sequence(self: Line) -> None:
        self.register = False
        real(self)

    patch.setattr(Line, "__post_init__", as_sequence)


IN_SEQUENCE: list[tuple[Callable[[pytest.MonkeyPatch], None], Callable[[Toy], Any]]] = [
    (no_progress, test_sequence.test_takes_effect_once_however_often_it_comes),
    (no_order, test_sequence.test_any_order_and_any_batches_end_the_same),
    (no_order, test_sequence.test_a_gap_parks_and_closes_in_order),
    (no_parking_behind, test_sequence.test_a_failing_decision_parks_alone_and_its_key_queues_behind),
    (no_savepoints, test_sequence.test_a_failing_statement_parks_the_culprit_only),
    (no_stepping, test_together.test_a_failing_statement_in_the_middle_of_what_was_parked_fails_its_own_event),
    (no_register_rule, test_sequence.test_a_register_takes_the_newest_and_a_tombstone),
]


@pytest.mark.parametrize(("switch_off", "promise"), IN_SEQUENCE, ids=lambda it: it.__name__.removeprefix("test_"))
async def test_the_line(
    service: Toy, monkeypatch: pytest.MonkeyPatch, switch_off: Callable[[pytest.MonkeyPatch], None], promise: Callable[[Toy], Any]
) -> None:
    switch_off(monkeypatch)
    with pytest.raises(BROKEN):
        await promise(service)


async def test_the_limit_of_failures(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        """No limit."""

    monkeypatch.setattr(Pipeline, "_stop_at_limit", never)
    with pytest.raises(BROKEN):
        await test_sequence.test_the_line_stops_when_too_much_fails(database, tmp_path)


async def test_the_lock_of_a_stream(service: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count(1)

    async def append(tx: Tx, entries: Sequence[journal.Entry], now: datetime) -> None:
        for entry in entries:
            await tx.execute(
                "insert into journal (topic, key, n, event_id, type, time) values ($1, $2, $3, gen_random_uuid(), 'x', $4)",
                entry.said.topic,
                entry.said.key,
                next(numbers),
                now,
            )

    monkeypatch.setattr(journal, "append", append)
    with pytest.raises(AssertionError, match="before the first had committed"):
        await test_writers.test_the_second_writer_of_a_key_waits_for_the_first(service)


class WithoutRowLocks:
    """A connection that locks no rows."""

    def __init__(self, tx: Tx) -> None:
        self.execute = tx.execute
        self._tx = tx

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        return await self._tx.fetch(sql.replace("for update", ""), *args)


async def test_the_lock_of_progress(service: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    real = parking.lock_lines

    async def lock_lines(tx: Any, keys: parking.Keys, reader: Any) -> dict[tuple[str, str], Line]:  # noqa: ANN401  handed on
        return await real(WithoutRowLocks(tx), keys, reader)  # type: ignore[arg-type]  # as much of one as it needs

    monkeypatch.setattr(parking, "lock_lines", lock_lines)
    with pytest.raises(BROKEN):
        await test_together.test_two_processes_with_the_same_records_let_them_take_effect_once(service)


async def test_the_claim_of_an_outside_message(service: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    async def claim(*_: object) -> None:
        """Claim nothing."""

    monkeypatch.setattr(inbound, "claim", claim)
    with pytest.raises(BROKEN):
        await test_together.test_the_same_outside_message_over_two_ways_is_claimed_once(service)


async def test_the_lock_of_what_was_put_back(service: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    async def still_put_back(_: Tx, parked_ids: Sequence[int]) -> set[int]:
        return set(parked_ids)

    monkeypatch.setattr(parking, "still_put_back", still_put_back)
    with pytest.raises(BROKEN):
        await test_together.test_a_message_put_back_runs_once_in_two_processes(service)


async def test_the_list_of_transient_failures(service: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "transient", lambda _: False)
    with pytest.raises(BROKEN):
        await test_together.test_transactions_that_met_are_tried_again_and_never_park(service, asyncpg.DeadlockDetectedError)


async def test_deleting_only_what_was_acknowledged(
    writer: Toy, reader: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send_batch(self: relay.Relay, tx: Tx, producer: Any, rows: list[asyncpg.Record]) -> None:  # noqa: ANN401  handed on
        await tx.execute("delete from outbox where id = any($1)", [row["place"] for row in rows])
        await self._send(producer, rows)

    monkeypatch.setattr(relay.Relay, "_send_batch", send_batch)
    with pytest.raises(BROKEN):
        await test_relay.test_a_failed_send_starts_again_at_the_oldest_row(writer, reader, broker, monkeypatch)


async def test_progress_makes_a_repeated_send_harmless(
    writer: Toy, reader: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_progress(monkeypatch)
    with pytest.raises(BROKEN):
        await test_relay.test_what_was_sent_and_not_deleted_comes_again_and_takes_effect_once(writer, reader, broker, monkeypatch)


async def test_the_lock_of_the_relay(writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    real, locks = relay.Relay.run, itertools.count(1000)

    async def run(self: relay.Relay) -> None:
        relay.LOCK = next(locks)
        await real(self)

    monkeypatch.setattr(relay, "LOCK", relay.LOCK)
    monkeypatch.setattr(relay.Relay, "run", run)
    with pytest.raises(BROKEN):
        await test_relay.test_only_one_relay_sends_and_the_other_takes_over(writer, broker)


def ignore_published(patch: pytest.MonkeyPatch, *names: str) -> None:
    """What the broker acknowledged earlier is not looked at."""

    async def nothing(*_: object) -> None:
        """Look at nothing."""

    async def remember(tx: Tx, places: Collection[int], newest: Any) -> None:  # noqa: ANN401  handed on
        await tx.execute("delete from published")
        await memory.remember(tx, places, newest)

    for name in names:
        patch.setattr(relay, name, remember if name == "remember" else nothing)


async def test_the_memory_of_offsets(
    writer: Toy, reader: Toy, mortal: Local, mortal_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignore_published(monkeypatch, "remember", "compare_ends", "compare_records")
    with pytest.raises(BROKEN):
        await test_relay.test_an_idle_broker_that_comes_back_empty_is_noticed(writer, reader, mortal, mortal_broker)


async def test_the_memory_of_the_last_event(
    writer: Toy, reader: Toy, mortal: Local, mortal_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignore_published(monkeypatch, "compare_records")
    with pytest.raises(BROKEN):
        await test_relay.test_an_empty_broker_that_was_written_to_since_is_noticed_by_what_it_holds(
            writer, reader, mortal, mortal_broker
        )


async def test_the_look_at_what_lies_on_the_topics(writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    ignore_published(monkeypatch, "compare_records")
    with pytest.raises(BROKEN):
        await test_relay.test_a_restored_database_sends_nothing(writer, broker)


async def test_committing_offsets_after_the_transaction(writer: Toy, broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="committed before the end of their batch"):
        await test_consumers.crash_and_take_over(writer, broker, tmp_path, "acknowledged_first")


async def test_a_single_try_for_each_commit(writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    async def commit(self: CarefulConsumer, _: object, offsets: Mapping[TopicPartition, int]) -> None:
        await self.commit(offsets)

    monkeypatch.setattr(CarefulConsumer, "commit_under", commit)
    monkeypatch.setattr(consumer, "COMMIT_S", 1)
    with pytest.raises(BROKEN):
        await test_consumers.test_a_commit_is_not_tried_again_as_somebody_else(writer, broker, monkeypatch)


async def test_rewinding_a_batch_that_could_not_be_handled(writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "_rewind", lambda *_, **__: frozenset())
    with pytest.raises(BROKEN):
        await test_consumers.offered_again(writer, broker, monkeypatch)


async def test_rewinding_what_was_read_behind_it_no_further(writer: Toy, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    real = consumer._rewind
    monkeypatch.setattr(consumer, "_rewind", lambda members, under, records, **_: real(members, under, records))
    with pytest.raises(BROKEN):
        await test_consumers.offered_again(writer, broker, monkeypatch)
