"""Tables of housing companies and bailiffs become notices, row by row. Pure: bytes and a mapping in, rows out.

A mapping says what a partner's columns mean; it is data (deploy/muenster/mappings). Nothing is guessed: a value that does
not fit its format is refused, and so is its row. A notice's id is uuid5 over its source and its content, so that the same
row is the same notice however often its file is imported.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.contracts.codes import Channel, LegalBasis
from shared.contracts.fields import PartnerId
from shared.contracts.topics import notices
from shared.contracts.topics.notices import Notice
from shared.messaging.model import Rejected
from shared.runtime.clock import BERLIN

MAX_BYTES: Final = 10_000_000
MAX_ROWS: Final = 20_000
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_KINDS: Final[Mapping[str, type[Notice]]] = {
    event.model_fields["kind"].default: event for event in notices.EVENTS if "kind" in event.model_fields
}
_LONGEST_AMOUNT: Final = 40
_CURRENCY: Final = re.compile(r"^(?:EUR|€)?\s*([0-9][0-9.,'\s]*-{0,2})\s*(?:EUR|€)?$", re.IGNORECASE)

Column = Annotated[str, Field(min_length=1)]
Path = Annotated[str, Field(pattern=r"^[a-z_]+(\.[0-9]+\.[a-z_]+|\.[a-z_]+)*$")]


class Codes(BaseModel):
    """A column whose words stand for codes of ours; a word that is not listed is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: Column
    words: dict[str, str | list[str]]


class TableMapping(BaseModel):
    """What a partner's columns mean. Paths are those of the notice: `tenants.0.address.street`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    partner: PartnerId
    notice: str
    legal_basis: LegalBasis
    actor: Annotated[str, Field(min_length=1, max_length=120)]
    encoding: Literal["utf-8", "cp1252"]
    delimiter: Literal[";", ",", "\t", "|"]
    decimal: Literal[",", "."]
    date_format: str
    time_format: str = "%H:%M"
    recorded_on: Column
    text: dict[Path, Column] = {}
    date: dict[Path, Column] = {}
    moment: dict[Path, tuple[Column, Column]] = {}
    money: dict[Path, Column] = {}
    code: dict[Path, Codes] = {}
    constant: dict[Path, str | list[str]] = {}

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.notice not in _KINDS:
            raise ValueError(f"no such kind of notice; use one of {', '.join(sorted(_KINDS))}")
        return self

    def columns(self) -> set[str]:
        """Every column that the file must have."""
        single = {*self.text.values(), *self.date.values(), *self.money.values(), *(each.column for each in self.code.values())}
        return {self.recorded_on, *single, *(column for pair in self.moment.values() for column in pair)}

    def column_of(self, field: str | None) -> str | None:
        """The column that a field of the notice comes from; None for a field that has none of its own."""
        if field == "recorded_at":
            return self.recorded_on
        pairs = {path: " + ".join(pair) for path, pair in self.moment.items()}
        codes = {path: each.column for path, each in self.code.items()}
        return {**self.text, **self.date, **self.money, **pairs, **codes}.get(field or "")


@dataclass(frozen=True, slots=True)
class Row:
    """One row by its number in the table, the header being row 1: a notice with its id, or why there is none."""

    number: int
    id: UUID | None = None
    notice: Notice | None = None
    field: str | None = None
    rule: str | None = None


def rows(document: bytes, mapping: TableMapping, source: str) -> list[Row]:
    """Every row that is not empty, in order. A row that repeats an earlier one is refused as `repeated`.

    Raises:
        Rejected: the file as a whole cannot be read: `too_large`, `encoding`, `no_header`, `missing_column` (field: its name),
            `repeated_column`, `too_many_rows` or `not_csv`.
    """
    table = _table(_decoded(document, mapping.encoding), mapping.delimiter)
    header = [_same(cell) for cell in next(table, [])]
    if not any(header):
        raise Rejected(None, "no_header")
    wanted = {column: _same(column) for column in sorted(mapping.columns())}
    for column, same in wanted.items():
        if header.count(same) != 1:
            raise Rejected(column, "repeated_column" if same in header else "missing_column")
    places = {column: header.index(same) for column, same in wanted.items()}
    read: list[Row] = []
    seen: set[UUID | None] = set()
    for number, cells in enumerate(table, start=2):
        if number > MAX_ROWS + 1:
            raise Rejected(None, "too_many_rows")
        if not any(cell.strip() for cell in cells):
            continue
        row = _row(number, cells, len(header), places, mapping, source)
        read.append(Row(number, rule="repeated") if row.id is not None and row.id in seen else row)
        seen.add(row.id)
    return read


def _decoded(document: bytes, fallback: str) -> str:
    """A byte order mark tells; else what is valid UTF-8 is UTF-8, and the mapping says what else it may be."""
    if len(document) > MAX_BYTES:
        raise Rejected(None, "too_large")
    marked = next((name for mark, name in _BOMS if document.startswith(mark)), None)
    for encoding in [marked] if marked else ["utf-8", fallback]:
        try:
            return document.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Rejected(None, "encoding")


def _table(text: str, delimiter: str) -> Iterator[list[str]]:
    """Records, whatever ends the lines: LF, CR LF or the CR of old spreadsheets."""
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error:
        raise Rejected(None, "not_csv") from None


def _same(cell: str) -> str:
    return unicodedata.normalize("NFC", " ".join(cell.split())).casefold()


def _row(number: int, cells: Sequence[str], width: int, places: Mapping[str, int], mapping: TableMapping, source: str) -> Row:
    if len(cells) > width:
        return Row(number, rule="too_many_cells")

    def cell(column: str) -> str:
        place = places[column]
        return cells[place].strip() if place < len(cells) else ""

    try:
        notice = _notice(_fields(mapping, cell), _KINDS[mapping.notice])
    except Rejected as refused:
        return Row(number, field=refused.field, rule=refused.rule)
    content = f"{notice.TYPE}|{notice.model_dump_json()}"
    return Row(number, uuid5(uuid5(NAMESPACE_URL, source), content), notice)


def _fields(mapping: TableMapping, cell: Any) -> dict[str, Any]:  # noqa: ANN401  the cell of a column
    """The notice's fields as a tree. A part whose every cell is empty is left out, constants and all: no second tenant."""
    given: dict[str, Any] = {path: cell(column) for path, column in mapping.text.items()}
    given |= {path: _day(path, cell(column), mapping.date_format) for path, column in mapping.date.items()}
    given |= {path: _moment(path, cell(pair[0]), cell(pair[1]), mapping) for path, pair in mapping.moment.items()}
    given |= {path: _money(path, cell(column), mapping.decimal) for path, column in mapping.money.items()}
    given |= {path: _code(path, cell(codes.column), codes.words) for path, codes in mapping.code.items()}
    given = {path: value for path, value in given.items() if value not in (None, "")}
    parts = {path.rpartition(".")[0] for path in given} | {""}
    constant = {path: value for path, value in mapping.constant.items() if path.rpartition(".")[0] in parts}
    recorded_on = _day("recorded_at", cell(mapping.recorded_on), mapping.date_format)
    if recorded_on is None:
        raise Rejected("recorded_at", "missing")
    return {
        **_tree(constant | given),
        "channel": Channel.CSV,
        "actor": mapping.actor,
        "legal_basis": mapping.legal_basis,
        "recorded_at": recorded_on.replace(tzinfo=BERLIN),
    }


def _tree(flat: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in sorted(flat.items()):
        *parents, last = path.split(".")
        node = tree
        for part in parents:
            node = node.setdefault(part, {})
        node[last] = value
    return {name: _listed(part) for name, part in tree.items()}


def _listed(part: Any) -> Any:  # noqa: ANN401  a tree of anything
    """Numbers are positions in a list; a gap is closed."""
    if not isinstance(part, dict):
        return part
    if all(name.isdigit() for name in part):
        return [_listed(part[name]) for name in sorted(part, key=int)]
    return {name: _listed(value) for name, value in part.items()}


def _notice(fields: dict[str, Any], kind: type[Notice]) -> Notice:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Rejected(".".join(map(str, first["loc"])), first["type"]) from None


def _day(path: str, text: str, form: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007  a day of the German calendar
    except ValueError:
        raise Rejected(path, "date") from None


def _moment(path: str, day: str, clock: str, mapping: TableMapping) -> datetime | None:
    """A day and its hour in German time; a day without its hour is midnight."""
    on = _day(path, day, mapping.date_format)
    if on is None or not clock:
        return None if on is None else on.replace(tzinfo=BERLIN)
    try:
        at = datetime.strptime(clock.removesuffix("Uhr").strip(), mapping.time_format)  # noqa: DTZ007  German time, see below
    except ValueError:
        raise Rejected(path, "time") from None
    return datetime.combine(on.date(), at.time(), BERLIN)


def _money(path: str, text: str, decimal: str) -> Decimal | None:
    """`1.234,56 €` where the comma is decimal; `1,234.56` where the point is. What may mean two amounts is refused."""
    if not text:
        return None
    thousands = re.escape("." if decimal == "," else ",")
    found = _CURRENCY.match(text) if len(text) <= _LONGEST_AMOUNT else None
    amount = re.sub(r"[\s']", "", found[1]) if found else ""
    if not re.fullmatch(rf"(?:\d{{1,3}}(?:{thousands}\d{{3}})+|\d+)(?:{re.escape(decimal)}(?:\d{{1,2}}|-{{1,2}}))?", amount):
        raise Rejected(path, "money")
    whole, _, cents = amount.partition(decimal)
    return Decimal(f"{re.sub(thousands, '', whole)}.{cents.strip('-') or '0'}")


def _code(path: str, text: str, words: Mapping[str, str | list[str]]) -> str | list[str] | None:
    if not text:
        return None
    known = {_same(word): meant for word, meant in words.items()}
    if _same(text) not in known:
        raise Rejected(path, "unknown_word")
    return known[_same(text)]
