"""Whether the people of a notice are a household that is known, and which household a notice belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from services.intake.likeness.decision import Comparison, Verdict, compare
from services.intake.likeness.record import Normal

Person = Sequence[Normal]
"""One person with all their addresses and spellings, a record each."""

K = TypeVar("K")


class Match(NamedTuple):
    """A person of the notice and a person of the household, by their places in the lists, and why."""

    arrived: int
    known: int
    why: Comparison


class HouseholdComparison(NamedTuple):
    """Who is who, the strongest match first; `verdict` and `score` are the strongest one's: one person is enough."""

    score: float
    verdict: Verdict
    matches: tuple[Match, ...]


def compare_households(arrived: Sequence[Person], known: Sequence[Person]) -> HouseholdComparison:
    """Who of a notice is who of a household: each person at most once, the strongest pair first; DIFFERENT pairs are left out."""
    pairs = [Match(i, j, _best(one, other)) for i, one in enumerate(arrived) for j, other in enumerate(known)]
    matches: list[Match] = []
    for each in sorted(pairs, key=lambda pair: -pair.why.score):
        free = all(each.arrived != taken.arrived and each.known != taken.known for taken in matches)
        if free and each.why.verdict is not Verdict.DIFFERENT:
            matches.append(each)
    if not matches:
        return HouseholdComparison(max((pair.why.score for pair in pairs), default=0.0), Verdict.DIFFERENT, ())
    return HouseholdComparison(matches[0].why.score, matches[0].why.verdict, tuple(matches))


def _best(one: Person, other: Person) -> Comparison:
    return max((compare(a, b) for a in one for b in other), key=lambda each: each.score)


def choose(compared: Mapping[K, HouseholdComparison]) -> tuple[K | None, tuple[K, ...]]:
    """The one household to attach to without asking, or none; and those a person should look at, the likeliest first.

    Two certain households contradict each other, so that a person decides.
    """
    likely = sorted(
        (key for key, each in compared.items() if each.verdict is not Verdict.DIFFERENT), key=lambda key: -compared[key].score
    )
    certain = [key for key in likely if compared[key].verdict is Verdict.CERTAIN]
    return (certain[0], ()) if len(certain) == 1 else (None, tuple(likely))
