"""Chance that can be repeated: each question has its own dice, so that one answer more or less changes no other."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """The dice for one question, named by stable words: a seed, a docket, a name; never by an id, which differs each time."""

    def __init__(self, *question: object) -> None:
        self._dice = random.Random("|".join(map(str, question)))  # noqa: S311  a demo, no secret

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self._dice.random() < probability

    def one_of(self, weighed: Mapping[T, float]) -> T:
        """One key, by its weight."""
        return self._dice.choices(list(weighed), list(weighed.values()))[0]

    def pick(self, items: tuple[T, ...] | list[T]) -> T:
        """One item, all alike."""
        return self._dice.choice(items)

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return self._dice.randint(low, high)

    def shuffled(self, items: tuple[T, ...] | list[T]) -> list[T]:
        """The items in another order."""
        return self._dice.sample(items, len(items))
