"""A notice that we read from another form, as the record its sender would have written. Pure."""

from __future__ import annotations

from uuid import UUID

from shared.contracts.catalogue import owner_of
from shared.contracts.topics.notices import Notice
from shared.messaging.wire import Envelope, Raw, encode


def record(topic: str, notice_id: UUID, notice: Notice, traceparent: str | None = None) -> Raw:
    """The record on its sender's topic: the same notice under the same id is the same record, over Kafka and HTTP."""
    envelope = Envelope(notice_id, owner_of(topic), notice.TYPE, notice.recorded_at, str(notice_id), traceparent=traceparent)
    return encode(topic, envelope, notice.model_dump_json().encode())
