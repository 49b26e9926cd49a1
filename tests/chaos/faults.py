"""Which fault when: a schedule drawn from a seed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from deploy.local.system import SERVICES

POSTGRES, BROKER = "postgres", "broker"


class Kind(StrEnum):
    """What goes wrong."""

    KILL = "kill"
    FREEZE = "freeze"
    REFUSE_WRITES = "refuse_writes"
    CUT = "cut"
    DELAY = "delay"
    SCALE = "scale"
    DUPLICATES = "duplicates"
    REORDERED = "reordered"
    POISON = "poison"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: when it begins (seconds of the run), whom it hits (None: the load itself), and how long it lasts."""

    at: float
    kind: Kind
    victim: str | None
    lasts_s: float


SESSION_S = 6.0
"""After this long without a word the group gives a member's partitions to others."""

_SHARES = {
    Kind.KILL: 8, Kind.FREEZE: 3, Kind.REFUSE_WRITES: 2, Kind.CUT: 4, Kind.DELAY: 3, Kind.SCALE: 2,
    Kind.DUPLICATES: 2, Kind.REORDERED: 2, Kind.POISON: 3,
}  # fmt: skip


def schedule(seed: int, seconds: float, every_s: float, brokers: Sequence[str], *, durable: bool) -> Iterator[Fault]:
    """Faults in the order of their beginning, one every `every_s` seconds on average; each kind once before any comes again.

    `brokers` are the names of the broker's nodes; they die only where another node (`durable`) still knows what they knew.
    """
    chance = Random(seed)  # noqa: S311  a schedule, no secret
    first = chance.sample(list(Kind), len(Kind))
    at = every_s
    while at < seconds:
        kind = first.pop() if first else chance.choices(list(_SHARES), list(_SHARES.values()))[0]
        yield _fault(chance, kind, at, brokers, durable=durable)
        at += chance.uniform(0.5, 1.5) * every_s


def _fault(chance: Random, kind: Kind, at: float, brokers: Sequence[str], *, durable: bool) -> Fault:
    broker = chance.choice(brokers)
    mortal = [*SERVICES, POSTGRES, *([broker, broker] if durable else [])]
    freezing = chance.random() < 0.3
    victims: dict[Kind, list[str]] = {
        Kind.KILL: mortal,
        Kind.FREEZE: [broker] if freezing else list(SERVICES),
        Kind.REFUSE_WRITES: [POSTGRES],
        Kind.CUT: [POSTGRES, broker],
        Kind.DELAY: [POSTGRES, broker],
        Kind.SCALE: list(SERVICES),
    }
    lasts_s: dict[Kind, tuple[float, float]] = {
        Kind.FREEZE: (10, 14) if freezing and durable else (1, 3) if freezing else (SESSION_S + 1, SESSION_S + 4),
        Kind.REFUSE_WRITES: (2, 6),
        Kind.CUT: (0.2, 4),
        Kind.DELAY: (3, 8),
        Kind.SCALE: (8, 15),
    }
    victim = chance.choice(victims[kind]) if kind in victims else None
    return Fault(at, kind, victim, chance.uniform(*lasts_s.get(kind, (0, 0))))
