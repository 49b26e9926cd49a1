"""What a recovered service rests on: ids that come again for the same message, and nothing told twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.cli.recover import ERASED, NOBODYS_MESSAGE, _why
from shared.contracts.catalogue import CASES, FIGURES, RECEIPTS
from shared.contracts.topics.parts import RecordErased
from shared.messaging import memory
from shared.messaging.ids import deciding, new_id
from shared.messaging.journal import TOMBSTONE
from shared.messaging.model import Said
from shared.messaging.pipeline import transient
from shared.messaging.recovery import CONTENT_GONE, Imported, Told

MESSAGE = uuid4()
AGAIN = Said(CASES.name, "k", RecordErased())
OTHER_KEY, OTHER_TYPE = Said(CASES.name, "l", RecordErased()), Said(FIGURES.name, "k", None)


def ids(service: str = "intake", source: str = "court", message: UUID = MESSAGE, secret: bytes = b"key") -> list[UUID]:
    with deciding(service, source, message, secret):
        return [new_id() for _ in range(3)]


def test_the_same_message_gives_the_same_ids_and_every_other_one_its_own() -> None:
    assert ids() == ids()
    all_of_them = [*ids(), *ids("outreach"), *ids(source="landlord"), *ids(message=uuid4()), *ids(secret=b"other key")]
    assert len(set(all_of_them)) == len(all_of_them)
    assert {each.version for each in all_of_them} == {4}


def test_outside_of_a_decision_ids_are_random() -> None:
    ids()
    assert new_id() != new_id()


def test_a_decision_that_fails_leaves_no_ids_behind() -> None:
    with pytest.raises(LookupError), deciding("intake", "court", MESSAGE, b"key"):
        raise LookupError
    assert new_id() not in ids()


@pytest.mark.parametrize(
    ("said", "left", "again"),
    [
        ([AGAIN], [], [4]),
        ([AGAIN, AGAIN, AGAIN], [AGAIN], [4, 7]),
        ([OTHER_KEY, AGAIN], [OTHER_KEY], [4]),
        ([OTHER_TYPE], [OTHER_TYPE], []),
    ],
)
def test_what_had_been_told_is_not_told_again(said: Sequence[Said], left: Sequence[Said], again: Sequence[int]) -> None:
    told = Told({(CASES.name, "k", RecordErased.TYPE): deque([4, 7]), (CASES.name, "k", TOMBSTONE): deque([1])})
    assert [each for each in said if not told.has(each)] == left
    assert [n for _, _, n in told.again] == again


def test_an_intruders_record_on_our_topic_does_not_keep_the_relay_from_looking() -> None:
    record = SimpleNamespace(headers=(("ce_source", b"\xff"), ("ce_id", None)))
    assert memory._header(record, "ce_source") == "\N{REPLACEMENT CHARACTER}"
    assert memory._header(record, "ce_id") == ""


def test_a_server_that_refuses_writes_is_waited_for() -> None:
    assert transient(asyncpg.ReadOnlySQLTransactionError())
    assert not transient(asyncpg.UniqueViolationError())


def came_back(topic: str, key: str, kind: str, cause: UUID | None) -> Imported:
    return Imported(topic, key, 1, uuid4(), kind, datetime(2026, 11, 23, tzinfo=UTC), None, cause, None)


@pytest.mark.parametrize(
    ("event", "kept", "why"),
    [
        (came_back(CASES.name, "k", "case.updated", MESSAGE), {str(MESSAGE)}, ""),
        (came_back(CASES.name, "k", "case.updated", MESSAGE), set(), CONTENT_GONE),
        (came_back(RECEIPTS.of("court"), str(MESSAGE), "receipt", MESSAGE), {str(MESSAGE)}, ""),
        (came_back(RECEIPTS.of("court"), str(MESSAGE), "receipt", MESSAGE), set(), CONTENT_GONE),
        (came_back(CASES.name, "k", "case.updated", None), set(), NOBODYS_MESSAGE),
        (came_back(CASES.name, "k", TOMBSTONE, None), set(), ERASED),
    ],
)
def test_a_person_looks_at_what_no_message_leads_to_again(event: Imported, kept: set[str], why: str) -> None:
    assert _why(event, kept) == why
