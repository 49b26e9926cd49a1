"""Asking about a topic must never make one."""

from __future__ import annotations

import functools

import aiokafka.client
from aiokafka.protocol.metadata import MetadataRequest


def never_make_topics() -> None:
    """Have every Kafka client of this process ask about topics without creating them. Once, before the first client.

    aiokafka's clients let the broker create what they ask about, and have no setting for it. A broker that came back empty
    would have all topics again within milliseconds, with its own number of partitions and its own retention, and
    `ensure_topics` would come too late.
    """
    aiokafka.client.MetadataRequest = functools.partial(MetadataRequest, allow_auto_topic_creation=False)
