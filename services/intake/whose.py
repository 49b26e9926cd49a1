"""Whose a notice is: the household that its people are known in, by exact keys first, then by likeness. Pure.

Households that a person has kept apart decide nothing together: a key that they share leads to neither.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from uuid import UUID

from services.intake import alike, matching
from services.intake.desk import Desk
from services.intake.likeness import HouseholdComparison, Verdict, candidates, choose
from shared.contracts.fields import Event

Compared = Mapping[UUID, HouseholdComparison]


@dataclass(frozen=True, slots=True)
class Whose:
    """`household`: where the notice belongs, None where nobody is known or a person has to decide.

    `by_likeness`: no exact key led there. `certain`: all households that certainly know one of the people; `likely`: those that a
    person has to look at where there is no such household, the certain ones among them.
    """

    household: UUID | None = None
    by_likeness: bool = False
    certain: Compared = field(default_factory=dict)
    likely: Compared = field(default_factory=dict)


def whose(desk: Desk, notice: Event) -> Whose:
    """Whose a notice is, as far as its people tell."""
    votes, torn = _exact(desk, notice)
    people = [desk.form(record) for _, record in alike.records(notice)]
    near = [household for each in people for household in candidates(desk.led_by(key) for key in each.keys)]
    compared = {each: alike.compared(people, desk.people.get(each, {})) for each in {**dict.fromkeys(near), **votes, **torn}}
    certain = {
        household: found
        for household, found in compared.items()
        if household in votes or household in torn or found.verdict is Verdict.CERTAIN
    }
    if votes:
        return Whose(max(votes, key=lambda each: (votes[each], each)), certain=certain)
    home, likely = choose(compared)
    if home is None or torn:
        return Whose(certain=certain, likely={each: compared[each] for each in dict.fromkeys((*likely, *torn))})
    return Whose(home, by_likeness=True, certain=certain)


def _exact(desk: Desk, notice: Event) -> tuple[Counter[UUID], dict[UUID, None]]:
    """How many people are known where by an exact key, and the households kept apart that share one."""
    votes: Counter[UUID] = Counter()
    torn: dict[UUID, None] = {}
    for key in matching.household_keys(notice, desk.atlas.key):
        known = desk.known_at(key)
        if any(frozenset(pair) in desk.apart for pair in combinations(known, 2)):
            torn.update(dict.fromkeys(known))
        else:
            votes.update(known)
    return votes, torn
