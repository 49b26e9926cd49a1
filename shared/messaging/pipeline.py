"""From a batch of records to one transaction: effective once, in order per key, nothing dropped.

Locks are taken in one order: progress rows (sorted), claims of outside messages (sorted), what the room's `load` takes,
then the stream rows (sorted) as events are appended. Kafka, HTTP and the retry of parked records all end here.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic
from uuid import UUID

import asyncpg
import structlog
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind

from shared.messaging import inbound, parking
from shared.messaging.ids import deciding
from shared.messaging.journal import Entry, append
from shared.messaging.model import Answer, Decision, Heard, Rejected, Room, S, Said, Tx
from shared.messaging.recovery import left_to_say
from shared.messaging.sequence import Line, Task
from shared.messaging.wire import Raw, Reader, Unreadable
from shared.runtime.clock import Clock
from shared.runtime.metrics import Metrics, Outcome
from shared.runtime.telemetry import parent_context, traceparent, tracer, unrecorded

log = structlog.get_logger()

Receipt = Callable[[str, UUID, Decision], Said]
"""Makes the receipt for a message of this topic and id."""

About = Callable[[Heard | Said], Mapping[str, str]]
"""Span attributes that tell whom a message concerns, by ids alone."""

NEEDS_A_PERSON = "needs_a_person"

BY_KEYS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
}
"""Settings of the pipeline's connections: it asks for keys alone, so each statement is planned once, and by indexes.

Left to itself, PostgreSQL plans many of them anew each time, or keeps a plan that it made while a table was empty.
"""


def _about_nothing(_: Heard | Said) -> Mapping[str, str]:
    return {}


_TRANSIENT_STATES = ("40001", "40P01", "25006", "08", "57P", "53", "55P03", "0A000")


class StopTheLine(Exception):
    """So many events of our own fail that the fault is ours: stop rather than park the world."""


def transient(error: BaseException) -> bool:
    """Whether waiting can help: the database is away, overloaded, or two transactions met."""
    if isinstance(error, asyncpg.PostgresError):
        return str(getattr(error, "sqlstate", "")).startswith(_TRANSIENT_STATES)
    if isinstance(error, ValueError):  # asyncpg's word for a value that does not fit its column, an InterfaceError too
        return False
    return isinstance(error, (asyncpg.InterfaceError, OSError, TimeoutError))


@dataclass(slots=True)
class _Batch:
    """What a batch came to, before commit."""

    lines: dict[tuple[str, str], Line]
    entries: list[Entry] = field(default_factory=list)
    alone: list[tuple[Task, str, str | None, str]] = field(default_factory=list)
    answered: list[Task] = field(default_factory=list)
    released: list[int] = field(default_factory=list)
    failed: int = 0
    tried: list[str | None] = field(default_factory=list)
    """Outside messages in order: the topic of one that our own code failed on, None for one that it decided."""
    spans: list[Span] = field(default_factory=list)
    counts: dict[tuple[str, str | None, Outcome], int] = field(default_factory=dict)

    def count(self, task: Task, outcome: Outcome) -> None:
        what = task.raw.topic, getattr(task.read, "type", None), outcome
        self.counts[what] = self.counts.get(what, 0) + 1


@dataclass(slots=True)
class Pipeline(Generic[S]):
    """One service's way from records to effects.

    `stop_at`: failed events of our own topics at which the line stops. Outside messages stop it when so many in a row failed in
    our own code, of more than one sender: a release that cannot decide stops, a stranger's odd message does not stop others.
    `secret` keys the ids that decisions give out. While `recovering`, nothing is said that had been told before the database was
    lost.
    """

    service: str
    room: Room[S]
    reader: Reader
    pool: asyncpg.Pool[asyncpg.Record]
    clock: Clock
    metrics: Metrics
    receipt: Receipt
    committed: Callable[[], None]
    stop_at: int = 100
    about: About = _about_nothing
    secret: bytes = b""
    recovering: bool = False
    _failing: list[str] = field(default_factory=list)

    async def handle(self, raws: Sequence[Raw]) -> list[Decision | None]:
        """Take records in; as `take`."""
        return await self.take(self.read(raws))

    def read(self, raws: Sequence[Raw]) -> list[Task]:
        """Records made ready to be taken in, once: taking them in writes on them what became of each."""
        return [Task(raw, self.reader.read(raw)) for raw in raws]

    async def take(self, tasks: list[Task]) -> list[Decision | None]:
        """Let records take effect. Returns each outside message's decision, None for events of our own.

        Raises:
            StopTheLine: too many events fail; nothing of this batch took effect.
            Exception: only transient ones; nothing of this batch took effect, and it may be read and offered again.
        """
        return await self._commit(tasks, ())

    async def resume(self) -> int:
        """Run what was put back, or whose gap closed. Returns how many keys and messages were tried."""
        async with self.pool.acquire() as connection, connection.transaction():
            keys, alone = await parking.resumable(connection, self.reader)
        if keys or alone:
            await self._commit(alone, keys)
        return len(keys) + len(alone)

    async def _commit(self, tasks: list[Task], keys: parking.Keys) -> list[Decision | None]:
        started, statements = time.perf_counter(), 0

        def seen(_: object) -> None:
            nonlocal statements
            statements += 1

        async with self.pool.acquire() as connection:
            with connection.query_logger(seen):
                try:
                    async with connection.transaction():
                        batches = [await self._effects(connection, tasks, keys)]
                        await self._stop_at_limit(connection, batches)
                except Exception as error:
                    if transient(error) or isinstance(error, StopTheLine):
                        raise
                    log.warning("batch_apart", error=type(error).__name__, records=len(tasks))
                    async with connection.transaction():
                        batches = await self._one_by_one(connection, tasks, keys)
                        await self._stop_at_limit(connection, batches)
        self._failing = self._in_a_row(batches)
        self.committed()
        for batch in batches:
            for span in batch.spans:
                span.end()
            for (topic, event_type, outcome), count in batch.counts.items():
                self.metrics.handled(topic, event_type, outcome, count)
        self.metrics.batch(len(tasks), statements, time.perf_counter() - started)
        return [task.decision for task in tasks]

    async def _one_by_one(self, tx: Tx, tasks: list[Task], keys: parking.Keys) -> list[_Batch]:
        """A statement failed: run each record alone under a savepoint, so that only the culprit parks.

        The keys stay locked throughout: what fails is what was tried.
        """
        await parking.lock_lines(tx, self._keys_of(tasks, keys), self.reader)
        batches = []
        for task in tasks:
            task.decision = None
            batches.append(await self._alone(tx, [task], ()))
        for key in keys:
            moved = True
            while moved:
                batches.append(await self._alone(tx, [], (key,)))
                moved = batches[-1].lines[key].done != []
        return batches

    async def _alone(self, tx: Tx, tasks: list[Task], keys: parking.Keys) -> _Batch:
        """One record, or the next one of a key; where it fails, it parks."""
        try:
            async with tx.transaction():
                return await self._effects(tx, tasks, keys, one=True)
        except Exception as error:
            if transient(error):
                raise
            for task in tasks:
                task.decision = None  # what was decided did not last: its sender must not be told so
            return await self._effects(tx, tasks, keys, one=True, failing=_rule(error))

    def _keys_of(self, tasks: Sequence[Task], keys: parking.Keys) -> parking.Keys:
        return sorted({(task.raw.topic, str(task.read.key)) for task in tasks if self._in_line(task)} | set(keys))

    def _in_line(self, task: Task) -> bool:
        """Whether the record has a place in its key's sequence."""
        return task.read.n is not None and task.read.key is not None

    async def _effects(
        self, tx: Tx, tasks: list[Task], keys: parking.Keys, *, one: bool = False, failing: str | None = None
    ) -> _Batch:
        """All that a batch does, up to the commit.

        With `one` a key advances by one record at most; with `failing` that record fails with this rule.
        """
        now = self.clock.now()
        foreign = [task for task in tasks if self.reader.rules(task.raw.topic).foreign]
        own = [task for task in tasks if not self.reader.rules(task.raw.topic).foreign]
        in_line = [task for task in own if self._in_line(task)]
        batch = _Batch(await parking.lock_lines(tx, self._keys_of(in_line, keys), self.reader))
        for task in own:
            if not self._in_line(task):
                batch.alone.append((task, "failed", *_problem(task.read)))
                batch.count(task, Outcome.PARKED)
        to_answer, answered = await self._claim(tx, foreign, batch)
        state = None if failing else await self._load(tx, batch, in_line, to_answer)
        for task in to_answer:
            self._answer(state, task, batch, failing)
        batch.entries += answered  # after the answer that they repeat: it may have come in this batch
        for task in in_line:
            line = batch.lines[task.raw.topic, str(task.read.key)]
            if line.offer(task):
                self._advance(state, line, batch, failing, one=one)
            else:
                batch.count(task, Outcome.DUPLICATE)
        for key in keys:
            self._advance(state, batch.lines[key], batch, failing, one=one)
        if state is not None:
            await self.room.save(tx, state)
        if self.recovering:
            outside = [task.read.id for task in to_answer if task.read.id is not None]
            batch.entries = await left_to_say(tx, batch.entries, outside)
        await append(tx, batch.entries, now)
        batch.failed = await parking.save_lines(tx, batch.lines)
        await parking.park(tx, batch.alone)
        await parking.unpark(tx, batch.released)
        await inbound.answer(tx, batch.answered, self._owners(batch.answered))
        return batch

    async def _load(self, tx: Tx, batch: _Batch, in_line: list[Task], foreign: list[Task]) -> S | None:
        """What the room needs for all that may take effect: new events, parked ones that may follow, outside messages."""
        new = [task for task in in_line if task.n > batch.lines[task.raw.topic, str(task.read.key)].last]
        following = [task for line in batch.lines.values() for task in line.waiting.values()]
        heard = [task.read for task in (*new, *following, *foreign) if isinstance(task.read, Heard) and task.read.known]
        return await self.room.load(tx, heard, self.clock.now()) if heard else None

    async def _claim(self, tx: Tx, foreign: list[Task], batch: _Batch) -> tuple[list[Task], list[Entry]]:
        """Those outside messages that nobody has answered yet, and the receipts of the others."""
        put_back = await parking.still_put_back(tx, [task.parked_id for task in foreign if task.parked_id is not None])
        foreign = [task for task in foreign if task.parked_id is None or task.parked_id in put_back]
        fresh = [task for task in foreign if task.parked_id is None and task.read.id is not None]
        if fresh:
            await inbound.claim(tx, fresh, self._owners(fresh), self.clock.now())
        answered = []
        for task in foreign:
            if task.read.id is None:
                batch.alone.append((task, "failed", *_problem(task.read)))
                batch.count(task, Outcome.PARKED)
            elif task.decision is not None:
                batch.count(task, Outcome.DUPLICATE if task.decision.answer is Answer.DUPLICATE else Outcome.REJECTED)
                if not self.recovering:  # nobody has asked again
                    answered.append(Entry(self.receipt(task.raw.topic, task.read.id, task.decision), task.read.id, None))
        return [task for task in foreign if task.decision is None and task.read.id is not None], answered

    def _answer(self, state: S | None, task: Task, batch: _Batch, failing: str | None) -> None:
        """Decide an outside message and tell its sender."""
        read = task.read
        assert read.id is not None
        span, trace = self._span(task)
        parked: tuple[str | None, str] | None = None
        if isinstance(read, Unreadable):
            task.decision = Decision(answer=Answer.REJECTED, field=read.field, rule=read.rule)
            parked = None if read.refusable else _problem(read)
        elif failing is not None or state is None:
            parked = (None, failing or NEEDS_A_PERSON)
            batch.tried.append(task.raw.topic)
        else:
            try:
                task.decision = self._decide(state, read)
            except Rejected as refusal:
                task.decision = Decision(answer=Answer.REJECTED, field=refusal.field, rule=refusal.rule)
            except Exception as error:  # noqa: BLE001  a decision may fail in any way; its message parks, all else goes on
                parked = (None, _rule(error))
            batch.tried.append(None if parked is None else task.raw.topic)
        if parked is not None:
            task.decision = Decision(answer=Answer.PARKED, rule=NEEDS_A_PERSON)
            batch.alone.append((task, "failed", *parked))
        elif task.parked_id is not None:
            batch.released.append(task.parked_id)
        assert task.decision is not None
        said = (*task.decision.said, self.receipt(task.raw.topic, read.id, task.decision))
        self._say(batch, span, trace, read.id, said)
        batch.answered.append(task)
        outcome = Outcome.EFFECTIVE if task.decision.answer is Answer.ACCEPTED else Outcome(task.decision.answer)
        batch.count(task, outcome)
        span.set_attribute("bleibe.outcome", outcome)
        batch.spans.append(span)

    def _advance(self, state: S | None, line: Line, batch: _Batch, failing: str | None, *, one: bool) -> None:
        """Let a key's records take effect as long as their turn comes."""
        for task in itertools.islice(line.ready(), 1 if one else None):
            read, field, rule = task.read, None, failing
            span, trace = self._span(task)
            if isinstance(read, Unreadable):
                field, rule = _problem(read)
            elif rule is None and not read.known:
                log.warning("unknown_type", topic=read.topic, type=read.type)
                line.took_effect(task)
                batch.count(task, Outcome.UNKNOWN_TYPE)
                continue
            elif rule is None:
                assert state is not None  # loaded for every record that may take effect
                try:
                    decision = self._decide(state, read)
                except Exception as error:  # noqa: BLE001  a decision may fail in any way; its event parks, all else goes on
                    rule = _rule(error)
                else:
                    self._say(batch, span, trace, read.id, decision.said)
                    line.took_effect(task)
                    batch.count(task, Outcome.EFFECTIVE)
            if rule is not None:
                line.fails(task, field, rule)
                batch.count(task, Outcome.PARKED)
                span.set_attribute("bleibe.outcome", Outcome.PARKED)
                log.error("parked", topic=line.topic, rule=rule, keysequence=task.n, event_id=str(read.id))
            batch.spans.append(span)

    def _decide(self, state: S, read: Heard) -> Decision:
        with deciding(self.service, read.source, read.id, self.secret):
            return self.room.decide(state, read)

    def _say(self, batch: _Batch, span: Span, trace: str | None, cause: UUID | None, said: Sequence[Said]) -> None:
        """Queue events with their cause, in the trace of what caused them."""
        batch.entries += [Entry(one, cause, trace) for one in said]
        if span.is_recording():
            for one in said:
                span.set_attributes(self.about(one))

    def _span(self, task: Task) -> tuple[Span, str | None]:
        """The record's span, and what events that follow from it are given as their trace."""
        read = task.read
        if unrecorded(read.traceparent):
            return INVALID_SPAN, read.traceparent  # a span of ours would say no more, and cost a tenth of the batch
        span = tracer().start_span(
            f"process {task.raw.topic.partition('.')[0]}", context=parent_context(read.traceparent), kind=SpanKind.CONSUMER
        )
        if span.is_recording():
            span.set_attributes(
                {
                    "messaging.system": "kafka",
                    "messaging.operation.type": "process",
                    "messaging.destination.name": task.raw.topic,
                    "messaging.consumer.group.name": self.service,
                    "messaging.message.id": str(read.id),
                    "messaging.kafka.message.key": str(read.key),
                    "bleibe.event_type": getattr(read, "type", "unreadable"),
                    **(self.about(read) if isinstance(read, Heard) else {}),
                }
            )
        return span, traceparent(span)

    async def _stop_at_limit(self, tx: Tx, batches: Sequence[_Batch]) -> None:
        failing = self._in_a_row(batches)
        if len(failing) >= self.stop_at and len(set(failing)) > 1 and any(batch.tried for batch in batches):
            raise StopTheLine(f"{len(failing)} outside messages in a row cannot be decided; is this the right release?")
        if not any(batch.failed for batch in batches):
            return
        failed = await tx.fetchval("select count(*) from parked where reason = 'failed' and n is not null")
        if failed >= self.stop_at:
            raise StopTheLine(f"{failed} events are parked; look at `bleibe parked list {self.service}` before going on")

    def _in_a_row(self, batches: Sequence[_Batch]) -> list[str]:
        """The topics of the outside messages that failed in our own code since one was last decided."""
        failing = self._failing
        for topic in (each for batch in batches for each in batch.tried):
            failing = [*failing[-self.stop_at :], topic] if topic else []
        return failing

    def _owners(self, tasks: Sequence[Task]) -> dict[str, str]:
        return {task.raw.topic: self.reader.rules(task.raw.topic).owner for task in tasks}


def _problem(read: Heard | Unreadable) -> tuple[str | None, str]:
    return (read.field, read.rule) if isinstance(read, Unreadable) else (None, NEEDS_A_PERSON)


def _rule(error: BaseException) -> str:
    """What a person is told of a failure: its kind and the rule it names, never a value."""
    if isinstance(error, Rejected):
        return error.rule
    return type(error).__name__
