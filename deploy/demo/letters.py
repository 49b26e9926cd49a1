"""A message somebody outside is about to send."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from shared.contracts.fields import Event


@dataclass(frozen=True, slots=True)
class Letter:
    """`topic` is the sender's own; the key is the id itself where `about` is None, else the case's or referral's id."""

    topic: str
    data: Event
    about: UUID | None = None
    twice: bool = False
    id: UUID = field(default_factory=uuid4)

    @property
    def key(self) -> str:
        """The record's key."""
        return str(self.about or self.id)
