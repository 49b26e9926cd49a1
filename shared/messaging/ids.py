"""Ids that a decision gives out: the same again whenever the same message is decided again, and random to everybody else.

A service whose database was restored from a backup decides anew what it has forgotten; what others know by an id must
then get that id again.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
from collections.abc import Iterator
from contextvars import ContextVar
from uuid import UUID, uuid4

_ids: ContextVar[Iterator[UUID] | None] = ContextVar("ids", default=None)


def new_id() -> UUID:
    """The next id of the decision under way; a random one outside of any."""
    ids = _ids.get()
    return uuid4() if ids is None else next(ids)


@contextlib.contextmanager
def deciding(service: str, source: str, message: UUID, secret: bytes) -> Iterator[None]:
    """While the block runs, `new_id` counts through the ids that follow from this message.

    They are keyed hashes (HMAC-SHA-256): whoever chose the message's id cannot tell what it will lead to.
    """
    token = _ids.set(_following(f"{service}|{source}|{message}|", secret))
    try:
        yield
    finally:
        _ids.reset(token)


def _following(cause: str, secret: bytes) -> Iterator[UUID]:
    for n in itertools.count():
        yield UUID(bytes=hmac.digest(secret, f"{cause}{n}".encode(), hashlib.sha256)[:16], version=4)
