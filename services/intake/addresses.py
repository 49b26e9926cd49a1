"""Addresses: one normal form for what people write, and the district of an address."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass

from shared.city import UNKNOWN, City
from shared.contracts.topics.parts import Address

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "æ": "ae", "ø": "oe", "œ": "oe"})
_ABBREVIATED_STREET = re.compile(r"str\b\.?")
_ABBREVIATED_SQUARE = re.compile(r"pl\.")
_NUMBER_IN_STREET = re.compile(r"^(?P<street>.*\D)[\s,]+(?P<number>\d+\s*[a-z]?(?:\s*[-/+]\s*\d*\s*[a-z]?)?)$", re.IGNORECASE)
_POSTCODE_IN_PLACE = re.compile(r"^(?:d-?\s*)?(?P<postcode>\d{5})\b")
_PREFIX_OF_NUMBER = re.compile(r"^\s*(?:nr|no|hausnummer)\b\.?(?=\s*\d)")
_NOT_IN_NUMBER = re.compile(r"[^a-z0-9\-/+]")
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_NO_WORD = re.compile(r"[^a-z0-9]+")
_NO_DIGIT = re.compile(r"\D")
_PARTS_OF_TOWN = {"ost", "west", "mitte"}


@dataclass(frozen=True, slots=True)
class NormalAddress:
    """An address for exact comparison. c/o, floor and rear building are left out: they name no other dwelling for us."""

    street: str
    number: str
    postcode: str
    place: str

    @property
    def key(self) -> str:
        """Street and number: equal for one house, however it is spelled, with a postcode or without."""
        return f"{self.street} {self.number}".rstrip()


@dataclass(frozen=True, slots=True)
class Located:
    """Where an address lies: district code or UNKNOWN, quarter number where it was located on the map, in the city or not."""

    district: str
    quarter: str | None
    in_city: bool


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """A city's streets in normal form, made by `gazetteer`. Read-only."""

    postcodes: frozenset[str]
    places: Mapping[str, str | None]
    streets: Mapping[str, str | None]
    quarters: Mapping[str, str]
    samples: Mapping[str, tuple[tuple[int, str], ...]]
    district_of_quarter: Mapping[str, str]


def fold(text: str) -> str:
    """Letters and digits only, lower case, umlauts and ß spelled out, other marks dropped: "Hüfferstr." -> "huefferstr"."""
    lower = unicodedata.normalize("NFKC", text).casefold().translate(_UMLAUTS)
    if lower.isascii():  # as most words are by now
        return _NO_WORD.sub("", lower)
    bare = (char for char in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(char))
    return "".join(char for char in bare if char.isalnum()).translate(_UMLAUTS)  # again: "ǣ" is "æ" only now


def normal_street(text: str) -> str:
    """A street name for comparison: "Hammer Str.", "Hammerstrasse" and "HAMMER STRASSE" are one."""
    lower = unicodedata.normalize("NFKC", text).casefold()
    return fold(_ABBREVIATED_SQUARE.sub("platz", _ABBREVIATED_STREET.sub("strasse", lower)))


def normal_number(text: str) -> str:
    """A house number for comparison: "Nr. 012 A" -> "12a", "12 – 14" -> "12-14"."""
    lower = unicodedata.normalize("NFKC", text).casefold().replace("–", "-")
    return _LEADING_ZEROS.sub("", _NOT_IN_NUMBER.sub("", _PREFIX_OF_NUMBER.sub("", lower)))


def normalise(address: Address) -> NormalAddress:
    """The normal form of an address as somebody wrote it, wherever they wrote number and postcode."""
    street, number = address.street, address.house_number
    if not number.strip() and (found := _NUMBER_IN_STREET.match(street.strip())):
        street, number = found["street"], found["number"]
    postcode, place = _NO_DIGIT.sub("", address.postcode), address.place.strip()
    if found := _POSTCODE_IN_PLACE.match(place.casefold()):
        postcode, place = postcode or found["postcode"], place[found.end() :]
    return NormalAddress(normal_street(street), normal_number(number), postcode, fold(place))


def locate(address: Address, known: Gazetteer) -> Located:
    """The district of an address, from the most certain to the least: located house, street, houses around, place name.

    A postcode tells whether an address lies in the city, never in which district: postcodes cross district borders.
    """
    return locate_normal(normalise(address), known)


def locate_normal(normal: NormalAddress, known: Gazetteer) -> Located:
    """The same of an address in normal form."""
    if not _in_city(normal, known):
        return Located(UNKNOWN, None, in_city=False)
    if quarter := known.quarters.get(normal.key):
        return Located(known.district_of_quarter[quarter], quarter, in_city=True)
    district = known.streets.get(normal.street) or _between(normal, known) or known.places.get(normal.place)
    return Located(district or UNKNOWN, None, in_city=True)


def _in_city(normal: NormalAddress, known: Gazetteer) -> bool:
    """By postcode, else by place. In doubt yes: a household too many is seen at the door, one too few nowhere."""
    named = normal.place in known.places
    if len(normal.postcode) != 5:
        return named or not normal.place
    if normal.postcode in known.postcodes:
        return True
    # A slip in the last digits: ours by name and street, and of the same region. Münster in Bavaria (86692) is not.
    region = {postcode[:2] for postcode in known.postcodes}
    return named and normal.street in known.streets and normal.postcode[:2] in region


def _between(normal: NormalAddress, known: Gazetteer) -> str | None:
    """The district of a house between two located ones of the same district on a street that crosses several."""
    digits = re.match(r"\d+", normal.number)
    samples = known.samples.get(normal.street, ())
    if digits is None:
        return None
    after = bisect(samples, int(digits[0]), key=lambda sample: sample[0])
    around = {district for _, district in samples[max(after - 1, 0) : after + 1]}
    return around.pop() if 0 < after < len(samples) and len(around) == 1 else None


def gazetteer(city: City) -> Gazetteer:
    """The city's streets, houses and place names, ready to be looked up."""
    district_of_quarter = {row.quarter: row.district for row in city.quarters}
    quarters: dict[str, str] = {}
    samples: dict[str, list[tuple[int, str]]] = {}
    for house in city.sampled:
        street, number = normal_street(house.street), normal_number(house.number)
        quarters[f"{street} {number}"] = house.quarter
        if digits := re.match(r"\d+", number):
            samples.setdefault(street, []).append((int(digits[0]), district_of_quarter[house.quarter]))
    return Gazetteer(
        postcodes=city.postcodes,
        places=_places(city),
        streets={normal_street(street.street): street.district for street in city.streets},
        quarters=quarters,
        samples={street: tuple(sorted(houses)) for street, houses in samples.items()},
        district_of_quarter=district_of_quarter,
    )


def _places(city: City) -> dict[str, str | None]:
    """Place names in normal form and the district they name: "Münster" none, "Münster-Hiltrup" and "Hiltrup" one.

    A part of the centre counts only behind the city's name: "Dom" alone is a place elsewhere.
    """
    places: dict[str, str | None] = {fold(name): None for name in city.place_names}
    names: dict[str, set[str]] = {}
    for row in city.quarters:
        words = (word for word in re.split(r"-", row.quarter_name) if fold(word) not in _PARTS_OF_TOWN)
        for name in {row.quarter_name, *words}:
            names.setdefault(fold(name), set()).add(row.district)
    for name, districts in names.items():
        district = next(iter(districts)) if len(districts) == 1 else None
        places[fold(city.name) + name] = district
        if city.centre not in districts:
            places[name] = district
    return places
