# ruff: noqa: ANN401  the fields of a notice are anything
"""Notices as partners send them, for the tests of intake. Names and addresses are invented."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel

from shared.contracts.codes import Channel, LegalBasis
from shared.contracts.topics.notices import (
    EvictionDateNotified,
    HearingSet,
    Notice,
    Party,
    ProceedingRef,
    ServiceReported,
    SuitFiled,
)
from shared.contracts.topics.parts import GivenAddress
from shared.messaging.model import Heard
from shared.runtime.clock import BERLIN

NOW = datetime(2026, 12, 1, 9, tzinfo=BERLIN)
TODAY = NOW.date()
HOME = GivenAddress(street="Hammer Straße", house_number="12", postcode="48153", place="Münster")
REF = ProceedingRef(court_code="R2713", docket="5 C 123/26")


def party(family_name: str = "Beispiel", given_name: str = "Berta", address: GivenAddress | None = HOME, **more: Any) -> Party:
    return Party(family_name=family_name, given_name=given_name, address=address, **more)


def stranger(n: int) -> Party:
    """The n-th of people who are like nobody else, in name and home."""
    letters = hashlib.sha256(str(n).encode()).hexdigest().translate(str.maketrans("0123456789", "klmnoprstu"))
    return party(letters[:8], letters[8:14], GivenAddress(street=f"{letters[14:24]}weg", house_number=str(n), place="Münster"))


def said(kind: type[Notice], received_on: date = TODAY, **fields: Any) -> Any:
    common: dict[str, Any] = {
        "channel": Channel.PARTNER_JSON,
        "actor": "test",
        "legal_basis": LegalBasis.SGB2_22_9,
        "received_on": received_on,
        "recorded_at": datetime(received_on.year, received_on.month, received_on.day, 8, tzinfo=UTC),
    }
    return kind(**{**common, **fields})


def suit(*defendants: Party, proceeding: ProceedingRef | None = REF, **fields: Any) -> SuitFiled:
    fields = {"filed_on": date(2026, 11, 18), "defendants": defendants or (party(),), **fields}
    notice: SuitFiled = said(SuitFiled, proceeding=proceeding, **fields)
    return notice


def service(served_on: date, *defendants: Party, **fields: Any) -> ServiceReported:
    notice: ServiceReported = said(ServiceReported, served_on=served_on, defendants=defendants, **{"proceeding": REF, **fields})
    return notice


def hearing_set(at: datetime, **fields: Any) -> HearingSet:
    notice: HearingSet = said(HearingSet, hearing_at=at, **{"proceeding": REF, **fields})
    return notice


def eviction(at: datetime, *debtors: Party, **fields: Any) -> EvictionDateNotified:
    notice: EvictionDateNotified = said(EvictionDateNotified, eviction_at=at, debtors=debtors, **fields)
    return notice


def days(n: int, hour: int = 9) -> datetime:
    """A moment n days from today."""
    return NOW.replace(hour=hour) + timedelta(days=n)


def heard(data: BaseModel, partner: str = "ag-muenster", message_id: UUID | None = None, at: datetime = NOW) -> Heard:
    """A notice on its partner's topic."""
    identity = message_id or uuid4()
    source = f"urn:bleibe:partner:{partner}"
    return Heard(f"notices.{partner}", str(identity), identity, source, data.TYPE, at, None, data)  # type: ignore[attr-defined]  # every event has a TYPE


def told(topic: str, service_name: str, data: BaseModel, at: datetime = NOW) -> Heard:
    """An event of one of our own services."""
    return Heard(topic, "case", uuid4(), f"urn:bleibe:service:{service_name}", data.TYPE, at, 1, data)  # type: ignore[attr-defined]  # every event has a TYPE
