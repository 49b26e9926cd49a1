"""Which private events are emptied because a newer one replaced them, and which are not."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel

from shared.messaging.erasure import ERASED
from shared.messaging.model import Said
from shared.messaging.replaced import ForgetReplaced
from tests.contract.messaging.test_erasure import NOW, OURS, Connection, TakenBack, db, journal, memory, say

__all__ = ["db"]


class About(BaseModel):
    """An event of the tests that is about something."""

    TYPE: ClassVar[str] = "about"
    what: str
    name: str = "Anna"


class Back(TakenBack):
    """One that takes it back."""

    what: str
    name: str = ""


async def test_only_what_a_newer_one_replaced_goes_and_only_once_it_was_sent(db: Connection) -> None:
    await say(
        db,
        *(Said(OURS, key, About(what=what)) for key in ("a", "other") for what in ("x", "y", "x", "x")),
        Said(OURS, "a", Back(what="y")),
        Said("elsewhere", "a", About(what="x")),
        Said("elsewhere", "a", About(what="x")),
    )
    await db.execute("delete from outbox where journal_id <> 3")

    async def keys(_: object) -> list[str]:
        return ["a"]

    job = ForgetReplaced(memory(), [OURS], "what", keys)
    await _run(db, job)
    left = [(n, kind) for key, n, kind in await journal(db) if key == "a"]
    assert left == [(1, ERASED), (2, ERASED), (3, "about"), (4, "about"), (5, "taken-back")], "3 is not sent yet"
    await db.execute("delete from outbox")
    await _run(db, job)
    left = [(n, kind) for key, n, kind in await journal(db) if key == "a"]
    assert left == [(1, ERASED), (2, ERASED), (3, ERASED), (4, "about"), (5, "taken-back")]
    assert {kind for key, _, kind in await journal(db) if key == "other"} == {"about"}
    assert {kind for _, _, kind in await journal(db, "elsewhere")} == {"about"}


async def _run(db: Connection, job: ForgetReplaced) -> None:
    async with db.transaction():
        await job.run(db, NOW)
