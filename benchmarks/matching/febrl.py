"""Our matcher and an untuned splink on the FEBRL data sets, in one run, on the same fields.

Run: python -m benchmarks.matching.febrl [DATA SET...]

Prints JSON. Data sets 1 to 3: find duplicates in one list; 4: link two lists. Each with names and addresses alone, as notices
have them, and with dates of birth.

`fixed` is the threshold that each declares: ours asks from odds of 6 : 100, splink says "same" from a weight of 0. `best` is the
threshold of whole bits with the highest F1, for both alike. `certain` is where ours attaches without asking,
with the weights fitted to the lists and with those that intake runs with. How people write
(m) was counted on data set 1 alone; how often strangers agree (u) both learn from the lists themselves, without labels.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import chain

from benchmarks.matching import splinked
from benchmarks.matching.data import Pair, Task, febrl, pair
from benchmarks.matching.unlabelled import register
from services.intake.likeness import Normal, candidates, compare, keys, normal
from services.intake.likeness.weights import city, fitted

_AT_LEAST = 20_000
"""Decisions that are timed; fewer are repeated."""

Scores = Mapping[Pair, float]


def main() -> None:
    """Run all and print the figures."""
    warnings.simplefilter("ignore")  # pandas and splink speak of their own future
    chosen = [int(each) for each in sys.argv[1:]] or [1, 2, 3, 4]
    rows = [_row(febrl(number, birth_date=known), birth_date=known) for known in (False, True) for number in chosen]
    print(json.dumps(rows, indent=1))


def _row(task: Task, *, birth_date: bool) -> dict[str, object]:
    theirs, their_seconds = splinked.scored(task, birth_date=birth_date)
    started = time.process_time()
    lists = [{key: normal(record) for key, record in records.items()} for records in task.lists]
    normalising = time.process_time() - started
    known = fitted(register(lists))
    people = dict(chain.from_iterable(records.items() for records in lists))
    candidates = sorted(_candidates(lists))
    ours = {(a, b): compare(people[a], people[b], known).score for a, b in candidates}
    by_city = {(a, b): compare(people[a], people[b]).score for a, b in candidates}
    return {
        "data_set": task.name,
        "birth_date": birth_date,
        "same": len(task.same),
        "possible_pairs": task.possible(),
        "ours": {
            **_quality(ours, task.same, known.possible),
            "certain": _measures(ours, task.same, known.certain),
            "certain_by_the_city_weights": _measures(by_city, task.same, city().certain),
            "decisions_per_cpu_second": _speed([(people[a], people[b]) for a, b in candidates]),
            "records_normalised_per_cpu_second": round(len(people) / normalising),
        },
        "splink": {
            **_quality(theirs, task.same, 0.0),
            "decisions_per_cpu_second": round(len(theirs) / their_seconds),
        },
        "splink_on_our_pairs": _quality({each: theirs[each] for each in candidates if each in theirs}, task.same, 0.0),
    }


def _candidates(lists: list[dict[str, Normal]]) -> set[Pair]:
    """The pairs that intake would compare: each record of the last list is looked up by its keys among those of the first."""
    blocks: dict[str, list[str]] = defaultdict(list)
    for name, record in lists[0].items():
        for key in keys(record):
            blocks[key].append(name)
    return {
        pair(name, other)
        for name, record in lists[-1].items()
        for other in candidates([[each for each in blocks[key] if each != name] for key in keys(record) if key in blocks])
    }


def _quality(scores: Scores, same: Collection[Pair], threshold: float) -> dict[str, object]:
    best = max((_measures(scores, same, float(bits)) for bits in range(-10, 41)), key=lambda each: each["f1"])
    found = sum(each in scores for each in same)
    return {
        "pairs": len(scores),
        "same_among_pairs": round(found / len(same), 4),
        "fixed": _measures(scores, same, threshold),
        "best": best,
    }


def _measures(scores: Scores, same: Collection[Pair], threshold: float) -> dict[str, float]:
    said = [each for each, score in scores.items() if score >= threshold]
    right = sum(each in same for each in said)
    precision, recall = right / len(said) if said else 1.0, right / len(same)
    return {
        "threshold_bits": round(threshold, 2),
        "precision": round(precision, 5),
        "recall": round(recall, 5),
        "f1": round(2 * right / (len(said) + len(same)), 5),
    }


def _speed(pairs: list[tuple[Normal, Normal]]) -> int:
    rounds = -(-_AT_LEAST // len(pairs))
    started = time.process_time()
    for _ in range(rounds):
        for a, b in pairs:
            compare(a, b)
    return round(rounds * len(pairs) / (time.process_time() - started))


if __name__ == "__main__":
    main()
