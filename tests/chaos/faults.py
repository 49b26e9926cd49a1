"""Which fault when: a schedule drawn from a seed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from deploy.local.system import SERVICES

POSTGRES, LEADER = "postgres", "the leader"
"""Victims beside services and the broker's nodes; who leads is asked when the fault begins."""


class Kind(StrEnum):
    """What goes wrong."""

    KILL = "kill"
    KILL_LEADER = "kill_leader"
    FREEZE = "freeze"
    FREEZE_BROKER = "freeze_broker"
    FREEZE_POSTGRES = "freeze_postgres"
    REFUSE_WRITES = "refuse_writes"
    CUT = "cut"
    DELAY = "delay"
    SWALLOW = "swallow"
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
    Kind.KILL: 7, Kind.KILL_LEADER: 2, Kind.FREEZE: 2, Kind.FREEZE_BROKER: 1, Kind.FREEZE_POSTGRES: 1, Kind.REFUSE_WRITES: 2,
    Kind.CUT: 4, Kind.DELAY: 3, Kind.SWALLOW: 2, Kind.SCALE: 2, Kind.DUPLICATES: 2, Kind.REORDERED: 2, Kind.POISON: 3,
}  # fmt: skip


def schedule(seed: int, seconds: float, every_s: float, brokers: Sequence[str], *, durable: bool) -> Iterator[Fault]:
    """Faults in the order of their beginning, one every `every_s` seconds on average; each kind once before any comes again.

    `brokers` are the names of the broker's nodes; they die only where another node (`durable`) still knows what they knew.
    """
    chance = Random(seed)  # noqa: S311  a schedule, no secret
    shares = {kind: share for kind, share in _SHARES.items() if durable or kind is not Kind.KILL_LEADER}
    first = chance.sample(list(shares), len(shares))
    at = every_s / 2  # so that a minute and a quarter has each kind
    while at < seconds:
        kind = first.pop() if first else chance.choices(list(shares), list(shares.values()))[0]
        yield _fault(chance, kind, at, brokers, durable=durable)
        at += chance.uniform(0.5, 1.5) * every_s


def _fault(chance: Random, kind: Kind, at: float, brokers: Sequence[str], *, durable: bool) -> Fault:
    broker = chance.choice(brokers)
    victims: dict[Kind, list[str]] = {
        Kind.KILL: [*SERVICES, POSTGRES, *([broker] if durable else [])],
        Kind.KILL_LEADER: [LEADER],
        Kind.FREEZE: list(SERVICES),
        Kind.FREEZE_BROKER: [broker],
        Kind.FREEZE_POSTGRES: [POSTGRES],
        Kind.REFUSE_WRITES: [POSTGRES],
        Kind.CUT: [POSTGRES, broker],
        Kind.DELAY: [POSTGRES, broker],
        Kind.SWALLOW: [POSTGRES, broker],
        Kind.SCALE: list(SERVICES),
    }
    lasts_s: dict[Kind, tuple[float, float]] = {
        Kind.FREEZE: (SESSION_S + 1, SESSION_S + 4),
        Kind.FREEZE_BROKER: (10, 14) if durable else (1, 3),
        Kind.FREEZE_POSTGRES: (3, 8),
        Kind.REFUSE_WRITES: (2, 6),
        Kind.CUT: (0.2, 4),
        Kind.DELAY: (3, 8),
        Kind.SWALLOW: (4, 12),
        Kind.SCALE: (8, 15),
    }
    victim = chance.choice(victims[kind]) if kind in victims else None
    return Fault(at, kind, victim, chance.uniform(*lasts_s.get(kind, (0, 0))))
