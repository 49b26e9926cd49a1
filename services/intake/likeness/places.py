"""Addresses as they are written: abbreviated streets, ranges and letters of house numbers, c/o, number behind the street."""

from __future__ import annotations

import re
from typing import NamedTuple

from rapidfuzz.distance import OSA

from services.intake.likeness.letters import plain
from services.intake.likeness.levels import Level, share, written

_STREET_WORDS = {
    **dict.fromkeys(("str", "strasse", "strase", "strae"), "str"),
    "pl": "platz",
    "st": "sankt",
    "bgm": "buergermeister",
    "dr": "doktor",
    "prof": "professor",
}
_STREET_ENDING = re.compile(r"(?<=[a-z]{2})(?:strasse|strase)$")
_NUMBER_IN_STREET = re.compile(
    r"^(?P<street>.*\D)[\s,]+(?P<number>\d+\s*[a-z]?(?:\s*(?:[-–/+]|bis)\s*\d*\s*[a-z]?)?)$", re.IGNORECASE
)
_POSTCODE_IN_PLACE = re.compile(r"^(?:d\s*-?\s*)?(?P<postcode>\d{4,5})\b[\s,]*", re.IGNORECASE)
_REGION = re.compile(r"\(.*?\)|\b(?:westf|westfalen|bayern|i\.\s?w)\b\.?|[,/].*$", re.IGNORECASE)
_CARE_OF = re.compile(r"\bc\s*/\s*o\b[\s.:]*", re.IGNORECASE)
_AT = re.compile(r"^\s*(?:bei|zu haenden|z\.?\s?hd\.?|p\.?\s?adr\.?)\s+", re.IGNORECASE)
_INSIDE = re.compile(
    r"\b(?:\d+\.?\s*)?(?:og|eg|ug|dg|etage|stock|obergeschoss|erdgeschoss|whg|wohnung|app|apartment|links|rechts|mitte|li|re|hinterhaus|hh|"
    r"vorderhaus|vh|seitenfluegel|nr)\b\.?(?:\s*\d+)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(\d+)\s*([a-z]?)")


class House(NamedTuple):
    """A house number: all the plain numbers and letters it spans. "10-12 a" is 10 to 12 with the letter a."""

    first: int
    last: int
    letters: str


class Place(NamedTuple):
    """An address in normal form; empty or None where it is not known."""

    street: str
    house: House | None
    addition: str
    postcode: str
    place: str
    place_words: frozenset[str]


def normal_place(street: str, number: str, addition: str, postcode: str, place: str) -> Place:
    """The normal form of an address, wherever number, postcode and c/o were written. Floor and rear building are left out."""
    if care := _CARE_OF.search(street):
        street, addition = street[: care.start()], f"{addition} {street[care.end() :]}"
    if not number.strip() and (found := _NUMBER_IN_STREET.match(street.strip(" ,"))):
        street, number = found["street"], found["number"]
    if found := _POSTCODE_IN_PLACE.match(place.strip()):
        postcode, place = postcode or found["postcode"], place.strip()[found.end() :]
    words = plain(_REGION.sub(" ", place)).split()
    return Place(
        street=_street(street),
        house=house(number),
        addition="".join(plain(_INSIDE.sub(" ", _AT.sub("", _CARE_OF.sub(" ", addition)))).split()),
        postcode="".join(char for char in postcode if char.isdigit()),
        place="".join(words),
        place_words=frozenset(words),
    )


def _street(text: str) -> str:
    words = [_STREET_WORDS.get(word, word) for word in plain(text).split()]
    return "".join(_STREET_ENDING.sub("str", word) for word in words)


def house(text: str) -> House | None:
    """A house number as it is written: "Nr. 012 A", "12a", "10-12", "10 bis 12", "10/12", "12 a-c"."""
    parts = _NUMBER.findall(plain(text).replace("bis", " "))
    if not parts:
        return None
    numbers = [int(digits) for digits, _ in parts]
    return House(min(numbers), max(numbers), "".join(sorted({letter for _, letter in parts})))


def street_agreement(a: Place, b: Place) -> Level:
    """How two streets agree. A street that somebody wrote into the line above or below counts as well."""
    level = written(a.street, b.street)
    crossed = bool(a.addition and a.addition == b.street) or bool(b.addition and b.addition == a.street)
    return Level.CLOSE if crossed and level is not Level.SAME else level


def house_agreement(a: House | None, b: House | None) -> Level:
    """How two house numbers agree: 12 and 12a, or 10-12 and 12, are parts of one; 21 and 12 a slip of the pen."""
    if a is None or b is None:
        return Level.MISSING
    if a == b:
        return Level.SAME
    inside = (a.first <= b.first and b.last <= a.last) or (b.first <= a.first and a.last <= b.last)
    if inside and (not a.letters or not b.letters or share(frozenset(a.letters), frozenset(b.letters))):
        return Level.PART
    one, other = str(a.first), str(b.first)
    return Level.ALIKE if sorted(one) == sorted(other) or one.startswith(other) or other.startswith(one) else Level.DIFFERENT


def addition_agreement(a: Place, b: Place) -> Level:
    """How two additions agree (host behind c/o, name of a house or home)."""
    return written(a.addition, b.addition)


def postcode_agreement(a: Place, b: Place) -> Level:
    """How two postcodes agree: one wrong or swapped digit is close."""
    if not a.postcode or not b.postcode:
        return Level.MISSING
    if a.postcode == b.postcode:
        return Level.SAME
    return Level.CLOSE if OSA.distance(a.postcode, b.postcode, score_cutoff=1) == 1 else Level.DIFFERENT


def place_agreement(a: Place, b: Place) -> Level:
    """How two places agree: a town and its district are parts of one."""
    level = written(a.place, b.place)
    if level is Level.SAME or level is Level.MISSING:
        return level
    return Level.PART if share(a.place_words, b.place_words) else level
