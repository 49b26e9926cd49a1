# ruff: noqa: ANN401  the fields of a notice are anything
"""Intake with everything in memory, for the tests of its decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel

from services.intake.desk import Desk
from services.intake.room import IntakeRoom
from shared.city import load_city
from shared.contracts.codes import (
    Basis,
    Evidence,
    LegalFact,
    TerminationType,
)
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.notices import (
    NoticeCorrected,
    NoticeRevoked,
    TerminationReported,
)
from shared.contracts.topics.parts import GivenAddress
from shared.contracts.topics.visits import LegalFactSeen
from shared.messaging.model import Decision
from shared.runtime.settings import MUENSTER
from tests.unit.intake_words import TODAY, days, heard, party, said, told

ELSEWHERE = GivenAddress(street="Königsallee", house_number="1", postcode="40212", place="Düsseldorf")
COURT, JOBCENTER, SOCIAL_OFFICE, BAILIFF, LANDLORD, TENANT = (
    "ag-muenster", "jobcenter", "sozialamt", "gerichtsvollzieher", "wohnungsgesellschaft", "selbstmeldung",
)  # fmt: skip


@cache
def a_room() -> IntakeRoom:
    return IntakeRoom(load_city(MUENSTER), new_id=uuid4)


@dataclass
class Office:
    """Intake with everything in memory."""

    desk: Desk

    @classmethod
    def open(cls) -> Office:
        room = a_room()
        numbers = count(1)
        return cls(Desk(TODAY, room._atlas, room._clockwork, lambda: UUID(int=next(numbers))))

    def hear(self, data: BaseModel, partner: str = COURT, message_id: UUID | None = None) -> Decision:
        return a_room().decide(self.desk, heard(data, partner, message_id))

    def told(self, topic: str, by: str, data: BaseModel) -> Decision:
        return a_room().decide(self.desk, told(topic, by, data, days(0, hour=15)))

    @property
    def case(self) -> CaseEvent:
        """The one case; one that a revocation emptied for good does not count."""
        known = [case.last for case in self.desk.cases.values() if case.last]
        (case,) = [each for each in known if each.tenant_ids or len(known) == 1]
        return case

    @property
    def household(self) -> HouseholdRecorded:
        (household,) = self.desk.households.values()
        assert household.record is not None
        return household.record

    def deadline(self, rule: str) -> tuple[date, Basis] | None:
        return next(((each.on, each.basis) for each in self.case.deadlines if each.rule == rule), None)


def event_of(decision: Decision) -> CaseEvent:
    return next(one.data for one in decision.said if isinstance(one.data, CaseEvent))


def corrected(of: UUID, content: Any, **fields: Any) -> NoticeCorrected:
    notice: NoticeCorrected = said(NoticeCorrected, corrects=of, content=content, **fields)
    return notice


def revoked(of: UUID) -> NoticeRevoked:
    notice: NoticeRevoked = said(NoticeRevoked, revokes=of)
    return notice


def termination() -> TerminationReported:
    types = (TerminationType.EXTRAORDINARY_ARREARS,)
    notice: TerminationReported = said(TerminationReported, tenants=(party(),), termination_types=types)
    return notice


def seen(office: Office, fact: LegalFact, on: date, evidence: Evidence = Evidence.DOCUMENT) -> Decision:
    report = LegalFactSeen(case_id=office.case.case_id, report_id=uuid4(), fact=fact, on=on, evidence=evidence)
    return office.told("visits", "outreach", report)
