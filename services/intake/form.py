"""The court's printed form (MiZi IV/1) as somebody types it. Pure.

The names of its fields are those of the notice where both have one. Everything is kept as it was typed, so that an unfinished
form can be put aside and comes back the same. What it means: `form_reading.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field

from shared.contracts.codes import LandlordKind, LegalBasis, TerminationType

MAX_PARTIES: Final = 50
MAX_TYPED: Final = 500

Group = Literal["plaintiffs", "defendants"]
GROUPS: Final[tuple[Group, ...]] = ("plaintiffs", "defendants")
BASES: Final = (LegalBasis.SGB2_22_9, LegalBasis.SGB12_36_2)
"""The two norms under which a court sends this form."""

_PARTY_FIELD: Final = re.compile(r"(plaintiffs|defendants)\.(\d{1,2})\.([a-z_]+)")


def _short(typed: object) -> str:
    """What a keyboard can type into one line."""
    return "".join(char for char in str(typed)[:MAX_TYPED] if unicodedata.category(char) != "Cc")


Typed = Annotated[str, BeforeValidator(_short)]


class PartyEntry(BaseModel):
    """A party as typed. `served_on` is asked of defendants only."""

    family_name: Typed = ""
    given_name: Typed = ""
    street: Typed = ""
    house_number: Typed = ""
    addition: Typed = ""
    postcode: Typed = ""
    place: Typed = ""
    served_on: Typed = ""

    @property
    def empty(self) -> bool:
        """Whether nothing at all was typed."""
        return not any(value.strip() for value in self.model_dump().values())

    @property
    def has_address(self) -> bool:
        """Whether any part of an address was typed."""
        return any((self.street.strip(), self.house_number.strip(), self.postcode.strip(), self.place.strip()))


def _one_place() -> list[PartyEntry]:
    return [PartyEntry()]


class FormEntry(BaseModel):
    """The whole form as typed."""

    court_code: Typed = ""
    docket: Typed = ""
    received_on: Typed = ""
    filed_on: Typed = ""
    lis_pendens_on: Typed = ""
    plaintiffs: list[PartyEntry] = Field(default_factory=_one_place)
    landlord_kind: Typed = LandlordKind.UNKNOWN.value
    defendants: list[PartyEntry] = Field(default_factory=_one_place)
    monthly_rent: Typed = ""
    claimed_arrears: Typed = ""
    claimed_compensation: Typed = ""
    hearing_on: Typed = ""
    hearing_time: Typed = ""
    termination_types: list[Typed] = []
    legal_basis: Typed = BASES[0].value

    def parties(self, group: Group) -> list[PartyEntry]:
        """The plaintiffs or the defendants."""
        return self.plaintiffs if group == "plaintiffs" else self.defendants

    def added(self, group: Group) -> FormEntry:
        """With room for one more party."""
        parties = self.parties(group)
        return self.model_copy(update={group: [*parties, PartyEntry()]}) if len(parties) < MAX_PARTIES else self

    def removed(self, group: Group, n: int) -> FormEntry:
        """Without the party at that place; the last one leaves an empty place."""
        left = [party for place, party in enumerate(self.parties(group)) if place != n]
        return self.model_copy(update={group: left or [PartyEntry()]})

    def compacted(self) -> FormEntry:
        """Without the places that were left empty, so that a party has the same number here and in the notice."""
        filled: dict[str, Any] = {
            group: [each for each in self.parties(group) if not each.empty] or [PartyEntry()] for group in GROUPS
        }
        return self.model_copy(update=filled)


def typed(pairs: Iterable[tuple[str, str]]) -> FormEntry:
    """The form from the fields of a request; unknown ones are passed over."""
    plain: dict[str, Any] = {"termination_types": []}
    parties: dict[str, dict[int, dict[str, str]]] = {group: {} for group in GROUPS}
    for name, value in pairs:
        if found := _PARTY_FIELD.fullmatch(name):
            group, place, field = found.groups()
            if field in PartyEntry.model_fields and int(place) < MAX_PARTIES:
                parties[group].setdefault(int(place), {})[field] = value
        elif name == "termination_types":
            plain["termination_types"].append(value)
        elif name in FormEntry.model_fields and name not in GROUPS:
            plain[name] = value
    for group, found_parties in parties.items():
        plain[group] = [PartyEntry(**found_parties[place]) for place in sorted(found_parties)] or [PartyEntry()]
    plain["termination_types"] = plain["termination_types"][: len(TerminationType)]
    return FormEntry(**plain)


def fields(form: FormEntry) -> list[str]:
    """The names of all fields, in the order of the form."""
    names: list[str] = []
    for name in FormEntry.model_fields:
        if name in GROUPS:
            parties = form.plaintiffs if name == "plaintiffs" else form.defendants
            names += [f"{name}.{place}.{each}" for place in range(len(parties)) for each in PartyEntry.model_fields]
        else:
            names.append(name)
    return names
