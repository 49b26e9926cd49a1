"""The outside world's side of the wire: partners, teams' tools and providers, each speaking on its own topic only.

They know the contracts and the wire, nothing of the services. Every message stays in the sender's outbox and is sent
again until a receipt has come; what they read they read from the beginning, each event once, without a consumer group.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, Self
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from aiokafka import AIOKafkaProducer
from opentelemetry.trace import SpanKind

from deploy.demo.letters import Letter
from deploy.demo.mailbox import Mailbox
from shared.city import City
from shared.contracts.catalogue import ASSIGNMENTS, FIELD_REPORTS, HANDOVERS, NOTICES, OFFERS, RECEIPTS, REPLIES, owner_of
from shared.contracts.codes import Answer
from shared.contracts.fields import Event
from shared.contracts.topics.receipts import ReceiptIssued
from shared.messaging.closing import closed
from shared.messaging.wire import Envelope, Raw, encode
from shared.runtime.telemetry import traceparent, tracer

log = structlog.get_logger()

AGAIN_AFTER_S = 4.0
_READER = {topic.name: topic.readers[0] for topic in (NOTICES, FIELD_REPORTS, REPLIES)}
_SENDS_TO = {reader: name for name, reader in _READER.items()}


class Audience(Protocol):
    """Who acts for the outside world."""

    def hear(self, topic: str, event: Event) -> None:
        """An event for somebody outside."""

    def answered(self, message: UUID, answer: Answer) -> None:
        """A receipt."""


@dataclass(frozen=True, slots=True)
class Office:
    """Where a partner files over HTTP instead of Kafka: intake's address, and the partner's token."""

    address: str
    token: str


@dataclass(slots=True)
class _Pending:
    raw: Raw
    office: Office | None
    sent_at: float


@dataclass(slots=True)
class Clients:
    """All of them in one process, which must have said `never_make_topics`. `offices` names the topics that go over HTTP."""

    bootstrap: str
    city: City
    offices: Mapping[str, Office]
    audience: Audience | None = None
    answers: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    _outbox: dict[UUID, _Pending] = field(default_factory=dict)
    _mail: dict[str, Mailbox] = field(default_factory=dict)
    _producer: AIOKafkaProducer | None = None
    _connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        teams = [team.id for team in self.city.teams]
        providers = [provider.id for provider in self.city.providers]
        partners = [partner.id for partner in self.city.partners]
        desks = {
            "intake": [RECEIPTS.of(each) for each in partners],
            "outreach": [topic.of(each) for each in teams for topic in (RECEIPTS, ASSIGNMENTS)],
            "referral": [topic.of(each) for each in providers for topic in (RECEIPTS, OFFERS, HANDOVERS)],
        }
        self._mail = {
            service: Mailbox(service, self.bootstrap, topics, partial(self._hear, service)) for service, topics in desks.items()
        }
        self._tasks = [asyncio.create_task(each) for each in (self._repeating(), *(box.run() for box in self._mail.values()))]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._drop_producer()

    @property
    def unanswered(self) -> int:
        """Messages without a receipt."""
        return len(self._outbox)

    def read_of(self, service: str, family: str) -> int:
        """How many events of a family of topics (`assignments`, `offers`, ...) were read, each once."""
        return self._mail[service].count(family)

    def listen_to(self, awaited: Collection[str]) -> None:
        """Listen to these services and to those that owe receipts; rest from the others."""
        owing = {_READER[each.raw.topic.partition(".")[0]] for each in self._outbox.values()}
        for service, box in self._mail.items():
            box.listen(now=service in awaited or service in owing)

    async def send(self, letters: Iterable[Letter]) -> None:
        """Put letters into the outbox and send them, in order."""
        pending = [(letter, self._pending(letter)) for letter in letters]
        for letter, each in pending:
            self._outbox[letter.id] = each
            self.sent[letter.topic.partition(".")[0]] += 1
        self.listen_to(())
        await self._deliver([each for letter, each in pending for _ in range(2 if letter.twice else 1)])

    def _pending(self, letter: Letter) -> _Pending:
        """The record, at the root of a trace of its own."""
        with tracer().start_as_current_span(
            f"send {letter.topic.partition('.')[0]}",
            kind=SpanKind.PRODUCER,
            attributes={
                "messaging.system": "kafka",
                "messaging.message.id": str(letter.id),
                "bleibe.event_type": letter.data.TYPE,
                **({"bleibe.notice_id": str(letter.id)} if letter.about is None else {}),
            },
        ) as span:
            begun = traceparent(span)
        source, now = owner_of(letter.topic), datetime.now(UTC)
        envelope = Envelope(letter.id, source, letter.data.TYPE, now, letter.key, traceparent=begun)
        raw = encode(letter.topic, envelope, letter.data.model_dump_json(exclude_none=True).encode())
        return _Pending(raw, self.offices.get(letter.topic), 0.0)

    async def _deliver(self, pending: Sequence[_Pending]) -> None:
        """Send once. What fails stays in the outbox and goes out again with the next round."""
        try:
            async with asyncio.timeout(10):
                producer = await self._connected()
                waiting = []
                for each in pending:
                    each.sent_at = time.monotonic()
                    if each.office is None:
                        raw = each.raw
                        waiting.append(await producer.send(raw.topic, raw.value, raw.key, headers=list(raw.headers)))
                await producer.flush()
                await asyncio.gather(*waiting)
        except Exception as error:  # noqa: BLE001  the broker is away, in whatever way: the outbox keeps everything
            log.warning("demo_send_again", error=type(error).__name__)
            await self._drop_producer()
        for each in pending:
            if each.office is not None:
                await self._file(each)

    async def _file(self, pending: _Pending) -> None:
        """Over HTTP the response is the receipt."""
        assert pending.office is not None
        pending.sent_at = time.monotonic()
        try:
            answer = await asyncio.to_thread(_post, pending.office, pending.raw)
        except (OSError, http.client.HTTPException) as error:
            log.warning("demo_file_again", error=type(error).__name__)
            return
        if answer is not None:
            self._on_receipt(answer)

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self.bootstrap,
                    client_id="demo",
                    acks="all",
                    request_timeout_ms=5000,
                    enable_idempotence=False,
                )
                try:
                    await producer.start()
                except BaseException:
                    await closed(producer.stop())
                    raise
                self._producer = producer
            return self._producer

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await closed(producer.stop())

    async def _repeating(self) -> None:
        """Senders repeat what was not answered."""
        while True:
            await asyncio.sleep(0.5)
            before = time.monotonic() - AGAIN_AFTER_S
            late = [each for each in self._outbox.values() if each.sent_at < before]
            if late:
                await self._deliver(late)

    def _hear(self, service: str, topic: str, event: Event) -> None:
        if isinstance(event, ReceiptIssued):
            what = _SENDS_TO[service]
            self.answers[f"{what} {event.answer}"] += 1
            if event.answer is Answer.REJECTED:
                self.refusals[f"{what} {event.field or 'message'}: {event.rule}"] += 1
            self._on_receipt(event)
        elif self.audience is not None:
            self.audience.hear(topic, event)

    def _on_receipt(self, receipt: ReceiptIssued) -> None:
        """The first receipt settles a message; later ones are for its repetitions."""
        if self._outbox.pop(receipt.message_id, None) is not None and self.audience is not None:
            self.audience.answered(receipt.message_id, receipt.answer)


def _post(office: Office, raw: Raw) -> ReceiptIssued | None:
    """File one notice in CloudEvents' binary mode; None where the answer says nothing yet."""
    where = urlsplit(office.address)
    headers = {
        name.replace("ce_", "ce-") if name.startswith("ce_") else name: (value or b"").decode() for name, value in raw.headers
    }
    connection = http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=10)
    try:
        connection.request(
            "POST", "/notices", raw.value, {**headers, "authorization": f"Bearer {office.token}", "accept": "application/json"}
        )
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status >= 500:
        return None
    answer = json.loads(body)["messages"][0]
    return ReceiptIssued(message_id=answer["id"], answer=answer["answer"], field=answer.get("field"), rule=answer.get("rule"))
