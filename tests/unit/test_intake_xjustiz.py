"""XJustiz: our own messages round-trip, 47 real ones are read or refused, and nothing in a file harms the reader."""

from __future__ import annotations

import time
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from datetime import time as clock
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from services.intake import xjustiz
from services.intake.answers import TEXTS
from services.intake.xjustiz import bounded
from shared.contracts.topics.notices import HearingCancelled, HearingMoved, HearingSet, Notice, SuitFiled
from shared.messaging.model import Rejected
from shared.runtime.clock import BERLIN
from tests.unit.xjustiz_writer import NAMESPACE, Appointment, Letter, Person, write

SOURCE = "urn:bleibe:partner:ag-muenster"
REAL = sorted((Path(__file__).parent / "data" / "xjustiz").glob("*.xml"))
NAMES = {"101": "Karl", "179": "Vera", "028": "Berta", "310": "Mia", "132": "Paul", "083": "Gerda", "037": "Bert"}
AT = datetime(2027, 1, 14, 9, 30, tzinfo=BERLIN)


def filed(letter: Letter) -> xjustiz.Filing:
    return xjustiz.file(xjustiz.read(write(letter)), SOURCE)


def notices(letter: Letter) -> list[Any]:
    return [notice for _, notice in filed(letter).notices]


def refusal(document: bytes) -> tuple[str | None, str]:
    with pytest.raises(Rejected) as refused:
        xjustiz.file(xjustiz.read(document), SOURCE)
    return refused.value.field, refused.value.rule


# what it files


def test_a_message_with_defendants_is_the_notice_of_the_suit() -> None:
    (suit,) = notices(Letter(registered_on=date(2026, 11, 18)))
    assert isinstance(suit, SuitFiled)
    assert (suit.filed_on, suit.channel, suit.actor) == (date(2026, 11, 18), "XJUSTIZ", "R2713")
    assert suit.proceeding is not None
    assert (suit.proceeding.court_code, suit.proceeding.docket) == ("R2713", "5 C 123/26")
    assert [party.family_name for party in suit.defendants] == ["Beispiel"]
    assert [party.family_name for party in suit.plaintiffs] == ["Wohnbau GmbH"]
    address = suit.defendants[0].address
    assert address is not None
    assert (address.street, address.house_number, address.postcode, address.place) == ("Hammer Straße", "12", "48153", "Münster")


@pytest.mark.parametrize(
    ("roles", "plaintiffs", "defendants"),
    [
        (["101", "028"], ["101"], ["028"]),
        (["179", "310", "310"], ["179"], ["310", "310"]),
        (["101", "179", "028", "310"], ["101"], ["028"]),
        (["101", "028", "132", "083", "037"], ["101"], ["028"]),
    ],
)
def test_parties_by_their_roles(roles: Sequence[str], plaintiffs: Sequence[str], defendants: Sequence[str]) -> None:
    (suit,) = notices(Letter(people=[Person(role, given_name=NAMES[role]) for role in roles], events=["017"]))
    assert [party.given_name for party in suit.plaintiffs] == [NAMES[role] for role in plaintiffs]
    assert [party.given_name for party in suit.defendants] == [NAMES[role] for role in defendants]


def test_hearings_are_set_moved_and_cancelled() -> None:
    old, new = Appointment(id="t1"), Appointment(date(2027, 2, 4), category="003", refers_to="t1")
    (set_,) = notices(Letter(people=[], appointments=[old]))
    assert isinstance(set_, HearingSet)
    assert set_.hearing_at == AT
    (moved,) = notices(Letter(people=[], appointments=[new]))
    assert isinstance(moved, HearingMoved)
    assert (moved.hearing_at, moved.previous_at) == (datetime(2027, 2, 4, 9, 30, tzinfo=BERLIN), None)
    assert notices(Letter(people=[], appointments=[old, new]))[1].previous_at == AT
    (cancelled,) = notices(Letter(people=[], appointments=[old], events=["026"]))
    assert isinstance(cancelled, HearingCancelled)
    assert cancelled.hearing_at == AT
    (all_cancelled,) = notices(Letter(people=[], events=["026"]))
    assert isinstance(all_cancelled, HearingCancelled)


def test_a_hearing_with_the_day_of_filing_files_the_suit_too() -> None:
    kinds = [type(each) for each in notices(Letter(registered_on=date(2026, 11, 18), appointments=[Appointment()]))]
    assert kinds == [SuitFiled, HearingSet]


def test_an_announcement_is_no_hearing() -> None:
    assert refusal(write(Letter(people=[], appointments=[Appointment(kind="031")]))) == (None, "nothing_to_file")


@pytest.mark.parametrize(
    ("letter", "warnings"),
    [
        (Letter(registered_on=date(2026, 11, 18)), []),
        (Letter(), ["filing_day_assumed"]),
        (Letter(version="3.6.2"), ["no_schema", "filing_day_assumed"]),
        (Letter(version="3.4.1"), ["other_version", "filing_day_assumed"]),
        (Letter(appointments=[Appointment()]), ["suit_must_be_known"]),
        (Letter(people=[], appointments=[Appointment(at="vormittags")]), ["hour_in_words"]),
        (Letter(registered_on=date(2026, 11, 18), people=[Person(blocked=True)]), ["address_blocked"]),
        (Letter(registered_on=date(2026, 11, 18), people=[Person(), Person(former=True)]), ["without_address"]),
        (Letter(registered_on=date(2026, 11, 18), appointments=[Appointment(kind="031")]), ["other_appointments"]),
    ],
)
def test_a_person_is_told_what_the_notice_does_not_say(letter: Letter, warnings: list[str]) -> None:
    told = filed(letter).warnings
    assert list(told) == warnings
    assert all(TEXTS(f"warning.{each}", language) for each in told for language in ("de", "en"))


# identity


def test_the_message_s_own_id_is_the_notice_s() -> None:
    letter = Letter(registered_on=date(2026, 11, 18), appointments=[Appointment()])
    first, second = (each for each, _ in filed(letter).notices)
    assert first == UUID(letter.id)
    assert second not in (first, UUID(int=0))
    assert filed(letter) == filed(letter)


def test_an_id_that_is_no_uuid_still_gives_one_notice() -> None:
    odd = replace(Letter(), id="Nachricht 1", version="3.4.1")
    ((first, _),) = filed(odd).notices
    assert first == filed(odd).notices[0][0]
    assert first != filed(replace(odd, id="Nachricht 2")).notices[0][0]
    assert first != xjustiz.file(xjustiz.read(write(odd)), "urn:bleibe:partner:sozialamt").notices[0][0]
    assert refusal(write(Letter(id="Nachricht 1"))) == ("nachrichtenkopf.eigeneNachrichtenID", "schema")


# what it refuses


@pytest.mark.parametrize(
    ("letter", "field", "rule"),
    [
        (Letter(subject="055"), "sachgebiet", "no_civil_suit"),
        (Letter(people=[]), None, "nothing_to_file"),
        (Letter(people=[Person("132")]), None, "nothing_to_file"),
        (Letter(created_at="gestern"), "nachrichtenkopf.erstellungszeitpunkt", "schema"),
        (Letter(created_at="gestern", version="3.4.1"), "erstellungszeitpunkt", "missing"),
        (Letter(created_at="2026-02-30T10:00:00", version="3.4.1"), "erstellungszeitpunkt", "date"),
        (Letter(created_at="2026-02-28T25:00:00", version="3.4.1"), "terminsuhrzeit", "time"),
        (Letter(court="Amtsgericht"), "proceeding.court_code", "string_pattern_mismatch"),
        (Letter(id="", version="3.4.1"), "eigenenachrichtenid", "missing"),
    ],
)
def test_what_cannot_be_filed_names_field_and_rule(letter: Letter, field: str | None, rule: str) -> None:
    assert refusal(write(letter)) == (field, rule)


def test_a_schema_violation_never_repeats_what_the_sender_made_up() -> None:
    document = write(Letter()).replace(b"tns:instanzdaten", b"tns:GeheimnisMeier")
    field, rule = refusal(document)
    assert rule == "schema"
    assert "Geheimnis" not in (field or "")


def bomb() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<!DOCTYPE x [<!ENTITY l0 "lol">{entities}]><nachricht.x xmlns="{NAMESPACE}">&l11;</nachricht.x>'.encode()


def element(content: str, attributes: str = "") -> bytes:
    return f'<nachricht.x xmlns="{NAMESPACE}" {attributes}>{content}</nachricht.x>'.encode()


EXTERNAL = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        (bomb(), "document_type"),
        (EXTERNAL.encode() + element("&e;"), "document_type"),
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + element(""), "document_type"),
        (element("&e;"), "not_xml"),
        (element("<a>" * 100 + "</a>" * 100), "too_deep"),
        (element("<a>" * 100_000), "too_deep"),
        (element("<a/>" * 60_000), "too_many_elements"),
        (element("", " ".join(f'a{n}=""' for n in range(60_000))), "too_many_attributes"),
        (element("", " ".join(f'xmlns:a{n}="u{n}"' for n in range(30_000))), "too_many_attributes"),
        (element("a" * 30_000), "text_too_long"),
        (element("", f'a="{"b" * 30_000}"'), "text_too_long"),
        (element("a" * bounded.MAX_BYTES), "too_large"),
        (b"", "not_xml"),
        (b"\0" * 100, "not_xml"),
        (b"Name;Vorname\n", "not_xml"),
        (b"<a/>", "not_xjustiz"),
        (f'<a xmlns="{NAMESPACE}"/>'.encode(), "not_xjustiz"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_files_are_refused_at_once(document: bytes, rule: str) -> None:
    start = time.perf_counter()
    assert refusal(document) == (None, rule)
    assert time.perf_counter() - start < 10


def test_a_message_cannot_name_a_schema_of_its_own(tmp_path: Path) -> None:
    trap = tmp_path / "trap.xsd"
    trap.write_text(f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{NAMESPACE}"/>')
    hint = f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{NAMESPACE} {trap.as_uri()}"'
    document = write(Letter()).replace(b'xmlns:tns="', f'{hint} xmlns:tns="'.encode(), 1)
    assert b"schemaLocation" in document
    assert b"schemaLocation" not in etree.tostring(bounded.parse(document))


@given(st.binary(max_size=300) | st.text(max_size=100).map(element))
def test_nothing_in_a_file_breaks_the_reader(document: bytes) -> None:
    with pytest.raises(Rejected):
        xjustiz.file(xjustiz.read(document), SOURCE)


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_message_is_read_or_refused(data: st.DataObject) -> None:
    document = bytearray(write(Letter(appointments=[Appointment()], version=data.draw(st.sampled_from(["3.5.1", "3.4.1"])))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(document) - 1))
        document[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=3))
    try:
        xjustiz.file(xjustiz.read(bytes(document)), SOURCE)
    except Rejected as refused:
        assert refused.rule  # noqa: PT017  either is right; nothing else may come out


# the real messages


def test_each_real_message_is_read_and_refused_with_a_reason() -> None:
    """The agency's test messages come from social courts: all can be read, and none is about a home."""
    reasons: Counter[tuple[str | None, str]] = Counter()
    versions: Counter[str | None] = Counter()
    for file in REAL:
        message = xjustiz.read(file.read_bytes())
        versions[message.version] += 1
        assert message.id is not None
        assert UUID(message.id)
        with pytest.raises(Rejected) as refused:
            xjustiz.file(message, SOURCE)
        reasons[refused.value.field, refused.value.rule] += 1
    assert reasons == {("sachgebiet", "no_civil_suit"): 37, (None, "no_notice"): 10}
    assert versions == {"3.2.1": 21, "2.4.0": 23, "2.2.1": 2, "2.4": 1}


def test_a_real_message_of_each_generation_is_understood() -> None:
    by_name = {file.stem: file.read_bytes() for file in REAL}
    old = xjustiz.read(by_name["xjustiz_nachricht_v2_2_1"])
    assert (old.sender, old.court, old.docket, old.subject) == ("B6234", "B6234", "S 1 30/19", "055")
    new = xjustiz.read(by_name["Beispiel_synthetisch1"])
    assert (new.court, new.docket, new.registered_on) == ("9T0000", "S 1 10/21", None)
    assert [sorted(each.roles) for each in new.participants] == [["004"], ["005"], ["006"]]
    assert [each.at for each in new.hearings] == [datetime(2001, 1, 1, 12, tzinfo=BERLIN)]


def test_no_real_message_is_valid_by_the_schema_that_is_here() -> None:
    for file in REAL:
        with pytest.raises(Rejected):
            bounded.validate(bounded.parse(file.read_bytes()), "3.5.1")


# our own messages, against the schema

names = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜabcdefghijklmnopqrstuvwxyzäöüßéèêëñçłşšžğıčćŵ '-", min_size=1, max_size=30).map(
    lambda text: " ".join(unicodedata.normalize("NFC", text).split())
)
written = names.filter(bool)
people = st.builds(
    Person,
    role=st.sampled_from(["028", "101", "310", "179", "132", "083"]),
    family_name=written,
    given_name=written,
    street=written | st.none(),
    house_number=st.sampled_from(["1", "12 a", "12-14"]) | st.none(),
    postcode=st.sampled_from(["48143", "48155", "26548"]),
    place=written,
    care_of=written | st.none(),
    former=st.booleans(),
    blocked=st.booleans(),
)
appointments = st.builds(
    Appointment,
    on=st.dates(date(2026, 1, 1), date(2035, 12, 31)),
    at=st.times().map(lambda at: at.replace(microsecond=0)) | st.just("zwischen 9 und 11 Uhr"),
    category=st.sampled_from(["001", "002", "003"]),
    kind=st.sampled_from(["020", "015", "031"]),
    id=st.sampled_from(["t1", "t2"]) | st.none(),
    refers_to=st.sampled_from(["t1", "t2"]) | st.none(),
)
letters = st.builds(
    Letter,
    id=st.uuids().map(str),
    created_at=st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001  hypothesis adds the zone
        lambda at: at.replace(microsecond=0).isoformat()
    ),
    registered_on=st.dates(date(2026, 1, 1), date(2030, 1, 1)) | st.none(),
    number=st.integers(1, 9999).map(str),
    year=st.sampled_from(["2026", "26"]),
    subject=st.sampled_from(["047", None]),
    events=st.lists(st.sampled_from(["017", "025", "026"]), max_size=2),
    people=st.lists(people, max_size=4),
    appointments=st.lists(appointments, max_size=3),
)


@settings(max_examples=70, deadline=None)
@given(letters)
def test_valid_messages_round_trip(letter: Letter) -> None:
    message = xjustiz.read(write(letter))
    assert message.validated
    assert (message.id, message.court, message.docket) == (letter.id, "R2713", f"5 C {letter.number}/26")
    assert message.events == set(letter.events)
    assert [each.family_name for each in message.participants] == [person.family_name for person in letter.people]
    for read, person in zip(message.participants, letter.people, strict=True):
        assert (read.roles, read.given_name, read.blocked) == (frozenset({person.role}), person.given_name, person.blocked)
        addresses = [(each.street, each.house_number, each.postcode, each.place, each.former) for each in read.addresses]
        own = (person.street, person.house_number or "", person.postcode, person.place, person.former)
        assert addresses == ([] if person.street is None else [own])
    for hearing, each in zip(message.hearings, letter.appointments, strict=True):
        at = clock(0) if isinstance(each.at, str) else each.at
        assert (hearing.at, hearing.in_words) == (datetime.combine(each.on, at, BERLIN), isinstance(each.at, str))
        assert (hearing.id, hearing.refers_to, hearing.category) == (each.id, each.refers_to, each.category)


@settings(max_examples=40, deadline=None)
@given(letters)
def test_every_valid_message_files_notices_or_says_why_not(letter: Letter) -> None:
    try:
        filing = filed(letter)
    except Rejected as refused:
        assert refused.rule == "nothing_to_file"  # noqa: PT017  the only reason left
        assert not any(person.role in ("028", "310") for person in letter.people) or letter.appointments
        return
    assert len({each for each, _ in filing.notices}) == len(filing.notices)
    assert all(isinstance(notice, Notice) and notice.proceeding is not None for _, notice in filing.notices)
