"""Decisions explain themselves, don't depend on who is asked first, and find each other by their keys."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.likeness import (
    CANDIDATES,
    MOST,
    WIDE,
    Level,
    Normal,
    Record,
    Verdict,
    candidates,
    choose,
    compare,
    compare_households,
    keys,
    likely,
    normal,
    packed,
    stored,
    unpacked,
)
from services.intake.likeness.features import Field
from services.intake.likeness.weights import city

_WORDS = st.text(string.ascii_letters + "äöüßéłğ'- ", max_size=16)
_RECORDS = st.builds(
    Record,
    family_name=_WORDS,
    given_name=_WORDS,
    street=st.one_of(_WORDS, st.sampled_from(["Hammer Str.", "Hammer Straße 12", "c/o Hof", "Am Markt 1-3"])),
    number=st.one_of(st.text("0123456789 -/abcbis", max_size=8), st.just("")),
    addition=_WORDS,
    postcode=st.text(string.digits, max_size=5),
    place=st.one_of(_WORDS, st.sampled_from(["Münster", "48143 Münster"])),
    birth_date=st.one_of(st.just(""), st.dates().map(str)),
)
_NAMES = st.text(string.ascii_lowercase, min_size=3, max_size=12)
_COMPLETE = st.builds(
    Record,
    family_name=_NAMES,
    given_name=_NAMES,
    street=_NAMES.map("Zur Alten {}".format),
    number=st.integers(1, 400).map(str),
    postcode=st.integers(10_000, 99_999).map(str),
    place=_NAMES,
)


@given(_RECORDS, _RECORDS)
def test_a_comparison_does_not_depend_on_who_is_asked_first(a: Record, b: Record) -> None:
    one, other = compare(normal(a), normal(b)), compare(normal(b), normal(a))
    assert one == other


@given(_RECORDS, _RECORDS, st.sampled_from(Record._fields))
def test_who_is_likely_is_compared_the_same_and_everybody_else_is_different(a: Record, b: Record, field: str) -> None:
    for one, other in ((a, b), (a, a._replace(**{field: getattr(b, field)}))):
        found = compare(normal(one), normal(other))
        assert likely(normal(one), normal(other)) == (None if found.verdict is Verdict.DIFFERENT else found)


@given(_COMPLETE)
def test_a_complete_record_is_certainly_its_own(record: Record) -> None:
    assert compare(normal(record), normal(record)).verdict is Verdict.CERTAIN


@given(_COMPLETE)
def test_writing_in_capitals_or_number_in_the_street_changes_nothing(record: Record) -> None:
    assert normal(Record(*(each.upper() for each in record))) == normal(record)
    assert normal(record._replace(street=f"{record.street} {record.number}", number="")) == normal(record)
    assert normal(record._replace(place=f"{record.postcode} {record.place}", postcode="")) == normal(record)


@given(_RECORDS, _RECORDS)
def test_the_score_is_the_sum_of_the_features_up_to_the_limit_of_an_address(a: Record, b: Record) -> None:
    found = compare(normal(a), normal(b))
    weights = {each.field: each.weight for each in found.features}
    home = sum(weights[each] for each in ("street", "number", "addition", "postcode", "place"))
    person = sum(weights[each] for each in ("family_name", "given_name", "order", "birth_date"))
    assert found.score == pytest.approx(person + min(home, city().home))
    assert (found.verdict is Verdict.CERTAIN) == (found.score >= city().certain)


@given(_RECORDS)
def test_keys_are_few_and_each_is_there_once(record: Record) -> None:
    found = keys(normal(record))
    assert len(set(found)) == len(found) <= MOST


@given(_COMPLETE, st.sampled_from(Record._fields[:7]))
def test_whatever_single_field_is_lost_a_key_still_leads_there(record: Record, lost: str) -> None:
    assert set(keys(normal(record))) & set(keys(normal(record._replace(**{lost: ""}))))


@given(_RECORDS)
def test_a_stored_normal_form_is_read_as_it_was(record: Record) -> None:
    assert unpacked(packed(normal(record))) == normal(record)


@given(st.lists(st.lists(st.integers(0, 400), unique=True, max_size=WIDE + 4), max_size=MOST))
def test_no_more_than_the_nearest_are_compared(found: list[list[int]]) -> None:
    chosen = candidates(found)
    narrow = [each for each in found if len(each) <= WIDE]
    nearness = {one: sum(1 / len(each) for each in narrow if one in each) for each in narrow for one in each}
    left_out = nearness.keys() - set(chosen)
    assert len(chosen) == min(CANDIDATES, len(nearness))
    assert all(nearness[one] <= nearness[taken] + 1e-9 for one in left_out for taken in chosen)


def test_a_stored_key_fits_a_bigint_and_stays_what_it_is() -> None:
    assert stored("house|hammerstr|12") == stored("house|hammerstr|12") != stored("house|hammerstr|13")
    assert all(-(2**63) <= stored(str(n)) < 2**63 for n in range(1000))


def test_the_thresholds_are_the_odds_that_the_table_of_weights_declares() -> None:
    known = city()
    assert 2**known.certain == pytest.approx(300_000 * 1000)
    assert 2**known.home == pytest.approx(300_000 / 20)
    assert known.home < known.possible < known.certain  # an address alone never even asks


def test_more_agreement_never_weighs_less_for_names_and_dates() -> None:
    fields: tuple[Field, ...] = ("family_name", "given_name", "street", "birth_date")
    for field in fields:
        of = city().of[field]
        assert of[Level.SAME] > of[Level.CLOSE] > of[Level.DIFFERENT]
        assert of[Level.MISSING] == 0


def test_a_double_name_is_found_by_either_half_wherever_the_household_lives() -> None:
    double = normal(Record("Müller-Lüdenscheidt", "Anna", "Am Markt", "1"))
    for half in ("Müller", "Lüdenscheidt"):
        assert set(keys(double)) & set(keys(normal(Record(half, "Anna", "Hammer Straße", "40"))))


ANNA = normal(Record("Beispiel", "Anna", "Hammer Straße", "12", "", "48153", "Münster"))
BERND = normal(Record("Beispiel", "Bernd", "Hammer Straße", "12", "", "48153", "Münster"))
CEM = normal(Record("Öztürk", "Cem", "Hammer Straße", "12", "", "48153", "Münster"))
ANNA_MOVED = normal(Record("Beispiel", "Anna", "Am Markt", "3", "", "48143", "Münster"))


def persons(*records: Normal) -> list[tuple[Normal]]:
    return [(each,) for each in records]


def test_each_person_of_a_notice_is_at_most_one_of_the_household() -> None:
    found = compare_households(persons(BERND, ANNA), persons(ANNA, BERND, CEM))
    assert {(each.arrived, each.known) for each in found.matches} == {(0, 1), (1, 0)}
    assert found.verdict is Verdict.CERTAIN


def test_one_certain_person_makes_the_household_certain() -> None:
    assert compare_households(persons(CEM, ANNA), persons(ANNA)).verdict is Verdict.CERTAIN


def test_a_relative_at_the_same_address_is_for_a_person_to_decide() -> None:
    assert compare_households(persons(BERND), persons(ANNA)).verdict is Verdict.UNCERTAIN


def test_neighbours_are_another_household() -> None:
    assert compare_households(persons(CEM), persons(ANNA, BERND)).verdict is Verdict.DIFFERENT
    assert compare_households([], persons(ANNA)).verdict is Verdict.DIFFERENT


def test_an_earlier_address_of_a_person_counts_as_well() -> None:
    assert compare_households(persons(ANNA_MOVED), [(ANNA, ANNA_MOVED)]).verdict is Verdict.CERTAIN


def test_only_one_certain_household_is_attached_to_without_asking() -> None:
    certain = compare_households(persons(ANNA), persons(ANNA))
    uncertain = compare_households(persons(BERND), persons(ANNA))
    different = compare_households(persons(CEM), persons(ANNA))
    assert choose({"a": certain, "b": uncertain, "c": different}) == ("a", ())
    assert choose({"a": certain, "b": certain}) == (None, ("a", "b"))
    assert choose({"c": different, "b": uncertain}) == (None, ("b",))
    assert choose({}) == (None, ())
