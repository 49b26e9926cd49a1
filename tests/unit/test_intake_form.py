"""The court's form as people type it, without a database."""

from __future__ import annotations

import json
from datetime import date, time
from decimal import Decimal
from enum import Enum
from itertools import chain
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.form import FormEntry, PartyEntry, fields, typed
from services.intake.form_reading import clock_time, day, money, read
from services.intake.form_writing import form_of
from services.intake.law import load_rules
from services.intake.pages.desk import HERE
from services.intake.room import atlas_of
from shared.city import load_city
from shared.contracts import codes
from shared.contracts.topics.notices import EVENTS
from shared.runtime.persons import Role
from shared.runtime.settings import MUENSTER
from tests.unit.intake_words import NOW, TODAY

COURTS = ["R2713"]
PERSON = PartyEntry(family_name="Beispiel", street="Hammer Straße", house_number="12", postcode="48153", place="Münster")
FORM = FormEntry(court_code="R2713", docket="5 C 1/26", received_on="heute", filed_on="18.11.2026", defendants=[PERSON])
texts = json.loads((HERE / "texts.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.11.2026", date(2026, 11, 3)),
        ("03.11.26", date(2026, 11, 3)),
        ("3. 11. 2026", date(2026, 11, 3)),
        ("03112026", date(2026, 11, 3)),
        ("031126", date(2026, 11, 3)),
        ("2026-11-03", date(2026, 11, 3)),
        (" Heute ", TODAY),
        ("31.2.2026", None),
        ("3.11.", None),
        ("3/11/2026", None),
        ("gestern", None),
    ],
)
def test_dates_as_people_type_them(text: str, expected: date | None) -> None:
    assert day(text, TODAY) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("612,50", "612.50"),
        ("1.837,50 €", "1837.50"),
        ("1837,5", "1837.5"),
        ("1.837", "1837"),
        ("612.50", "612.50"),
        ("EUR 1.234.567,00", "1234567.00"),
        ("0", "0"),
        ("1,837.50", None),
        ("12,345", None),
        ("-5", None),
        ("sechs", None),
    ],
)
def test_money_as_people_type_it(text: str, expected: str | None) -> None:
    assert money(text) == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("text", "expected"), [("9:30", time(9, 30)), ("09.30", time(9, 30)), ("9 Uhr", time(9)), ("25:00", None), ("früh", None)]
)
def test_times_as_people_type_them(text: str, expected: time | None) -> None:
    assert clock_time(text) == expected


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"docket": " "}, "docket missing"),
        ({"court_code": "X"}, "court_code choose"),
        ({"received_on": "2.12.2026"}, "received_on in_the_future"),
        ({"received_on": "17.11.2026"}, "received_on before_filing_at_court"),
        ({"filed_on": "18.11.1026"}, "filed_on implausible_date"),
        ({"lis_pendens_on": "17.11.2026"}, "lis_pendens_on before_filing"),
        ({"hearing_on": "12.1.2027"}, "hearing_time missing"),
        ({"hearing_time": "9:00"}, "hearing_on missing"),
        ({"hearing_on": "12.1.2027", "hearing_time": "9-10"}, "hearing_time no_time"),
        ({"monthly_rent": "1,837.50"}, "monthly_rent no_money"),
        ({"claimed_arrears": "99999999"}, "claimed_arrears not_accepted"),
        ({"legal_basis": "CONSENT"}, "legal_basis choose"),
        ({"termination_types": ["NO_SUCH"]}, "termination_types choose"),
        ({"defendants": [PartyEntry(family_name="Beispiel")]}, "defendants.0.street missing"),
        ({"defendants": [PERSON, PartyEntry(given_name="Bodo")]}, "defendants.1.family_name missing"),
        ({"defendants": [PERSON.model_copy(update={"postcode": "4815"})]}, "defendants.0.postcode no_postcode"),
        ({"defendants": [PERSON.model_copy(update={"served_on": "17.11.2026"})]}, "defendants.0.served_on before_filing"),
        ({"plaintiffs": [PartyEntry(family_name="x" * 201)]}, "plaintiffs.0.family_name not_accepted"),
    ],
)
def test_what_is_wrong_is_named_by_field_and_rule(changed: dict[str, object], wrong: str) -> None:
    notice, found = read(FORM.model_copy(update=changed), NOW, "clerk", COURTS)
    assert notice is None
    assert [f"{each.field} {each.rule}" for each in found] == [wrong]
    assert f"error.{found[0].rule}" in texts


def test_what_is_wrong_comes_in_the_order_of_the_form() -> None:
    _, wrong = read(FormEntry(court_code="R2713", claimed_arrears="viel"), NOW, "clerk", COURTS)
    names = [each.field for each in wrong]
    assert names == [
        "docket", "received_on", "filed_on", "defendants.0.family_name", "defendants.0.street", "claimed_arrears",
    ]  # fmt: skip
    assert set(names) <= set(fields(FormEntry()))


_texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)
_party = st.builds(PartyEntry, **dict.fromkeys(PartyEntry.model_fields, _texts))
_forms = st.builds(
    FormEntry,
    plaintiffs=st.lists(_party, min_size=1, max_size=3),
    defendants=st.lists(_party, min_size=1, max_size=3),
    termination_types=st.lists(st.sampled_from([each.value for each in codes.TerminationType]), max_size=3),
    **dict.fromkeys(set(FormEntry.model_fields) - {"plaintiffs", "defendants", "termination_types"}, _texts),
)


@given(_forms)
def test_a_browser_brings_back_what_was_typed(form: FormEntry) -> None:
    plain = form.model_dump()
    parties = [
        (f"{group}.{n}.{name}", text)
        for group in ("plaintiffs", "defendants")
        for n, party in enumerate(plain.pop(group))
        for name, text in party.items()
    ]
    kinds = [("termination_types", each) for each in plain.pop("termination_types")]
    body = urlencode([*plain.items(), *parties, *kinds])
    assert typed(parse_qsl(body, keep_blank_values=True)) == form


@given(_forms)
def test_whatever_is_typed_is_a_notice_or_is_told_what_is_wrong(form: FormEntry) -> None:
    compact = form.compacted()
    notice, wrong = read(compact, NOW, "clerk", COURTS)
    assert (notice is None) == bool(wrong)
    assert {each.field for each in wrong} <= set(fields(compact))


_dates = st.dates(date(2026, 11, 1), TODAY).map(lambda each: f"{each:%d.%m.%Y}")
_amounts = st.sampled_from(["", "612,50", "1837", "0,05", "99.999,99"])


@given(
    st.builds(
        FormEntry,
        court_code=st.just("R2713"),
        docket=st.just("5 C 1/26"),
        received_on=st.just("heute"),
        filed_on=st.just("1.11.2026"),
        lis_pendens_on=_dates | st.just(""),
        plaintiffs=st.lists(st.just(PartyEntry(family_name="Wohnen GmbH")), min_size=1, max_size=2),
        defendants=st.lists(st.builds(lambda on: PERSON.model_copy(update={"served_on": on}), _dates), min_size=1, max_size=3),
        monthly_rent=_amounts,
        claimed_arrears=_amounts,
        claimed_compensation=_amounts,
        hearing_on=st.just("12.1.2027"),
        hearing_time=st.sampled_from(["9", "09:30"]),
        termination_types=st.lists(st.sampled_from(codes.TerminationType), unique=True),
        landlord_kind=st.sampled_from(codes.LandlordKind),
    )
)
def test_a_filed_form_comes_back_to_be_corrected(form: FormEntry) -> None:
    notice, wrong = read(form.compacted(), NOW, "clerk", COURTS)
    assert notice is not None, wrong
    assert read(form_of(notice).compacted(), NOW, "clerk", COURTS)[0] == notice


def test_every_code_on_a_page_has_its_words() -> None:
    said: dict[str, type[Enum]] = {
        "answer": codes.Answer, "banner": codes.Banner, "channel": codes.Channel, "evidence": codes.Evidence,
        "landlord_kind": codes.LandlordKind, "legal_basis": codes.LegalBasis, "origin": codes.Origin,
        "outcome": codes.ProceedingOutcome, "role": Role, "stage": codes.Stage, "status": codes.EvictionStatus,
        "termination_types": codes.TerminationType,
    }  # fmt: skip
    needed = {f"{name}.{code.value}" for name, kind in said.items() for code in kind}
    needed |= {f"rule.{rule.id}" for rule in load_rules()}
    needed |= {f"field.{name.split('.')[-1]}" for name in fields(FormEntry())}
    envelope = {"channel", "actor", "on_behalf_of", "occurred_on", "received_on", "recorded_at", "kind", "content"}
    names = set(chain.from_iterable(event.model_fields for event in EVENTS)) - envelope - {"legal_basis", "corrects", "revokes"}
    needed |= {f"field.{name}" for name in names}
    needed |= {f"type.{event.TYPE.removeprefix('de.bleibe.notice.').removesuffix('.v1')}" for event in EVENTS}
    assert needed - texts.keys() == set()


def test_the_city_knows_the_addresses_of_the_examples() -> None:
    notice, _ = read(FORM, NOW, "clerk", COURTS)
    assert notice is not None
    assert notice.defendants[0].address is not None
    assert atlas_of(load_city(MUENSTER)).locate(notice.defendants[0].address).in_city
