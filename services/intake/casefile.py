"""A case as its statements make it: suits, terminations, eviction date, money, deadlines, stage. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.intake import proceedings as suits
from services.intake.claims import Money, band, claim, landlord_kind, landlord_land, money
from services.intake.facts import Statement, best
from services.intake.law import Deadline, Facts, Service, banner
from services.intake.law.healing import HEALABLE
from services.intake.matching import named, people
from services.intake.persons import Atlas, Ids, dwelling, home_of
from services.intake.proceedings import Ending, Eviction, Hearing, Suit
from services.intake.stage import SAFE, stage, suit_stage
from shared.contracts.codes import (
    Banner,
    EvictionStatus,
    Evidence,
    HearingStatus,
    LandlordKind,
    MoneyBand,
    ProceedingOutcome,
    Stage,
    TerminationType,
)
from shared.contracts.topics.cases import DeadlineFact, DefendantFact, EvictionFact, ProceedingFact, TerminationFact
from shared.contracts.topics.households import Claim
from shared.contracts.topics.notices import ArrearsWarningReported, SelfReported, SuitFiled, TerminationReported
from shared.contracts.topics.parts import Address
from shared.contracts.topics.referrals import UndertakingSent
from shared.runtime.clock import BERLIN

Clockwork = Callable[[Facts], Sequence[Deadline]]
"""The legal clock: the facts of one suit in, its deadlines out."""

SCHONFRIST = "SCHONFRIST_END"


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Everything that follows from the statements of one case. `first` is the one that made it known."""

    first: Statement
    dwelling: Address | None
    proceedings: tuple[ProceedingFact, ...]
    terminations: tuple[TerminationFact, ...]
    eviction: EvictionFact | None
    deadlines: tuple[DeadlineFact, ...]
    stage: Stage
    banners: tuple[Banner, ...]
    tenant_ids: tuple[UUID, ...]
    landlord_kind: LandlordKind
    arrears: MoneyBand
    arrears_months: int | None
    claims: tuple[Claim, ...]


def case_file(case_id: UUID, statements: Sequence[Statement], ids: Ids, atlas: Atlas, clockwork: Clockwork) -> CaseFile | None:
    """The case of these statements (effective ones, oldest first); None where none of them names anybody any more."""
    first = next((each for each in statements if people(each.content)), None)
    if first is None:
        return None
    found = suits.suits(statements, ids)
    tenants = tuple(dict.fromkeys(ids.person(name) for each in statements for name, _ in named(each.content)))
    terminations = _terminations(case_id, statements, ids)
    types = {kind for each in terminations for kind in each.types}
    evicting = suits.eviction(statements)
    facts: list[ProceedingFact] = []
    due: list[DeadlineFact] = []
    for suit in found:
        fact, deadlines = _proceeding(suit, statements, tenants, types, ids, atlas, clockwork)
        facts.append(fact)
        due += deadlines
    due += _deadlines(clockwork, _own_facts(statements, evicting, atlas), None)
    eviction = (
        None
        if evicting is None
        else EvictionFact(
            eviction_id=ids.of(f"eviction|{case_id}|{evicting.at.isoformat()}"),
            eviction_at=evicting.at,
            status=evicting.status,
            received_on=evicting.received_on,
        )
    )
    warned = any(isinstance(each.content, ArrearsWarningReported) for each in statements)
    claimed = money(statements)
    return CaseFile(
        first=first,
        dwelling=dwelling(statements),
        proceedings=tuple(facts),
        terminations=terminations,
        eviction=eviction,
        deadlines=tuple(sorted(set(due), key=lambda each: (each.on, each.rule, str(each.proceeding_id)))),
        stage=stage(facts, terminations, eviction, warned=warned),
        banners=_banners(facts, types, claimed),
        tenant_ids=tenants,
        landlord_kind=landlord_kind(statements),
        arrears=band(claimed.arrears),
        arrears_months=claimed.months,
        claims=tuple(claim(case_id, suit, statements) for suit in found) or (claim(case_id, None, statements),),
    )


def _proceeding(
    suit: Suit,
    statements: Sequence[Statement],
    tenants: Sequence[UUID],
    types: set[TerminationType],
    ids: Ids,
    atlas: Atlas,
    clockwork: Clockwork,
) -> tuple[ProceedingFact, list[DeadlineFact]]:
    assert suit.id is not None
    sued = dict.fromkeys(ids.person(name) for each in suit.statements for name, _ in named(each.content))
    defendants = tuple(_defendant(each, suit, statements, ids, atlas) for each in sued or tenants)
    hearing, ending = suits.hearing(suit), suits.ending(suit)
    fact = ProceedingFact(
        proceeding_id=suit.id,
        court_code=None if suit.ref is None else suit.ref.court_code,
        channel=suit.channel,
        received_on=min(each.received_on for each in suit.statements),
        filed_on=suit.filed_on,
        defendants=defendants,
        hearing_at=None if hearing is None else hearing.at,
        hearing_status=None if hearing is None else hearing.status,
        outcome=ending.outcome,
        outcome_on=ending.on,
        eviction_period_ends_on=ending.period_ends_on,
    )
    due = _deadlines(clockwork, _suit_facts(fact, suit.statements, hearing, ending, atlas), suit.id)
    healed_on = _healed_on(statements, types, due) if ending.outcome is None else None
    if healed_on is not None:
        fact = fact.model_copy(update={"outcome": ProceedingOutcome.HEALED, "outcome_on": healed_on})
    return fact, [] if suit_stage(fact) in SAFE else due


def _defendant(person_id: UUID, suit: Suit, statements: Sequence[Statement], ids: Ids, atlas: Atlas) -> DefendantFact:
    home = home_of(person_id, suit.statements, ids) or home_of(person_id, statements, ids)
    served = suits.service(suit, person_id, ids)
    place = None if home is None else atlas.locate(home)
    return DefendantFact(
        person_id=person_id,
        address_id=None if home is None else ids.address(atlas.key(home)),
        district="UNKNOWN" if place is None else place.district,
        quarter=None if place is None else place.quarter,
        in_city=place is None or place.in_city,
        served_on=None if served is None else served.on,
        evidence=None if served is None else served.rank.evidence,
    )


def _suit_facts(
    fact: ProceedingFact, statements: Sequence[Statement], hearing: Hearing | None, ending: Ending, atlas: Atlas
) -> Facts:
    """What the legal clock needs to know of a suit. A date that only somebody's word gives is marked so."""
    filed = best((each, each.rank) for each in statements if isinstance(each.content, SuitFiled))
    ranks = {} if filed is None else {"filed_on": filed}
    if hearing is not None:
        ranks["hearing_at"] = hearing.rank
    if ending.judgment_served is not None:
        ranks["judgment_served_on"] = ending.judgment_served.rank
    if ending.default_judgment_served is not None:
        ranks["default_judgment_served_on"] = ending.default_judgment_served.rank
    return Facts(
        filed_on=fact.filed_on,
        served=tuple(
            None if each.served_on is None or each.evidence is None else Service(each.served_on, each.evidence)
            for each in fact.defendants
        ),
        hearing_at=fact.hearing_at if fact.hearing_status is HearingStatus.SET else None,
        judgment_served_on=None if ending.judgment_served is None else ending.judgment_served.on,
        default_judgment_served_on=None if ending.default_judgment_served is None else ending.default_judgment_served.on,
        eviction_period_ends_on=fact.eviction_period_ends_on,
        landlord_land=landlord_land(statements, atlas),
        evidence={name: rank.evidence for name, rank in ranks.items()},
    )


def _eviction_facts(facts: Facts, evicting: Eviction | None) -> Facts:
    if evicting is None or evicting.status not in (EvictionStatus.SET, EvictionStatus.EXECUTED):
        return facts
    done = evicting.status is EvictionStatus.EXECUTED
    return replace(
        facts,
        eviction_at=None if done else evicting.at,
        eviction_date_served_on=None if done else evicting.served_on,
        evicted_on=evicting.at.astimezone(BERLIN).date() if done else None,
        evidence={**facts.evidence, "eviction_at": evicting.rank.evidence, "evicted_on": evicting.rank.evidence},
    )


def _own_facts(statements: Sequence[Statement], evicting: Eviction | None, atlas: Atlas) -> Facts:
    """What belongs to the case and to no suit: the end of the tenancy, the duty to inform, the eviction date."""
    facts = Facts(
        tenancy_ends_on=best(
            (each, each.content.tenancy_ends_on) for each in statements if isinstance(each.content, TerminationReported)
        ),
        received_on=statements[0].received_on,
        landlord_land=landlord_land(statements, atlas),
        evidence={"received_on": Evidence.DOCUMENT},
    )
    return _eviction_facts(facts, evicting)


def _deadlines(clockwork: Clockwork, facts: Facts, proceeding_id: UUID | None) -> list[DeadlineFact]:
    return [
        DeadlineFact(rule=each.rule, on=each.date, basis=each.basis, rule_version=each.rule_version, proceeding_id=proceeding_id)
        for each in clockwork(facts)
    ]


def _healed_on(statements: Sequence[Statement], types: set[TerminationType], due: Sequence[DeadlineFact]) -> date | None:
    """When an undertaking reached the landlord inside the Schonfrist; where no type is known, arrears are the usual reason."""
    if types and not types & HEALABLE:
        return None
    end = next((each.on for each in due if each.rule == SCHONFRIST), None)
    received = [
        each.content.received_by_landlord_on
        for each in statements
        if isinstance(each.content, UndertakingSent) and each.content.received_by_landlord_on is not None
    ]
    first = min(received, default=None)
    return first if first is not None and end is not None and first <= end else None


def _terminations(case_id: UUID, statements: Sequence[Statement], ids: Ids) -> tuple[TerminationFact, ...]:
    """The terminations told of; the same kinds told by landlord, tenant and court are one."""
    found: dict[tuple[TerminationType, ...], TerminationFact] = {}
    for each in statements:
        if isinstance(each.content, TerminationReported | SuitFiled | SelfReported) and each.content.termination_types:
            types = tuple(sorted(set(each.content.termination_types)))
            found.setdefault(
                types,
                TerminationFact(
                    termination_id=ids.of(f"termination|{case_id}|" + "+".join(types)), types=types, received_on=each.received_on
                ),
            )
    return tuple(found.values())


def _banners(proceedings: Sequence[ProceedingFact], types: set[TerminationType], claimed: Money) -> tuple[Banner, ...]:
    healed = any(each.outcome is ProceedingOutcome.HEALED for each in proceedings)
    remains = banner(types, healed=healed)
    found = [remains] if remains is not None else []
    if claimed.arrears is not None and claimed.rent is not None and claimed.arrears < claimed.rent:
        found.append(Banner.ARREARS_BELOW_THRESHOLD)
    return tuple(found)
