"""Six hand-written stories beside the court timelines. What must come of each is asserted in tests/system/test_stories.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from deploy.demo.chance import Chance
from deploy.demo.fieldwork import Home, Known
from deploy.demo.households import COURT as COURT_CODE
from deploy.demo.households import key_of
from deploy.demo.material import Material
from deploy.demo.scenario import BAILIFF, COURT, JOBCENTER, SOZIALAMT, Happening, head
from shared.calendar import Calendar, add_working_days, next_working_day
from shared.calendar.periods import period_end, roll_forward
from shared.contracts.codes import AttemptResult, Channel, Evidence, LandlordKind, LegalBasis, Need, TerminationType
from shared.contracts.topics.notices import EvictionDateNotified, Party, ProceedingRef, ServiceReported, SuitFiled
from shared.contracts.topics.parts import GivenAddress
from shared.runtime.clock import BERLIN

CHAMBER = 99
"""No court of the demo's timelines has so many."""

_NINE = time(9)
_NOT_MET = (AttemptResult.NOT_MET,) * 3
_MET = (AttemptResult.MET,)


@dataclass(frozen=True, slots=True)
class Story:
    """What happens, who is behind the doors, and the days that the story turns on. `undertakings` by family name."""

    name: str
    tells: str
    people: tuple[Party, ...]
    happenings: tuple[Happening, ...]
    homes: dict[Known, Home]
    days: dict[str, date] = field(default_factory=dict)
    undertakings: dict[str, date] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where the stories' people and court files come from."""

    material: Material
    start: date
    calendar: Calendar

    def people(self, nth: int, family: str, *given: str) -> tuple[Party, ...]:
        """A family at a real address that no earlier play's family of that name had."""
        home = self.address(nth)
        return tuple(Party(family_name=family, given_name=each, address=home) for each in given)

    def address(self, nth: int, district: str = "MITTE") -> GivenAddress:
        """A real address, another one on another day."""
        pool = Chance("stories", district).shuffled(self.material.addresses[district])
        return pool[(self.start.toordinal() * 10 + nth) % len(pool)]

    def court_file(self, nth: int) -> ProceedingRef:
        """The court's file."""
        return ProceedingRef(
            court_code=COURT_CODE, docket=f"{CHAMBER} C {self.start.timetuple().tm_yday * 10 + nth}/{self.start:%y}"
        )

    def day(self, working_days: int) -> date:
        """So many working days into the play."""
        return add_working_days(self.start, working_days, self.calendar)


def stories(material: Material, start: date, calendar: Calendar) -> tuple[Story, ...]:
    """All six, on the calendar of a play that begins on `start`."""
    desk = _Desk(material, start, calendar)
    written: tuple[Callable[[_Desk, int], Story], ...] = (
        _two_offices, _bailiff_first, _three_in_vain, _separated, _too_late, _last_safe_day,
    )  # fmt: skip
    return tuple(write(desk, nth) for nth, write in enumerate(written))


def doubt(material: Material, day: date, calendar: Calendar) -> tuple[Happening, Happening]:
    """Two suits that come when all else is over, and a doubt for whoever looks at the pages: one household, or two."""
    desk = _Desk(material, day, calendar)
    home = desk.address(9)
    known = Party(family_name="Zweifel", given_name="Annegret", address=home)
    likely = Party(family_name="Zweiffel", given_name="A.", address=home)
    return (
        Happening(day, _number(9, 0), COURT, _suit(day, (known,), desk.court_file(8))),
        Happening(day, _number(9, 0), SOZIALAMT, _suit(day, (likely,), desk.court_file(9), basis=LegalBasis.SGB12_36_2)),
    )


def _two_offices(desk: _Desk, nth: int) -> Story:
    people, file, day = desk.people(nth, "Doppelrath", "Irmgard", "Joachim"), desk.court_file(nth), desk.day(1)
    spelled = ProceedingRef(court_code=file.court_code, docket=file.docket.replace(f"{CHAMBER} C ", f"{CHAMBER}  C 0"))
    return Story(
        "two offices",
        "Jobcenter and Sozialamt tell of the same suit in the same moment, one over HTTP, one over Kafka.",
        people,
        (
            Happening(day, _number(nth, 0), JOBCENTER, _suit(day, people, file, basis=LegalBasis.SGB2_22_9)),
            Happening(day, _number(nth, 1), SOZIALAMT, _suit(day, people, spelled, basis=LegalBasis.SGB12_36_2)),
        ),
        _homes(people, Home(results=_MET)),
        {"told": day},
    )


def _bailiff_first(desk: _Desk, nth: int) -> Story:
    people, day = desk.people(nth, "Ersthelm", "Konstantin"), desk.day(2)
    eviction = datetime.combine(add_working_days(day, 12, desk.calendar), _NINE, BERLIN)
    return Story(
        "bailiff first",
        "A bailiff's date is the first thing that anybody hears of a household.",
        people,
        (Happening(day, _number(nth, 0), BAILIFF, _eviction(day, people, None, eviction)),),
        _homes(people, Home(results=_MET)),
        {"told": day, "due": next_working_day(day, desk.calendar), "eviction": eviction.date()},
    )


def _three_in_vain(desk: _Desk, nth: int) -> Story:
    people, file, day, later = desk.people(nth, "Vergebens", "Rosalinde"), desk.court_file(nth), desk.day(1), desk.day(80)
    eviction = datetime.combine(add_working_days(later, 10, desk.calendar), _NINE, BERLIN)
    return Story(
        "three in vain",
        "Nobody opens three times; months later a bailiff's date opens a new round, and then somebody does.",
        people,
        (
            Happening(day, _number(nth, 0), COURT, _suit(day, people, file)),
            Happening(later, _number(nth, 0), BAILIFF, _eviction(later, people, file, eviction)),
        ),
        _homes(people, Home(results=_NOT_MET, after=_MET)),
        {"told": day, "again": later},
    )


def _separated(desk: _Desk, nth: int) -> Story:
    left, stayed = desk.people(nth, "Getrenntz", "Waltraud", "Sigismund")
    gone = left.model_copy(update={"address": desk.address(nth, "HILTRUP")})
    people, file, day = (stayed, gone), desk.court_file(nth), desk.day(1)
    return Story(
        "separated",
        "A separated couple is sued together; she has moved, and he must not learn where.",
        people,
        (Happening(day, _number(nth, 0), COURT, _suit(day, people, file, dwelling=stayed.address)),),
        _homes(people, Home(results=_MET, needs=(Need.DEBT_COUNSELLING,))),
        {"told": day},
    )


def _too_late(desk: _Desk, nth: int) -> Story:
    people, file, day = desk.people(nth, "Verspätinger", "Ottokar"), desk.court_file(nth), desk.day(1)
    served = day - timedelta(days=80)
    suit = _suit(day, people, file, filed_on=served - timedelta(days=10), lis_pendens_on=served)
    return Story(
        "too late",
        "A notice comes when the time to pay has run out already: the visit is still owed, as soon as can be, with an alarm.",
        people,
        (Happening(day, _number(nth, 0), COURT, suit),),
        _homes(people, Home(results=_MET)),
        {"told": day, "served": served, "ended": roll_forward(period_end(served, months=2), (desk.calendar,))},
    )


def _last_safe_day(desk: _Desk, nth: int) -> Story:
    people, file, day = desk.people(nth, "Rechtzeitig", "Mechthild"), desk.court_file(nth), desk.day(1)
    served = desk.start - timedelta(days=35)
    last = roll_forward(period_end(served, months=2), (desk.calendar,))
    heard = next_working_day(day, desk.calendar)
    service = ServiceReported(
        **head(heard, Channel.MIZI_FORM, LegalBasis.EGGVG_20), proceeding=file, served_on=served, evidence=Evidence.COURT
    )
    return Story(
        "last safe day",
        "The landlord has the office's undertaking for all arrears on the last day of the two months: the termination is healed.",
        people,
        (
            Happening(day, _number(nth, 0), COURT, _suit(day, people, file, filed_on=served - timedelta(days=7))),
            Happening(heard, _number(nth, 0), COURT, service),
        ),
        _homes(people, Home(results=_MET, needs=(Need.ARREARS_ASSUMPTION,))),
        {"told": day, "served": served, "last": last},
        {"Rechtzeitig": last},
    )


def _suit(
    on: date,
    people: tuple[Party, ...],
    file: ProceedingRef,
    *,
    basis: LegalBasis = LegalBasis.SGB2_22_9,
    **more: Any,  # noqa: ANN401  the fields of a notice
) -> SuitFiled:
    fields: dict[str, Any] = {
        "proceeding": file,
        "filed_on": on - timedelta(days=3),
        "plaintiffs": (Party(family_name="Wohnbau Beispielhof GmbH"),),
        "landlord_kind": LandlordKind.COMPANY,
        "defendants": people,
        "monthly_rent": Decimal("640.00"),
        "claimed_arrears": Decimal("1920.00"),
        "termination_types": (TerminationType.EXTRAORDINARY_ARREARS,),
    }
    return SuitFiled(**head(on, Channel.MIZI_FORM, basis), **(fields | more))


def _eviction(on: date, people: tuple[Party, ...], file: ProceedingRef | None, at: datetime) -> EvictionDateNotified:
    return EvictionDateNotified(
        **head(on, Channel.BAILIFF, LegalBasis.GVGA_130_3), proceeding=file, eviction_at=at, debtors=people
    )


def _homes(people: tuple[Party, ...], home: Home) -> dict[Known, Home]:
    return {key_of(person): home for person in people}


def _number(nth: int, part: int) -> int:
    """A household number beside the timelines'; notices of two parts come in the same moment."""
    return -(10 * nth + part + 1)
