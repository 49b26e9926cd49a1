"""What the legal clock answers: deadlines that carry their own reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.intake.law.rules import Actor
from shared.contracts.codes import Basis, Evidence


@dataclass(frozen=True, slots=True)
class Input:
    """A fact that a deadline rests on."""

    fact: str
    value: date
    source: Evidence


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the arithmetic: its kind (a key of texts.toml), the day it arrives at, and what it needed."""

    kind: str
    on: date
    before: date | None = None
    fact: str = ""
    source: Evidence | None = None
    period: tuple[tuple[str, int], ...] = ()
    lands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deadline:
    """A deadline: the day, whether it is exact or a safe lower bound, and everything it follows from.

    `remark` is a key of texts.toml: what somebody must know beside the date, such as that it has passed.
    """

    rule: str
    date: date
    basis: Basis
    norm: str
    rule_version: str
    who: Actor
    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]
    passed: bool = False
    remark: str | None = None

    @property
    def confirmed(self) -> bool:
        """Whether no fact it rests on is word of mouth alone."""
        return all(each.source is not Evidence.WORD for each in self.inputs)
