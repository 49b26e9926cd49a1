"""When a household's time is over, and the little that outlives it. Pure.

A household is kept as long as one of its cases: until the period after the last change of the last closed one, and longer
where a case is on hold. What a termination healed does to a later Schonfrist outlives it under a keyed hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from services.intake.casefile import CaseFile
from services.intake.law.healing import HEALABLE, Healing
from services.intake.matching import name_key
from shared.calendar import latest_start, period_end
from shared.contracts.codes import CaseStatus, ProceedingOutcome
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.households import HouseholdRecorded


@dataclass(frozen=True, slots=True)
class Kept:
    """What decides how long a case is kept: whether it is closed, its last change, whether it is on hold."""

    closed: bool
    changed_on: date
    held: bool = False


def due(cases: Iterable[Kept], months: int, today: date) -> bool:
    """Whether the household of these cases is to be erased: all closed, none on hold, the period after the last one over."""
    return all(each.closed and not each.held and period_end(each.changed_on, months=months) < today for each in cases)


def cut_off(today: date, months: int) -> date:
    """The latest day of a last change whose period is over today."""
    return latest_start(date.fromordinal(today.toordinal() - 1), months=months)


def kept(case: CaseEvent, *, held: bool) -> Kept:
    """A case as its newest event tells it."""
    return Kept(case.status is CaseStatus.CLOSED, case.changed_on, held)


def healings(case: CaseEvent | CaseFile) -> tuple[Healing, ...]:
    """The healed terminations of a case: when, and when the newest healable notice before that had come."""
    found = []
    for suit in case.proceedings:
        if suit.outcome is ProceedingOutcome.HEALED and suit.outcome_on is not None:
            notices = [
                each.received_on
                for each in case.terminations
                if HEALABLE & set(each.types) and each.received_on <= suit.outcome_on
            ]
            found.append(Healing(max(notices, default=None), suit.outcome_on))
    return tuple(found)


def words(record: HouseholdRecorded | None) -> list[tuple[str, ...]]:
    """What a refused or parked message must say to be one about this household: a member's names and their postcode."""
    if record is None:
        return []
    postcodes = {
        (person, each.address.postcode) for each in record.addresses for person in each.person_ids if each.address.postcode
    }
    return sorted(
        {
            (member.family_name, *([member.given_name] if member.given_name else []), postcode)
            for member in record.members
            for person, postcode in postcodes
            if person == member.person_id
        }
    )


def names_somebody(text: str, record: HouseholdRecorded | None) -> bool:
    """Whether a text names a member of the household: such a text would outlive them."""
    said = set(name_key(text).split())
    return record is not None and any(set(name_key(each.family_name).split()) & said for each in record.members)
