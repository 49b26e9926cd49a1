"""What erasing takes from the core's tables, and what it leaves, so that nobody who reads is left behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import ClassVar, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import pytest
from asyncpg import Record
from pydantic import BaseModel

from shared.messaging.erasure import ERASED, ForgetRefused, Gone, Memory
from shared.messaging.journal import Entry, append
from shared.messaging.migrate import CORE, migrate
from shared.messaging.model import Said

NOW = datetime(2026, 11, 9, tzinfo=UTC)
SENDER = "urn:bleibe:partner:court"
OURS, THEIRS, REGISTER = "facts", "heard", "register"
Connection: TypeAlias = "asyncpg.Connection[Record]"


class Told(BaseModel):
    """An event of the tests."""

    TYPE: ClassVar[str] = "told"
    name: str


class TakenBack(Told):
    """One that must reach everybody."""

    TYPE: ClassVar[str] = "taken-back"


def memory(secret: bytes = b"k" * 32) -> Memory:
    return Memory([OURS], [SENDER], [TakenBack.TYPE], lambda: secret, [REGISTER])


@pytest.fixture
async def db(database: str) -> AsyncIterator[Connection]:
    await migrate(database, [CORE])
    connection: Connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def say(db: Connection, *said: Said, causation: UUID | None = None) -> None:
    async with db.transaction():
        await append(db, [Entry(one, causation, None) for one in said], NOW)


async def erase(db: Connection, gone: Gone) -> None:
    async with db.transaction():
        await memory().erase(db, gone)


async def journal(db: Connection, topic: str = OURS) -> list[tuple[str, int, str]]:
    return [tuple(row) for row in await db.fetch("select key, n, type from journal where topic = $1 order by key, n", topic)]


async def park(db: Connection, topic: str, key: str, n: int | None, value: bytes = b"{}", message: UUID | None = None) -> None:
    await db.execute(
        """
        insert into parked (topic, key, n, source, message_id, digest, reason, rule, record_value, record_headers)
        values ($1, $2, $3, $4, $5, sha256($6::bytea || $7::bytea), 'failed', 'broken', $6, '[]')
        """,
        topic,
        key,
        n,
        SENDER,
        message,
        value,
        uuid4().bytes,
    )


async def refuse(db: Connection, value: bytes) -> None:
    await db.execute(
        "insert into inbound (source, id, topic, digest, answer, refused_value) values ($1, $2, 'in', '', 'rejected', $3)",
        SENDER,
        uuid4(),
        value,
    )


async def test_numbers_stay_without_gaps_and_what_takes_back_stays_whole(db: Connection) -> None:
    await say(db, *(Said(OURS, "a", Told(name="Anna")), Said(OURS, "a", TakenBack(name="x")), Said(OURS, "b", Told(name="Bea"))))
    before = await db.fetch("select event_id, n from journal order by id")
    await erase(db, Gone(["a"]))
    assert await journal(db) == [("a", 1, ERASED), ("a", 2, "taken-back"), ("b", 1, "told")]
    assert await db.fetch("select event_id, n from journal order by id") == before
    assert await db.fetchval("select count(*) from outbox") == 3
    assert await db.fetchval("select string_agg(data, '') from journal where data like '%Anna%'") is None


async def test_on_a_register_older_entries_go_sent_or_not(db: Connection) -> None:
    await say(db, *(Said(REGISTER, key, Told(name=str(n))) for key in ("a", "b") for n in range(3)))
    await db.execute("delete from outbox where id = 1")
    async with db.transaction():
        await memory().compact(db, ["b"])
    await erase(db, Gone(["a"]))
    assert await journal(db, REGISTER) == [("b", 3, "told")]
    await say(db, Said(REGISTER, "a", None))
    assert await db.fetchval("select n from journal where key = 'a'") == 4


async def test_what_the_erasing_transaction_itself_said_is_emptied_by_the_sweep(db: Connection) -> None:
    async with db.transaction():
        await memory().erase(db, Gone(["a"]))
        await append(db, [Entry(Said(OURS, "a", Told(name="Anna")), None, None)], NOW)
    assert await journal(db) == [("a", 1, "told")]
    async with db.transaction():
        await memory().sweep(db, NOW)
    assert await journal(db) == [("a", 1, ERASED)]
    assert await db.fetchval("select count(*) from erasing") == 0


async def test_the_message_that_caused_it_leaves_a_keyed_hash_alone(db: Connection) -> None:
    caused, other = uuid4(), uuid4()
    for each in (caused, other):
        await db.execute("insert into inbound (source, id, topic, digest) values ($1, $2, 'in', '')", SENDER, each)
    await say(db, Said(OURS, "a", Told(name="Anna")), causation=caused)
    await erase(db, Gone(["a"]))
    assert [row["id"] for row in await db.fetch("select id from inbound")] == [other]
    assert await memory().remembers(db, {(SENDER, caused), (SENDER, other), ("urn:bleibe:partner:else", caused)}) == {
        (SENDER, caused)
    }
    assert await memory(b"z" * 32).remembers(db, {(SENDER, caused)}) == set()


async def test_what_lies_parked_of_a_key_goes_and_reading_goes_on_behind_it(db: Connection) -> None:
    await db.execute("insert into progress values ($1, 'a', 2), ($1, 'b', 2)", THEIRS)
    for key in ("a", "b"):
        await park(db, THEIRS, key, 3)
        await park(db, THEIRS, key, 4)
    await erase(db, Gone(["a"]))
    assert {row["key"]: row["last"] for row in await db.fetch("select key, last from progress")} == {"a": 4, "b": 2}
    assert {row["key"] for row in await db.fetch("select key from parked")} == {"b"}


async def test_outside_content_goes_by_key_by_identity_and_by_what_it_mentions(db: Connection) -> None:
    known = uuid4()
    await park(db, "in", "a", None)
    await park(db, "in", "x", None, message=known)
    for name in ("Müller", "M\\u00fcller"):
        await park(db, "in", "x", None, f'{{"name": "{name}", "postcode": "48153"'.encode())
        await refuse(db, f'{{"name": "{name}", "postcode": "48153"}}'.encode())
    await park(db, "in", "kept", None, "Müller, 48149".encode())
    await refuse(db, b"Mueller, 48153")
    await erase(db, Gone(["a"], {(SENDER, known)}, [("Müller", "48153")]))
    assert [row["key"] for row in await db.fetch("select key from parked")] == ["kept"]
    assert [row["refused_value"] for row in await db.fetch("select refused_value from inbound order by 1 nulls first")] == [
        None,
        None,
        b"Mueller, 48153",
    ]


async def test_refused_content_is_forgotten_after_its_days_and_that_it_came_is_not(db: Connection) -> None:
    await refuse(db, b"old")
    await refuse(db, b"new")
    await db.execute("update inbound set recorded_at = $1 where refused_value = 'old'", datetime(2026, 1, 1, tzinfo=UTC))
    async with db.transaction():
        await ForgetRefused(90).run(db, NOW)
    assert [row["refused_value"] for row in await db.fetch("select refused_value from inbound order by 1 nulls first")] == [
        None,
        b"new",
    ]
