"""Effective once and in order: what of a key's messages may take effect now, what waits, what is known already. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.messaging.model import Decision, Heard
from shared.messaging.wire import Raw, Unreadable


@dataclass(slots=True, eq=False)
class Task:
    """A record on its way through a batch. `parked_id` is set where it comes out of parking, `reason` why it lay there."""

    raw: Raw
    read: Heard | Unreadable
    parked_id: int | None = None
    reason: str | None = None
    decision: Decision | None = None

    @property
    def n(self) -> int:
        """Its sequence; only asked of records that have one."""
        assert self.read.n is not None
        return self.read.n


@dataclass(slots=True)
class Line:
    """One key of one topic. `last` took effect; `waiting` came too early or lies behind a failure, by sequence.

    On a register any newer record takes effect: it replaces what was before it.
    """

    topic: str
    key: str
    last: int
    register: bool = False
    waiting: dict[int, Task] = field(default_factory=dict)
    started_at: int = field(init=False)
    known: set[int] = field(init=False)
    problems: dict[int, tuple[str | None, str]] = field(default_factory=dict)
    done: list[Task] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started_at = self.last
        self.known = set(self.waiting)

    @property
    def blocked(self) -> bool:
        """The next in turn failed, now or earlier, and waits for a person."""
        return self._stuck(self.last + 1)

    def _stuck(self, n: int) -> bool:
        return n in self.problems or (n in self.waiting and self.waiting[n].reason == "failed")

    def offer(self, task: Task) -> bool:
        """Take a record in; False when it is a duplicate."""
        if task.n <= self.last or task.n in self.waiting:
            return False
        self.waiting[task.n] = task
        return True

    def ready(self) -> Iterator[Task]:
        """The records whose turn it is, one by one; after each the caller says `took_effect` or `fails`."""
        while True:
            in_turn = sorted(self.waiting) if self.register else [self.last + 1]
            task = next((self.waiting[n] for n in in_turn if n in self.waiting and not self._stuck(n)), None)
            if task is None:
                return
            yield task

    def took_effect(self, task: Task) -> None:
        """The record's effects stand. On a register what it replaces is done with, too."""
        self.last = task.n
        replaced = [n for n in self.waiting if n <= task.n] if self.register else [task.n]
        self.done += [self.waiting.pop(n) for n in replaced]

    def fails(self, task: Task, field: str | None, rule: str) -> None:
        """The record stays at the head; all after it wait behind it."""
        self.problems[task.n] = (field, rule)

    def to_park(self) -> Iterator[tuple[Task, str, str | None, str]]:
        """Records to be kept, with reason, field and rule: new ones, and one that failed again."""
        blocked = self.blocked
        for n, task in sorted(self.waiting.items()):
            if n in self.problems:
                yield task, "failed", *self.problems[n]
            elif n not in self.known:
                yield (task, "behind", None, "behind") if blocked else (task, "gap", None, "gap")
