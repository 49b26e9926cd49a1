"""What an XJustiz message says: Nachrichtenkopf and Grunddaten, of any version from 2.2.

Names of elements changed over the versions (`eigene_Nachrichten_ID`, `eigeneNachrichtenID`), and choices were wrapped in
`auswahl_*`: names are compared by their letters alone, and wrappers are looked through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from services.intake.xjustiz.bounded import Element, parse, validate
from shared.messaging.model import Rejected
from shared.runtime.clock import BERLIN

_XML_DATE = re.compile(r"^(\d{4})-(\d\d)-(\d\d)(?:Z|[+-]\d\d:\d\d)?$")
_XML_TIME = re.compile(r"^(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?$")
_WHOLE_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
"""A Datumsangabe may be a year or a month alone."""

_TRUE = ("true", "1")
_BODIES = ("natuerlicheperson", "organisation", "rakanzlei")


@dataclass(frozen=True, slots=True)
class Address:
    """Anschrift, as written; a former one is marked."""

    street: str
    house_number: str
    addition: str
    postcode: str
    place: str
    former: bool


@dataclass(frozen=True, slots=True)
class Participant:
    """Beteiligter with the codes of his roles (GDS.Rollenbezeichnung); an organisation has a family name alone."""

    roles: frozenset[str]
    family_name: str
    given_name: str | None
    addresses: tuple[Address, ...]
    language: str | None
    blocked: bool


@dataclass(frozen=True, slots=True)
class Hearing:
    """Terminsdaten: `category` by GDS.Terminskategorie (001, 002, 003), `kind` by GDS.Terminsart.

    `in_words` where the hour is told in words only; then `at` is midnight.
    """

    id: str | None
    refers_to: str | None
    category: str | None
    kind: str | None
    at: datetime
    in_words: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `validated` where a schema of its version was at hand; `events` by GDS.Ereignis."""

    name: str
    version: str | None
    validated: bool
    id: str | None
    created_at: datetime | None
    sender: str | None
    events: frozenset[str]
    subject: str | None
    court: str | None
    docket: str | None
    registered_on: date | None
    participants: tuple[Participant, ...]
    hearings: tuple[Hearing, ...]


def read(document: bytes) -> Message:
    """Read a message; one of a version whose schema is here is validated first.

    Raises:
        Rejected: what bounded.parse says, `schema`, `date` or `time`; `field` names the element.
    """
    root = parse(document)
    head = _first(root, "nachrichtenkopf")
    data = _first(root, "grunddaten", "verfahrensdaten")
    version = _version(root)
    validated = version is not None and validate(root, version)
    sender = _code(_first(head, "absendergericht"))
    instance = _instance(data, sender)
    docket = _first(instance, "aktenzeichen")
    registered = _text(_first(docket, "aktenzeichenstrukturiert", "erfassungsdatum"))
    return Message(
        name=_local(root),
        version=version,
        validated=validated,
        id=_text(_first(head, "eigenenachrichtenid")),
        created_at=_moment(_text(_first(head, "erstellungszeitpunkt"))),
        sender=sender,
        events=frozenset(code for each in _all(head, "ereignis") if (code := _code(each))),
        subject=_code(_first(instance, "sachgebiet")),
        court=_court(instance) or sender,
        docket=_docket(docket) or (_text(_first(head, "aktenzeichenabsender")) if sender else None),
        registered_on=_date(registered, "erfassungsdatum") if registered and _WHOLE_DAY.match(registered) else None,
        participants=tuple(_participant(each) for each in _all(data, "beteiligung")),
        hearings=tuple(_hearing(each) for each in _all(data, "terminsdaten")),
    )


def _version(root: Element) -> str | None:
    """At the Nachrichtenkopf from 3.0 on, at the Grunddaten before."""
    return next((value for each in root if (value := each.get("xjustizVersion"))), None)


def _instance(data: Element | None, sender: str | None) -> Element | None:
    """The instance (Instanzdaten) of the court that writes; else the first."""
    found = [*_all(data, "instanzdaten"), *_all(_first(data, "instanzdatenerweitert"), "instanzdaten")]
    return next((each for each in found if sender and _court(each) == sender), found[0] if found else None)


def _court(instance: Element | None) -> str | None:
    return _code(_first(instance, "gericht")) or _code(_first(instance, "instanzbehoerde", "gericht"))


def _docket(docket: Element | None) -> str | None:
    """`5 C 123/26`; before 3.0 the docket is plain text."""
    parts = _first(docket, "aktenzeichenstrukturiert")
    if parts is None:
        return _text(_first(docket, "aktenzeichenfreitext")) or _text(docket)
    register = _code(_first(parts, "register"))
    number, year = _text(_first(parts, "laufendenummer")), _text(_first(parts, "jahr"))
    before = (_text(_first(parts, name)) for name in ("vorsatz", "abteilung"))
    after = _text(_first(parts, "zusatz"))
    return " ".join(each for each in (*before, register, f"{number}/{(year or '')[-2:]}", after) if each)


def _participant(each: Element) -> Participant:
    roles = frozenset(code for role in _all(each, "rolle") if (code := _code(_first(role, "rollenbezeichnung"))))
    who = _first(each, "beteiligter")
    person = _first(who, "natuerlicheperson")
    body = next((found for name in _BODIES if (found := _first(who, name)) is not None), None)
    name, title = _first(person, "vollername"), _first(body, "bezeichnung")
    family = " ".join(part for part in (_text(_first(name, "namensvorsatz")), _text(_first(name, "nachname"))) if part)
    blocked = _first(person, "auskunftssperrevorhanden")
    return Participant(
        roles=roles,
        family_name=family or _text(_first(title, "bezeichnungaktuell")) or _text(title) or "",
        given_name=_text(_first(name, "vorname")) or _text(_first(name, "rufname")),
        addresses=tuple(_address(address) for address in _all(body, "anschrift")),
        language=_language(_code(_first(person, "sprache"))),
        blocked=_text(blocked) in _TRUE or _first(person, "auskunftssperredetails") is not None,
    )


def _address(each: Element) -> Address:
    care_of = _text(_first(each, "wohnungsgeber"))
    additions = [text for part in _all(each, "anschriftenzusatz") if (text := _text(part))]
    return Address(
        street=_text(_first(each, "strasse")) or "",
        house_number=_text(_first(each, "hausnummer")) or "",
        addition=", ".join([f"c/o {care_of}", *additions] if care_of else additions),
        postcode=_text(_first(each, "postleitzahl")) or "",
        place=_text(_first(each, "ort")) or "",
        former=_text(_first(each, "ehemaligeanschrift")) in _TRUE,
    )


def _hearing(each: Element) -> Hearing:
    when = _first(each, "terminszeit")
    day = _date(_text(_first(when, "terminsdatum")) or _text(_first(each, "terminsdatum")) or "", "terminsdatum")
    clock = _text(_first(when, "terminsuhrzeit"))
    return Hearing(
        id=_text(_first(each, "terminsid")),
        refers_to=_text(_first(each, "refbezugstermin")),
        category=_code(_first(each, "terminskategorie")),
        kind=_code(_first(each, "terminsart")),
        at=_at(day, clock) if clock else datetime(day.year, day.month, day.day, tzinfo=BERLIN),
        in_words=clock is None,
    )


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _letters(element: Element) -> str:
    return re.sub(r"[._]", "", _local(element)).lower()


def _children(element: Element | None) -> Iterator[Element]:
    """The children, with those of `auswahl_*` in its place."""
    for child in () if element is None else element:
        if _local(child).startswith("auswahl_"):
            yield from _children(child)
        else:
            yield child


def _all(element: Element | None, name: str) -> list[Element]:
    return [child for child in _children(element) if _letters(child) == name]


def _first(element: Element | None, *path: str) -> Element | None:
    for name in path:
        element = next((child for child in _children(element) if _letters(child) == name), None)
    return element


def _text(element: Element | None) -> str | None:
    """The text with its white space made single; None where there is none."""
    return None if element is None else " ".join((element.text or "").split()) or None


def _code(element: Element | None) -> str | None:
    return _text(_first(element, "code"))


def _language(code: str | None) -> str | None:
    return code.lower() if code and re.fullmatch(r"[A-Za-z]{2,3}", code) else None


def _date(text: str, field: str) -> date:
    found = _XML_DATE.match(text)
    try:
        return date(*(int(part) for part in found.groups())) if found else date.fromisoformat(text)
    except ValueError:
        raise Rejected(field, "date") from None


def _at(day: date, clock: str) -> datetime:
    """A day and an hour; where no offset is written, German time is meant."""
    found = _XML_TIME.match(clock)
    if found is None:
        raise Rejected("terminsuhrzeit", "time")
    hour, minute, second = (int(part) for part in found.groups()[:3])
    try:
        return datetime.combine(day, time(hour, minute, second), _offset(found[4]))
    except ValueError:
        raise Rejected("terminsuhrzeit", "time") from None


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    day, _, clock = text.partition("T")
    return _at(_date(day, "erstellungszeitpunkt"), clock) if clock else None


def _offset(text: str | None) -> tzinfo:
    if text is None:
        return BERLIN
    if text == "Z":
        return UTC
    return timezone((-1 if text[0] == "-" else 1) * timedelta(hours=int(text[1:3]), minutes=int(text[4:6])))
