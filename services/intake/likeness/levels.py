"""How well two values of one field agree, from best to worst."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from enum import StrEnum

from rapidfuzz.distance import OSA


class Level(StrEnum):
    """The agreement of two values. What is missing on one side speaks neither for nor against."""

    SAME = "same"
    PART = "part"
    """One holds the other: a double name and its half, 10-12 and 12, Anna Maria and Anna, Münster and Münster-Hiltrup."""
    CLOSE = "close"
    """A slip of the pen, or another spelling of the same sound."""
    ALIKE = "alike"
    """More slips than one, or an initial."""
    MISSING = "missing"
    DIFFERENT = "different"


GOOD = frozenset({Level.SAME, Level.PART, Level.CLOSE})

_CLOSE, _ALIKE = 0.8, 0.6


def written(a: str, b: str) -> Level:
    """Two words as they are written, by the share of letters that stand (optimal string alignment; symmetric)."""
    if not a or not b:
        return Level.MISSING
    if a == b:
        return Level.SAME
    likeness = OSA.normalized_similarity(a, b, score_cutoff=_ALIKE)
    if likeness >= _CLOSE:
        return Level.CLOSE
    return Level.ALIKE if likeness >= _ALIKE else Level.DIFFERENT


def share(a: AbstractSet[str], b: AbstractSet[str]) -> bool:
    """Whether the shorter of two names lies wholly in the longer."""
    return a <= b or b <= a
