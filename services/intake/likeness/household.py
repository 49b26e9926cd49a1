"""Whether the people of a notice are a household that is known, and which household a notice belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from services.intake.likeness.decision import Comparison, Verdict, likely
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
    """Who is who, the strongest match first; `verdict` and `score` are the strongest one's (0: none): one person is enough."""

    score: float
    verdict: Verdict
    matches: tuple[Match, ...]


def compare_households(arrived: Sequence[Person], known: Sequence[Person]) -> HouseholdComparison:
    """Who of a notice is who of a household: each person at most once, the strongest pair first; DIFFERENT pairs are left out."""
    pairs = [
        Match(i, j, why)
        for i, one in enumerate(arrived)
        for j, other in enumerate(known)
        if (why := _best(one, other)) is not None
    ]
    matches: list[Match] = []
    for each in sorted(pairs, key=lambda pair: -pair.why.score):
        if all(each.arrived != taken.arrived and each.known != taken.known for taken in matches):
            matches.append(each)
    if not matches:
        return HouseholdComparison(0.0, Verdict.DIFFERENT, ())
    return HouseholdComparison(matches[0].why.score, matches[0].why.verdict, tuple(matches))


def _best(one: Person, other: Person) -> Comparison | None:
    """The strongest comparison of two people's records; None where they are DIFFERENT."""
    found = (why for a in one for b in other if (why := likely(a, b)) is not None)
    return max(found, key=lambda each: each.score, default=None)


def choose(compared: Mapping[K, HouseholdComparison]) -> tuple[K | None, tuple[K, ...]]:
    """The one household to attach to without asking, or none; and those a person should look at, the likeliest first.

    Two certain households contradict each other, so that a person decides.
    """
    likely = sorted(
        (key for key, each in compared.items() if each.verdict is not Verdict.DIFFERENT), key=lambda key: -compared[key].score
    )
    certain = [key for key in likely if compared[key].verdict is Verdict.CERTAIN]
    return (certain[0], ()) if len(certain) == 1 else (None, tuple(likely))
