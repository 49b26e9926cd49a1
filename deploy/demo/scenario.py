"""The notices of a demo: what courts, offices, bailiffs, landlords and households tell the city, day by day. Pure.

The same seed, number of cases and first day give the same notices. Nobody is meant: see deploy/demo/data/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from deploy.demo.chance import Chance
from deploy.demo.households import Household, households, rent_of
from deploy.demo.material import Material
from deploy.demo.timeline import Asked, Ended, Eviction, Hearing, Served, Told, told
from shared.calendar import Calendar, subtract_working_days
from shared.contracts.codes import Channel, EvictionStatus, Evidence, LandlordKind, LegalBasis, Origin, TerminationType
from shared.contracts.topics.notices import (
    EvictionDateNotified,
    HearingCancelled,
    HearingMoved,
    HearingSet,
    Notice,
    ProceedingEnded,
    SelfReported,
    ServiceReported,
    SuitFiled,
    TerminationReported,
)
from shared.runtime.clock import BERLIN

FIRST_DAY = date(2026, 11, 23)
MAIL = time(8)
ACTOR = "constructed-demo"
COURT, JOBCENTER, SOZIALAMT, BAILIFF, LANDLORD, SELF = (
    "ag-muenster", "jobcenter", "sozialamt", "gerichtsvollzieher", "wohnungsgesellschaft", "selbstmeldung",
)  # fmt: skip
_TWICE = 0.03


@dataclass(frozen=True, slots=True)
class Happening:
    """A notice that a partner sends on that day; `twice` because partners do."""

    on: date
    household: int
    sender: str
    notice: Notice
    twice: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that will happen: households, and their notices in order of day."""

    households: tuple[Household, ...]
    happenings: tuple[Happening, ...]


def scenario(material: Material, seed: int, cases: int, start: date, calendar: Calendar) -> Scenario:
    """Build it. The first suit is filed on `start`, or on the next working day."""
    homes = households(material, seed, cases, start, calendar)
    happenings = [
        each for home in homes for each in _happenings(home, start, Chance(seed, home.proceeding.docket, "notices"), calendar)
    ]
    return Scenario(tuple(homes), tuple(sorted(happenings, key=lambda each: each.on)))


def _happenings(home: Household, start: date, chance: Chance, calendar: Calendar) -> Iterator[Happening]:
    senders = _senders(home, chance)
    if home.landlord_kind is LandlordKind.COMPANY and not home.outside and chance.happens(0.08):
        before = max(start, subtract_working_days(home.filed_on, chance.between(0, 4), calendar))
        yield Happening(before, home.number, LANDLORD, _termination(home, before))
    for sender in senders:
        yield Happening(home.heard_on, home.number, sender, _suit(home, sender), twice=chance.happens(_TWICE))
    if home.outside:
        return
    for on, what in told(home.timeline, home.filed_on, home.heard_on, calendar):
        sender, notice = _notice(home, on, what)
        yield Happening(on, home.number, sender, notice, twice=chance.happens(_TWICE))


def _senders(home: Household, chance: Chance) -> tuple[str, ...]:
    """Who tells of the suit. Courts tell of suits for arrears alone (MiZi IV/1); now and then two offices tell of the same."""
    if TerminationType.EXTRAORDINARY_ARREARS not in home.terminations:
        return (LANDLORD,) if home.landlord_kind is LandlordKind.COMPANY else (SELF,)
    return chance.one_of({(COURT,): 70, (JOBCENTER,): 12, (SOZIALAMT,): 8, (JOBCENTER, SOZIALAMT): 10})


def _suit(home: Household, sender: str) -> SuitFiled:
    channel, basis, origin = {
        COURT: (Channel.MIZI_FORM, LegalBasis.SGB2_22_9, None),
        JOBCENTER: (Channel.PARTNER_JSON, LegalBasis.SGB2_22_9, Origin.COURT),
        SOZIALAMT: (Channel.PARTNER_JSON, LegalBasis.SGB12_36_2, Origin.COURT),
        LANDLORD: (Channel.LANDLORD, LegalBasis.GDPR_6_1_F, None),
        SELF: (Channel.SELF, LegalBasis.OWN_REQUEST, Origin.HOUSEHOLD),
    }[sender]
    return SuitFiled(
        **head(home.heard_on, channel, basis),
        on_behalf_of=origin,
        proceeding=home.proceeding,
        filed_on=home.filed_on,
        plaintiffs=(home.landlord,),
        landlord_kind=home.landlord_kind,
        defendants=home.people,
        dwelling=home.dwelling,
        monthly_rent=rent_of(home),
        claimed_arrears=home.profile.arrears,
        termination_types=home.terminations,
    )


def _termination(home: Household, on: date) -> TerminationReported:
    return TerminationReported(
        **head(on, Channel.LANDLORD, LegalBasis.GDPR_6_1_F),
        tenants=home.people,
        landlord_kind=home.landlord_kind,
        termination_types=home.terminations,
        monthly_rent=rent_of(home),
        claimed_arrears=home.profile.arrears,
    )


def _notice(home: Household, on: date, what: Told) -> tuple[str, Notice]:
    court = head(on, Channel.MIZI_FORM, LegalBasis.EGGVG_20) | {"proceeding": home.proceeding}
    match what:
        case Served(day, whom):
            named = () if whom is None else (home.people[whom],)
            return COURT, ServiceReported(**court, occurred_on=day, served_on=day, evidence=Evidence.COURT, defendants=named)
        case Hearing():
            return COURT, _hearing(court, what)
        case Ended(how, day):
            return COURT, ProceedingEnded(**court, outcome=how, decided_on=day)
        case Eviction(at, status):
            return BAILIFF, _eviction(home, on, at, status)
        case Asked():
            return SELF, SelfReported(**head(on, Channel.SELF, LegalBasis.OWN_REQUEST), tenants=home.people)


def _hearing(court: dict[str, Any], what: Hearing) -> Notice:
    if what.off:
        return HearingCancelled(**court, hearing_at=what.at)
    if what.previous is None:
        return HearingSet(**court, hearing_at=what.at)
    return HearingMoved(**court, hearing_at=what.at, previous_at=what.previous)


def _eviction(home: Household, on: date, at: datetime, status: EvictionStatus) -> EvictionDateNotified:
    return EvictionDateNotified(
        **head(on, Channel.BAILIFF, LegalBasis.GVGA_130_3),
        proceeding=home.proceeding,
        status=status,
        eviction_at=at,
        debtors=home.people,
    )


def head(on: date, channel: Channel, basis: LegalBasis) -> dict[str, Any]:
    """What every notice of that day's mail says of itself: that it is constructed, too."""
    return {"channel": channel, "actor": ACTOR, "legal_basis": basis, "recorded_at": datetime.combine(on, MAIL, BERLIN)}
