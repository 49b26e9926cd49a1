"""Whether two records mean one person, with the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from services.intake.likeness.features import Agreed, Field, home_levels, in_order, person_levels
from services.intake.likeness.levels import Level
from services.intake.likeness.record import Normal
from services.intake.likeness.weights import Weights, city


class Verdict(StrEnum):
    """What follows from a comparison."""

    CERTAIN = "certain"
    """Attach without asking."""
    UNCERTAIN = "uncertain"
    """A case of its own, a flag on both, and a person decides (Klärung)."""
    DIFFERENT = "different"


class Feature(NamedTuple):
    """One field, how well it agrees, and what that weighs in bits: for the same person above zero, against it below."""

    field: Field
    level: Level
    weight: float


class Comparison(NamedTuple):
    """A decision and all it rests on. `score` is the sum of the weights, the address counted up to its limit."""

    score: float
    verdict: Verdict
    features: tuple[Feature, ...]


def compare(a: Normal, b: Normal, known: Weights | None = None) -> Comparison:
    """Whether two records mean one person, by the weights of the city or others. Symmetric."""
    return _compared(person_levels(a, b), home_levels(a, b), known or city())


def likely(a: Normal, b: Normal) -> Comparison | None:
    """The comparison by the weights of the city, or None where it says DIFFERENT. Symmetric.

    Most people that a key led to are others, and mostly their names tell: no address could make up for that.
    """
    known, person = city(), person_levels(a, b)
    if _weight(person, known) + known.home < known.possible:
        return None
    home = home_levels(a, b)
    return None if _score(person, home, known) < known.possible else _compared(person, home, known)


def _compared(person: Sequence[Agreed], home: Sequence[Agreed], known: Weights) -> Comparison:
    score = _score(person, home, known)
    features = tuple(Feature(field, level, known.of[field][level]) for field, level in in_order(person, home))
    return Comparison(score, _verdict(score, known), features)


def _score(person: Sequence[Agreed], home: Sequence[Agreed], known: Weights) -> float:
    """Neighbours share an address, so that all of it together says no more than how many people share a house."""
    return _weight(person, known) + min(_weight(home, known), known.home)


def _weight(agreed: Sequence[Agreed], known: Weights) -> float:
    return sum([known.of[field][level] for field, level in agreed])


def _verdict(score: float, known: Weights) -> Verdict:
    if score >= known.certain:
        return Verdict.CERTAIN
    return Verdict.UNCERTAIN if score >= known.possible else Verdict.DIFFERENT
