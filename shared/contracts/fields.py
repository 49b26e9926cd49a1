"""Field classes and the field types every event is built from.

Every leaf of every event has exactly one class. On fact topics only identifiers, codes and measures may travel, on
`assessments` special categories too (Art. 9 GDPR); names, addresses, exact claims and staff stay on private topics and
on the register.
"""

from __future__ import annotations

import re
import types
import typing
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, ClassVar, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError


class FieldClass(StrEnum):
    """What a field may reveal, and so where it may travel."""

    IDENTIFIER = "identifier"
    CODE = "code"
    MEASURE = "measure"
    SPECIAL = "special"
    PERSONAL = "personal"
    STAFF = "staff"


class Registry(str):
    """Marks a string that is a key of one of the city's or the law's registers, and so a code, not free text."""

    __slots__ = ()


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Unicode's category Cc, all but line feed and tab."""


def _clean(text: str) -> str:
    """NFC (DIN 91379), without control characters: PostgreSQL stores no U+0000, and nobody types the others."""
    if _CONTROL.search(text):
        raise PydanticCustomError("control_character", "no control characters")
    return unicodedata.normalize("NFC", text)


def _aware(moment: datetime) -> datetime:
    """RFC 3339 asks for the offset; without it nobody knows which moment is meant."""
    if moment.tzinfo is None:
        raise PydanticCustomError("timezone_aware", "a time needs its offset from UTC")
    return moment


_CODE = StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,79}$")

Id = Annotated[UUID, FieldClass.IDENTIFIER]
PartnerId = Annotated[str, _CODE, FieldClass.CODE, Registry("partners"), Field(examples=["ag-muenster"])]
TeamId = Annotated[str, _CODE, FieldClass.CODE, Registry("teams"), Field(examples=["nord-west"])]
ProviderId = Annotated[str, _CODE, FieldClass.CODE, Registry("providers"), Field(examples=["schuldnerberatung"])]
CourtCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z][0-9]{4}[A-Z]?$"),
    FieldClass.CODE,
    Registry("xjustiz"),
    Field(examples=["R2713"]),
]
District = Annotated[
    str,
    StringConstraints(pattern=r"^[A-ZÄÖÜ]{2,20}$"),
    FieldClass.CODE,
    Registry("districts"),
    Field(examples=["NORD"]),
]
Quarter = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$"), FieldClass.CODE, Registry("quarters"), Field(examples=["61"])]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$"), FieldClass.CODE, Registry("iso639"), Field(examples=["de"])]
RuleId = Annotated[str, _CODE, FieldClass.CODE, Registry("rules"), Field(examples=["SCHONFRIST_END"])]
RuleCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$"),
    FieldClass.CODE,
    Registry("rules"),
    Field(examples=["missing"]),
]
FieldPath = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,99}$"),
    FieldClass.CODE,
    Registry("fields"),
    Field(examples=["defendants.0.address"]),
]
FigureId = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}:[0-9]{4}Q[1-4]:[A-ZÄÖÜ]{2,20}(:[A-Z0-9_]{1,60})?$"),
    FieldClass.CODE,
    Registry("figures"),
    Field(examples=["visit_coverage:2026Q4:NORD"]),
]

Moment = Annotated[datetime, AfterValidator(_aware), FieldClass.MEASURE]
Count = Annotated[int, Field(ge=0, le=1_000_000_000, examples=[3]), FieldClass.MEASURE]
Share = Annotated[float, Field(ge=0, le=1, examples=[0.5]), FieldClass.MEASURE]
Days = Annotated[float, Field(ge=-100_000, le=100_000, examples=[2.5]), FieldClass.MEASURE]

Clean = AfterValidator(_clean)
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    Clean,
    FieldClass.PERSONAL,
    Field(examples=["Mustermann"]),
]
GivenName = Annotated[Name, Field(examples=["Erika"])]
Telephone = Annotated[Name, Field(examples=["0251 000000"])]
Text = Annotated[
    str,
    StringConstraints(max_length=4000),
    Clean,
    FieldClass.PERSONAL,
    Field(examples=["Bitte klingeln bei Hof 2."]),
]
Docket = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60),
    Clean,
    FieldClass.PERSONAL,
    Field(examples=["5 C 123/26"]),
]
Money = Annotated[Decimal, Field(ge=0, lt=10_000_000, decimal_places=2, examples=["612.50"]), FieldClass.PERSONAL]
Staff = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=120),
    Clean,
    FieldClass.STAFF,
    Field(examples=["fk-03"]),
]


class Payload(BaseModel):
    """A part of an event on one of our own topics: what a reader does not know yet, it passes over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Payload):
    """The data of one event. `TYPE` is its CloudEvents type; a payload of that type never changes its meaning."""

    TYPE: ClassVar[str] = ""


class Leaf(NamedTuple):
    """One leaf of an event: dotted path, class (None where nothing says it), and whether anything at all can stand there."""

    path: str
    field_class: FieldClass | None
    free_string: bool


_BY_TYPE: dict[type, FieldClass] = {
    UUID: FieldClass.IDENTIFIER,
    bool: FieldClass.MEASURE,
    date: FieldClass.MEASURE,
    datetime: FieldClass.MEASURE,
    time: FieldClass.MEASURE,
}


def leaves(model: type[BaseModel], path: str = "") -> Iterator[Leaf]:
    """Every leaf of a model, depth first."""
    for name, hint in typing.get_type_hints(model, include_extras=True).items():
        if name in model.model_fields:
            yield from _walk(hint, f"{path}.{name}" if path else name, ())


def _walk(hint: Any, path: str, marks: tuple[Any, ...]) -> Iterator[Leaf]:  # noqa: ANN401  a type hint is anything
    origin = typing.get_origin(hint)
    if origin is Annotated:
        inner, *more = typing.get_args(hint)
        yield from _walk(inner, path, (*marks, *more))
    elif origin in (typing.Union, types.UnionType, list, tuple, dict, frozenset):
        for arg in typing.get_args(hint):
            if arg not in (type(None), Ellipsis):
                yield from _walk(arg, path, marks)
    elif origin is typing.Literal:
        yield Leaf(path, FieldClass.CODE, free_string=False)
    elif isinstance(hint, type) and issubclass(hint, BaseModel):
        yield from leaves(hint, path)
    else:
        yield _leaf(hint, path, marks)


def _leaf(hint: Any, path: str, marks: tuple[Any, ...]) -> Leaf:  # noqa: ANN401  a type hint is anything
    said = next((mark for mark in marks if isinstance(mark, FieldClass)), None)
    is_enum = isinstance(hint, type) and issubclass(hint, Enum)
    known = FieldClass.CODE if is_enum else _BY_TYPE.get(hint)
    registered = any(isinstance(mark, Registry) for mark in marks)
    bounded = is_enum or registered or hint in _BY_TYPE or hint in (int, float, Decimal)
    return Leaf(path, said or known, free_string=not bounded)
