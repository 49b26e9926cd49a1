"""What topics and databases say after a run: collected with statements of its own, judged in `verdict.py`."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg import Record

from deploy.cli.databases import databases
from deploy.cli.reconcile import reconcile
from deploy.cli.target import SERVICES, Target
from shared.city import City
from shared.contracts.catalogue import EVENT_TYPES, topic_of
from shared.contracts.fields import Event
from shared.contracts.topics.assessments import AssessmentRecorded, ConsentGiven
from shared.contracts.topics.assignments import Assignment, AssignmentCreated
from shared.contracts.topics.handovers import HandoverMade, HandoverRecalled
from shared.contracts.topics.offers import OfferMade, OfferWithdrawn
from shared.contracts.topics.parts import RecordErased
from shared.contracts.topics.receipts import ReceiptIssued
from shared.contracts.topics.referrals import ReferralChanged
from shared.contracts.topics.visits import ObligationClosed, VisitAttempted, VisitOwed
from shared.messaging.wire import Raw
from tests.system.one_notice import all_topics, header, read

Key = tuple[str, str]
"""Topic and key."""


class Place(NamedTuple):
    """An event's place in its key: its sequence and its id."""

    n: int
    event_id: str


class Owed(NamedTuple):
    """One obligation as `visits` told it."""

    case_id: UUID
    person_id: UUID
    address_id: UUID
    proceeding_id: UUID | None
    round: int
    obligation_id: UUID


@dataclass(slots=True)
class Evidence:
    """`wire`: every record of ours in the order of its key on the wire; `journals` the same as written.

    `contents`: prints of each event as its records have it; `written`: its print as the journal has it, None where that row was
    emptied. `answers`: by message, the answer of each receipt; `inbound`: what the services keep of it; `parked`: by service,
    what waits for a person; `cases`: the living case of each notice; `progress`: by reader; `facts`: reporting's own log;
    `created`: each first assignment's visit; `assigned`: obligations that somebody was sent for; `closed`: how an obligation
    ended; `told`: of a message, what was told because of it; `filed`: the reports in outreach's case files; `passed_on`: what a
    provider was told of each referral in its order, whom a handover names (an offer nobody), None where that was taken back;
    `broken`: what `bleibe reconcile` says is.
    """

    wire: dict[Key, list[Place]] = field(default_factory=dict)
    journals: dict[Key, list[Place]] = field(default_factory=dict)
    contents: dict[tuple[Key, Place], set[str]] = field(default_factory=dict)
    written: dict[tuple[Key, Place], str | None] = field(default_factory=dict)
    streams: dict[Key, int] = field(default_factory=dict)
    progress: dict[str, dict[Key, int]] = field(default_factory=dict)
    answers: dict[UUID, list[str]] = field(default_factory=dict)
    inbound: dict[UUID, list[str | None]] = field(default_factory=dict)
    parked: dict[str, list[Raw]] = field(default_factory=dict)
    cases: dict[UUID, UUID] = field(default_factory=dict)
    owed: list[Owed] = field(default_factory=list)
    excused: set[tuple[UUID, UUID]] = field(default_factory=set)
    created: list[UUID] = field(default_factory=list)
    assigned: set[UUID] = field(default_factory=set)
    closed: dict[UUID, str] = field(default_factory=dict)
    told: list[tuple[UUID, str]] = field(default_factory=list)
    filed: list[UUID] = field(default_factory=list)
    passed_on: dict[Key, list[frozenset[UUID] | None]] = field(default_factory=dict)
    facts: list[tuple[str, str, int]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


SERVICE = "urn:bleibe:service:"


@functools.cache
def readers_of(topic: str) -> tuple[str, ...]:
    """Who of ours reads a topic."""
    return tuple(each for each in topic_of(topic).readers if each in SERVICES)


def message_id(raw: Raw) -> UUID | None:
    """None where nobody can read it."""
    try:
        return UUID(header(raw, "ce_id"))
    except ValueError:
        return None


def print_of(kind: str, content: bytes | None) -> str:
    """Tells an event's type and content from any other."""
    return hashlib.sha256(kind.encode() + (b"\0-" if content is None else b"\0+" + content)).hexdigest()


async def collect(system: Target, city: City) -> Evidence:
    """All of it, from a system that has settled."""
    evidence = Evidence()
    ours = [topic for topic in all_topics(city) if not topic_of(topic).foreign]
    take(evidence, await read(system.bootstrap, ours))
    async with databases(system, SERVICES) as at:
        for service, connection in at.items():
            rows = await connection.fetch("select topic, key, n, event_id, type, data from journal order by topic, key, n")
            take_written(evidence, map(dict, rows))
            for row in await connection.fetch("select topic, key, last from streams"):
                evidence.streams[row["topic"], row["key"]] = row["last"]
            rows = await connection.fetch("select topic, key, last from progress")
            evidence.progress[service] = {(row["topic"], row["key"]): row["last"] for row in rows}
            for row in await connection.fetch("select id, answer from inbound"):
                evidence.inbound.setdefault(row["id"], []).append(row["answer"])
            evidence.parked[service] = [_raw(row) for row in await connection.fetch("select * from parked")]
        rows = await at["intake"].fetch(
            """
            with recursive living as (
                select id, id as now_in, merged_into from cases
                union all
                select l.id, c.id, c.merged_into from living l join cases c on c.id = l.merged_into
            )
            select s.id, l.now_in from statements s join living l on l.id = s.case_id and l.merged_into is null
            """
        )
        evidence.cases = {row["id"]: row["now_in"] for row in rows}
        rows = await at["outreach"].fetch("select jsonb_array_elements(state -> 'reports') ->> 'id' as id from case_files")
        evidence.filed = [UUID(row["id"]) for row in rows]
        rows = await at["reporting"].fetch("select topic, key, n from facts")
        evidence.facts = [(row["topic"], str(row["key"]), row["n"]) for row in rows]
    evidence.broken = [f"{check.name}: {check.detail}" for check in await reconcile(system) if not check.ok]
    return evidence


async def keep_tables(system: Target, folder: Path) -> None:
    """Every table of every service as CSV, for whoever looks for the reason. All of it is constructed."""
    async with databases(system, SERVICES) as at:
        for service, connection in at.items():
            for row in await connection.fetch("select tablename from pg_tables where schemaname = 'public'"):
                table = row["tablename"]
                await connection.copy_from_table(table, output=folder / f"{service}.{table}.csv", format="csv", header=True)


def _raw(row: Record) -> Raw:
    """A parked record as it came."""
    headers = tuple((name, None if text is None else base64.b64decode(text)) for name, text in json.loads(row["record_headers"]))
    return Raw(row["topic"], row["record_key"], row["record_value"], headers)


def take_written(evidence: Evidence, rows: Iterable[Mapping[str, Any]]) -> None:
    """Take in a journal."""
    for row in rows:
        key, place = (row["topic"], row["key"]), Place(row["n"], str(row["event_id"]))
        evidence.journals.setdefault(key, []).append(place)
        data = None if row["data"] is None else row["data"].encode()
        evidence.written[key, place] = None if row["type"] == RecordErased.TYPE else print_of(row["type"], data)


def take(evidence: Evidence, raws: Iterable[Raw]) -> None:
    """Take in what the topics hold, each event's content once however often it was sent."""
    seen: set[str] = set()
    for raw in raws:
        if not header(raw, "ce_source").startswith(SERVICE):
            continue  # an intruder's
        key, place = (raw.topic, (raw.key or b"").decode()), Place(int(header(raw, "ce_keysequence")), header(raw, "ce_id"))
        evidence.wire.setdefault(key, []).append(place)
        evidence.contents.setdefault((key, place), set()).add(print_of(header(raw, "ce_type"), raw.value))
        if place.event_id not in seen and raw.value is not None:
            seen.add(place.event_id)
            event = EVENT_TYPES[header(raw, "ce_type")].model_validate_json(raw.value)
            _take_content(evidence, event)
            _take_told(evidence, event, header(raw, "ce_causationid"))
            _take_passed_on(evidence, event, key)


def _take_content(evidence: Evidence, event: Event) -> None:
    match event:
        case ReceiptIssued():
            evidence.answers.setdefault(event.message_id, []).append(event.answer)
        case VisitOwed():
            evidence.owed += [
                Owed(event.case_id, one.person_id, one.address_id, one.proceeding_id, one.round, one.obligation_id)
                for one in event.obligations
            ]
            evidence.excused |= {(event.case_id, each.person_id) for each in event.excused}
        case ObligationClosed():
            evidence.closed |= dict.fromkeys(event.obligation_ids, f"{event.how}, {event.reason}")
        case Assignment():
            if isinstance(event, AssignmentCreated):
                evidence.created.append(event.visit_id)
            evidence.assigned |= {each.obligation_id for each in event.residents}
        case _:
            pass


def _take_told(evidence: Evidence, event: Event, cause: str) -> None:
    match event:
        case VisitAttempted() | AssessmentRecorded():
            evidence.told.append((event.report_id, event.TYPE))
        case ConsentGiven():
            evidence.told.append((event.consent_id, event.TYPE))
        case ReferralChanged() if cause:  # the clock has no id
            evidence.told.append((UUID(cause), event.state))
        case _:
            pass


def _take_passed_on(evidence: Evidence, event: Event, key: Key) -> None:
    match event:
        case OfferMade():
            evidence.passed_on.setdefault(key, []).append(frozenset())
        case HandoverMade():
            evidence.passed_on.setdefault(key, []).append(frozenset(each.person_id for each in event.persons))
        case OfferWithdrawn() | HandoverRecalled():
            evidence.passed_on.setdefault(key, []).append(None)
        case _:
            pass
