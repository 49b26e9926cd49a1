"""The fields of two records and how well each agrees. Knows no weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from rapidfuzz.distance import OSA

from services.intake.likeness.levels import Level
from services.intake.likeness.names import agreement
from services.intake.likeness.places import (
    addition_agreement,
    house_agreement,
    place_agreement,
    postcode_agreement,
    street_agreement,
)
from services.intake.likeness.record import Normal

Field = Literal["family_name", "given_name", "order", "street", "number", "addition", "postcode", "place", "birth_date"]


Agreed = tuple[Field, Level]
"""A field and how well it agrees."""


def levels(a: Normal, b: Normal) -> tuple[Agreed, ...]:
    """Each field and how well it agrees. Symmetric."""
    return in_order(person_levels(a, b), home_levels(a, b))


def in_order(person: Iterable[Agreed], home: Iterable[Agreed]) -> tuple[Agreed, ...]:
    """All levels, as they are kept and shown."""
    family, given, order, birth_date = person
    return (family, given, order, *home, birth_date)


def person_levels(a: Normal, b: Normal) -> tuple[Agreed, ...]:
    """What neighbours do not share, and how well it agrees. Symmetric."""
    name = agreement(a.name, b.name)
    return (
        ("family_name", name.family),
        ("given_name", name.given),
        ("order", Level.DIFFERENT if name.swapped else Level.SAME),
        ("birth_date", _birth_date(a.birth_date, b.birth_date)),
    )


def home_levels(a: Normal, b: Normal) -> tuple[Agreed, ...]:
    """What neighbours share, and how well it agrees. Symmetric."""
    return (
        ("street", street_agreement(a.home, b.home)),
        ("number", house_agreement(a.home.house, b.home.house)),
        ("addition", addition_agreement(a.home, b.home)),
        ("postcode", postcode_agreement(a.home, b.home)),
        ("place", place_agreement(a.home, b.home)),
    )


def _birth_date(a: str, b: str) -> Level:
    """One wrong digit, or day and month swapped, is close."""
    if not a or not b:
        return Level.MISSING
    if a == b:
        return Level.SAME
    swapped = a[:4] == b[:4] and a[4:6] == b[6:8] and a[6:8] == b[4:6]
    return Level.CLOSE if swapped or OSA.distance(a, b, score_cutoff=1) <= 1 else Level.DIFFERENT
