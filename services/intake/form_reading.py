"""What a typed form means: the notice it makes, or what is wrong with it, in the way people write dates and money. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from services.intake.form import BASES, FormEntry, PartyEntry, fields
from services.intake.persons import Atlas
from services.intake.plausible import check
from shared.city.model import UNKNOWN
from shared.contracts.codes import Channel, LandlordKind, Origin, TerminationType
from shared.contracts.topics.notices import SuitFiled
from shared.messaging.model import Rejected
from shared.runtime.clock import BERLIN

_DAY: Final = re.compile(r"(\d{1,2})\s*\.\s*(\d{1,2})\s*\.\s*(\d{4}|\d{2})")
_DIGITS: Final = re.compile(r"(\d\d)(\d\d)(\d{4}|\d\d)")
_TIME: Final = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?")
_MONEY: Final = re.compile(r"(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d{1,2})?|\d+\.\d{1,2}")


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a field of the form: the rule is a key of the text catalogue (`error.<rule>`)."""

    field: str
    rule: str


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
            wrong = [Wrong(_field_of((error.field or "filed_on").split(".")), error.rule)]
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
    return {"hearing_at": "hearing_on", "occurred_on": "filed_on"}.get(path, path)
