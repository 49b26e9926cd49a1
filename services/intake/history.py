"""What a notice said and what we made of it, for people to read: its content, the deadlines with their reasons. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

from pydantic import BaseModel

from services.intake.casefile import Clockwork, case_file
from services.intake.facts import Statement, effective
from services.intake.law import Deadline, Facts, explain, load_texts
from services.intake.persons import Atlas, Ids
from services.intake.snapshot import HouseholdState
from shared.contracts.fields import Event
from shared.contracts.topics.notices import Party, ProceedingRef
from shared.contracts.topics.parts import Address, FromOutside

_ENVELOPE = {*FromOutside.model_fields, "kind", "legal_basis", "corrects", "revokes"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a notice: the name of the field (`field.<name>` in the catalogue), how to show its value, and the value."""

    name: str
    shown: str
    value: object


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline of a case and why it is that day, in the reader's language."""

    rule: str
    on: date
    exact: bool
    why: str


def lines(content: Event) -> list[Line]:
    """What a notice says beside the envelope, in the order of its contract; what it leaves open is left out."""
    said = getattr(content, "content", None)
    event = said if isinstance(said, BaseModel) else content
    given = [(name, getattr(event, name)) for name in type(event).model_fields if name not in _ENVELOPE]
    return [Line(name, _shown(value), value) for name, value in given if value not in (None, (), "")]


def _shown(value: object) -> str:  # noqa: PLR0911  one line for each kind of value
    if isinstance(value, datetime):
        return "moment"
    if isinstance(value, date):
        return "day"
    if isinstance(value, Decimal):
        return "money"
    if isinstance(value, Enum):
        return "code"
    if isinstance(value, Address):
        return "address"
    if isinstance(value, ProceedingRef):
        return "court"
    if isinstance(value, tuple):
        return "parties" if all(isinstance(each, Party) for each in value) else "codes"
    return "text"


def due(
    case_id: UUID,
    said: Sequence[Statement],
    household: HouseholdState,
    atlas: Atlas,
    clockwork: Clockwork,
    new_id: Callable[[], UUID],
    lang: str,
) -> list[Due]:
    """The deadlines of a case with the arithmetic behind them, derived from its statements as the case itself is.

    Two suits with the same facts have the same deadline, told once.
    """
    found: list[Deadline] = []

    def listening(facts: Facts) -> Sequence[Deadline]:
        computed = clockwork(facts)
        found.extend(computed)
        return computed

    file = case_file(case_id, effective(said), Ids(household.ids, new_id), atlas, listening)
    reasons = {(each.rule, each.date, each.basis): each for each in found}
    texts = load_texts()
    result = []
    for fact in () if file is None else file.deadlines:
        why = explain(reasons[fact.rule, fact.on, fact.basis], texts)
        result.append(Due(fact.rule, fact.on, fact.basis == "exact", why.en if lang == "en" else why.de))
    return list(dict.fromkeys(result))
