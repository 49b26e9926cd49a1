"""How a service of the catalogue forgets: the core's erasure with the topics, senders and key of this service."""

from __future__ import annotations

from collections.abc import Sequence

from shared.contracts.catalogue import Kind, Topic, owner_of, topic_of
from shared.contracts.fields import Event
from shared.messaging.erasure import ForgetRefused, Memory
from shared.runtime.service import Context, Job, family


def memory_of(context: Context, hears: Sequence[str], says: Sequence[Topic], keep: Sequence[type[Event]] = ()) -> Memory:
    """The memory of a service that hears and says this. `keep`: events that take something back and carry ids alone."""
    written = [topic for topic in says if topic.kind is not Kind.PUBLIC]
    names = [name for topic in written for name in ([topic.name] if topic.family is None else family(topic, context.city))]
    return Memory(
        topics=[name for name in names if topic_of(name).kind is not Kind.REGISTER],
        registers=[name for name in names if topic_of(name).kind is Kind.REGISTER],
        sources=[owner_of(name) for name in hears if topic_of(name).foreign],
        keep=[event.TYPE for event in keep],
        secret=lambda: context.settings.data_key(),  # noqa: PLW0108  settings are asked when there is something to hash
    )


def forgetting_jobs(context: Context, memory: Memory) -> list[Job]:
    """What every service that forgets does now and then."""
    refused = ForgetRefused(context.city.retention.loose_days)
    return [Job("erasing", every_s=5, run=memory.sweep), Job("refused", every_s=3600, run=refused.run)]
