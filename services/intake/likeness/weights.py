"""What each agreement weighs, and from which weight on a pair is certain or possible."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import log2
from typing import Any, Literal, get_args

from services.intake.likeness.features import Field
from services.intake.likeness.levels import Level

Shares = Mapping[Field, Mapping[Level, float]]
"""How often each field of two records agrees how well, of those pairs that both have it."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights in bits by field and level; `home` is the most that an address can say."""

    of: Shares
    home: float
    certain: float
    possible: float


@dataclass(frozen=True, slots=True)
class Register:
    """What the weights depend on besides how people write: how many there are, and how often strangers agree (u)."""

    people: float
    neighbours: float
    by_chance: Shares


@cache
def city() -> Weights:
    """The weights for a German city, from weights.toml."""
    table = _table()
    return fitted(Register(table["register"]["people"], table["register"]["neighbours"], shares("u")))


def fitted(register: Register) -> Weights:
    """The weights for a register: how people write (m) is weights.toml's, how often strangers agree its own.

    What is missing, and a level without figures, weighs nothing.
    """
    decision, of_one = _table()["decision"], shares("m")
    return Weights(
        of={
            field: {
                level: log2(of_one[field][level] / register.by_chance[field][level]) if level in of_one[field] else 0.0
                for level in Level
            }
            for field in of_one
        },
        home=log2(register.people / register.neighbours),
        certain=log2(register.people * decision["certain_odds"]),
        possible=log2(register.people * decision["possible_odds"]),
    )


def shares(kind: Literal["m", "u"]) -> Shares:
    """The city's figures: how often records of one person (m), or of two (u), agree how well."""
    table = _table()
    fields: tuple[Field, ...] = get_args(Field)
    return {field: {Level(level): row[kind] for level, row in table[field].items()} for field in fields}


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(files(__package__).joinpath("weights.toml").read_text("utf-8"))
    return table
