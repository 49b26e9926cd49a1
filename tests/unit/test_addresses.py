"""Addresses as people write them, and the district they lie in."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.addresses import Located, gazetteer, locate, normal_number, normal_street, normalise
from shared.city import UNKNOWN, load_city
from shared.contracts.topics.parts import Address

CITY = load_city(Path(__file__).parents[2] / "deploy" / "muenster")
KNOWN = gazetteer(CITY)


def where(street: str, number: str = "", postcode: str = "", place: str = "Münster") -> Located:
    return locate(Address(street=street, house_number=number, postcode=postcode, place=place), KNOWN)


@pytest.mark.parametrize(
    "spelling",
    [
        "Hammer Straße",
        "hammer strasse",
        "Hammer Str.",
        "Hammer Str",
        "HAMMER STRASSE",
        "Hammerstr.",
        " Hammer  Straße ",
        "Hammer-Straße",
    ],
)
def test_one_street_many_spellings(spelling: str) -> None:
    assert normal_street(spelling) == "hammerstrasse"


def test_umlauts_and_their_transcriptions() -> None:
    assert normal_street("Düesbergweg") == normal_street(unicodedata.normalize("NFD", "Düesbergweg"))
    assert normal_street("Hüfferstraße") == normal_street("Hueffer Str.")
    assert normal_street("Café-Égalité-Weg") == "cafeegaliteweg"
    assert normal_street("Straße der Einheit") != normal_street("Einheit")


@pytest.mark.parametrize(
    ("written", "normal"),
    [("12 a", "12a"), ("12A", "12a"), ("Nr. 012", "12"), ("12 – 14", "12-14"), ("100", "100"), ("7/9", "7/9"), ("", "")],
)
def test_house_numbers(written: str, normal: str) -> None:
    assert normal_number(written) == normal


def test_number_and_postcode_are_found_where_people_write_them() -> None:
    tidy = normalise(Address(street="Hammer Straße", house_number="12a", postcode="48153", place="Münster"))
    assert normalise(Address(street="Hammer Str. 12 A", place="D-48153 Münster")) == tidy
    assert normalise(Address(street="Hammer Str. 12 a")).key == tidy.key
    assert normalise(Address(street="Straße des 17. Juni", house_number="1")).number == "1"


def test_a_located_house_has_a_quarter() -> None:
    assert where("Grevener Str.", "311") == Located("NORD", "62", in_city=True)


def test_a_short_street_has_a_district() -> None:
    assert where("Prinzipalmarkt", "3") == Located("MITTE", None, in_city=True)


def test_on_a_long_street_only_between_located_houses() -> None:
    assert where("Warendorfer Straße", "150").district == "MITTE"
    assert where("Wolbecker Straße", "150").district == UNKNOWN  # 75 lies in Mitte, 304 in Ost
    assert where("Warendorfer Straße", "900").district == UNKNOWN
    assert where("Warendorfer Straße").district == UNKNOWN


def test_the_place_name_tells_the_district_where_the_street_does_not() -> None:
    assert where("Neue Gasse", "1", place="Münster-Hiltrup").district == "HILTRUP"
    assert where("Neue Gasse", "1", place="Kinderhaus").district == "NORD"
    assert where("Neue Gasse", "1", place="48155 Münster (Gremmendorf)").district == "SUEDOST"
    assert where("Neue Gasse", "1", place="Münster-Mauritz").district == UNKNOWN  # Mitte and Ost share the name
    assert not where("Neue Gasse", "1", place="Dom").in_city


def test_a_postcode_never_tells_the_district() -> None:
    for postcode in CITY.postcodes:
        assert where("Neue Gasse", "1", postcode) == Located(UNKNOWN, None, in_city=True)


def test_what_lies_outside() -> None:
    assert where("Prinzipalmarkt", "1", "86692") == Located(UNKNOWN, None, in_city=False)  # Münster in Bavaria
    assert not where("Bahnhofstraße", "1", "48291", "Telgte").in_city
    assert not where("Bahnhofstraße", "1", place="Telgte").in_city


def test_in_doubt_inside() -> None:
    assert where("Neue Gasse", "1", place="").in_city
    assert where("Prinzipalmarkt", "1", "48134").in_city  # a slip of 48143
    assert not where("Neue Gasse", "1", "48134").in_city
    assert where("Prinzipalmarkt", "1", "4814").in_city


def test_every_street_on_the_list_is_found_under_its_own_name() -> None:
    for street in CITY.streets:
        if street.district:
            assert where(street.street, "99999").district == street.district, street.street


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=10), st.text(max_size=40))
def test_any_text_is_an_address(street: str, number: str, postcode: str, place: str) -> None:
    address = Address.model_construct(street=street, house_number=number, addition="", postcode=postcode, place=place)
    found = locate(address, KNOWN)
    assert found.district in {UNKNOWN, *CITY.districts}
    assert found.in_city or found.district == UNKNOWN


@given(st.text(max_size=60))
def test_the_normal_form_is_normal(text: str) -> None:
    assert normal_street(normal_street(text)) == normal_street(text)
    assert normal_number(normal_number(text)) == normal_number(text)
