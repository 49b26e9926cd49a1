"""A town whose cases outreach hears of: builds events, runs them through the room in memory, keeps what was said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.outreach.casefile import CASE_FILE, CaseFile, Visit
from services.outreach.planning import Diary
from services.outreach.room import OutreachRoom
from services.outreach.staff import team_of
from services.outreach.state import State
from shared.city import Absence, City, load_city
from shared.contracts.catalogue import CASES, FIELD_REPORTS, HOUSEHOLDS
from shared.contracts.codes import (
    AttemptResult,
    Basis,
    CaseChange,
    CaseStatus,
    Channel,
    EvictionStatus,
    HearingStatus,
    Outcome,
    ProceedingOutcome,
    Stage,
    WaiverReason,
    Window,
)
from shared.contracts.topics.cases import (
    CaseEvent,
    CaseUpdated,
    DeadlineFact,
    DefendantFact,
    EvictionFact,
    ProceedingFact,
)
from shared.contracts.topics.field_reports import AttemptReported, FieldReport, OutcomeReported, WaiverReported
from shared.contracts.topics.households import AddressRecord, HouseholdRecorded, Member
from shared.contracts.topics.parts import Address
from shared.messaging.model import Decision, Heard, Said
from shared.runtime.clock import BERLIN

MUENSTER = Path(__file__).resolve().parents[2] / "deploy" / "muenster"
MONDAY = date(2026, 11, 23)


@cache
def city() -> City:
    return load_city(MUENSTER)


def away(*who: str, first: date = MONDAY, last: date = MONDAY + timedelta(days=60)) -> City:
    """The city with these caseworkers absent."""
    absent = tuple(
        each.model_copy(update={"absences": (Absence(**{"from": first, "to": last}),)}) if each.id in who else each
        for each in city().caseworkers
    )
    return city().model_copy(update={"caseworkers": absent})


def at(day: date, hour: int = 8) -> datetime:
    return datetime.combine(day, time(hour), BERLIN)


class Town:
    """One outreach room and everything it has been told."""

    def __init__(self, seed: int = 1, data: City | None = None) -> None:
        self._random = Random(seed)  # noqa: S311  ids of a test
        self.room = OutreachRoom(data or city(), self.id)
        self.state = State(at(MONDAY), data or city(), self.id, {}, {}, Diary())
        self.said: list[Said] = []
        self._n = 0

    def id(self) -> UUID:
        return UUID(int=self._random.getrandbits(128), version=4)

    @property
    def today(self) -> date:
        return self.state.now.date()

    def on(self, day: date, hour: int = 8) -> None:
        self.state.now = at(day, hour)

    def hear(self, data: BaseModel | None, topic: str | None = None, key: str | None = None) -> list[str]:
        """The types of what the room says to this message."""
        return list(types(self.decide(data, topic, key).said))

    def decide(self, data: BaseModel | None, topic: str | None = None, key: str | None = None) -> Decision:
        """As the pipeline would: decide, then write and read back what changed."""
        heard = self._heard(data, topic, key)
        decision = self.room.decide(self.state, heard)
        self.said += decision.said
        for case_id, file in self.state.files.items():
            self.state.files[case_id] = CASE_FILE.validate_json(CASE_FILE.dump_json(file))
            assert self.state.files[case_id] == file
        return decision

    def _heard(self, data: BaseModel | None, topic: str | None, key: str | None) -> Heard:
        self._n += 1
        if isinstance(data, HouseholdRecorded):
            topic, key = topic or HOUSEHOLDS.name, str(data.household_id)
        elif isinstance(data, FieldReport):
            topic, key = topic or FIELD_REPORTS.of(self.team(data.case_id)), key or str(data.case_id)
        elif isinstance(data, CaseEvent):
            topic, key = CASES.name, str(data.case_id)
        kind = getattr(data, "TYPE", "")
        sender = f"urn:bleibe:{topic}"
        return Heard(topic or "", key or "", self.id(), sender, kind, datetime.now(UTC), self._n, data)

    def team(self, case_id: UUID) -> str:
        file = self.state.files.get(case_id)
        if file is None:
            return "nord-west"
        return file.visits[0].team if file.visits else team_of(city(), file.case.district)

    def events(self, kind: type[BaseModel]) -> list[BaseModel]:
        return [said.data for said in self.said if isinstance(said.data, kind)]

    def file(self, case: CaseEvent) -> CaseFile:
        return self.state.files[case.case_id]

    def visit(self, case: CaseEvent) -> Visit:
        """The case's one open visit."""
        (visit,) = [each for each in self.file(case).visits if not each.closed]
        return visit

    def attempt(
        self,
        case: CaseEvent,
        result: AttemptResult = AttemptResult.NOT_MET,
        on: date | None = None,
        window: Window | None = None,
        **more: Any,  # noqa: ANN401  fields of the report
    ) -> AttemptReported:
        """A report of the planned visit as if made in its slot."""
        visit = next((each for each in self.file(case).visits if not each.closed), None)
        day = on or (visit.on if visit else None) or self.today
        if day > self.today:
            self.on(day, 18)
        slot = window or (visit.window if visit else None) or Window.MORNING
        fields: dict[str, Any] = {
            "visit_id": visit.id if visit else None,
            "attempted_on": day,
            "window": slot,
            "result": result,
            **more,
        }
        return AttemptReported(**self.by(case), **fields)

    def waive(self, case: CaseEvent, ids: tuple[UUID, ...], reason: WaiverReason, second: str = "tl-01") -> WaiverReported:
        return WaiverReported(**self.by(case), obligation_ids=ids, reason=reason, second_person=second)

    def outcome(
        self, case: CaseEvent, outcome: Outcome = Outcome.TENANCY_KEPT_INSTALMENTS, *, settled: bool = False
    ) -> OutcomeReported:
        return OutcomeReported(**self.by(case), outcome=outcome, ended_on=self.today, ordinary_termination_settled=settled)

    def by(self, case: CaseEvent, actor: str = "fk-06") -> dict[str, Any]:
        """What every field report names."""
        return {"channel": Channel.AUTHORITY, "actor": actor, "recorded_at": self.state.now, "case_id": case.case_id}

    def suit(
        self,
        persons: int = 1,
        district: str = "NORD",
        received: date = MONDAY,
        addresses: int = 1,
        **more: object,
    ) -> tuple[CaseEvent, HouseholdRecorded]:
        """A suit against persons at so many addresses, and the household's register entry."""
        people = [self.id() for _ in range(persons)]
        places = [self.id() for _ in range(addresses)]
        lives = {person: places[min(n, addresses - 1)] for n, person in enumerate(people)}
        defendants = tuple(
            DefendantFact(person_id=person, address_id=place, district=district) for person, place in lives.items()
        )
        proceeding = ProceedingFact(
            proceeding_id=self.id(), channel=Channel.MIZI_FORM, received_on=received, filed_on=received, defendants=defendants
        )
        case = CaseUpdated(
            case_id=self.id(),
            household_id=self.id(),
            household_version=1,
            dwelling_id=places[0],
            district=district,
            status=CaseStatus.OPEN,
            stage=Stage.SUIT_FILED,
            received_on=received,
            channel=Channel.MIZI_FORM,
            changes=(CaseChange.OPENED, CaseChange.SUIT),
            changed_on=received,
            tenant_ids=tuple(people),
            proceedings=(proceeding,),
            deadlines=(deadline("SCHONFRIST_END", received + timedelta(days=63)),),
        ).model_copy(update=more)
        household = HouseholdRecorded(
            household_id=case.household_id,
            version=1,
            members=tuple(Member(person_id=person, family_name="Probe") for person in people),
            addresses=tuple(
                AddressRecord(
                    address_id=place,
                    person_ids=tuple(person for person in people if lives[person] == place),
                    address=Address(street="Probeweg", house_number="1"),
                    district=district,
                )
                for place in places
            ),
        )
        return case, household


def deadline(rule: str, on: date) -> DeadlineFact:
    return DeadlineFact(rule=rule, on=on, basis=Basis.LOWER_BOUND, rule_version="v1")


def changed(case: CaseEvent, **fields: object) -> CaseEvent:
    """The case's next event."""
    return case.model_copy(update=fields)


def with_eviction(case: CaseEvent, on: date, received: date, status: EvictionStatus = EvictionStatus.SET) -> CaseEvent:
    eviction = EvictionFact(eviction_id=case.case_id, eviction_at=at(on, 9), status=status, received_on=received)
    return changed(
        case,
        eviction=eviction,
        changes=(CaseChange.EVICTION,),
        changed_on=received,
    )


def with_proceeding(case: CaseEvent, changed_on: date, **fields: object) -> CaseEvent:
    first, *others = case.proceedings
    return changed(case, proceedings=(first.model_copy(update=fields), *others), changed_on=changed_on)


def judged(case: CaseEvent, on: date) -> CaseEvent:
    return with_proceeding(case, on, outcome=ProceedingOutcome.DEFAULT_JUDGMENT, outcome_on=on)


def heard_on(case: CaseEvent, hearing: date, told: date) -> CaseEvent:
    case = with_proceeding(case, told, hearing_at=at(hearing, 10), hearing_status=HearingStatus.SET)
    return changed(case, deadlines=(*case.deadlines, deadline("HEARING", hearing)))


def types(said: Iterable[Said]) -> Sequence[str]:
    return [each.data.TYPE for each in said]  # type: ignore[union-attr]  # every event has one
