"""What topics and databases say after a run: collected with statements of its own, judged in `verdict.py`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from deploy.cli.databases import databases
from deploy.cli.reconcile import reconcile
from deploy.cli.target import SERVICES, Target
from shared.city import City
from shared.contracts.catalogue import ASSIGNMENTS, CATALOGUE, EVENT_TYPES, RECEIPTS, VISITS, topic_of
from shared.contracts.topics.assignments import Assignment, AssignmentCreated
from shared.contracts.topics.receipts import ReceiptIssued
from shared.contracts.topics.visits import VisitAttempted, VisitOwed
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

    `answers`: by message, the answer of each receipt; `inbound`: what the services keep of it; `cases`: the living case of
    each notice; `progress`: by reader; `facts`: reporting's own log; `created`: each first assignment's visit;
    `assigned`: obligations that somebody was sent for; `attempts`: the report behind each attempt told; `broken`: what
    `bleibe reconcile` says is.
    """

    wire: dict[Key, list[Place]] = field(default_factory=dict)
    journals: dict[Key, list[Place]] = field(default_factory=dict)
    streams: dict[Key, int] = field(default_factory=dict)
    progress: dict[str, dict[Key, int]] = field(default_factory=dict)
    answers: dict[UUID, list[str]] = field(default_factory=dict)
    inbound: dict[UUID, list[str | None]] = field(default_factory=dict)
    cases: dict[UUID, UUID] = field(default_factory=dict)
    owed: list[Owed] = field(default_factory=list)
    excused: set[tuple[UUID, UUID]] = field(default_factory=set)
    created: list[UUID] = field(default_factory=list)
    assigned: set[UUID] = field(default_factory=set)
    attempts: list[UUID] = field(default_factory=list)
    facts: list[tuple[str, str, int]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


SERVICE = "urn:bleibe:service:"

READERS = {topic.name: [each for each in topic.readers if each in SERVICES] for topic in CATALOGUE if topic.family is None}
"""Who of ours reads a topic of ours."""


async def collect(system: Target, city: City) -> Evidence:
    """All of it, from a system that has settled."""
    evidence = Evidence()
    ours = [topic for topic in all_topics(city) if not topic_of(topic).foreign]
    take(evidence, await read(system.bootstrap, ours))
    async with databases(system, SERVICES) as at:
        for service, connection in at.items():
            for row in await connection.fetch("select topic, key, n, event_id from journal order by topic, key, n"):
                evidence.journals.setdefault((row["topic"], row["key"]), []).append(Place(row["n"], str(row["event_id"])))
            for row in await connection.fetch("select topic, key, last from streams"):
                evidence.streams[row["topic"], row["key"]] = row["last"]
            rows = await connection.fetch("select topic, key, last from progress")
            evidence.progress[service] = {(row["topic"], row["key"]): row["last"] for row in rows}
            for row in await connection.fetch("select id, answer from inbound"):
                evidence.inbound.setdefault(row["id"], []).append(row["answer"])
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
        rows = await at["reporting"].fetch("select topic, key, n from facts")
        evidence.facts = [(row["topic"], str(row["key"]), row["n"]) for row in rows]
    evidence.broken = [f"{check.name}: {check.detail}" for check in await reconcile(system) if not check.ok]
    return evidence


def take(evidence: Evidence, raws: Iterable[Raw]) -> None:
    """Take in what the topics hold, each event's content once however often it was sent."""
    seen: set[str] = set()
    for raw in raws:
        if not header(raw, "ce_source").startswith(SERVICE):
            continue  # an intruder's
        place = Place(int(header(raw, "ce_keysequence")), header(raw, "ce_id"))
        evidence.wire.setdefault((raw.topic, (raw.key or b"").decode()), []).append(place)
        if place.event_id not in seen:
            seen.add(place.event_id)
            _take_content(evidence, raw)


def _take_content(evidence: Evidence, raw: Raw) -> None:
    if topic_of(raw.topic) not in (RECEIPTS, VISITS, ASSIGNMENTS) or raw.value is None:
        return
    match EVENT_TYPES[header(raw, "ce_type")].model_validate_json(raw.value):
        case ReceiptIssued() as receipt:
            evidence.answers.setdefault(receipt.message_id, []).append(receipt.answer)
        case VisitOwed() as told:
            evidence.owed += [
                Owed(told.case_id, one.person_id, one.address_id, one.proceeding_id, one.round, one.obligation_id)
                for one in told.obligations
            ]
            evidence.excused |= {(told.case_id, each.person_id) for each in told.excused}
        case VisitAttempted() as attempt:
            evidence.attempts.append(attempt.report_id)
        case Assignment() as assignment:
            if isinstance(assignment, AssignmentCreated):
                evidence.created.append(assignment.visit_id)
            evidence.assigned |= {each.obligation_id for each in assignment.residents}
        case _:
            pass
