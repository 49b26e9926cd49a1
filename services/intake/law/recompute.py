"""What changed between two computations, and why: a fact, the law or the calendar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from services.intake.law.model import Deadline


class Reason(StrEnum):
    """Why a deadline is not what it was."""

    ADDED = "ADDED"
    REMOVED = "REMOVED"
    RULE = "RULE"
    FACT = "FACT"
    CALENDAR = "CALENDAR"


@dataclass(frozen=True, slots=True)
class Change:
    """A deadline before and after."""

    rule: str
    old: Deadline | None
    new: Deadline | None
    reason: Reason


def recompute(old: Iterable[Deadline], new: Iterable[Deadline]) -> tuple[Change, ...]:
    """The deadlines whose day, basis or rule version differ, in the order of their rules' names.

    One deadline per rule on each side, as `deadlines` returns them for the facts of one proceeding.
    """
    before = {deadline.rule: deadline for deadline in old}
    after = {deadline.rule: deadline for deadline in new}
    changes = []
    for rule in sorted(before.keys() | after.keys()):
        reason = _reason(before.get(rule), after.get(rule))
        if reason is not None:
            changes.append(Change(rule, before.get(rule), after.get(rule), reason))
    return tuple(changes)


def _reason(old: Deadline | None, new: Deadline | None) -> Reason | None:
    if old is None or new is None:
        return Reason.ADDED if old is None else Reason.REMOVED
    if (old.date, old.basis, old.rule_version) == (new.date, new.basis, new.rule_version):
        return None
    if old.rule_version != new.rule_version:
        return Reason.RULE
    return Reason.FACT if old.inputs != new.inputs else Reason.CALENDAR
