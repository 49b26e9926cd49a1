"""Statements sorted by the suit they speak of, and what each suit looks like. Pure: the same set gives the same suits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from services.intake.facts import Rank, Statement, best
from services.intake.matching import docket_of, named
from services.intake.persons import Ids
from shared.contracts.codes import Channel, EvictionStatus, HearingStatus, LegalFact, ProceedingOutcome
from shared.contracts.fields import Event
from shared.contracts.topics.notices import (
    EvictionDateNotified,
    HearingCancelled,
    HearingMoved,
    HearingSet,
    Notice,
    ProceedingEnded,
    ProceedingRef,
    ServiceReported,
    SuitFiled,
)
from shared.contracts.topics.visits import LegalFactSeen
from shared.runtime.clock import BERLIN

_OF_A_SUIT = (SuitFiled, ServiceReported, HearingSet, HearingMoved, HearingCancelled, ProceedingEnded, EvictionDateNotified)


@dataclass(slots=True)
class Suit:
    """The statements about one suit, oldest first; `docket` is the court file's key, None while nobody has named it."""

    docket: str | None
    statements: list[Statement] = field(default_factory=list)
    id: UUID | None = None

    @property
    def ref(self) -> ProceedingRef | None:
        """Court and docket as the weightiest statement writes them."""
        return best((each, each.content.proceeding) for each in self.statements if isinstance(each.content, Notice))

    @property
    def filed_on(self) -> date | None:
        """Day of filing (Tag des Eingangs der Klage)."""
        return best((each, each.content.filed_on) for each in self.statements if isinstance(each.content, SuitFiled))

    @property
    def channel(self) -> Channel:
        """How the city first heard of it. What a visit saw at the door comes from the city itself."""
        first = self.statements[0].content
        return first.channel if isinstance(first, Notice) else Channel.AUTHORITY


def suits(statements: Sequence[Statement], ids: Ids) -> list[Suit]:
    """The suits that these statements (oldest first) speak of, each with its id.

    What names no court file belongs to the oldest suit it can belong to: a suit filed on another day is another suit.
    What was seen at the door belongs to the suit it names, else to the newest; it proves a suit that nobody has reported.
    """
    by_docket: dict[str, Suit] = {}
    nameless: list[Statement] = []
    for each in statements:
        docket = docket_of(each.content)
        if docket is not None:
            by_docket.setdefault(docket, Suit(docket)).statements.append(each)
        elif isinstance(each.content, _OF_A_SUIT):
            nameless.append(each)
    found = list(by_docket.values())
    for each in nameless:
        _home(each, found).statements.append(each)
    for suit in found:
        suit.statements.sort(key=lambda one: one.age)
    found.sort(key=lambda suit: suit.statements[0].age)
    _identify(found, ids)
    seen = [(each, each.content) for each in statements if isinstance(each.content, LegalFactSeen)]
    if seen and not found:
        found.append(Suit(None, [], ids.of(f"suit|seen|{seen[0][0].case_id}")))
    for each, fact in seen:
        meant = fact.proceeding_id, ids.current(fact.proceeding_id)
        next((suit for suit in found if suit.id in meant), found[-1]).statements.append(each)
    return found


def _home(statement: Statement, found: list[Suit]) -> Suit:
    filed_on = statement.content.filed_on if isinstance(statement.content, SuitFiled) else None
    for suit in found:
        if filed_on is None or suit.filed_on in (None, filed_on):
            return suit
    found.append(Suit(None))
    return found[-1]


def _identify(found: Sequence[Suit], ids: Ids) -> None:
    """A suit keeps its id when its court file becomes known, or is corrected: it is also known by what was said of it."""
    for suit in found:
        suit.id = None if suit.docket is None else ids.known.get(f"suit|{suit.docket}")
    taken = {suit.id for suit in found}
    keys = [[f"suit|{each.source}|{each.id}" for each in suit.statements] for suit in found]
    for suit, said in zip(found, keys, strict=True):
        if suit.id is None:
            earlier = (ids.known[key] for key in [*said, f"suit|seen|{suit.statements[0].case_id}"] if key in ids.known)
            suit.id = next((known for known in earlier if known not in taken), None) or ids.new()
            taken.add(suit.id)
    for suit, said in zip(found, keys, strict=True):
        assert suit.id is not None
        before = {ids.known[key] for key in said if key in ids.known} - taken
        ids.known.update({f"was|{known}": suit.id for known in before})
        ids.known.update(dict.fromkeys(said + ([f"suit|{suit.docket}"] if suit.docket else []), suit.id))


@dataclass(frozen=True, slots=True)
class Served:
    """A day of service and what it rests on."""

    on: date
    rank: Rank


def service(suit: Suit, person_id: UUID, ids: Ids) -> Served | None:
    """When one defendant was served with the claim, by the weightiest statement that speaks of them."""
    said = [(each, Served(on, rank)) for each in suit.statements for on, rank in _service(each, person_id, ids)]
    return best(said)


def _service(each: Statement, person_id: UUID, ids: Ids) -> Iterator[tuple[date, Rank]]:
    content = each.content
    if isinstance(content, SuitFiled | ServiceReported):
        mine = [party for name, party in named(content) if ids.person(name) == person_id]
        own = next((party.served_on for party in mine if party.served_on), None)
        if isinstance(content, SuitFiled):
            of_all, rank = content.lis_pendens_on, each.rank
        else:
            of_all = content.served_on if mine or not content.defendants else None
            rank = min(each.rank, Rank[content.evidence])
        if own or of_all:
            yield own or of_all, rank  # type: ignore[misc]  # one of the two is a day
    elif isinstance(content, LegalFactSeen) and content.fact is LegalFact.SERVED and _about(content, person_id, ids):
        yield content.on, each.rank


def _about(fact: LegalFactSeen, person_id: UUID, ids: Ids) -> bool:
    return ids.current(fact.person_id) in (None, person_id)


@dataclass(frozen=True, slots=True)
class Hearing:
    """Termin zur mündlichen Verhandlung."""

    at: datetime | None
    status: HearingStatus
    rank: Rank


def hearing(suit: Suit) -> Hearing | None:
    """The weightiest date, and whether it stands.

    A cancellation takes away the date it speaks of and makes room for a newer one, even of less weight: a date that is only
    known from a letter at the door is still one not to be missed.
    """
    dates = [(each, at) for each in suit.statements if (at := _hearing_at(each.content)) is not None]
    calls = [(each, each.content.hearing_at) for each in suit.statements if isinstance(each.content, HearingCancelled)]
    if not dates:
        return Hearing(None, HearingStatus.CANCELLED, max(each.rank for each, _ in calls)) if calls else None
    said, at = max(dates, key=lambda pair: pair[0].weight)
    cancelled = [call for call, of in calls if call.weight > said.weight and of in (None, at)]
    if not cancelled:
        return Hearing(at, HearingStatus.SET, said.rank)
    newer = [pair for pair in dates if pair[0].age > max(call.age for call in cancelled)]
    if not newer:
        return Hearing(at, HearingStatus.CANCELLED, said.rank)
    said, at = max(newer, key=lambda pair: pair[0].weight)
    return Hearing(at, HearingStatus.SET, said.rank)


def _hearing_at(content: Event) -> datetime | None:
    if isinstance(content, HearingSet | HearingMoved | SuitFiled):
        return content.hearing_at
    if isinstance(content, LegalFactSeen) and content.fact is LegalFact.HEARING_SET:
        return _midnight(content.on)
    return None


TITLES = (ProceedingOutcome.JUDGMENT, ProceedingOutcome.DEFAULT_JUDGMENT, ProceedingOutcome.SETTLED)
"""Outcomes that the landlord can enforce."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a suit ended, or what title it led to."""

    outcome: ProceedingOutcome | None = None
    on: date | None = None
    period_ends_on: date | None = None
    judgment_served: Served | None = None
    default_judgment_served: Served | None = None


def ending(suit: Suit) -> Ending:
    """The weightiest outcome. A judgment seen served at the door is one, too; on somebody's word alone no suit is over."""
    said: list[tuple[Statement, tuple[ProceedingOutcome, date]]] = []
    served: dict[ProceedingOutcome, list[tuple[Statement, Served]]] = {}
    for each in suit.statements:
        content = each.content
        if isinstance(content, ProceedingEnded):
            if each.rank > Rank.WORD or content.outcome in TITLES:
                said.append((each, (content.outcome, content.decided_on)))
            if content.served_on is not None:
                served.setdefault(content.outcome, []).append((each, Served(content.served_on, each.rank)))
        elif isinstance(content, LegalFactSeen) and (outcome := _JUDGMENT_SEEN.get(content.fact)) is not None:
            said.append((each, (outcome, content.on)))
            served.setdefault(outcome, []).append((each, Served(content.on, each.rank)))
    outcome, on = best(said) or (None, None)
    return Ending(
        outcome,
        on,
        period_ends_on=best(
            (each, each.content.eviction_period_ends_on) for each in suit.statements if isinstance(each.content, ProceedingEnded)
        ),
        judgment_served=best(served.get(ProceedingOutcome.JUDGMENT, ())),
        default_judgment_served=best(served.get(ProceedingOutcome.DEFAULT_JUDGMENT, ())),
    )


_JUDGMENT_SEEN = {
    LegalFact.JUDGMENT_SERVED: ProceedingOutcome.JUDGMENT,
    LegalFact.DEFAULT_JUDGMENT_SERVED: ProceedingOutcome.DEFAULT_JUDGMENT,
}


@dataclass(frozen=True, slots=True)
class Eviction:
    """The bailiff's date (Räumungstermin), the newest that counts."""

    at: datetime
    status: EvictionStatus
    received_on: date
    rank: Rank
    served_on: date | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    """What one statement says of an eviction date."""

    by: Statement
    at: datetime
    status: EvictionStatus
    served_on: date | None


def eviction(statements: Iterable[Statement]) -> Eviction | None:
    """The weightiest date and the weightiest word on it. A date that was cancelled or stayed makes room for a newer one."""
    told = _told(list(statements))
    if not told:
        return None
    chosen = _on(max(told, key=lambda one: one.by.weight), told)
    ended = max(chosen, key=lambda one: one.by.weight)
    if ended.status in (EvictionStatus.CANCELLED, EvictionStatus.STAYED):
        newer = [one for one in told if one.status is EvictionStatus.SET and one.by.age > ended.by.age]
        chosen = _on(max(newer, key=lambda one: one.by.weight), newer) if newer else chosen
    last = max(chosen, key=lambda one: one.by.weight)
    received_on = min(one.by.received_on for one in chosen)
    return Eviction(last.at, last.status, received_on, last.by.rank, best((one.by, one.served_on) for one in chosen))


def _on(meant: _Told, told: Iterable[_Told]) -> list[_Told]:
    return [one for one in told if one.at == meant.at]


def _told(statements: Sequence[Statement]) -> list[_Told]:
    told = [
        _Told(each, each.content.eviction_at, each.content.status, each.content.served_on)
        for each in statements
        if isinstance(each.content, EvictionDateNotified)
    ]
    hours = {one.at.astimezone(BERLIN).date(): one.at for one in told}
    seen = [
        _Told(each, hours.get(each.content.on, _midnight(each.content.on)), EvictionStatus.SET, None)
        for each in statements
        if isinstance(each.content, LegalFactSeen) and each.content.fact is LegalFact.EVICTION_DATE
    ]
    return told + seen


def _midnight(day: date) -> datetime:
    """A day without its hour, which paper at the door often leaves out."""
    return datetime(day.year, day.month, day.day, tzinfo=BERLIN)
