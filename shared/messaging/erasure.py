"""Erasing: what was said of somebody goes from journal, parking and inbound at once; numbers and order stay.

An erased event gives way to an empty one of type ERASED under the same number and id. So a queue that is sent, and a journal
that is republished, never leave a gap, and a reader that was behind comes through to what follows. Types in `keep` carry ids
and codes alone and take something back (the erasure itself, a withdrawal): they stay, so that nobody misses them.
On a register the newest entry replaces all before it, so there older rows go altogether.

Of an outside message a keyed hash of source and id remains: a replay is `rejected: erased`, and its content is not kept.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from shared.messaging.inbound import ERASED as RULE
from shared.messaging.model import Decision, Heard, Rejected, Room, Said, Tx

ERASED = "de.bleibe.record.erased.v1"

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Gone:
    """What a transaction erases.

    `keys` of whatever topic. `messages` from outside by (source, id), beside those that caused an event under these keys.
    `mentions`: refused or parked outside content goes where all words of one of these occur in it.
    """

    keys: Collection[str] = ()
    messages: Collection[tuple[str, UUID]] = ()
    mentions: Collection[tuple[str, ...]] = ()


@dataclass(frozen=True)
class Memory:
    """What a service keeps of messages, and how it forgets.

    `topics` and `registers` are those it writes, `sources` those outside that it hears, `keep` the types that stay.
    `secret` gives the key of the keyed hashes, at least 32 bytes; it is asked once, with the first outside message.
    """

    topics: Sequence[str]
    sources: Sequence[str]
    keep: Sequence[str]
    secret: Callable[[], bytes]
    registers: Sequence[str] = ()

    @cached_property
    def _key(self) -> bytes:
        return self.secret()

    def keyed(self, kind: str, *parts: object) -> bytes:
        """HMAC-SHA-256 of what is not to be kept: whoever has the key knows it again, and nobody else."""
        return hmac.digest(self._key, "\0".join([kind, *map(str, parts)]).encode(), "sha256")

    async def remembers(self, tx: Tx, messages: Collection[tuple[str, UUID]]) -> set[tuple[str, UUID]]:
        """Which of these messages were erased."""
        hashes = {self.keyed("message", *each): each for each in messages}
        if not hashes:
            return set()
        rows = await tx.fetch("select hash from erased_messages where hash = any($1::bytea[])", list(hashes))
        return {hashes[row["hash"]] for row in rows}

    async def erase(self, tx: Tx, gone: Gone) -> None:
        """Erase it all in the caller's transaction, before what is said in it is journalled."""
        if not (gone.keys or gone.messages):
            return
        messages = set(gone.messages) | await self._caused(tx, gone.keys)
        await self._forget_messages(tx, messages)
        await self._forget_mentions(tx, gone.mentions)
        await _unpark(tx, gone.keys, messages)
        await self._empty_journal(tx, gone.keys)
        await tx.execute(
            "insert into erasing (key) select * from unnest($1::text[]) order by 1 on conflict do nothing", list(gone.keys)
        )

    async def sweep(self, tx: Tx, now: datetime) -> Sequence[Said]:  # noqa: ARG002  as every job
        """Empty again what was journalled in the very transactions that erased; as a job of the service."""
        rows = await tx.fetch("select key from erasing order by key for update")
        keys = [row["key"] for row in rows]
        await self._empty_events(tx, keys)
        await tx.execute("delete from erasing where key = any($1::text[])", keys)
        return ()

    async def compact(self, tx: Tx, keys: Collection[str]) -> None:
        """Forget all entries of these keys of our registers but the newest."""
        await _delete_rows(tx, self.registers, keys, but_newest=True)

    async def _caused(self, tx: Tx, keys: Collection[str]) -> set[tuple[str, UUID]]:
        """The outside messages that caused an event under these keys."""
        rows = await tx.fetch(
            """
            select i.source, i.id from inbound i
            where i.source = any($1::text[]) and i.id in (
                select j.causation_id from journal j where j.topic = any($2::text[]) and j.key = any($3::text[])
            )
            """,
            list(self.sources),
            [*self.topics, *self.registers],
            list(keys),
        )
        return {(row["source"], row["id"]) for row in rows}

    async def _forget_messages(self, tx: Tx, messages: Collection[tuple[str, UUID]]) -> None:
        await tx.execute(
            "insert into erased_messages (hash) select * from unnest($1::bytea[]) order by 1 on conflict do nothing",
            [self.keyed("message", *each) for each in messages],
        )
        await tx.execute(
            "delete from inbound where (source, id) in (select * from unnest($1::text[], $2::uuid[]))",
            [source for source, _ in messages],
            [each for _, each in messages],
        )

    async def _forget_mentions(self, tx: Tx, mentions: Collection[tuple[str, ...]]) -> None:
        for words in mentions:
            spelled = [_spellings(word) for word in words]
            columns = [each for each, _ in spelled], [each for _, each in spelled]
            await tx.execute(
                """
                update inbound set refused_value = null
                where refused_value is not null and not exists (
                    select from unnest($1::bytea[], $2::bytea[]) as word (plain, escaped)
                    where position(plain in refused_value) = 0 and position(escaped in refused_value) = 0
                )
                """,
                *columns,
            )
            await tx.execute(
                """
                delete from parked
                where n is null and record_value is not null and not exists (
                    select from unnest($1::bytea[], $2::bytea[]) as word (plain, escaped)
                    where position(plain in record_value) = 0 and position(escaped in record_value) = 0
                )
                """,
                *columns,
            )

    async def _empty_journal(self, tx: Tx, keys: Collection[str]) -> None:
        await self._empty_events(tx, keys)
        await _delete_rows(tx, self.registers, keys, but_newest=False)

    async def _empty_events(self, tx: Tx, keys: Collection[str]) -> None:
        await tx.execute(
            """
            update journal set type = $3, data = '{}', causation_id = null, traceparent = null
            where topic = any($1::text[]) and key = any($2::text[]) and type <> all($4::text[])
            """,
            list(self.topics),
            list(keys),
            ERASED,
            [*self.keep, ERASED],
        )


def _spellings(word: str) -> tuple[bytes, bytes]:
    """A word as JSON may hold it: as it is, and with all that is not ASCII escaped."""
    return word.encode(), json.dumps(word)[1:-1].encode()


async def _delete_rows(tx: Tx, registers: Sequence[str], keys: Collection[str], *, but_newest: bool) -> None:
    """Delete rows of registers, queued ones too: what is said next replaces them."""
    rows = await tx.fetch(
        """
        select j.id from journal j join streams s using (topic, key)
        where j.topic = any($1::text[]) and j.key = any($2::text[]) and not ($3 and j.n = s.last)
        """,
        list(registers),
        list(keys),
        but_newest,
    )
    ids = [row["id"] for row in rows]
    await tx.execute("delete from outbox where journal_id = any($1::bigint[])", ids)
    await tx.execute("delete from journal where id = any($1::bigint[])", ids)


async def _unpark(tx: Tx, keys: Collection[str], messages: Collection[tuple[str, UUID]]) -> None:
    """Parked payloads go; where one had its place in a key's order, reading goes on behind it."""
    await tx.execute(
        """
        delete from parked where n is null
          and (key = any($1::text[]) or (source, message_id) in (select * from unnest($2::text[], $3::uuid[])))
        """,
        list(keys),
        [source for source, _ in messages],
        [each for _, each in messages],
    )
    await tx.execute(
        """
        with gone as (
            delete from parked where n is not null and key = any($1::text[]) returning topic, key, n
        ), newest as (
            select topic, key, max(n) as n from gone group by topic, key
        )
        update progress p set last = greatest(p.last, newest.n) from newest where p.topic = newest.topic and p.key = newest.key
        """,
        list(keys),
    )


@dataclass(frozen=True, slots=True)
class ForgetRefused:
    """A job: the content of refused outside messages goes after so many days; that they came, and why not, stays known."""

    days: int

    async def run(self, tx: Tx, now: datetime) -> Sequence[Said]:
        """Forget what is older, by the service's clock and by real time both: a demo's clock may stand elsewhere."""
        await tx.execute(
            """
            update inbound set refused_value = null
            where refused_value is not null and recorded_at < least($1, now()) - make_interval(days => $2)
            """,
            now,
            self.days,
        )
        return ()


class Erasing(Room[S], Protocol[S]):
    """A room that says what its decisions erased."""

    def gone(self, state: S) -> Gone:
        """What goes with what this batch erased."""
        ...


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """A room's own state, and which of a batch's outside messages were erased."""

    state: S
    erased: Collection[tuple[str, UUID]]


def _nothing(_: Heard) -> Iterable[UUID]:
    return ()


@dataclass(frozen=True, slots=True)
class Forgetting(Generic[S]):
    """A room that forgets: empty events do nothing, what was erased is refused, and erasing reaches the core's tables.

    `refers` names the earlier messages of the same source that one speaks of: of an erased one nothing more is taken.
    """

    room: Erasing[S]
    memory: Memory
    refers: Callable[[Heard], Iterable[UUID]] = field(default=_nothing)

    async def load(self, tx: Tx, heard: Sequence[Heard], now: datetime) -> Loaded[S]:
        """The room's own load, without empty events."""
        erased = await self.memory.remembers(tx, {each for one in heard if one.n is None for each in self._names(one)})
        return Loaded(await self.room.load(tx, [each for each in heard if each.type != ERASED], now), erased)

    def decide(self, state: Loaded[S], heard: Heard) -> Decision:
        """Decide one message. Raises Rejected for one that was erased, or speaks of one."""
        if heard.type == ERASED:
            return Decision()
        if heard.n is None and any(each in state.erased for each in self._names(heard)):
            raise Rejected("id", RULE)
        return self.room.decide(state.state, heard)

    async def save(self, tx: Tx, state: Loaded[S]) -> None:
        """The room's own save, then what goes with it."""
        await self.room.save(tx, state.state)
        await self.memory.erase(tx, self.room.gone(state.state))

    def _names(self, heard: Heard) -> Iterable[tuple[str, UUID]]:
        return ((heard.source, each) for each in (heard.id, *self.refers(heard)))
