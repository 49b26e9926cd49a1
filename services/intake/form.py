"""The court's printed form (MiZi IV/1) as somebody types it: what was typed, what is wrong with it, the notice it makes. Pure.

The names of the form's fields are those of the notice where both have one. Everything typed is kept as it was typed, so that an
unfinished form can be put aside and comes back the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from services.intake.persons import Atlas
from services.intake.plausible import check
from shared.city.model import UNKNOWN
from shared.contracts.codes import Channel, LandlordKind, LegalBasis, Origin, TerminationType
from shared.contracts.topics.notices import SuitFiled
from shared.messaging.model import Rejected
from shared.runtime.clock import BERLIN

MAX_PARTIES: Final = 50
MAX_TYPED: Final = 500

Group = Literal["plaintiffs", "defendants"]
GROUPS: Final[tuple[Group, ...]] = ("plaintiffs", "defendants")
BASES: Final = (LegalBasis.SGB2_22_9, LegalBasis.SGB12_36_2)
"""The two norms under which a court sends this form."""

_PARTY_FIELD: Final = re.compile(r"(plaintiffs|defendants)\.(\d{1,2})\.([a-z_]+)")
_DAY: Final = re.compile(r"(\d{1,2})\s*\.\s*(\d{1,2})\s*\.\s*(\d{4}|\d{2})")
_DIGITS: Final = re.compile(r"(\d\d)(\d\d)(\d{4}|\d\d)")
_TIME: Final = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?")
_MONEY: Final = re.compile(r"(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d{1,2})?|\d+\.\d{1,2}")


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


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a field of the form: the rule is a key of the text catalogue (`error.<rule>`)."""

    field: str
    rule: str


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


def day(text: str, today: date) -> date | None:
    """A date as people type it: 3.11.2026, 03.11.26, 03112026, 2026-11-03, heute. None where it is none."""
    bare = text.strip()
    if bare.casefold() in ("heute", "today"):
        return today
    found = _DAY.fullmatch(bare) or _DIGITS.fullmatch(bare)
    try:
        if found is None:
            return date.fromisoformat(bare)
        number, month, year = (int(part) for part in found.groups())
        return date(year + 2000 if year < 100 else year, month, number)
    except ValueError:
        return None


def clock_time(text: str) -> time | None:
    """A time as people type it: 9:30, 09.30, 9, 9:30 Uhr."""
    found = _TIME.fullmatch(text.strip().casefold().removesuffix("uhr").strip())
    try:
        return time(int(found[1]), int(found[2] or 0)) if found else None
    except ValueError:
        return None


def money(text: str) -> Decimal | None:
    """Euros as people type them: 1.837,50, 1837,5, 1837, 612.50 €. A point before three digits groups thousands."""
    bare = re.sub(r"\s|€|EUR", "", text)
    if not _MONEY.fullmatch(bare):
        return None
    if "," in bare or re.search(r"\.\d{3}(?!\d)", bare):
        bare = bare.replace(".", "").replace(",", ".")
    return Decimal(bare)


def read(form: FormEntry, now: datetime, actor: str, courts: Collection[str]) -> tuple[SuitFiled | None, list[Wrong]]:
    """The notice a compacted form makes, or what is wrong in the order of the form. `actor` is the clerk who types."""
    today = now.astimezone(BERLIN).date()
    reading = _Reading(today)
    data = _data(form, reading, courts)
    data |= {"channel": Channel.MIZI_FORM, "actor": actor, "on_behalf_of": Origin.COURT, "recorded_at": now}
    wrong = reading.wrong
    if not wrong:
        try:
            notice = SuitFiled.model_validate(data)
            check(notice, today)
        except ValidationError as error:
            wrong = [Wrong(_field_of(each["loc"]), "not_accepted") for each in error.errors(include_input=False)]
        except Rejected as error:
            wrong = [Wrong(error.field or "filed_on", error.rule)]
        else:
            return notice, []
    order = {name: place for place, name in enumerate(fields(form))}
    return None, sorted(wrong, key=lambda each: order.get(each.field, len(order)))


def hints(notice: SuitFiled, atlas: Atlas) -> list[str]:
    """What somebody should look at again although it may be right: keys of the text catalogue (`hint.<key>`)."""
    found = []
    if notice.monthly_rent is not None and notice.claimed_arrears is not None and notice.claimed_arrears < notice.monthly_rent:
        found.append("arrears_below_rent")
    if notice.hearing_at is not None and notice.hearing_at <= notice.recorded_at:
        found.append("hearing_past")
    places = [atlas.locate(each.address) for each in notice.defendants if each.address is not None]
    if not any(each.in_city for each in places):
        found.append("outside_city")
    elif all(each.district == UNKNOWN for each in places):
        found.append("district_unknown")
    return found


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


class _Reading:
    """Reads typed values, and notes what is wrong with them."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.wrong: list[Wrong] = []

    def note(self, field: str, rule: str) -> None:
        self.wrong.append(Wrong(field, rule))

    def needed(self, field: str, text: str) -> str:
        if not text.strip():
            self.note(field, "missing")
        return text.strip()

    def day(self, field: str, text: str, *, past: bool = False) -> date | None:
        if not text.strip():
            return None
        found = day(text, self.today)
        if found is None:
            self.note(field, "no_date")
        elif past and found > self.today:
            self.note(field, "in_the_future")
        return found

    def money(self, field: str, text: str) -> Decimal | None:
        if not text.strip():
            return None
        found = money(text)
        if found is None:
            self.note(field, "no_money")
        return found

    def code(self, field: str, text: str, known: Iterable[str]) -> str:
        if text not in tuple(known):
            self.note(field, "choose")
        return text


def _data(form: FormEntry, reading: _Reading, courts: Collection[str]) -> dict[str, Any]:
    reading.code("court_code", form.court_code, courts)
    docket = reading.needed("docket", form.docket)
    received = reading.day("received_on", reading.needed("received_on", form.received_on), past=True)
    filed = reading.day("filed_on", reading.needed("filed_on", form.filed_on), past=True)
    served = reading.day("lis_pendens_on", form.lis_pendens_on, past=True)
    if filed is not None and received is not None and received < filed:
        reading.note("received_on", "before_filing_at_court")
    if filed is not None and served is not None and served < filed:
        reading.note("lis_pendens_on", "before_filing")
    if not any(each.has_address for each in form.defendants):
        reading.note("defendants.0.street", "missing")
    hearing_on = reading.day("hearing_on", form.hearing_on)
    return {
        "proceeding": {"court_code": form.court_code, "docket": docket},
        "received_on": received,
        "occurred_on": filed,
        "filed_on": filed,
        "lis_pendens_on": served,
        "plaintiffs": [_party(reading, f"plaintiffs.{n}", each) for n, each in enumerate(form.plaintiffs) if not each.empty],
        "landlord_kind": reading.code("landlord_kind", form.landlord_kind, LandlordKind),
        "defendants": [_party(reading, f"defendants.{n}", each) for n, each in enumerate(form.defendants)],
        "monthly_rent": reading.money("monthly_rent", form.monthly_rent),
        "claimed_arrears": reading.money("claimed_arrears", form.claimed_arrears),
        "claimed_compensation": reading.money("claimed_compensation", form.claimed_compensation),
        "hearing_at": _hearing(reading, hearing_on, form),
        "termination_types": [reading.code("termination_types", each, TerminationType) for each in form.termination_types],
        "legal_basis": reading.code("legal_basis", form.legal_basis, BASES),
    }


def _hearing(reading: _Reading, on: date | None, form: FormEntry) -> datetime | None:
    if on is None:
        if form.hearing_time.strip() and not form.hearing_on.strip():
            reading.note("hearing_on", "missing")
        return None
    at = clock_time(form.hearing_time)
    if at is None:
        reading.note("hearing_time", "no_time" if form.hearing_time.strip() else "missing")
        return None
    return datetime.combine(on, at, BERLIN)


def _party(reading: _Reading, at: str, party: PartyEntry) -> dict[str, Any]:
    name = reading.needed(f"{at}.family_name", party.family_name)
    served = reading.day(f"{at}.served_on", party.served_on, past=True)
    address = None
    if party.has_address:
        parts = {each: getattr(party, each).strip() for each in ("street", "house_number", "addition", "postcode", "place")}
        reading.needed(f"{at}.street", party.street)
        if parts["postcode"] and not re.fullmatch(r"\d{5}", parts["postcode"]):
            reading.note(f"{at}.postcode", "no_postcode")
        address = parts
    return {
        "family_name": name,
        "given_name": party.given_name.strip() or None,
        "address": address,
        "served_on": served,
    }


def _field_of(location: Sequence[int | str]) -> str:
    """The form's name of a field of the notice."""
    path = ".".join(str(part) for part in location if part not in ("address", "proceeding"))
    return {"hearing_at": "hearing_on"}.get(path, path)
