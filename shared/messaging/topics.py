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


async def ensure_topics(clients: Mapping[str, Any], specs: Sequence[TopicSpec], replication: int = 1) -> None:
    """Create the topics that are missing. Two services may do so at once."""
    admin = AIOKafkaAdminClient(**clients)
    try:
        await asyncio.wait_for(admin.start(), 15)
        there = set(await asyncio.wait_for(admin.list_topics(), 15))
        missing = [spec for spec in specs if spec.name not in there]
        if missing:
            new = [NewTopic(s.name, s.partitions, replication, topic_configs=dict(s.config)) for s in missing]
            answer = await asyncio.wait_for(admin.create_topics(new), 30)
            for name, code, *_ in answer.topic_errors:
                error = for_code(code)
                if error not in (NoError, TopicAlreadyExistsError):
                    raise error(name)
    finally:
        await asyncio.wait_for(admin.close(), 5)
