"""The legal stage (Verfahrensstand): a rule over facts in any order, not a machine that walks from step to step."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from services.intake.proceedings import TITLES
from shared.contracts.codes import EvictionStatus, HearingStatus, ProceedingOutcome, Stage
from shared.contracts.topics.cases import EvictionFact, ProceedingFact, TerminationFact

_EXITS = {
    ProceedingOutcome.HEALED: Stage.HEALED,
    ProceedingOutcome.WITHDRAWN: Stage.WITHDRAWN,
    ProceedingOutcome.DISMISSED: Stage.DISMISSED,
}
_RISING = list(Stage)
_EVICTION = {
    EvictionStatus.EXECUTED: Stage.EVICTED,
    EvictionStatus.SET: Stage.EVICTION_DATE_SET,
    EvictionStatus.STAYED: Stage.STAYED,
}

SAFE = frozenset({Stage.NONE, Stage.HEALED, Stage.WITHDRAWN, Stage.DISMISSED})
"""Stages in which no legal step threatens the home."""


def stage(
    proceedings: Iterable[ProceedingFact],
    terminations: Iterable[TerminationFact],
    eviction: EvictionFact | None,
    *,
    warned: bool,
) -> Stage:
    """How far it has come. The furthest suit that is still alive counts; one that ended, only when nothing newer threatens."""
    if eviction is not None and eviction.status in _EVICTION:
        return _EVICTION[eviction.status]
    known = list(proceedings)
    alive = [suit_stage(each) for each in known if suit_stage(each) not in SAFE]
    if alive:
        return max(alive, key=_RISING.index)
    ended = max(((each.outcome_on or each.received_on, suit_stage(each)) for each in known), default=(date.min, Stage.NONE))
    if any(each.received_on > ended[0] for each in terminations):
        return Stage.TERMINATED
    if known:
        return ended[1]
    return Stage.ARREARS_WARNING if warned else Stage.NONE


def suit_stage(suit: ProceedingFact) -> Stage:
    """How far one suit has come. A title outlives a healing until the court has said so."""
    if suit.outcome in TITLES:
        return Stage.TITLE if suit.eviction_period_ends_on is None else Stage.EVICTION_PERIOD
    if suit.outcome is not None:
        return _EXITS[suit.outcome]
    if suit.hearing_status is HearingStatus.SET:
        return Stage.HEARING_SET
    if any(each.served_on for each in suit.defendants):
        return Stage.LIS_PENDENS
    return Stage.SUIT_FILED
