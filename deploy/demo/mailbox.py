"""What one service writes to outsiders, read from the beginning, each event once, without a consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.catalogue import EVENT_TYPES, topic_of
from shared.contracts.fields import Event
from shared.messaging.closing import consumer_closed
from shared.messaging.model import Heard
from shared.messaging.wire import Raw, Reader, TopicRules

log = structlog.get_logger()

WAIT_MS = 20


@dataclass(slots=True)
class Mailbox:
    """The topics of all outsiders whom `service` answers; `hears` gets each event with its topic."""

    service: str
    bootstrap: str
    topics: Sequence[str]
    hears: Callable[[str, Event], None]
    _read: dict[tuple[str, str], int] = field(default_factory=dict)
    _consumer: AIOKafkaConsumer | None = None
    _listening: bool = True

    def count(self, family: str) -> int:
        """How many events of a family of topics (`assignments`, `offers`, ...) were read, each once."""
        return sum(n for (topic, _), n in self._read.items() if topic.startswith(f"{family}."))

    def listen(self, *, now: bool) -> None:
        """Listen, or rest while nothing can come: asking for hundreds of partitions costs the broker more than the play does."""
        if self._consumer is not None and now != self._listening:
            partitions = self._consumer.assignment()
            (self._consumer.resume if now else self._consumer.pause)(*partitions)
            self._listening = now

    async def run(self) -> None:
        """Read for ever; after a broken connection again from the beginning, as the broker may have lost its memory."""
        reader = Reader(EVENT_TYPES, {topic: TopicRules(f"urn:bleibe:service:{self.service}") for topic in self.topics})
        while True:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self.bootstrap,
                client_id="demo",
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=WAIT_MS,
            )
            try:
                await asyncio.wait_for(consumer.start(), 15)
                consumer.assign([TopicPartition(topic, n) for topic in self.topics for n in range(topic_of(topic).partitions)])
                await consumer.seek_to_beginning()
                self._consumer, self._listening = consumer, True
                while True:
                    for records in (await consumer.getmany(timeout_ms=1000)).values():
                        for record in records:
                            self._take(reader, Raw(record.topic, record.key, record.value, tuple(record.headers)))
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  the broker is away, in whatever way: begin again
                log.warning("demo_read_again", error=type(error).__name__)
                await asyncio.sleep(0.5)
            finally:
                self._consumer = None
                await consumer_closed(consumer)

    def _take(self, reader: Reader, raw: Raw) -> None:
        heard = reader.read(raw)
        if not isinstance(heard, Heard) or heard.n is None or not isinstance(heard.data, Event):
            raise ValueError(f"unreadable on {raw.topic}")
        if heard.n > self._read.get((heard.topic, heard.key), 0):
            self._read[heard.topic, heard.key] = heard.n
            self.hears(heard.topic, heard.data)
