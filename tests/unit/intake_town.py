# ruff: noqa: ANN401  the fields of a fact are anything
"""A town whose cases are merged and split in memory, and stories of what may happen there."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st
from pydantic import BaseModel

from services.intake.desk import Desk
from services.intake.facts import StatementKey
from services.intake.moves import merge
from services.intake.snapshot import CaseState
from services.intake.splitting import goes_back, split
from shared.contracts.codes import Evidence, LegalFact, Outcome, TerminationType
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.notices import Notice, Party, ProceedingRef, TerminationReported
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.parts import GivenAddress
from shared.contracts.topics.visits import LegalFactSeen
from shared.messaging.model import Rejected, Said
from tests.unit.intake_office import COURT, JOBCENTER, LANDLORD, a_room
from tests.unit.intake_words import TODAY, days, eviction, heard, party, said, suit, told

SLIP = GivenAddress(street="Hamer Straße", house_number="12", postcode="48153", place="Münster")
FAR = GivenAddress(street="Wolbecker Straße", house_number="70", postcode="48155", place="Münster")


class Town:
    """Intake in memory, and all it has said."""

    def __init__(self) -> None:
        room, numbers = a_room(), count(1)
        self.desk = Desk(TODAY, room._atlas, room._clockwork, lambda: UUID(int=next(numbers)))
        self.said: list[Said] = []
        self.numbers = count(1_000_000)

    def hear(self, data: BaseModel, partner: str = COURT) -> UUID:
        """A notice; returns its case."""
        message = heard(data, partner, UUID(int=next(self.numbers)))
        self.said += a_room().decide(self.desk, message).said
        case_id = self.desk.statements[message.source, message.id].case_id
        assert case_id is not None
        return case_id

    def told(self, topic: str, by: str, data: BaseModel) -> None:
        self.said += a_room().decide(self.desk, told(topic, by, data, days(0, hour=15))).said

    def merge(self, one: UUID, other: UUID) -> tuple[UUID, UUID]:
        into, absorbed, events = merge(self.desk, one, other)
        self.said += events
        return into, absorbed

    def split(self, case_id: UUID, chosen: Iterable[StatementKey]) -> UUID:
        _, new, events = split(self.desk, case_id, set(chosen))
        self.said += events
        return new

    def event(self, case_id: UUID) -> CaseEvent:
        """The newest state of a case, as a reader has it."""
        return next(each.data for each in reversed(self.said) if each.key == str(case_id) and isinstance(each.data, CaseEvent))

    def notices(self, case_id: UUID) -> list[StatementKey]:
        return [each.key for each in self.desk.said_in(case_id) if isinstance(each.content, Notice)]

    def home(self, household_id: UUID) -> UUID:
        """The household that an id means now."""
        while household_id in self.desk.merged:
            household_id = self.desk.merged[household_id]
        return household_id

    def living(self) -> list[CaseState]:
        return [case for each in self.desk.households for case in self.desk.cases_of(each)]


def ref(n: int) -> ProceedingRef:
    return ProceedingRef(court_code="R2713", docket=f"{n} C 1/26")


def terminated(*tenants: Party) -> TerminationReported:
    types = (TerminationType.EXTRAORDINARY_ARREARS,)
    notice: TerminationReported = said(TerminationReported, tenants=tenants, termination_types=types)
    return notice


def seen(case_id: UUID, **fields: Any) -> LegalFactSeen:
    fields = {"fact": LegalFact.SERVED, "on": days(-3).date(), "evidence": Evidence.DOCUMENT, **fields}
    return LegalFactSeen(case_id=case_id, report_id=uuid4(), **fields)


def two_cases(town: Town) -> tuple[UUID, UUID]:
    """One household heard of twice, in spellings that leave a doubt."""
    one = town.hear(suit(party("Beispiel", "Berta"), proceeding=ref(1)))
    other = town.hear(suit(party("Beyspil", "B.", SLIP), proceeding=ref(2)), JOBCENTER)
    assert one != other
    return one, other


def ended(case_id: UUID, *absorbed: UUID) -> OutcomeRecorded:
    return OutcomeRecorded(case_id=case_id, outcome=Outcome.TENANCY_KEPT_INSTALMENTS, ended_on=TODAY, absorbed=absorbed)


PEOPLE = [
    party("Beispiel", "Berta"),
    party("Beispiel", "Otto"),
    party("Beyspil", "B.", SLIP),
    party("Öztürk", "Ayşe", FAR),
    party("Oeztuerk", "Ayse", FAR),
    party("Kowalski", "Jan", FAR),
]
people = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2, unique=True)
notices = st.one_of(
    st.builds(lambda who, n: suit(*who, proceeding=n and ref(n)), people, st.sampled_from([None, 1, 2, 3])),
    st.builds(lambda who, n: eviction(days(30), *who, proceeding=ref(n)), people, st.sampled_from([1, 2, 3])),
    st.builds(lambda who: terminated(*who), people),
)
moves = st.one_of(
    st.tuples(st.just("merge"), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("split"), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("undo"), st.integers(0, 9)),
    st.tuples(st.just("fact"), st.integers(0, 9)),
)
steps = st.builds(
    lambda first, then: [*first, *then],
    st.lists(notices, min_size=2, max_size=5),
    st.lists(st.one_of(moves, moves, notices), min_size=2, max_size=8),
)


def play(town: Town, story: list[object]) -> None:
    """Notices, facts, merges and splits, each of whatever cases there are."""
    for step in story:
        cases = sorted(town.living(), key=lambda case: case.id)
        ids = sorted(town.desk.cases)
        if isinstance(step, BaseModel):
            town.hear(step, LANDLORD if isinstance(step, TerminationReported) else COURT)
        elif not ids or not isinstance(step, tuple):
            continue
        elif step[0] == "fact":
            town.told("visits", "outreach", seen(ids[step[1] % len(ids)]))
        else:
            case = cases[step[1] % len(cases)]
            try:
                if step[0] == "merge":
                    town.merge(case.id, ids[step[2] % len(ids)])
                elif step[0] == "split":
                    keys = sorted(town.notices(case.id))
                    town.split(case.id, keys[step[2] % len(keys) :])
                elif case.absorbed:
                    town.split(case.id, goes_back(town.desk.said_in(case.id), case.absorbed[-1]))
            except Rejected:
                pass
