"""What the running services put on the wire, read back by the CloudEvents project's own SDK and held against their journals."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from asyncpg import Record
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event

from deploy.cli.databases import database
from deploy.cli.target import SERVICES, Target
from deploy.cli.wire import _watch
from shared.contracts.catalogue import CASES, EVENT_TYPES, HOUSEHOLDS, topic_of
from shared.contracts.topics.households import HouseholdRecorded
from tests.system.one_case import CITY, Played
from tests.system.one_notice import all_topics, header, read

pytestmark = pytest.mark.system

OURS = [name for name in all_topics(CITY) if not topic_of(name).foreign]
SPOKEN = {
    "cases", "households", "visits", "assessments", "referrals", "outcomes", "receipts", "assignments", "offers", "handovers",
}  # fmt: skip


async def test_the_sdk_reads_every_record_as_it_stands_in_the_journal(system: Target, played: Played) -> None:
    raws = await read(system.bootstrap, OURS)
    journals: dict[str, tuple[str, Record]] = {}
    for service in SERVICES:
        async with database(system, service) as connection:
            rows = await connection.fetch("select * from journal")
        journals |= {str(row["event_id"]): (f"urn:bleibe:service:{service}", row) for row in rows}
    assert {raw.topic.partition(".")[0] for raw in raws} >= SPOKEN
    for raw in raws:
        assert all(value is not None for _, value in raw.headers)
        read_back = from_binary_event(
            KafkaMessage({n: v for n, v in raw.headers if v is not None}, raw.key, raw.value or b"null")
        )
        source, row = journals[header(raw, "ce_id")]
        assert read_back.get_specversion() == "1.0"
        assert read_back.get_id() == str(row["event_id"])
        assert read_back.get_source() == source
        assert read_back.get_type() == row["type"]
        assert read_back.get_subject() == row["key"] == (raw.key or b"").decode()
        assert read_back.get_time() == row["time"].astimezone(UTC)
        assert read_back.get_datacontenttype() == "application/json"
        assert read_back.get_extension("keysequence") == str(row["n"])
        assert read_back.get_extension("causationid") == (None if row["causation_id"] is None else str(row["causation_id"]))
        assert raw.topic == row["topic"]
        assert read_back.get_data() == json.loads(row["data"] or "null")
        assert row["data"] is None or EVENT_TYPES[row["type"]].model_validate(read_back.get_data())
    assert any(str(played.case_id) == header(raw, "ce_subject") for raw in raws)


@pytest.mark.usefixtures("played")
async def test_watching_a_topic_that_names_people_needs_a_reason_which_is_kept(
    system: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    written = len(await read(system.bootstrap, [HOUSEHOLDS.name]))
    await _watch(system, HOUSEHOLDS.name, from_start=True, count=written, because=None)
    shown = households(capsys.readouterr().out)
    assert shown
    assert not any("data" in each for each in shown)
    await _watch(system, CASES.name, from_start=True, count=1, because=None)
    assert json.loads(capsys.readouterr().out)["data"]["case_id"]
    await _watch(system, HOUSEHOLDS.name, from_start=True, count=written, because="the court asks")
    shown = households(capsys.readouterr().out)
    assert all(each["data"]["members"] for each in shown)
    async with database(system, "intake") as intake:
        kept = await intake.fetchval(
            "select purpose from reads where subject_id = $1::uuid and what = 'watched_record'", shown[0]["key"]
        )
    assert kept == "the court asks"


def households(lines: str) -> list[dict[str, Any]]:
    """What was shown, but for the end of a day, which stands in every partition without a household."""
    shown = [json.loads(line) for line in lines.splitlines()]
    return [each for each in shown if each["type"] == HouseholdRecorded.TYPE]
