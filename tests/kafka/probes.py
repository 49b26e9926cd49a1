"""What a principal may do on a cluster, asked of the cluster itself: one request for all topics wherever that goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.admin.config_resource import ConfigResourceType
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    NoError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnknownMemberIdError,
    for_code,
)
from aiokafka.protocol.admin import AlterConfigsRequest, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

REFUSED = {
    TopicAuthorizationFailedError,
    GroupAuthorizationFailedError,
    ClusterAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
}
WAIT_MS = 5000

Cells = dict[tuple[str, str], bool]
"""Whether an operation on a name was let through."""


async def probe(clients: Mapping[str, Any], topics: Sequence[str], groups: Sequence[str]) -> Cells:
    """Every operation on every topic (of which partition 0 is touched) and group, as the user of these settings."""
    client = AIOKafkaClient(**clients)
    await client.bootstrap()
    try:
        return {
            **await _describe(client, topics),
            **await _read(client, topics),
            **await _write(client, topics),
            **await _use_groups(client, groups),
            **await _without_repetition(client),
            **await _administrate(client, topics),
        }
    finally:
        await client.close()


async def settled_in(clients: Mapping[str, Any], groups: Sequence[str]) -> bool:
    """Whether the cluster has what it makes only when first asked for it: these groups' coordinators, numbers of producers."""
    client = AIOKafkaClient(**clients)
    await client.bootstrap()
    try:
        for group in groups:
            await client.coordinator_lookup(CoordinationType.GROUP, group)
        answers = [await _ask(client, HeartbeatRequest(group, 0, "nobody")) for group in groups]
        numbered = await _ask(client, InitProducerIdRequest(None, WAIT_MS))
    except GroupCoordinatorNotAvailableError:
        return False
    finally:
        await client.close()
    return {each.error_code for each in answers} == {UnknownMemberIdError.errno} and numbered.error_code == NoError.errno


async def _ask(client: AIOKafkaClient, request: Any) -> Any:  # noqa: ANN401  aiokafka ships no types
    return await client.send(client.get_random_node(), request)


def _let_through(code: int, done: type[Exception] = NoError) -> bool:
    """Whether it was `done`, and not refused. Any other answer tells nothing of what one may, and fails the test."""
    answer = for_code(code)
    assert answer is done or answer in REFUSED, f"neither done nor refused: {answer.__name__}"
    return answer is done


async def _describe(client: AIOKafkaClient, topics: Sequence[str]) -> Cells:
    answer = await _ask(client, MetadataRequest(list(topics), allow_auto_topic_creation=False))
    return {("describe", row[1]): _let_through(row[0]) for row in answer.topics}


async def _read(client: AIOKafkaClient, topics: Sequence[str]) -> Cells:
    rows = [(topic, [(0, 0, 4096)]) for topic in topics]
    answer = await _ask(client, FetchRequest(100, 0, 1_000_000, 0, rows))
    return {("read", topic): _let_through(partitions[0][1]) for topic, partitions in answer.topics}


async def _write(client: AIOKafkaClient, topics: Sequence[str]) -> Cells:
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 16_384)
    batch.append(0, 0, b"key", b"value", headers=[])
    record = bytes(batch.build())
    answer = await _ask(client, ProduceRequest(None, -1, WAIT_MS, [(topic, [(0, record)]) for topic in topics]))
    return {("write", topic): _let_through(partitions[0][1]) for topic, partitions in answer.topics}


async def _use_groups(client: AIOKafkaClient, groups: Sequence[str]) -> Cells:
    answers = {group: await _ask(client, HeartbeatRequest(group, 0, "nobody")) for group in groups}
    return {("use group", group): _let_through(answer.error_code, UnknownMemberIdError) for group, answer in answers.items()}


async def _without_repetition(client: AIOKafkaClient) -> Cells:
    """The idempotent producer, which needs no transaction, and the transactional one, which nobody here uses."""
    cells = {}
    for what, name in (("produce", None), ("transact", "any")):
        answer = await _ask(client, InitProducerIdRequest(name, WAIT_MS))
        cells[what, ""] = _let_through(answer.error_code)
    return cells


async def _administrate(client: AIOKafkaClient, topics: Sequence[str]) -> Cells:
    """What would change something is asked only whether it could, but for deleting, which cannot be asked."""
    made = await _ask(client, CreateTopicsRequest([("new", 1, 1, [], [])], WAIT_MS, True))
    gone = await _ask(client, DeleteTopicsRequest(list(topics), WAIT_MS))
    more = await _ask(client, CreatePartitionsRequest([(topic, (2, [[0]])) for topic in topics], WAIT_MS, True))
    settings = [(ConfigResourceType.TOPIC, topic, [("retention.ms", "1000")]) for topic in topics]
    other = await _ask(client, AlterConfigsRequest(settings, True))
    return {
        **{("create", row[0]): _let_through(row[1]) for row in made.topic_errors},
        **{("delete", row[0]): _let_through(row[1]) for row in gone.topic_error_codes},
        **{("alter", row[0]): _let_through(row[1]) for row in more.topic_errors},
        **{("alter settings", row[3]): _let_through(row[0]) for row in other.resources},
    }
