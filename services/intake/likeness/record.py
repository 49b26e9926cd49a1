"""What is compared: a person at an address, as somebody wrote it, and its normal form."""

from __future__ import annotations

import json
from typing import NamedTuple

from services.intake.likeness.names import FullName, Name, full_name
from services.intake.likeness.places import House, Place, normal_place


class Record(NamedTuple):
    """A person at an address as it was written; empty where not known. `birth_date` is YYYY-MM-DD, digits may be wrong."""

    family_name: str
    given_name: str = ""
    street: str = ""
    number: str = ""
    addition: str = ""
    postcode: str = ""
    place: str = ""
    birth_date: str = ""


class Normal(NamedTuple):
    """The normal form of a record, made once and compared often."""

    name: FullName
    home: Place
    birth_date: str


def normal(record: Record) -> Normal:
    """The normal form of a record."""
    return Normal(
        full_name(record.family_name, record.given_name),
        normal_place(record.street, record.number, record.addition, record.postcode, record.place),
        "".join(char for char in record.birth_date if char.isdigit()),
    )


def packed(form: Normal) -> str:
    """A normal form as text, to be stored beside the keys: making it anew costs more than reading it."""
    names = [[sorted(name.words), name.joined, sorted(name.sounds)] for name in (form.name.family, form.name.given)]
    return json.dumps([*names, form.name.sorted, [*form.home[:-1], sorted(form.home.place_words)], form.birth_date])


def unpacked(text: str) -> Normal:
    """The normal form that was `packed`."""
    family, given, words, (street, house, addition, postcode, place, place_words), birth_date = json.loads(text)
    home = Place(street, House(*house) if house else None, addition, postcode, place, frozenset(place_words))
    return Normal(FullName(_name(*family), _name(*given), words), home, birth_date)


def _name(words: list[str], joined: str, sounds: list[str]) -> Name:
    return Name(frozenset(words), joined, frozenset(sounds))
