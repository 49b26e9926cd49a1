"""`households`: the register of who lives where and what is claimed. Key = household id; a tombstone means erased."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from shared.contracts.codes import Disclosure, LandlordKind
from shared.contracts.fields import (
    Count,
    CourtCode,
    District,
    Docket,
    Event,
    GivenName,
    Id,
    Language,
    Money,
    Name,
    Payload,
    Quarter,
    Telephone,
)
from shared.contracts.topics.parts import Address


class Member(Payload):
    """A person of the household."""

    person_id: Id
    family_name: Name
    given_name: GivenName | None = None
    language: Language | None = None
    telephone: Telephone | None = None
    since: date | None = None
    until: date | None = None


class AddressRecord(Payload):
    """An address of some members; a separated partner never reads one that is PERSON_ONLY."""

    address_id: Id
    person_ids: tuple[Id, ...]
    address: Address
    district: District = "UNKNOWN"
    quarter: Quarter | None = None
    in_city: bool = True
    disclosure: Disclosure = Disclosure.HOUSEHOLD
    since: date | None = None
    until: date | None = None


class Claim(Payload):
    """What is claimed in one case: the exact figures and the court's file."""

    case_id: Id
    proceeding_id: Id | None = None
    court_code: CourtCode | None = None
    docket: Docket | None = None
    landlords: tuple[Annotated[Name, Field(examples=["Wohnbau Beispiel GmbH"])], ...] = ()
    landlord_kind: LandlordKind = LandlordKind.UNKNOWN
    monthly_rent: Money | None = None
    claimed_arrears: Money | None = None
    claimed_compensation: Money | None = None


class HouseholdRecorded(Event):
    """Haushalt: the whole register entry. Higher `version` replaces lower."""

    TYPE: ClassVar[str] = "de.bleibe.household.recorded.v1"
    household_id: Id
    version: Count
    members: tuple[Member, ...]
    addresses: tuple[AddressRecord, ...]
    claims: tuple[Claim, ...] = ()


EVENTS = (HouseholdRecorded,)
