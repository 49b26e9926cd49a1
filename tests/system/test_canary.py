"""Marked words go through everything, failures included, and turn up nowhere but where personal data belongs."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from deploy.cli.databases import database
from deploy.cli.parked import listing
from deploy.cli.target import SERVICES, Target
from deploy.local.system import SPANS, tokens
from shared.contracts.catalogue import FIELD_REPORTS, REPLIES, Kind, topic_of
from shared.contracts.codes import Channel, ContactKind
from shared.contracts.topics.field_reports import ContactReported
from shared.contracts.topics.receipts import ReceiptIssued
from shared.contracts.topics.replies import OfferAccepted
from shared.messaging import parking
from shared.messaging.wire import Raw
from tests.system.one_case import CITY, Marks, Played, mark
from tests.system.one_notice import COURT, Sender, all_topics, events, message, read, settled, write
from tests.the_broker import BROKER
from tests.waiting import eventually

pytestmark = pytest.mark.system

OPEN_KINDS = {Kind.FACT, Kind.SPECIAL_FACT, Kind.PUBLIC}
ERROR_COLUMNS = {
    "parked": ("topic", "reason", "field", "rule"),
    "dropped": ("topic", "rule", "who", "why"),
    "inbound": ("source", "topic", "type", "answer", "field", "rule"),
    "journal": ("topic", "key", "type", "traceparent"),
    "streams": ("topic", "key"),
    "progress": ("topic", "key"),
    "reads": ("person_id", "role", "purpose", "what"),
    "ticks": ("job",),
}


@pytest.fixture(scope="module")
async def words(system: Target, played: Played) -> list[str]:
    """Everything personal that was sent: in one household's whole way, and in all that fails."""
    refused, broken, asked = Marks(), Marks(), mark()
    await messages_that_fail(system, refused)
    await statements_that_fail(system, broken)
    await requests_that_fail(system, asked)
    await settled(system)
    return [*dataclasses.astuple(played.marks), *dataclasses.astuple(refused), *dataclasses.astuple(broken), asked]


async def test_the_words_are_found_where_personal_data_belongs(system: Target, played: Played, words: list[str]) -> None:
    """So the search of the other tests can find."""
    belongs = {
        "notices": {"family_name", "given_name", "street", "addition", "docket", "telephone", "landlord", "wish", "actor"},
        "field-reports": {"note", "actor"},
        "replies": {"actor"},
        "households": {"family_name", "given_name", "street", "addition", "docket", "telephone", "landlord"},
        "assignments": {"family_name", "given_name", "street", "addition", "telephone"},
        "handovers": {"family_name", "given_name", "street", "addition", "telephone"},
    }
    raws = await read(system.bootstrap, all_topics(CITY))
    for family, names in belongs.items():
        values = b" ".join(raw.value or b"" for raw in raws if raw.topic.partition(".")[0] == family)
        found = {name for name, word in dataclasses.asdict(played.marks).items() if word in hits(values, words)}
        assert found == names, family


async def test_no_log_tells_them(system: Target, words: list[str]) -> None:
    logs = {path.name: path.read_bytes() for path in (folder(system) / "logs").iterdir()}
    assert logs.keys() >= {"postgres.log", f"{BROKER}.log", *(f"{service}.log" for service in SERVICES)}
    assert b"batch_apart" in logs["intake.log"]  # the failing statements have left their trace
    assert {name: found for name, log in logs.items() if (found := hits(log, words))} == {}


async def test_no_span_tells_them(system: Target, played: Played, words: list[str]) -> None:
    files = sorted((folder(system) / SPANS).glob("*.jsonl"))
    assert len(files) == len(SERVICES)
    await eventually(lambda: all(str(played.case_id).encode() in path.read_bytes() for path in files))
    await eventually(lambda: any(b"http.server" in path.read_bytes() or b"SERVER" in path.read_bytes() for path in files))
    assert {path.name: found for path in files if (found := hits(path.read_bytes(), words))} == {}


async def test_no_metric_tells_them(system: Target, words: list[str]) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        for service in SERVICES:
            page = (await http.get(f"{system.pages[service]}/metrics")).content
            assert b"bleibe_events_handled_total{" in page
            assert hits(page, words) == set()


async def test_no_key_or_header_of_ours_tells_them(system: Target, words: list[str]) -> None:
    ours = [name for name in all_topics(CITY) if not topic_of(name).foreign]
    for raw in await read(system.bootstrap, ours):
        around = [raw.key or b"", *(part for name, value in raw.headers for part in (name.encode(), value or b""))]
        assert hits(b" ".join(around), words) == set(), raw.topic


async def test_no_fact_tells_them(system: Target, words: list[str]) -> None:
    facts = [name for name in all_topics(CITY) if topic_of(name).kind in OPEN_KINDS]
    raws = await read(system.bootstrap, facts)
    families = {raw.topic.partition(".")[0] for raw in raws}
    assert families >= {"cases", "visits", "assessments", "referrals", "outcomes", "offers", "receipts"}
    for raw in raws:
        assert hits(raw.value or b"", words) == set(), raw.topic


async def test_no_column_that_people_read_for_errors_tells_them(system: Target, words: list[str]) -> None:
    seen = 0
    for service in SERVICES:
        async with database(system, service) as connection:
            for table, columns in ERROR_COLUMNS.items():
                rows = await connection.fetch(f"select {', '.join(columns)} from {table}")  # noqa: S608  constants above
                seen += len(rows)
                assert hits(repr([tuple(row) for row in rows]).encode(), words) == set(), (service, table)
    assert seen


async def test_the_list_of_what_is_parked_tells_them_not(system: Target, words: list[str]) -> None:
    rows = await listing(system, ["intake", "outreach", "referral"])
    assert len(rows) >= 5
    assert hits(repr(rows).encode(), words) == set()


def hits(text: bytes, words: Iterable[str]) -> set[str]:
    """The words that stand in the text, in upper case or lower."""
    lower = text.lower()
    return {word for word in words if word.lower().encode() in lower}


def folder(system: Target) -> Path:
    """The data folder of the shared system."""
    assert system.data is not None
    return system.data


async def messages_that_fail(system: Target, marks: Marks) -> None:
    """Poison of every kind from a partner, and what a team and a provider may not say."""
    good = message(COURT, marks.suit())
    word, strange = marks.note, json.loads(message(COURT, marks.suit()).value or b"") | {marks.note: marks.wish}
    poison = [
        good,
        bent(value=b'{"family_name": "' + marks.family_name.encode()),
        bent(value=json.dumps(strange).encode()),
        bent(value=(good.value or b"").replace(marks.family_name.encode(), marks.family_name.encode() + b"\\u0001")),
        bent(value=(good.value or b"").replace(marks.street.encode(), marks.street.encode() + b"\\u0000")),
        bent(value=json.dumps({"kind": word, "recorded_at": word, "defendants": [{word: word}]}).encode()),
        bent(value=None),
        bent(value=good.value, key=word.encode()),
        bent(value=good.value, key=word.encode() + b"\xff"),
        *(bent(value=good.value, **{name: word.encode()}) for name in ("ce_id", "ce_source", "ce_type", "ce_time")),
        bent(value=good.value, ce_id=b"\xff" + word.encode()),
        bent(value=good.value, ce_specversion=word.encode(), tracestate=word.encode(), **{word: word.encode()}),
        bent(value=good.value, traceparent=word.encode()),
    ]
    outside = {"actor": marks.actor, "channel": Channel.AUTHORITY, "recorded_at": "2026-11-22T10:00:00Z"}
    contact = {"contact": ContactKind.TELEPHONE, "contacted_on": "2026-11-22", "reached": True, "note": marks.note}
    report = ContactReported.model_validate({**outside, **contact, "case_id": uuid4()})
    poison.append(message(FIELD_REPORTS.of("mitte"), report, key=word))
    reply = OfferAccepted.model_validate({**outside, "referral_id": uuid4()})
    poison.append(message(REPLIES.of(CITY.providers[0].id), reply, key=word))
    await write(system.bootstrap, poison)
    await eventually(lambda: all_noted(system, poison), within_s=30)
    other = message(COURT, marks.suit(filed_on="2026-11-01"))
    reused = Raw(other.topic, good.key, other.value, good.headers)
    await write(system.bootstrap, [reused])

    async def refused() -> bool:
        receipts = events(await read(system.bootstrap, ["receipts.ag-muenster"]), ReceiptIssued)
        return any(each.rule == "id_reused" for each in receipts)

    await eventually(refused)


def bent(*, value: bytes | None, key: bytes | None = None, **headers: bytes) -> Raw:
    """A suit's record of its own, with these parts in place of what belongs there."""
    whole = message(COURT, Marks().suit())
    named = {name: content for name, content in whole.headers if content is not None} | headers
    return Raw(COURT, key or whole.key, value, tuple(named.items()))


async def all_noted(system: Target, raws: Sequence[Raw]) -> bool:
    """Whether each record was answered or parked."""
    noted: set[bytes] = set()
    for service in SERVICES:
        async with database(system, service) as connection:
            rows = await connection.fetch("select digest from inbound where answer is not null union select digest from parked")
        noted |= {row["digest"] for row in rows}
    return {raw.digest() for raw in raws} <= noted


async def statements_that_fail(system: Target, marks: Marks) -> None:
    """Databases that refuse the words: a notice parks in intake, the register's entry in outreach and referral."""
    sender, by_notice = Sender(system.bootstrap), Marks()
    async with refusing(system, "intake", "statements", "content", by_notice.family_name):
        (parked,) = await sender.send(message(COURT, by_notice.suit(actor=marks.actor)))
        await sender.until_answered()
        assert sender.answers[parked].answer == "parked"
    async with (
        refusing(system, "outreach", "registers", "entry", marks.family_name),
        refusing(system, "referral", "households", "record", marks.family_name),
    ):
        await sender.send(message(COURT, marks.suit()))
        await sender.until_answered()
        await eventually(lambda: heads_parked(system, "outreach"))
        await eventually(lambda: heads_parked(system, "referral"))


@contextlib.asynccontextmanager
async def refusing(system: Target, service: str, table: str, column: str, word: str) -> AsyncIterator[None]:
    """A table that refuses rows with this word; afterwards what was parked for it is put back."""
    async with database(system, service) as connection:
        await connection.execute(
            f"alter table {table} add constraint refusing check ({column}::text not like '%{word}%') not valid"
        )
        try:
            yield
        finally:
            await connection.execute(f"alter table {table} drop constraint refusing")
            for row in await connection.fetch("select id from parked where rule = 'CheckViolationError'"):
                assert await parking.retry(connection, row["id"])


async def heads_parked(system: Target, service: str) -> bool:
    """Whether an event of ours failed there."""
    async with database(system, service) as connection:
        return bool(await connection.fetchval("select count(*) from parked where n is not null and reason = 'failed'"))


async def requests_that_fail(system: Target, word: str) -> None:
    """Wrong tokens, addresses, methods, headers, bodies and protocols, at every service."""
    assert system.data is not None
    known = tokens(system.data)
    person = {"authorization": f"Bearer {known['alle-seiten']}"}
    partner = {"authorization": f"Bearer {known['partner-ag-muenster']}", "content-type": "application/cloudevents+json"}
    async with httpx.AsyncClient(trust_env=False) as http:
        for service in SERVICES:
            at = system.pages[service]
            answers = [
                await http.get(f"{at}/{word}", headers=person),
                await http.get(f"{at}/{word}?{word}={word}", headers={"authorization": f"Bearer {word}", "cookie": word}),
                await http.get(f"{at}/visits", params={"day": word}, headers=person),
                await http.get(f"{at}/tagesblatt/{word}/{word}", headers={**person, word: word, "traceparent": word}),
                await http.get(f"{at}/api/quarters/{word}", headers={**person, "accept": "text/html", "accept-language": word}),
                await http.post(f"{at}/login", content=f"token={word}&next=/{word}"),
                await http.post(f"{at}/notices", content=f'{{"{word}": "{word}"', headers=partner),
                await http.post(f"{at}/notices", json={"id": word, "source": word, "type": word, word: word}, headers=partner),
                await http.request(word.upper(), f"{at}/", headers=person),
            ]
            assert {400, 404} & {answer.status_code for answer in answers}
            assert all(answer.status_code >= 400 for answer in answers), [answer.status_code for answer in answers]
            await speak_nonsense(at, word)


async def speak_nonsense(address: str, word: str) -> None:
    """What is not HTTP at all."""
    where = urlsplit(address)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(f"{word}\r\n{word}: {word}\r\n\r\n".encode())
    await writer.drain()
    await asyncio.wait_for(reader.read(), 10)
    writer.close()
