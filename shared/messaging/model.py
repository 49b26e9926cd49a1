"""What a service hears, decides and says, in the core's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar
from uuid import UUID

from pydantic import BaseModel

if TYPE_CHECKING:
    from asyncpg import Connection, Record
    from asyncpg.pool import PoolConnectionProxy

Tx: TypeAlias = "Connection[Record] | PoolConnectionProxy[Record]"
"""A connection inside a transaction."""


class Answer(StrEnum):
    """What became of a message from outside."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    FORWARDED = "forwarded"
    PARKED = "parked"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as a service reads it. `n` is its sequence per (topic, key); None on a topic of an outside sender.

    `data` is None for a tombstone and for a type the reader does not know (`known` tells which).
    """

    topic: str
    key: str
    id: UUID
    source: str
    type: str
    time: datetime
    n: int | None
    data: BaseModel | None
    known: bool = True
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """An event to be written: `data` None is a tombstone, and only a register takes one."""

    topic: str
    key: str
    data: BaseModel | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a decision says, and what the sender of an outside message is answered."""

    said: Sequence[Said] = field(default_factory=tuple)
    answer: Answer = Answer.ACCEPTED
    field: str | None = None
    rule: str | None = None


class Rejected(Exception):
    """An outside message that breaks a rule. Names field and rule, never the value."""

    def __init__(self, field: str | None, rule: str) -> None:
        super().__init__(f"{field or 'message'}: {rule}")
        self.field = field
        self.rule = rule


S = TypeVar("S")


class Room(Protocol[S]):
    """One service as the pipeline sees it.

    `load` reads and locks, in one documented order and with at most a fixed number of statements, all that a batch touches.
    `decide` is pure: it works on `state` in memory and changes it only when it succeeds, so that an exception leaves
    the earlier decisions standing. It is called once per message, in order per (topic, key); across topics in any order.
    `save` writes what changed, set-based.
    """

    async def load(self, tx: Tx, heard: Sequence[Heard], now: datetime) -> S:
        """Read and lock all that these messages touch."""
        ...

    def decide(self, state: S, heard: Heard) -> Decision:
        """Decide one message. Raises Rejected for a broken rule; any other exception parks the message."""
        ...

    async def save(self, tx: Tx, state: S) -> None:
        """Write what the decisions changed."""
        ...
