# ruff: noqa: ANN401  the parts of a message are anything
"""Writes XJustiz 3.5.1 messages as a court's software would, for the tests. Names and addresses are invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from lxml import etree

NAMESPACE = "http://www.xjustiz.de"
ROLES = "urn:xoev-de:xjustiz:codeliste:gds.rollenbezeichnung"


@dataclass(frozen=True)
class Person:
    role: str = "028"
    family_name: str = "Beispiel"
    given_name: str | None = "Berta"
    street: str | None = "Hammer Straße"
    house_number: str | None = "12"
    postcode: str = "48153"
    place: str = "Münster"
    care_of: str | None = None
    former: bool = False
    blocked: bool = False
    organisation: bool = False


@dataclass(frozen=True)
class Appointment:
    on: date = date(2027, 1, 14)
    at: time | str = time(9, 30)
    category: str = "001"
    kind: str = "020"
    id: str | None = None
    refers_to: str | None = None


@dataclass(frozen=True)
class Letter:
    id: str = "55d426ec-ff16-48ac-837e-a2f8ba79a061"
    created_at: str = "2026-11-20T10:00:00+01:00"
    court: str = "R2713"
    department: str = "5"
    number: str = "123"
    year: str = "2026"
    registered_on: date | None = None
    subject: str | None = "047"
    events: Sequence[str] = ()
    people: Sequence[Person] = (Person(), Person("101", "Wohnbau GmbH", None, organisation=True))
    appointments: Sequence[Appointment] = ()
    version: str = "3.5.1"


def add(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}", **attributes)
    element.text = text
    return element


def code(parent: Any, name: str, value: str, version: str | None = None) -> None:
    element = add(parent, name, **({} if version is None else {"listVersionID": version}))
    etree.SubElement(element, "code").text = value


def write(letter: Letter) -> bytes:
    root = etree.Element(f"{{{NAMESPACE}}}nachricht.gds.basisnachricht.0005006", nsmap={"tns": NAMESPACE})
    head = add(root, "nachrichtenkopf", xjustizVersion=letter.version)
    add(head, "erstellungszeitpunkt", letter.created_at)
    code(add(head, "auswahl_absender"), "absender.gericht", letter.court, "3.6")
    add(add(head, "auswahl_empfaenger"), "empfaenger.sonstige", "Fachstelle Wohnungssicherung")
    add(head, "eigeneNachrichtenID", letter.id)
    for event in letter.events:
        code(head, "ereignis", event, "1.11")
    data = add(add(root, "grunddaten"), "verfahrensdaten")
    instance = add(data, "instanzdaten")
    if letter.subject:
        code(instance, "sachgebiet", letter.subject, "2.4")
    code(add(instance, "auswahl_instanzbehoerde"), "gericht", letter.court, "3.6")
    docket = add(add(add(instance, "aktenzeichen"), "auswahl_aktenzeichen"), "aktenzeichen.strukturiert")
    add(docket, "abteilung", letter.department)
    code(docket, "register", "C", "3.4")
    add(docket, "laufendeNummer", letter.number)
    add(docket, "jahr", letter.year)
    if letter.registered_on:
        add(docket, "erfassungsdatum", letter.registered_on.isoformat())
    for person in letter.people:
        _participant(data, person)
    for each in letter.appointments:
        _appointment(data, each)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _participant(data: Any, person: Person) -> None:
    one = add(data, "beteiligung")
    code(add(one, "rolle"), "rollenbezeichnung", person.role, "3.6")
    choice = add(add(one, "beteiligter"), "auswahl_beteiligter")
    if person.organisation:
        body = add(choice, "organisation")
        add(add(body, "bezeichnung"), "bezeichnung.aktuell", person.family_name)
    else:
        body = add(choice, "natuerlichePerson")
        name = add(body, "vollerName")
        if person.given_name is not None:
            add(name, "vorname", person.given_name)
        add(name, "nachname", person.family_name)
    if person.street is not None:
        address = add(body, "anschrift")
        add(address, "strasse", person.street)
        if person.house_number is not None:
            add(address, "hausnummer", person.house_number)
        add(address, "postleitzahl", person.postcode)
        add(address, "ort", person.place)
        if person.care_of is not None:
            add(address, "wohnungsgeber", person.care_of)
        add(address, "ehemaligeAnschrift", str(person.former).lower())
    if person.blocked:
        add(add(body, "auswahl_auskunftssperre"), "auskunftssperre.vorhanden", "true")


def _appointment(data: Any, each: Appointment) -> None:
    one = add(data, "terminsdaten")
    code(one, "terminskategorie", each.category)
    if each.id:
        add(one, "terminsID", each.id)
    add(add(add(one, "auswahl_terminsort"), "gerichtsort"), "raum", "A 12")
    when = add(one, "terminszeit")
    add(when, "terminsdatum", each.on.isoformat())
    clock = add(when, "auswahl_terminszeit")
    add(clock, "terminszeitangabe", each.at) if isinstance(each.at, str) else add(clock, "terminsuhrzeit", each.at.isoformat())
    code(one, "terminsart", each.kind)
    if each.refers_to:
        add(one, "ref.bezugstermin", each.refers_to)
