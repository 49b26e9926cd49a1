"""Whether two records mean one person, with the reasons."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from services.intake.likeness.features import HOME, Field, levels
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
    """Whether two records mean one person, by the weights of the city or others. Symmetric.

    Neighbours share an address, so that all of it together says no more than how many people share a house.
    """
    known = known or city()
    features = tuple(Feature(field, level, known.of[field][level]) for field, level in levels(a, b))
    home = sum(each.weight for each in features if each.field in HOME)
    person = sum(each.weight for each in features if each.field not in HOME)
    score = person + min(home, known.home)
    return Comparison(score, _verdict(score, known), features)


def _verdict(score: float, known: Weights) -> Verdict:
    if score >= known.certain:
        return Verdict.CERTAIN
    return Verdict.UNCERTAIN if score >= known.possible else Verdict.DIFFERENT
