"""Keys that lead from one record to the few that may mean the same person: a fixed number each, to be looked up by index.

Each kind survives slips that the others don't. A key that too many share is passed over by who looks it up: a name alone helps
in a village, street and house in the city.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from services.intake.likeness.names import Name
from services.intake.likeness.record import Normal

MOST = 19
"""The most keys that a record has."""

WIDE = 16
"""A key that more households share than this is passed over; look up one more than this."""

CANDIDATES = 8
"""The most households that are compared with one record."""

K = TypeVar("K")


def keys(record: Normal) -> tuple[str, ...]:
    """The keys of a record, the narrowest kinds first; at most MOST, and the same for equal normal forms."""
    return tuple(dict.fromkeys(_keys(record)))[:MOST]


def _keys(record: Normal) -> Iterator[str]:
    home, family, given = record.home, _sounds(record.name.family), _sounds(record.name.given)[:1]
    heard = sorted({*family, *given})
    houses = sorted({home.house.first, home.house.last}) if home.house else []
    if record.birth_date:
        yield f"birth|{record.birth_date}"
    if home.street:
        yield from (f"house|{home.street}|{number}" for number in houses)
    yield from (f"street|{line[:5]}|{each}" for line in (home.street, home.addition) if line for each in heard)
    for area in (home.postcode, ""):
        yield from (f"name|{area}|{'|'.join(sorted((each, given[0])))}" for each in family if given)
    if home.postcode:
        if home.addition:
            yield f"line|{home.addition[:5]}|{home.postcode}"
        yield from (f"door|{home.postcode}|{number}|{home.street[:1]}" for number in houses)
        yield from (f"postcode|{home.postcode}|{each}" for each in heard)


def _sounds(name: Name) -> list[str]:
    """The sounds of at most two words of a name, so that a double name is found by either half."""
    return sorted(name.sounds)[:2]


def stored(key: str) -> int:
    """A key as it is stored: a 64-bit number, small in an index and no name to read there."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), signed=True)


def candidates(found: Iterable[Sequence[K]]) -> tuple[K, ...]:
    """Whom to compare with, from what each key led to: those that share the most and the narrowest keys first.

    A key counts the more the fewer share it; wide ones not at all.
    """
    nearness: dict[K, float] = {}
    for each in found:
        if len(each) <= WIDE:
            for one in each:
                nearness[one] = nearness.get(one, 0.0) + 1 / len(each)
    return tuple(sorted(nearness, key=lambda one: -nearness[one])[:CANDIDATES])
