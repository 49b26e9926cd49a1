"""What the services told of each case, folded key by key: who is covered, what each case holds, what ids mean. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel

from shared.contracts.codes import ObligationClose
from shared.contracts.topics.cases import CaseErased, CaseEvent, CaseMerged
from shared.contracts.topics.referrals import ReferralChanged, ReferralsGivenUp, ReferralsTakenOver
from shared.contracts.topics.visits import (
    Obligation,
    ObligationClosed,
    ReportCorrected,
    VisitOwed,
    VisitsGivenUp,
    VisitsTakenOver,
)


class Line(NamedTuple):
    """Who is owed a visit where, for which suit; None where the bailiff's date came first."""

    person: UUID
    address: UUID
    proceeding: UUID | None
    round: int


@dataclass(slots=True)
class Coverage:
    """What `visits` said of one case: who is owed, who is excused now from which suit, how obligations ended."""

    owed: dict[UUID, Line] = field(default_factory=dict)
    excused: set[tuple[UUID, UUID | None]] = field(default_factory=set)
    ends: dict[UUID, ObligationClose] = field(default_factory=dict)

    def renamed(self, names: Mapping[UUID, UUID]) -> Coverage:
        """By the ids that the case's persons, addresses and suits go by now."""

        def of(each: UUID | None) -> UUID | None:
            return None if each is None else names.get(each, each)

        owed = {
            each: Line(names.get(one.person, one.person), names.get(one.address, one.address), of(one.proceeding), one.round)
            for each, one in self.owed.items()
        }
        return Coverage(owed, {(names.get(person, person), of(suit)) for person, suit in self.excused}, self.ends)

    def covers(self, person: UUID, address: UUID | None, proceeding: UUID) -> bool:
        """Whether a defendant is owed a visit, was, or is excused. What became void covers nobody."""
        for_suit = (proceeding, None)
        excused = any((person, suit) in self.excused for suit in for_suit)
        standing = [one for each, one in self.owed.items() if self.ends.get(each) is not ObligationClose.VOID]
        return excused or any((one.person, one.address) == (person, address) and one.proceeding in for_suit for one in standing)

    def owed_twice(self) -> set[UUID]:
        """Persons with two open obligations for the same."""
        still_open = [one for each, one in self.owed.items() if each not in self.ends]
        return {one.person for one in still_open if still_open.count(one) > 1}


@dataclass(frozen=True, slots=True)
class Cases:
    """Of each key the newest event of `cases`, and the ids of persons and addresses that it replaced."""

    newest: Mapping[UUID, BaseModel]
    names: Mapping[UUID, Mapping[UUID, UUID]]

    @property
    def live(self) -> dict[UUID, CaseEvent]:
        """Those that are neither erased nor part of another."""
        return {case_id: event for case_id, event in self.newest.items() if isinstance(event, CaseEvent)}


def cases_of(events: Iterable[BaseModel]) -> Cases:
    """From all of `cases`, in order per key."""
    newest: dict[UUID, BaseModel] = {}
    names: dict[UUID, dict[UUID, UUID]] = {}
    for event in events:
        if isinstance(event, (CaseEvent, CaseMerged, CaseErased)):
            newest[event.case_id] = event
        if isinstance(event, CaseEvent) and event.replaced:
            more = {each.was: each.now for each in event.replaced}
            known = names.get(event.case_id, {})
            names[event.case_id] = {was: more.get(now, now) for was, now in known.items()} | more
    return Cases(newest, names)


def coverage_of(events: Iterable[BaseModel]) -> dict[UUID, Coverage]:
    """From all of `visits`, in order per key."""
    told: dict[UUID, Coverage] = {}
    for event in events:
        match event:
            case VisitOwed() | VisitsTakenOver():
                coverage = told.setdefault(event.case_id, Coverage())
                coverage.owed |= _owed(event.obligations)
                excused = {(each.person_id, each.proceeding_id) for each in event.excused}
                if isinstance(event, VisitsTakenOver):
                    coverage.excused |= excused
                    for each in event.obligations:
                        coverage.ends.pop(each.obligation_id, None)
                        if each.how is not None:
                            coverage.ends[each.obligation_id] = each.how
                else:
                    coverage.excused = excused  # it names all who are excused now
            case VisitsGivenUp():
                coverage = told.setdefault(event.case_id, Coverage())
                coverage.owed = {each: what for each, what in coverage.owed.items() if each not in event.obligation_ids}
            case ObligationClosed():
                told.setdefault(event.case_id, Coverage()).ends |= dict.fromkeys(event.obligation_ids, event.how)
            case ReportCorrected():
                ends = told.setdefault(event.case_id, Coverage()).ends
                for reopened in event.reopened_obligation_ids:
                    ends.pop(reopened, None)
    return told


def _owed(obligations: Iterable[Obligation]) -> dict[UUID, Line]:
    return {each.obligation_id: Line(each.person_id, each.address_id, each.proceeding_id, each.round) for each in obligations}


def referrals_of(events: Iterable[BaseModel]) -> dict[UUID, set[UUID]]:
    """Which referrals each key has, from all of `referrals`, in order per key."""
    told: dict[UUID, set[UUID]] = {}
    for event in events:
        match event:
            case ReferralChanged():
                told.setdefault(event.case_id, set()).add(event.referral_id)
            case ReferralsTakenOver():
                told.setdefault(event.case_id, set()).update(each.referral_id for each in event.tries)
            case ReferralsGivenUp():
                told.setdefault(event.case_id, set()).difference_update(event.referral_ids)
    return told


def held_twice(live: Collection[UUID], held: Mapping[UUID, Iterable[UUID]]) -> dict[UUID, list[UUID]]:
    """What more than one live case holds, with these cases."""
    holders: dict[UUID, list[UUID]] = {}
    for case_id, ids in held.items():
        for each in ids if case_id in live else ():
            holders.setdefault(each, []).append(case_id)
    return {each: cases for each, cases in holders.items() if len(cases) > 1}


def astray(aliases: Mapping[UUID, UUID], newest: Mapping[UUID, BaseModel]) -> list[UUID]:
    """Aliases that do not lead, in any number of steps, to a live or an erased case, or that are no alias to intake."""
    return [alias for alias in aliases if isinstance(newest.get(alias), CaseEvent) or not _arrives(alias, aliases, newest)]


def _arrives(alias: UUID, aliases: Mapping[UUID, UUID], newest: Mapping[UUID, BaseModel]) -> bool:
    seen: set[UUID] = set()
    while alias in aliases and alias not in seen:
        seen.add(alias)
        alias = aliases[alias]
    return isinstance(newest.get(alias), (CaseEvent, CaseErased))
