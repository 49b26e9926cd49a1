"""What ends an obligation: met; refused with information handed over; exhausted; waived. Pure.

The end is always computed from the attempts and waivers that stand, so that a corrected report takes back exactly what
rested on it alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.outreach.casefile import Attempt, CaseFile, Closing, Owed, Waiver
from services.outreach.planning import distinct
from shared.contracts.codes import AttemptResult, ObligationClose, WaiverReason
from shared.contracts.fields import Event
from shared.contracts.topics.visits import ObligationClosed

CLARIFY = frozenset({AttemptResult.MOVED_OUT, AttemptResult.DECEASED, AttemptResult.ADDRESS_NOT_FOUND})
"""Results that leave the obligation open until a person has cleared up who lives where."""


def settle(file: CaseFile, needed: int) -> tuple[CaseFile, list[Event]]:
    """The file with each obligation ended, or open again, as its attempts and waivers say; and the ends to tell.

    `needed` attempts in vain exhaust an obligation.
    """
    roots = file.roots()
    owed = tuple(
        replace(each, closing=each.void or _closing(each.id, file, roots, needed) or _followed(each, file)) for each in file.owed
    )
    ends: dict[tuple[ObligationClose, WaiverReason | None, date], list[UUID]] = {}
    for old, new in zip(file.owed, owed, strict=True):
        if new.closing is not None and new.closing != old.closing:
            ends.setdefault((new.closing.how, new.closing.reason, new.closing.on), []).append(new.id)
    said: list[Event] = [
        ObligationClosed(case_id=file.case.case_id, obligation_ids=tuple(ids), how=how, reason=reason, closed_on=on)
        for (how, reason, on), ids in ends.items()
    ]
    return replace(file, owed=owed), said


def reopened(before: CaseFile, after: CaseFile) -> tuple[UUID, ...]:
    """The obligations that had ended and are open again."""
    ended = {owed.id for owed in before.owed if not owed.open}
    return tuple(owed.id for owed in after.owed if owed.open and owed.id in ended)


def _closing(obligation_id: UUID, file: CaseFile, roots: dict[UUID, UUID], needed: int) -> Closing | None:
    """The best end that stands: a household met late was met, whatever was given up before."""
    attempts = [each for each in file.attempts if any(roots.get(one) == obligation_id for one in each.obligation_ids)]
    waivers = [each for each in file.waivers if any(roots.get(one) == obligation_id for one in each.obligation_ids)]
    return _met(attempts) or _refused(attempts) or _exhausted(attempts, needed) or _waived(waivers)


def _followed(owed: Owed, file: CaseFile) -> Closing | None:
    """A round that a correction would open again is not owed beside the later round that followed it."""
    same = (owed.person_id, owed.address_id, owed.proceeding_id)
    later = (
        each
        for each in file.owed
        if each.round > owed.round and not each.doubles and (each.person_id, each.address_id, each.proceeding_id) == same
    )
    first = next(later, None)
    return Closing(ObligationClose.VOID, first.owed_since, WaiverReason.COVERED_ELSEWHERE) if first else None


def _met(attempts: Iterable[Attempt]) -> Closing | None:
    days = [each.on for each in attempts if each.result is AttemptResult.MET]
    return Closing(ObligationClose.MET, min(days)) if days else None


def _refused(attempts: Iterable[Attempt]) -> Closing | None:
    days = [each.on for each in attempts if each.result is AttemptResult.REFUSED_AT_DOOR and each.informed]
    return Closing(ObligationClose.REFUSED_INFORMED, min(days)) if days else None


def _exhausted(attempts: Iterable[Attempt], needed: int) -> Closing | None:
    """The day on which enough attempts were made, all at different weekdays and in different windows."""
    in_vain: list[Attempt] = []
    for each in sorted(attempts, key=lambda attempt: attempt.on):
        if each.result is AttemptResult.NOT_MET:
            in_vain.append(each)
            if distinct((other.on, other.window) for other in in_vain) >= needed:
                return Closing(ObligationClose.EXHAUSTED, each.on)
    return None


def _waived(waivers: Iterable[Waiver]) -> Closing | None:
    first = next(iter(waivers), None)
    return Closing(ObligationClose.WAIVED, first.on, first.reason) if first else None
