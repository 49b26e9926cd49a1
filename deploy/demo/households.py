"""Constructed households: invented people at real addresses of Münster, with a real case's debts. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from deploy.demo.chance import Chance
from deploy.demo.material import INHABITANTS, Group, Material, Profile, Timeline
from deploy.demo.timeline import outcome, over
from shared.calendar import Calendar, add_working_days
from shared.contracts.codes import LandlordKind, Outcome, TerminationType
from shared.contracts.topics.notices import Party, ProceedingRef
from shared.contracts.topics.parts import GivenAddress

COURT = "R2713"
CHAMBERS = (3, 5, 7, 28, 48, 49, 55, 59, 61, 96)
SUITS_A_DAY = 13
"""So 500 suits fill eight weeks."""

NEIGHBOURS = ("Telgte", "Greven", "Senden", "Altenberge")
_CO_DEFENDANT_ELSEWHERE, _OUTSIDE = 0.12, 0.012

PersonKey = tuple[str, str, str, str]
"""Family name, given name, street and house number: how a caseworker's assignment names somebody, too."""


@dataclass(frozen=True, slots=True)
class Household:
    """One suit's defendants, where they live, what is claimed and how it will end. `served_on` by defendant, 0 first."""

    number: int
    proceeding: ProceedingRef
    timeline: Timeline
    filed_on: date
    heard_on: date
    over_on: date
    outcome: Outcome
    people: tuple[Party, ...]
    dwelling: GivenAddress
    landlord: Party
    landlord_kind: LandlordKind
    profile: Profile
    terminations: tuple[TerminationType, ...]
    outside: bool = False
    keys: tuple[PersonKey, ...] = field(default=())


def households(material: Material, seed: int, cases: int, start: date, calendar: Calendar) -> list[Household]:
    """So many households, in the order of their suits; the same for the same seed and start."""
    timelines = Chance(seed, start, "timelines").shuffled(material.timelines)
    pools = {place: Chance(seed, start, place).shuffled(each) for place, each in material.addresses.items()}
    return [_household(material, pools, timelines[n % len(timelines)], n, (seed, start), calendar) for n in range(cases)]


def key_of(person: Party) -> PersonKey:
    """How an assignment names this person."""
    assert person.address is not None
    return person.family_name, person.given_name or "", person.address.street, person.address.house_number


def docket(filed_on: date, nth_of_day: int, chance: Chance) -> ProceedingRef:
    """An invented docket (Aktenzeichen) that no other suit of another day has."""
    serial = filed_on.timetuple().tm_yday * (SUITS_A_DAY + 1) + nth_of_day
    return ProceedingRef(court_code=COURT, docket=f"{chance.pick(CHAMBERS)} C {serial}/{filed_on:%y}")


def _household(
    material: Material,
    pools: dict[str, list[GivenAddress]],
    timeline: Timeline,
    number: int,
    world: tuple[int, date],
    calendar: Calendar,
) -> Household:
    chance = Chance(*world, number)
    filed = add_working_days(add_working_days(world[1], 0, calendar), number // SUITS_A_DAY, calendar)
    heard = add_working_days(filed, chance.between(1, 3), calendar)
    outside = chance.happens(_OUTSIDE)
    dwelling = _address(pools, number, chance)
    if outside:
        dwelling = dwelling.model_copy(update={"place": chance.pick(NEIGHBOURS), "postcode": "48291"})
    people = _people(material, timeline.defendants, dwelling, pools, chance)
    profile = chance.pick(material.profiles)
    kind = "company" if timeline.landlord == "company" else "private"
    return Household(
        number=number,
        proceeding=docket(filed, number % SUITS_A_DAY, chance),
        timeline=timeline,
        filed_on=filed,
        heard_on=heard,
        over_on=over(timeline, filed, heard, calendar),
        outcome=outcome(timeline),
        people=people,
        dwelling=dwelling,
        landlord=Party(family_name=chance.pick(material.landlords[kind])),
        landlord_kind=LandlordKind.COMPANY if kind == "company" else LandlordKind.PRIVATE,
        profile=profile,
        terminations=_terminations(profile, chance),
        outside=outside,
        keys=tuple(key_of(person) for person in people),
    )


def _address(pools: dict[str, list[GivenAddress]], number: int, chance: Chance) -> GivenAddress:
    """An address of a district, by inhabitants; each is taken once before one is taken again."""
    pool = pools[chance.one_of(INHABITANTS)]
    return pool[number % len(pool)]


def _people(
    material: Material, count: int, dwelling: GivenAddress, pools: dict[str, list[GivenAddress]], chance: Chance
) -> tuple[Party, ...]:
    """Invented people of one or two families; now and then one of them has moved out to another address."""
    group = chance.one_of({group: group.share for group in material.groups})
    families = chance.shuffled(group.family)
    given = chance.shuffled(group.given)
    people = []
    for n in range(count):
        own = n > 0 and chance.happens(0.4)
        address = dwelling
        if n > 0 and chance.happens(_CO_DEFENDANT_ELSEWHERE):
            address = _address(pools, chance.between(0, 5000), chance)
            if chance.happens(0.25):
                address = address.model_copy(update={"place": chance.pick(NEIGHBOURS), "postcode": "48291"})
        people.append(
            Party(
                family_name=families[n % len(families)] if own else families[0],
                given_name=given[n % len(given)],
                address=address,
                language=_spoken(group, chance),
            )
        )
    return tuple(people)


def _spoken(group: Group, chance: Chance) -> str | None:
    """The language, where the court's file happens to tell it."""
    return group.language if group.language != "de" and chance.happens(0.3) else None


def _terminations(profile: Profile, chance: Chance) -> tuple[TerminationType, ...]:
    if profile.reason == "other":
        return (chance.pick((TerminationType.EXTRAORDINARY_BREACH, TerminationType.ORDINARY_OWN_USE)),)
    if profile.reason == "combination of factors":
        return TerminationType.EXTRAORDINARY_ARREARS, TerminationType.EXTRAORDINARY_BREACH
    also = (TerminationType.ORDINARY_BREACH,) if chance.happens(0.5) else ()
    return TerminationType.EXTRAORDINARY_ARREARS, *also


def rent_of(household: Household) -> Decimal | None:
    """The monthly rent, where the source names one that somebody may really have paid."""
    rent = household.profile.rent
    return rent if rent is not None and rent >= 50 else None


def service_dates(household: Household, calendar: Calendar) -> dict[int, date]:
    """When which defendant was served, as the yellow envelope at the door will say."""
    served: dict[int, date] = {}
    steps = [step for step in household.timeline.steps if step.what in {"served", "served_by_posting"}]
    for n, step in enumerate(steps):
        on = add_working_days(household.filed_on + timedelta(days=step.day), 0, calendar)
        every = len(steps) == 1 or household.timeline.defendants == 1
        for whom in range(household.timeline.defendants) if every else (n % household.timeline.defendants,):
            served.setdefault(whom, on)
    return served
