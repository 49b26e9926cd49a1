"""The counts behind services/intake/likeness/weights.toml.

Run: python -m benchmarks.matching.estimate

Prints for each field and level how often the 500 labelled pairs of FEBRL data set 1 agree so (m), and how often 250,000 pairs
of other people do (u), of those pairs that both have the field.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations, islice

from benchmarks.matching.data import febrl, pair
from services.intake.likeness import Level, normal
from services.intake.likeness.features import Field, levels

_STRANGERS = 250_000


def main() -> None:
    """Count and print."""
    task = febrl(1, birth_date=True)
    people = {key: normal(record) for key, record in task.lists[0].items()}
    strangers = (each for each in combinations(people, 2) if pair(*each) not in task.same)
    of_one: Counter[tuple[Field, Level]] = Counter()
    of_two: Counter[tuple[Field, Level]] = Counter()
    for counter, pairs in ((of_one, task.same), (of_two, islice(strangers, _STRANGERS))):
        for a, b in pairs:
            counter.update(levels(people[a], people[b]))
    for field, level in sorted(of_one | of_two):
        if level is not Level.MISSING:
            m, u = (_share(counter, field, level) for counter in (of_one, of_two))
            print(f"{field:12} {level:10} m = {m:.3f}  u = {u:.6f}")


def _share(counter: Counter[tuple[Field, Level]], field: Field, level: Level) -> float:
    return counter[field, level] / sum(counter[field, each] for each in Level if each is not Level.MISSING)


if __name__ == "__main__":
    main()
