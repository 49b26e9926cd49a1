"""Tables of partners: every way a spreadsheet writes itself, and nothing guessed."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.intake.answers import TEXTS
from services.intake.tabular import MAX_BYTES, MAX_ROWS, Row, TableMapping, rows
from shared.city import load_city
from shared.contracts.topics.notices import ArrearsWarningReported, EvictionDateNotified, TerminationReported
from shared.messaging.model import Rejected
from shared.runtime.clock import BERLIN
from shared.runtime.settings import MUENSTER

SOURCE = "urn:bleibe:partner:wohnungsgesellschaft"
FILES = {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted((MUENSTER / "mappings").glob("*.toml"))}
MAPPINGS = {name: TableMapping.model_validate(content) for name, content in FILES.items()}
TERMINATIONS = MAPPINGS["wohnungsgesellschaft-kuendigungen"]
WARNINGS = MAPPINGS["wohnungsgesellschaft-mahnungen"]
DATES = MAPPINGS["gerichtsvollzieher-termine"]
ROW = {
    "Stand": "01.12.2026",
    "Mieter 1 Name": "Müller",
    "Mieter 1 Vorname": "Anna",
    "Straße": "Wolbecker Straße",
    "Hausnr.": "12 a",
    "PLZ": "48155",
    "Ort": "Münster",
    "Mieter 2 Name": "",
    "Mieter 2 Vorname": "",
    "Kündigung vom": "16.11.2026",
    "Mietende": "",
    "Miete": "612,50 €",
    "Rückstand": "1.837,50",
    "Art": "fristlos, hilfsweise ordentlich",
}


def table(*changes: dict[str, str], base: dict[str, str] = ROW, end: str = "\r\n", delimiter: str = ";") -> str:
    """A table of the base row with each of these changes."""
    lines = [list(base), *([*(base | change).values()] for change in changes)]
    return end.join(delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in line) for line in lines) + end


def read(text: str | bytes, mapping: TableMapping = TERMINATIONS, source: str = SOURCE) -> list[Row]:
    return rows(text if isinstance(text, bytes) else text.encode("cp1252"), mapping, source)


def one(**change: str) -> Row:
    (row,) = read(table(change))
    return row


def of_file(document: bytes, mapping: TableMapping = TERMINATIONS) -> tuple[str | None, str]:
    with pytest.raises(Rejected) as refused:
        rows(document, mapping, SOURCE)
    return refused.value.field, refused.value.rule


def test_a_row_becomes_the_notice_its_mapping_says() -> None:
    notice: Any = one().notice
    assert isinstance(notice, TerminationReported)
    assert (notice.channel, notice.legal_basis, notice.landlord_kind) == ("CSV", "GDPR_6_1_F", "COMPANY")
    assert notice.recorded_at == datetime(2026, 12, 1, tzinfo=BERLIN)
    assert (notice.occurred_on, notice.tenancy_ends_on) == (date(2026, 11, 16), None)
    assert (notice.monthly_rent, notice.claimed_arrears) == (Decimal("612.50"), Decimal("1837.50"))
    assert list(notice.termination_types) == ["EXTRAORDINARY_ARREARS", "ORDINARY_BREACH"]
    (tenant,) = notice.tenants
    assert (tenant.family_name, tenant.given_name) == ("Müller", "Anna")
    assert tenant.address is not None
    assert (tenant.address.street, tenant.address.house_number) == ("Wolbecker Straße", "12 a")


def test_a_second_tenant_is_there_only_where_a_cell_says_so() -> None:
    notice: Any = one(**{"Mieter 2 Name": "Schmidt"}).notice
    assert [tenant.family_name for tenant in notice.tenants] == ["Müller", "Schmidt"]


def test_a_bailiff_s_table_has_day_and_hour_in_two_columns() -> None:
    base = dict.fromkeys(DATES.columns(), "")
    base |= {"Meldedatum": "01.12.2026", "Räumung am": "12.01.2027", "Uhrzeit": "09:30 Uhr", "Status": "Anberaumt"}
    base |= {"Schuldner": "Müller", "Anschrift": "Wolbecker Str. 12", "Az.": "5 C 12/26"}
    with_file, without_file, without_hour = read(table({}, {"Az.": ""}, {"Uhrzeit": ""}, base=base), DATES)
    notice: Any = with_file.notice
    assert isinstance(notice, EvictionDateNotified)
    assert (notice.eviction_at, notice.status) == (datetime(2027, 1, 12, 9, 30, tzinfo=BERLIN), "SET")
    assert notice.proceeding is not None
    assert notice.proceeding.court_code == "R2713"
    other: Any = without_file.notice
    assert other.proceeding is None
    day: Any = without_hour.notice
    assert day.eviction_at == datetime(2027, 1, 12, tzinfo=BERLIN)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_however_a_spreadsheet_writes_it_the_notice_is_the_same(encoding: str, end: str) -> None:
    assert [row.id for row in read(table({}, end=end).encode(encoding))] == [one().id]


def test_other_formats_are_another_mapping() -> None:
    base = {"reported": "2026-12-01", "last name": "Müller", "first name": "Anna", "street": "Ring 1", "number": "",
            "postcode": "48155", "city": "Münster", "rent": "1,612.50", "arrears": "3225"}  # fmt: skip
    (row,) = read(table({}, base=base, delimiter=",").encode(), WARNINGS)
    notice: Any = row.notice
    assert isinstance(notice, ArrearsWarningReported)
    assert (notice.monthly_rent, notice.claimed_arrears) == (Decimal("1612.50"), Decimal(3225))


@pytest.mark.parametrize(
    ("text", "amount"),
    [("612,50", "612.50"), ("612,5", "612.5"), ("612", "612"), ("1.837,50 €", "1837.50"), ("EUR 1.837,50", "1837.50"),
     ("12.345.678,9", None), ("1 837,50", "1837.50"), ("1'837,50", "1837.50"), ("612,-", "612"), ("612,--", "612"),
     ("612.50", None), ("1.83,50", None), ("-5", None), ("5,123", None), ("viel", None), ("1,2,3", None), ("1" * 50, None),
     ("1.837", "1837"), ("0", "0")],
)  # fmt: skip
def test_money_is_read_as_agreed_or_refused(text: str, amount: str | None) -> None:
    row = one(Rückstand=text)
    if amount is None:
        assert (row.field, row.notice) == ("claimed_arrears", None)
    else:
        assert isinstance(row.notice, TerminationReported)
        assert row.notice.claimed_arrears == Decimal(amount)


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"Stand": ""}, "recorded_at", "missing"),
        ({"Stand": "2026-12-01"}, "recorded_at", "date"),
        ({"Kündigung vom": "31.02.2026"}, "occurred_on", "date"),
        ({"Art": "mündlich"}, "termination_types", "unknown_word"),
        ({"Art": ""}, "termination_types", "missing"),
        ({"Mieter 1 Name": "", "Mieter 1 Vorname": ""}, "tenants.0.family_name", "missing"),
        ({"Mieter 1 Name": "M\x07ller"}, "tenants.0.family_name", "control_character"),
    ],
)
def test_a_refused_row_names_field_rule_and_column_but_no_value(change: dict[str, str], field: str, rule: str) -> None:
    before, row, after = read(table({"PLZ": "48143"}, change, {"PLZ": "48145"}))
    assert (row.number, row.field, row.rule, row.notice) == (3, field, rule, None)
    assert TERMINATIONS.column_of(row.field) in change
    assert before.notice is not None
    assert after.notice is not None


def test_rows_keep_their_numbers_and_empty_ones_are_passed_over() -> None:
    text = table({}) + ";;;\r\n\r\n" + table({"PLZ": "48143"}).splitlines()[1]
    assert [row.number for row in read(text)] == [2, 5]


def test_a_short_row_has_empty_cells_and_a_long_one_is_refused() -> None:
    head, row = table({}).splitlines()
    assert [each.rule for each in read(f"{head};Rest\r\n{row}\r\n{row};x;y")] == [None, "too_many_cells"]


def test_the_same_row_is_the_same_notice_and_a_changed_one_is_another() -> None:
    assert one().id == one().id
    assert isinstance(one().id, UUID)
    assert one().id != one(Rückstand="2.000,00").id
    assert one().id == one(**{"Rückstand": "1837,50 EUR", "Mieter 1 Name": " Müller "}).id
    (elsewhere,) = read(table({}), source="urn:bleibe:partner:other")
    assert elsewhere.id != one().id
    assert [row.rule for row in read(table({}, {}))] == [None, "repeated"]


def test_columns_may_stand_in_any_order_and_be_written_in_any_case() -> None:
    turned = {name.upper() if name != "Straße" else name: ROW[name] for name in reversed(ROW)}
    assert [row.id for row in read(table({}, base={"Bemerkung": "egal", **turned}))] == [one().id]


@pytest.mark.parametrize(
    ("document", "field", "rule"),
    [
        (b"", None, "no_header"),
        (b"\r\n1;2", None, "no_header"),
        (table({}).replace("Miete;", "Kaltmiete;").encode("cp1252"), "Miete", "missing_column"),
        (table({}).replace("Ort;", "PLZ;").encode("cp1252"), "Ort", "missing_column"),
        (("Ort;" + table({})).encode("cp1252"), "Ort", "repeated_column"),
        (table({}).encode("cp1252") + b'"open', None, "not_csv"),
        (table({}).encode("cp1252").replace(b"M\xfcller", b"M\x81ller"), None, "encoding"),
        (table({}).encode("cp1252") + b"x\n" * (MAX_ROWS + 1), None, "too_many_rows"),
        (b" " * (MAX_BYTES + 1), None, "too_large"),
    ],
    ids=["empty", "no header", "missing", "lost", "repeated", "open quote", "encoding", "rows", "bytes"],
)
def test_a_file_that_is_no_such_table_is_refused_as_a_whole(document: bytes, field: str | None, rule: str) -> None:
    assert of_file(document) == (field, rule)
    assert TEXTS(f"rejected.{rule}")


@given(st.binary(max_size=200) | st.lists(st.lists(st.text(max_size=5), max_size=16)).map(lambda lines: as_table(lines).encode()))
def test_nothing_in_a_file_breaks_the_reader(document: bytes) -> None:
    try:
        read = rows(document, TERMINATIONS, SOURCE)
    except Rejected:
        return
    assert all((row.notice is None) != (row.rule is None) for row in read)


def as_table(lines: Sequence[Sequence[str]]) -> str:
    return ";".join(ROW) + "\n" + "\n".join(";".join(line) for line in lines)


# the mappings themselves


@pytest.mark.parametrize("name", MAPPINGS)
def test_each_mapping_belongs_to_a_partner_who_may_send_that(name: str) -> None:
    partners = {partner.id: partner for partner in load_city(MUENSTER).partners}
    assert MAPPINGS[name].notice in partners[MAPPINGS[name].partner].sends


@pytest.mark.parametrize("wrong", [{"notice": "POSTCARD"}, {"decimal": ";"}, {"surprise": 1}, {"text": {"Tenants": "x"}}])
def test_a_wrong_mapping_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TableMapping.model_validate(FILES["wohnungsgesellschaft-kuendigungen"] | wrong)


def test_the_mappings_lie_beside_the_city_s_facts() -> None:
    assert {file.name for file in Path(MUENSTER / "mappings").iterdir()} == {f"{name}.toml" for name in MAPPINGS}
