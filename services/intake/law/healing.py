"""What the Schonfrist can heal, and whether it is still to be had (§ 569 III Nr. 2 BGB)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.calendar import period_end
from shared.contracts.codes import Banner, TerminationType

HEALABLE = frozenset({TerminationType.EXTRAORDINARY_ARREARS, TerminationType.EXTRAORDINARY_DEPOSIT})
_ORDINARY = frozenset({TerminationType.ORDINARY_BREACH, TerminationType.ORDINARY_OWN_USE, TerminationType.ORDINARY_EXPLOITATION})


class Privilege(StrEnum):
    """Whether the Schonfrist can be used. LEGAL_REVIEW: a lawyer must look at it; nobody is sent away."""

    AVAILABLE = "AVAILABLE"
    EXHAUSTED = "EXHAUSTED"
    LEGAL_REVIEW = "LEGAL_REVIEW"


@dataclass(frozen=True, slots=True)
class Healing:
    """An earlier termination that a payment or an undertaking made void.

    `after_suit` False: paid before any suit, where courts differ on whether that uses the privilege up; None: not known.
    """

    termination_received_on: date | None = None
    healed_on: date | None = None
    after_suit: bool | None = True


def privilege(earlier: Iterable[Healing], termination_received_on: date | None) -> Privilege:
    """Whether an earlier healed termination, no longer than two years ago, has used the Schonfrist up.

    The two years run from receipt of the earlier notice to receipt of the new one. Where only the healing is dated, its
    day stands for the earlier notice: the rule is then stricter by the weeks between them.
    """
    states = {_privilege(each, termination_received_on) for each in earlier}
    for state in (Privilege.EXHAUSTED, Privilege.LEGAL_REVIEW):
        if state in states:
            return state
    return Privilege.AVAILABLE


def _privilege(earlier: Healing, termination_received_on: date | None) -> Privilege:
    since = earlier.termination_received_on or earlier.healed_on
    if since is None or termination_received_on is None:
        return Privilege.LEGAL_REVIEW
    if termination_received_on > period_end(since, years=2):
        return Privilege.AVAILABLE
    return Privilege.EXHAUSTED if earlier.after_suit else Privilege.LEGAL_REVIEW


def remaining_after_healing(types: Iterable[TerminationType]) -> frozenset[TerminationType]:
    """The terminations that stand although all arrears are paid (BGH 13.10.2021, VIII ZR 91/20)."""
    return frozenset(types) - HEALABLE


def banner(types: Iterable[TerminationType], *, healed: bool) -> Banner | None:
    """The warning that an ordinary termination remains after the extraordinary one was healed."""
    declared = frozenset(types)
    if healed and declared & HEALABLE and declared & _ORDINARY:
        return Banner.ORDINARY_TERMINATION_REMAINS
    return None
