"""One person, one address, in every way in which people write them."""

from __future__ import annotations

import pytest

from services.intake.likeness import Level, Record, Verdict, compare, normal
from services.intake.likeness.letters import plain, sound
from services.intake.likeness.names import agreement, full_name
from services.intake.likeness.places import House, house, house_agreement, normal_place

ANNA = Record("Müller-Lüdenscheidt", "Anna", "Wolbecker Straße", "12 a", "", "48155", "Münster")


@pytest.mark.parametrize(
    "spelling",
    [
        ANNA._replace(street="Wolbecker Str."),
        ANNA._replace(street="wolbecker str"),
        ANNA._replace(street="WOLBECKER STRASSE"),
        ANNA._replace(street="Wolbeckerstraße"),
        ANNA._replace(street="Wolbecker Str. 12a", number=""),
        ANNA._replace(street="Wolbecker Str. 12a c/o Hof", number=""),
        ANNA._replace(addition="c/o Hof"),
        ANNA._replace(addition="2. OG links"),
        ANNA._replace(number="12a"),
        ANNA._replace(number="Nr. 012 A"),
        ANNA._replace(number="12"),
        ANNA._replace(number="10-12"),
        ANNA._replace(postcode="", place="D-48155 Münster"),
        ANNA._replace(postcode=""),
        ANNA._replace(place="Münster (Westf.)"),
        ANNA._replace(place="Muenster"),
        ANNA._replace(family_name="Lüdenscheidt-Müller"),
        ANNA._replace(family_name="Mueller-Luedenscheidt"),
        ANNA._replace(family_name="MÜLLER LÜDENSCHEIDT"),
        ANNA._replace(family_name="Mu\u0308ller-Lu\u0308denscheidt"),
        ANNA._replace(family_name="Dr. Müller-Lüdenscheidt"),
        ANNA._replace(family_name="Frau Prof. Dr. med. Müller-Lüdenscheidt"),
        ANNA._replace(family_name="Müller-Lüdenscheid"),
        ANNA._replace(family_name="Müller-Lüdenschiedt"),
        ANNA._replace(family_name="Anna", given_name="Müller-Lüdenscheidt"),
        ANNA._replace(family_name="Müller-Lüdenscheidt, Anna", given_name=""),
        ANNA._replace(family_name="Anna Müller-Lüdenscheidt", given_name=""),
    ],
)
def test_the_same_person_for_certain(spelling: Record) -> None:
    assert compare(normal(ANNA), normal(spelling)).verdict is Verdict.CERTAIN


@pytest.mark.parametrize(
    "other",
    [
        ANNA._replace(given_name="Bernd"),  # a relative?
        ANNA._replace(family_name="Öztürk"),  # married?
        ANNA._replace(given_name=""),  # "Familie Müller-Lüdenscheidt"
        ANNA._replace(given_name="A."),
        ANNA._replace(family_name="Müller"),  # half a double name: herself, or her mother
        ANNA._replace(number="47"),  # moved within the street, or a namesake
        ANNA._replace(street="", number=""),
    ],
)
def test_in_doubt_a_person_decides(other: Record) -> None:
    assert compare(normal(ANNA), normal(other)).verdict is Verdict.UNCERTAIN


@pytest.mark.parametrize(
    "other",
    [
        ANNA._replace(family_name="Öztürk", given_name="Mehmet"),  # a neighbour
        ANNA._replace(family_name="Öztürk", given_name=""),  # another neighbour
        ANNA._replace(street="Hammer Straße", number="3", postcode="48153"),  # a namesake across the city
        Record("Müller-Lüdenscheidt"),
        Record("", "", "Wolbecker Straße", "12 a", "", "48155", "Münster"),
    ],
)
def test_neighbours_and_namesakes_are_others(other: Record) -> None:
    assert compare(normal(ANNA), normal(other)).verdict is Verdict.DIFFERENT


def test_father_and_son_of_one_name_are_told_apart_by_their_dates_of_birth() -> None:
    father = ANNA._replace(given_name="Bernd", birth_date="1950-03-01")
    son = father._replace(birth_date="1980-11-24")
    assert compare(normal(father), normal(father)).verdict is Verdict.CERTAIN
    assert compare(normal(father), normal(son)).verdict is Verdict.UNCERTAIN


@pytest.mark.parametrize(("one", "other"), [("1950-03-01", "1950-01-03"), ("1950-03-01", "1950-03-11")])
def test_a_slip_in_a_date_of_birth(one: str, other: str) -> None:
    found = compare(normal(ANNA._replace(birth_date=one)), normal(ANNA._replace(birth_date=other)))
    assert {each.field: each.level for each in found.features}["birth_date"] is Level.CLOSE


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Łukasz Żółć", "lukasz zolc"),
        ("Đorđević", "dordevic"),
        ("Müßig", "muessig"),
        ("O’Brien", "obrien"),
        ("Iğdır", "igdir"),
        ("İnönü", "inoenue"),
        ("Ångström-Ærø", "aangstroem aeroe"),
        ("Þórður", "thordur"),
    ],
)
def test_letters_of_din_91379(written: str, folded: str) -> None:
    assert plain(written) == folded


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("muellerluedenscheidt", "65752682"),
        ("breschnew", "17863"),
        ("wikipedia", "3412"),
        ("heinz", "068"),
        ("classen", "4586"),
        ("philip", "351"),
        ("xaver", "4837"),
    ],
)
def test_sounds(word: str, code: str) -> None:
    assert sound(word) == code


@pytest.mark.parametrize(
    ("one", "other"), [("Meier", "Mayr"), ("Schmidt", "Schmitt"), ("Stefan", "Stephan"), ("Muller", "Müller")]
)
def test_another_spelling_of_one_sound_is_close(one: str, other: str) -> None:
    assert agreement(full_name(one, ""), full_name(other, "")).family is Level.CLOSE


@pytest.mark.parametrize("title", ["Dr.", "Prof. Dr.", "Dr. h. c.", "Herr", "von"])
def test_titles_and_particles_are_left_out(title: str) -> None:
    assert full_name(f"{title} Berg", "Ida") == full_name("Berg", "Ida")


def test_a_name_of_nothing_but_particles_stays() -> None:
    assert full_name("De", "An").family.joined == "de"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 a", House(12, 12, "a")),
        ("10–12", House(10, 12, "")),
        ("10 bis 12", House(10, 12, "")),
        ("10/12", House(10, 12, "")),
        ("12a-c", House(12, 12, "a")),
        ("Nr. 7", House(7, 7, "")),
        ("o. Nr.", None),
    ],
)
def test_house_numbers(text: str, expected: House | None) -> None:
    assert house(text) == expected


def test_two_letters_of_one_number_are_two_houses() -> None:
    assert house_agreement(house("12a"), house("12b")) not in {Level.SAME, Level.PART}


def test_a_street_whose_name_begins_like_an_addition_stays() -> None:
    assert normal_place("Bei der Kirche", "5", "", "", "").street == "beiderkirche"
    assert normal_place("Straße des 17. Juni", "135", "", "", "").street == "strdes17juni"
