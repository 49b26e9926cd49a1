"""Names of people as they are written: titles, double names, particles, initials, given and family name swapped."""

from __future__ import annotations

import re
from typing import NamedTuple

from services.intake.likeness.letters import plain, sound
from services.intake.likeness.levels import GOOD, Level, share, written

_TITLES = frozenset(
    "dr prof professor doktor med dent vet jur iur phil rer nat pol ing habil dipl mag herr frau hr fr eheleute familie".split()  # noqa: SIM905  reads as words
)
_PARTICLES = frozenset("von vom zu zum zur van vd der den dem de del della di da dos du la le el al ten ter".split())  # noqa: SIM905  as above
_HONORARY = re.compile(r"\bh c\b")


class Name(NamedTuple):
    """One name, family or given, in normal form; empty where it is not known."""

    words: frozenset[str]
    joined: str
    sounds: frozenset[str]


class FullName(NamedTuple):
    """Family and given name in normal form, and all words of both in alphabetical order."""

    family: Name
    given: Name
    sorted: str


def full_name(family_name: str, given_name: str) -> FullName:
    """The normal form of a person's name. "Dr. Müller-Lüdenscheidt, Anna" may be all in the family name."""
    if not given_name and family_name.count(",") == 1:
        family_name, given_name = family_name.split(",")
    family, given = _name(family_name), _name(given_name)
    return FullName(family, given, " ".join(sorted(family.words | given.words)))


def _name(text: str) -> Name:
    words = _HONORARY.sub("", plain(text)).split()
    kept = _without(_without(words, _TITLES), _PARTICLES)
    return Name(frozenset(kept), "".join(kept), frozenset(heard for word in kept if (heard := sound(word))))


def _without(words: list[str], left_out: frozenset[str]) -> list[str]:
    """The words but those left out; a name of nothing else stays (Frau De, Herr Van)."""
    return [word for word in words if word not in left_out] or words


class NameAgreement(NamedTuple):
    """How two names agree, in the order of names that agrees better."""

    family: Level
    given: Level
    swapped: bool


_RANK = {Level.SAME: 4, Level.PART: 3, Level.CLOSE: 3, Level.ALIKE: 1, Level.MISSING: 1, Level.DIFFERENT: 0}


def agreement(a: FullName, b: FullName) -> NameAgreement:
    """How two people's names agree. Symmetric."""
    family, given = _agree(a.family, b.family), _agree(a.given, b.given)
    if family in GOOD and given in GOOD:
        return NameAgreement(family, given, swapped=False)
    if a.sorted == b.sorted and (a.given.joined or b.given.joined):
        return NameAgreement(Level.SAME, Level.SAME, swapped=True)
    one = _agree(a.family, b.given)
    other = _agree(a.given, b.family) if one in GOOD else one
    if one in GOOD and other in GOOD and _RANK[one] + _RANK[other] > _RANK[family] + _RANK[given]:
        better, worse = (one, other) if _RANK[one] >= _RANK[other] else (other, one)
        return NameAgreement(better, worse, swapped=True)
    return NameAgreement(family, given, swapped=False)


def _agree(a: Name, b: Name) -> Level:
    if not a.joined or not b.joined:
        return Level.MISSING
    if a.joined == b.joined or a.words == b.words:
        return Level.SAME
    if share(a.words, b.words):
        return Level.PART
    level = written(a.joined, b.joined)
    if level is Level.CLOSE or (a.sounds == b.sounds and a.sounds):
        return Level.CLOSE
    if level is Level.ALIKE or _initial(a.joined, b.joined):
        return Level.ALIKE
    return Level.PART if not a.words.isdisjoint(b.words) else level


def _initial(a: str, b: str) -> bool:
    return min(len(a), len(b)) == 1 and a[0] == b[0]
