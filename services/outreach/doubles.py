"""Obligations that turn out to be the same: one counts, the others are void, and what was tried for any counts for it. Pure.

The same line is the same person at the same address in the same suit; an obligation from before its suit was known is of any.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.outreach.casefile import Closing, Owed
from shared.contracts.codes import ObligationClose, WaiverReason

Line = list[Owed]
"""All rounds of one line, the newest last."""


def covered_elsewhere(owed: Owed, on: date) -> Owed:
    """The obligation when another covers it."""
    void = Closing(ObligationClose.VOID, on, WaiverReason.COVERED_ELSEWHERE)
    return replace(owed, void=void, closing=void)


def lines(owed: Iterable[Owed]) -> list[Line]:
    """The obligations by line, in their order."""
    found: dict[tuple[UUID, UUID, UUID | None], Line] = {}
    for each in owed:
        found.setdefault((each.person_id, each.address_id, each.proceeding_id), []).append(each)
    return list(found.values())


def joined(apart: Sequence[Line], on: date) -> tuple[Owed, ...]:
    """Lines that were different become one where they are the same now; of two current obligations the earlier line's counts.

    Within the same line the current obligation comes last, as whoever looks for the newest expects.
    """
    kept: list[Line] = []
    doubles: list[Line] = []
    for line in apart:
        newest = line[-1]
        twin = None if newest.void else next((each for each in kept if _same(each[-1], newest)), None)
        if twin is None:
            kept.append(line)
        else:
            doubles.append([*line[:-1], replace(covered_elsewhere(newest, on), doubles=twin[-1].id)])
            twin[-1] = _in_place_of(twin[-1], newest)
    kept.sort(key=lambda line: line[-1].void is None)
    return tuple(each for line in (*doubles, *kept) for each in line)


def _same(kept: Owed, other: Owed) -> bool:
    suits = kept.proceeding_id, other.proceeding_id
    door = (kept.person_id, kept.address_id) == (other.person_id, other.address_id)
    return not kept.void and door and (None in suits or suits[0] == suits[1])


def _in_place_of(kept: Owed, double: Owed) -> Owed:
    """What counts keeps the stricter promise and answers both triggers; one that has ended answers nothing still open."""
    strict = double if kept.open and double.open and double.due_on < kept.due_on else kept
    answered = () if double.open and not kept.open else double.answers
    return replace(
        kept,
        proceeding_id=kept.proceeding_id or double.proceeding_id,
        round=max(kept.round, double.round),
        promise=strict.promise,
        due_on=strict.due_on,
        answers=tuple(dict.fromkeys((*kept.answers, *answered))),
    )


def without_counterpart(owed: Sequence[Owed]) -> tuple[Owed, ...]:
    """Doubles whose counterpart is in another file now stand for themselves again."""
    here = {each.id for each in owed}
    return tuple(
        replace(each, void=None, closing=None, doubles=None) if each.doubles and each.doubles not in here else each
        for each in owed
    )
