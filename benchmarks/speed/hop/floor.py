"""The floor: raw aiokafka, the same rows by COPY, the same records, and no guarantee at all.

It reads JSON and checks nothing; a notice that comes twice stops it at the primary key; rows and records are not saved together;
no journal, so nothing can be sent again; a crash between its steps loses or doubles. No tracing. It commits its offsets.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.speed.hop.place import Place, began
from benchmarks.speed.hop.work import CASES, HOUSEHOLDS, RECEIPTS, SOURCE, CaseRow, Facts, HouseholdRow, facts_of, ids_of
from shared.contracts.codes import Channel, LegalBasis
from shared.contracts.topics.notices import Party, SuitFiled
from shared.messaging.wire import Envelope, encode

AT_ONCE = 2_000


class Template:
    """The three records with everything in them that is the same for each suit, as plain dictionaries."""

    def __init__(self) -> None:
        now = datetime.now(UTC)
        suit = SuitFiled(
            channel=Channel.PARTNER_JSON,
            actor="floor",
            legal_basis=LegalBasis.SGB2_22_9,
            recorded_at=now,
            filed_on=now.date(),
            defendants=(Party(family_name="floor"),),
        )
        facts: Facts = facts_of(uuid4(), suit)
        self._case, self._household, self._receipt = (each.model_dump(mode="json") for each in facts)
        self._member = self._household["members"][0]
        self.types = tuple(each.TYPE for each in facts)

    def filled(self, notice: UUID, suit: dict[str, Any]) -> tuple[tuple[str, UUID, dict[str, Any]], ...]:
        """Topic, key and data of the three records."""
        case_id, household_id = ids_of(notice)
        day = suit["recorded_at"][:10]
        members = [
            self._member
            | {"person_id": str(household_id), "family_name": each["family_name"], "given_name": each.get("given_name")}
            for each in suit["defendants"]
        ]
        case = {"case_id": str(case_id), "household_id": str(household_id), "received_on": day, "changed_on": day}
        household = {"household_id": str(household_id), "members": members}
        return (
            (CASES, case_id, self._case | case),
            (HOUSEHOLDS, household_id, self._household | household),
            (RECEIPTS, notice, self._receipt | {"message_id": str(notice)}),
        )


async def run(place: Place) -> None:
    """Take notices until killed."""
    clients = {"bootstrap_servers": place.bootstrap.split(",")}
    connection = await asyncpg.connect(place.dsn)
    template = Template()
    async with (
        AIOKafkaConsumer(
            place.notices, **clients, group_id=place.tag, auto_offset_reset="earliest", enable_auto_commit=False
        ) as consumer,
        AIOKafkaProducer(**clients, acks="all", enable_idempotence=place.idempotent, max_batch_size=262_144) as producer,
    ):
        while True:
            fetched = await consumer.getmany(timeout_ms=500, max_records=AT_ONCE)
            notices = [record for records in fetched.values() for record in records]
            if not notices:
                continue
            began()
            cases, households, sent = [], [], []
            for notice in notices:
                headers = dict(notice.headers)
                notice_id, suit = UUID(headers["ce_id"].decode()), json.loads(notice.value)
                at, trace = datetime.fromisoformat(suit["recorded_at"]), headers["traceparent"].decode()
                facts = template.filled(notice_id, suit)
                (_, case_id, case), (_, household_id, household), _ = facts
                first = household["members"][0]
                cases.append(CaseRow(case_id, household_id, case["stage"], at.date()))
                households.append(
                    HouseholdRow(household_id, case_id, household["version"], first["family_name"], first["given_name"])
                )
                for (output, key, data), event_type in zip(facts, template.types, strict=True):
                    envelope = Envelope(uuid4(), SOURCE, event_type, at, str(key), 1, notice_id, trace)
                    raw = encode(place.topic(output), envelope, json.dumps(data).encode())
                    sent.append(await producer.send(raw.topic, raw.value, raw.key, headers=list(raw.headers)))
            await connection.copy_records_to_table("cases", records=cases, columns=CaseRow._fields)
            await connection.copy_records_to_table("households", records=households, columns=HouseholdRow._fields)
            await asyncio.gather(*sent)
            await consumer.commit()


if __name__ == "__main__":
    uvloop.run(run(Place.given()))
