"""Creating the topics a service needs, once and again after a broker came back empty."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it is created."""

    name: str
    partitions: int
    config: Mapping[str, str]


def config_of(spec: TopicSpec, replication: int) -> dict[str, str]:
    """Its settings on the cluster. With more than one copy, a send counts only when another broker has it, too."""
    return {**spec.config} if replication == 1 else {**spec.config, "min.insync.replicas": str(max(1, replication - 1))}


async def ensure_topics(
    clients: Mapping[str, Any], specs: Sequence[TopicSpec], replication: int = 1, *, afresh: bool = False
) -> None:
    """Create the topics that are missing. Two services may do so at once.

    `afresh` is for the embedded broker: it acknowledges what is sent to a topic that does not exist yet, and then counts a
    record that nobody can read. A topic made, removed and made again is free of it.
    """
    admin = AIOKafkaAdminClient(**clients)
    try:
        await asyncio.wait_for(admin.start(), 15)
        there = set(await asyncio.wait_for(admin.list_topics(), 15))
        missing = [spec for spec in specs if spec.name not in there]
        if missing:
            new = [NewTopic(s.name, s.partitions, replication, topic_configs=config_of(s, replication)) for s in missing]
            made = await _create(admin, new)
            if afresh and made:
                await asyncio.wait_for(admin.delete_topics(list(made)), 30)
                await _create(admin, [topic for topic in new if topic.name in made])
    finally:
        await asyncio.wait_for(admin.close(), 5)


async def _create(admin: AIOKafkaAdminClient, new: Sequence[NewTopic]) -> set[str]:
    """Create topics; returns those that somebody else had not made before."""
    answer = await asyncio.wait_for(admin.create_topics(list(new)), 30)
    errors = {name: for_code(code) for name, code, *_ in answer.topic_errors}
    for name, error in errors.items():
        if error not in (NoError, TopicAlreadyExistsError):
            raise error(name)
    return {name for name, error in errors.items() if error is NoError}
