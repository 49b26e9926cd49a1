"""What no notice may say. A missing value never blocks: an incomplete notice is still a household to visit. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from services.intake.matching import people
from shared.contracts.codes import EvictionStatus
from shared.contracts.topics.notices import (
    EvictionDateNotified,
    Notice,
    NoticeCorrected,
    ProceedingEnded,
    ServiceReported,
    SuitFiled,
)
from shared.messaging.model import Rejected
from shared.runtime.clock import BERLIN

_EARLIEST = date(2000, 1, 1)
_YEARS_AHEAD = 10


def check(notice: Notice, today: date) -> None:
    """Check a notice, and the content of a correction.

    Raises:
        Rejected: names the field and the rule: `in_the_future`, `before_filing` or `implausible_date`.
    """
    _check(notice, today, "")
    if isinstance(notice, NoticeCorrected):
        _check(notice.content, today, "content.")


def _check(notice: Notice, today: date, at: str) -> None:
    last = date(today.year + _YEARS_AHEAD, 12, 31)
    for field, day in _dates(notice):
        if not _EARLIEST <= day <= last:
            raise Rejected(at + field, "implausible_date")
    for field, day in _past(notice):
        if day > today:
            raise Rejected(at + field, "in_the_future")
    if isinstance(notice, SuitFiled):
        for field, day in _services(notice):
            if day < notice.filed_on:
                raise Rejected(at + field, "before_filing")


def _dates(notice: Notice) -> Iterator[tuple[str, date]]:
    for field, value in vars(notice).items():
        if isinstance(value, date):
            yield field, value.astimezone(BERLIN).date() if isinstance(value, datetime) else value
    group = "debtors" if isinstance(notice, EvictionDateNotified) else "defendants"
    for n, party in enumerate(people(notice)):
        if party.served_on is not None:
            yield f"{group}.{n}.served_on", party.served_on


def _past(notice: Notice) -> Iterator[tuple[str, date]]:
    """What must have happened by the day we are told."""
    yield "received_on", notice.received()
    if notice.occurred_on is not None and not isinstance(notice, EvictionDateNotified):
        yield "occurred_on", notice.occurred_on
    if isinstance(notice, SuitFiled):
        yield "filed_on", notice.filed_on
        yield from _services(notice)
    if isinstance(notice, ServiceReported):
        yield "served_on", notice.served_on
    if isinstance(notice, ProceedingEnded):
        yield "decided_on", notice.decided_on
    if isinstance(notice, EvictionDateNotified) and notice.status is EvictionStatus.EXECUTED:
        yield "eviction_at", notice.eviction_at.astimezone(BERLIN).date()


def _services(notice: SuitFiled) -> Iterator[tuple[str, date]]:
    if notice.lis_pendens_on is not None:
        yield "lis_pendens_on", notice.lis_pendens_on
    for n, party in enumerate(notice.defendants):
        if party.served_on is not None:
            yield f"defendants.{n}.served_on", party.served_on
