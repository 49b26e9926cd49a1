"""What every contestant does with a suit: two rows and three records, the same for all. Pure; needs pydantic alone."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID, uuid5

from shared.contracts.codes import Answer, CaseChange, CaseStatus, Stage
from shared.contracts.fields import Event
from shared.contracts.topics.cases import CaseOpened
from shared.contracts.topics.households import HouseholdRecorded, Member
from shared.contracts.topics.notices import SuitFiled
from shared.contracts.topics.receipts import ReceiptIssued
from shared.messaging.wire import Envelope, Headers, encode

SENDER, SOURCE = "urn:bleibe:partner:hop", "urn:bleibe:service:hop"
"""Who files the suits, and who answers them."""

CASES, HOUSEHOLDS, RECEIPTS = "cases", "households", "receipts"
OUTPUTS = (CASES, HOUSEHOLDS, RECEIPTS)
"""The topics of the three records; each run adds its own tag."""


class CaseRow(NamedTuple):
    """A row of `cases`."""

    id: UUID
    household_id: UUID
    stage: str
    received_on: date


class HouseholdRow(NamedTuple):
    """A row of `households`."""

    id: UUID
    case_id: UUID
    version: int
    family_name: str
    given_name: str | None


class Facts(NamedTuple):
    """The three records that answer a suit, in the order in which they are said. Keys: case, household, notice."""

    case: CaseOpened
    household: HouseholdRecorded
    receipt: ReceiptIssued

    def rows(self) -> tuple[CaseRow, HouseholdRow]:
        """The two rows."""
        case, household = self.case, self.household
        first = household.members[0]
        return (
            CaseRow(case.case_id, case.household_id, case.stage, case.received_on),
            HouseholdRow(household.household_id, case.case_id, household.version, first.family_name, first.given_name),
        )

    def said(self) -> tuple[tuple[str, UUID, Event], ...]:
        """Topic (without the run's tag), key and event of each."""
        return (
            (CASES, self.case.case_id, self.case),
            (HOUSEHOLDS, self.household.household_id, self.household),
            (RECEIPTS, self.receipt.message_id, self.receipt),
        )


def ids_of(notice: UUID) -> tuple[UUID, UUID]:
    """Case and household of a suit: the same however often it comes, also where nothing keeps duplicates away."""
    return uuid5(notice, "case"), uuid5(notice, "household")


def facts_of(notice: UUID, suit: SuitFiled) -> Facts:
    """What a suit comes to."""
    case_id, household_id = ids_of(notice)
    return Facts(
        CaseOpened(
            case_id=case_id,
            household_id=household_id,
            household_version=1,
            status=CaseStatus.OPEN,
            stage=Stage.SUIT_FILED,
            received_on=suit.recorded_at.date(),
            channel=suit.channel,
            changes=(CaseChange.OPENED, CaseChange.SUIT),
            changed_on=suit.recorded_at.date(),
        ),
        HouseholdRecorded(
            household_id=household_id,
            version=1,
            members=tuple(
                Member(person_id=household_id, family_name=party.family_name, given_name=party.given_name)
                for party in suit.defendants
            ),
            addresses=(),
        ),
        ReceiptIssued(message_id=notice, answer=Answer.ACCEPTED),
    )


def headers_of(event_id: UUID, event_type: str, suit: SuitFiled, key: UUID, notice: UUID, traceparent: str | None) -> Headers:
    """The CloudEvents headers of a record, where no journal counts: it is the first of its key."""
    return encode("", Envelope(event_id, SOURCE, event_type, suit.recorded_at, str(key), 1, notice, traceparent), None).headers
