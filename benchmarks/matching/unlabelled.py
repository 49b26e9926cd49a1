"""What a register says of itself without any label: how often two records drawn by chance agree."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations

from services.intake.likeness import Level, Normal
from services.intake.likeness.features import Field, levels
from services.intake.likeness.weights import Register, shares

_DRAWN, _PRIOR = 100_000, 100


def register(lists: Sequence[Mapping[str, Normal]]) -> Register:
    """The register of these lists (one, or two to be linked), from pairs drawn by chance with a fixed seed.

    The city's figures count as much as a hundred pairs, so that what was never drawn is rare and not impossible.
    """
    draw = random.Random(1)  # noqa: S311  a sample, not a secret
    left, right = list(lists[0].values()), list(lists[-1].values())
    counted: Counter[tuple[Field, Level]] = Counter()
    for _ in range(_DRAWN):
        a, b = draw.choice(left), draw.choice(right)
        if a is not b:
            counted.update(levels(a, b))
    by_chance: dict[Field, Mapping[Level, float]] = {}
    for field, usual in shares("u").items():
        known = sum(counted[field, level] for level in usual)
        by_chance[field] = {level: (counted[field, level] + _PRIOR * u) / (known + _PRIOR) for level, u in usual.items()}
    by_chance["order"] = shares("u")["order"]  # names that agree by chance are too few to be drawn
    return Register(len(right), _neighbours(lists), by_chance)


def _neighbours(lists: Sequence[Mapping[str, Normal]]) -> float:
    """How many others of another family name and another given name live in somebody's house, on average."""
    houses: dict[tuple[str, object], list[Normal]] = defaultdict(list)
    for each in (each for records in lists for each in records.values() if each.home.street and each.home.house):
        houses[each.home.street, each.home.house].append(each)
    strangers = sum(
        level_of["family_name"] is Level.DIFFERENT and level_of["given_name"] is Level.DIFFERENT
        for dwellers in houses.values()
        for a, b in combinations(dwellers, 2)
        for level_of in [dict(levels(a, b))]
    )
    return max(1, 2 * strangers) / sum(map(len, lists))
