"""What a service knows of its city: who sends, who visits, who helps, what is promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, time
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.calendar import Calendar
from shared.contracts.codes import Benefit, Evidence, Need, Origin, TransmissionBasis, Window
from shared.contracts.fields import CourtCode, Language, PartnerId, ProviderId, Quarter, RuleId, TeamId
from shared.contracts.topics import notices

UNKNOWN = "UNKNOWN"
DistrictCode = Annotated[str, Field(pattern=r"^[A-Z]{2,20}$")]
StaffId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
Days = Annotated[int, Field(ge=0, le=366)]
NOTICE_KINDS = frozenset(event.model_fields["kind"].default for event in notices.EVENTS if "kind" in event.model_fields)


class Data(BaseModel):
    """Data of the city: fixed, and nothing in it that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Court(Data):
    """A court whose files are ours (XJustiz code list GDS.Gerichte)."""

    code: CourtCode
    name: str


class Urgent(Data):
    """The first attempt when the Schonfrist or a hearing is near: working days."""

    first_attempt_days: Days
    slack_below: Days
    hearing_within: Days


class Critical(Data):
    """The first attempt when an eviction date is near (calendar days) or a security order (§ 283a ZPO) was made."""

    first_attempt_days: Days
    eviction_within_calendar_days: Days


class UrgentReferral(Data):
    """A provider's answer when little slack is left: working days."""

    provider_answer_days: Days
    slack_below: Days


class Promises(Data):
    """What the city promises, in working days where nothing else is said (domain promises T2 to T10)."""

    assign_cut_off: time
    letter_days: Days
    first_attempt_days: Days
    advice_contact_days: Days
    assumption_request_days_before: Days
    undertaking_received_days_before: Days
    protection_visit_days_before: Days
    provider_answer_days: Days
    follow_up_months: tuple[int, ...]
    urgent: Urgent
    critical: Critical
    urgent_referral: UrgentReferral


class Visits(Data):
    """How visits are planned and when they are exhausted: attempts differ in weekday and window."""

    windows: Annotated[tuple[Window, ...], Field(min_length=1)]
    attempts: Annotated[int, Field(ge=1)]
    attempts_within_days: Days
    attempts_after_16: int
    visits_per_day: Annotated[int, Field(ge=1)]


class Referrals(Data):
    """How often an offer goes to the next provider before the team lead decides."""

    reroutes: Annotated[int, Field(ge=0)]


class Retention(Data):
    """How long what is kept. What belongs to no case: refused content, half-typed forms (days), notices whose suit never came."""

    closed_case_months: Annotated[int, Field(ge=1)]
    healed_months: Annotated[int, Field(gt=24)]
    """Of a termination that was healed; more than the two years in which it uses the Schonfrist up (§ 569 III Nr. 2 BGB)."""

    loose_days: Annotated[int, Field(ge=1)]
    waiting_months: Annotated[int, Field(ge=1)]


class QuarterRow(Data):
    """A quarter (Stadtteil) and the district (Stadtbezirk) it belongs to."""

    quarter: Quarter
    quarter_name: str
    district: DistrictCode
    district_name: str


class Street(Data):
    """A street, the district all of it lies in (None: not known), how that is known, and real house numbers."""

    street: str
    district: DistrictCode | None
    basis: Literal["known", "sampled", "crossing"] | None
    numbers: tuple[str, ...]


class SampledAddress(Data):
    """An address that was located on the map of quarters."""

    street: str
    number: str
    quarter: Quarter


class Team(Data):
    """A team and its districts; the one that takes what has no known district."""

    id: TeamId
    name: str
    districts: Annotated[tuple[DistrictCode, ...], Field(min_length=1)]
    takes_unknown: bool


class Absence(Data):
    """Away from the first to the last day, both included."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    first: Annotated[date, Field(alias="from")]
    last: Annotated[date, Field(alias="to")]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError("an absence ends before it begins")
        return self


class Caseworker(Data):
    """A caseworker (Fachkraft). `cover` names who stands in, in order."""

    id: StaffId
    name: str
    team: TeamId
    districts: Annotated[tuple[DistrictCode, ...], Field(min_length=1)]
    languages: tuple[Language, ...]
    visits_per_day: Annotated[int, Field(ge=0, le=20)]
    absences: tuple[Absence, ...] = ()
    cover: tuple[StaffId, ...] = ()

    def absent(self, day: date) -> bool:
        """Whether the caseworker is away that day."""
        return any(absence.first <= day <= absence.last for absence in self.absences)


class Partner(Data):
    """An outside sender: the kinds of notices it may send, and what its word is worth. Corrections are always its own."""

    id: PartnerId
    name: str
    kind: Origin
    ce_source: str
    rank: Evidence
    sends: Annotated[frozenset[str], Field(min_length=1)]

    @model_validator(mode="after")
    def _speaks_for_itself(self) -> Self:
        if self.ce_source != f"urn:bleibe:partner:{self.id}":
            raise ValueError(f"ce_source must be urn:bleibe:partner:{self.id}")
        if unknown := self.sends - NOTICE_KINDS:
            raise ValueError(f"no such kind of notice: {', '.join(sorted(unknown))}")
        return self


class Consumer(Data):
    """A reader of published outcomes outside the services, such as the city's social planning."""

    id: StaffId
    name: str


class Service(Data):
    """A service of a provider: the needs it serves, where, in which languages, and how many cases it can carry."""

    code: RuleId
    name: str
    provider: ProviderId
    active: bool
    needs: Annotated[frozenset[Need], Field(min_length=1)]
    districts: frozenset[DistrictCode]
    languages: tuple[Language, ...]
    capacity: Annotated[int, Field(ge=0)]
    transmission_basis: TransmissionBasis
    benefits: frozenset[Benefit] = frozenset()
    """The benefits of the households it is for; empty: of all."""


class Provider(Data):
    """Who helps: an authority decides applications, a provider or a housing company accepts or declines."""

    id: ProviderId
    name: str
    kind: Literal["AUTHORITY", "PROVIDER", "HOUSING_COMPANY"]
    services: Annotated[tuple[Service, ...], Field(min_length=1)]


class City(Data):
    """Everything the services know of their city."""

    name: str
    ags: Annotated[str, Field(pattern=r"^[0-9]{8}$")]
    land: str
    postcodes: frozenset[str]
    place_names: Annotated[tuple[str, ...], Field(min_length=1)]
    centre: DistrictCode
    extra_holidays: frozenset[date]
    parked_limit: Annotated[int, Field(ge=1)]
    desk: PartnerId
    courts: tuple[Court, ...]
    promises: Promises
    visits: Visits
    referrals: Referrals
    retention: Retention
    consumers: tuple[Consumer, ...]
    quarters: tuple[QuarterRow, ...]
    streets: tuple[Street, ...]
    sampled: tuple[SampledAddress, ...]
    teams: tuple[Team, ...]
    caseworkers: tuple[Caseworker, ...]
    partners: tuple[Partner, ...]
    providers: tuple[Provider, ...]

    @cached_property
    def districts(self) -> dict[str, str]:
        """The name of each district by its code, in the order of the quarters."""
        return {row.district: row.district_name for row in self.quarters}

    @cached_property
    def calendar(self) -> Calendar:
        """The working days of the city."""
        return Calendar(self.land, self.extra_holidays)

    def team_of(self, district: str) -> Team:
        """The team that visits in a district; for UNKNOWN the one that takes what has none.

        Raises:
            KeyError: no such district.
        """
        for team in self.teams:
            if district in team.districts or (district == UNKNOWN and team.takes_unknown):
                return team
        raise KeyError(district)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        # One name space for all who are sent receipts: each has a receipts topic that nobody else may read.
        sent_receipts: list[Partner | Team | Provider] = [*self.partners, *self.teams, *self.providers]
        _unique("partner, team or provider", (each.id for each in sent_receipts))
        _unique("consumer", (consumer.id for consumer in self.consumers))
        _unique("caseworker", (worker.id for worker in self.caseworkers))
        _unique("service", (service.code for provider in self.providers for service in provider.services))
        _unique("quarter", (row.quarter for row in self.quarters))
        if all(self.desk != partner.id for partner in self.partners):
            raise ValueError(f"the desk must be one of the partners: {self.desk}")
        self._every_district_has_one_team()
        self._caseworkers_fit()
        named = [self.centre, *(street.district for street in self.streets if street.district)]
        named += [code for provider in self.providers for service in provider.services for code in service.districts]
        if strange := set(named) - self.districts.keys():
            raise ValueError(f"no such district: {', '.join(sorted(strange))}")
        if lost := {address.quarter for address in self.sampled} - {row.quarter for row in self.quarters}:
            raise ValueError(f"no such quarter: {', '.join(sorted(lost))}")
        return self

    def _every_district_has_one_team(self) -> None:
        covered = Counter(district for team in self.teams for district in team.districts)
        if wrong := {code for code in covered.keys() | self.districts.keys() if covered[code] != 1 or code not in self.districts}:
            raise ValueError(f"each district of the city needs exactly one team: {', '.join(sorted(wrong))}")
        if sum(team.takes_unknown for team in self.teams) != 1:
            raise ValueError("exactly one team takes what has no known district")

    def _caseworkers_fit(self) -> None:
        teams = {team.id: team for team in self.teams}
        known = {worker.id for worker in self.caseworkers}
        for worker in self.caseworkers:
            team = teams.get(worker.team)
            if team is None or not set(worker.districts) <= set(team.districts):
                raise ValueError(f"caseworker {worker.id} works for no team, or outside the districts of the team")
            if worker.id in worker.cover or not set(worker.cover) <= known:
                raise ValueError(f"caseworker {worker.id} is covered by themselves or by nobody known")
        visited = {code for worker in self.caseworkers for code in worker.districts}
        if empty := self.districts.keys() - visited:
            raise ValueError(f"no caseworker visits in {', '.join(sorted(empty))}")


def _unique(what: str, ids: Iterable[str]) -> None:
    if twice := sorted(each for each, n in Counter(ids).items() if n > 1):
        raise ValueError(f"{what} ids must be unique: {', '.join(twice)}")
