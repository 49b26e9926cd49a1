"""`receipts.<sender>`: what became of a message, to its sender alone. Fact, key = id of the message answered."""

from __future__ import annotations

from typing import ClassVar

from shared.contracts.codes import Answer
from shared.contracts.fields import Event, FieldPath, Id, RuleCode


class ReceiptIssued(Event):
    """Quittung: for a rejection field and rule, never the value."""

    TYPE: ClassVar[str] = "de.bleibe.receipt.issued.v1"
    message_id: Id
    answer: Answer
    field: FieldPath | None = None
    rule: RuleCode | None = None


EVENTS = (ReceiptIssued,)
