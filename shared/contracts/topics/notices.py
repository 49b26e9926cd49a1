"""`notices.<partner>`: what courts, bailiffs, landlords, authorities and households tell the city. Private, key = notice id."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.contracts.codes import (
    EvictionStatus,
    Evidence,
    LandlordKind,
    LegalBasis,
    ProceedingOutcome,
    TerminationType,
)
from shared.contracts.fields import CourtCode, Docket, GivenName, Id, Language, Moment, Money, Name, Telephone, Text
from shared.contracts.topics.parts import FromOutside, GivenAddress, Strict


class Party(Strict):
    """A party of a suit or of a tenancy; an organisation has a family name only."""

    family_name: Name
    given_name: GivenName | None = None
    address: GivenAddress | None = None
    served_on: date | None = None
    language: Language | None = None


class ProceedingRef(Strict):
    """A court's file: Gericht und Aktenzeichen."""

    court_code: CourtCode
    docket: Docket


Parties = Annotated[tuple[Party, ...], Field(min_length=1, max_length=50)]


class Notice(FromOutside):
    """What every notice says. It names the household by a court file, by its parties, or by both."""

    legal_basis: LegalBasis
    proceeding: ProceedingRef | None = None


class SuitFiled(Notice):
    """Räumungsklage (MiZi IV/1; § 22 IX SGB II, § 36 II SGB XII). Only defendants with an address are required."""

    TYPE: ClassVar[str] = "de.bleibe.notice.suit-filed.v1"
    kind: Literal["SUIT_FILED"] = "SUIT_FILED"
    filed_on: date
    lis_pendens_on: date | None = None
    plaintiffs: Annotated[tuple[Party, ...], Field(max_length=50)] = ()
    landlord_kind: LandlordKind = LandlordKind.UNKNOWN
    defendants: Parties
    dwelling: GivenAddress | None = None
    monthly_rent: Money | None = None
    claimed_arrears: Money | None = None
    claimed_compensation: Money | None = None
    hearing_at: Moment | None = None
    termination_types: Annotated[tuple[TerminationType, ...], Field(max_length=10)] = ()


class TerminationReported(Notice):
    """Kündigung, told by landlord, tenant or provider. Alone it is an advice offer."""

    TYPE: ClassVar[str] = "de.bleibe.notice.termination-reported.v1"
    kind: Literal["TERMINATION"] = "TERMINATION"
    tenants: Parties
    landlord_kind: LandlordKind = LandlordKind.UNKNOWN
    termination_types: Annotated[tuple[TerminationType, ...], Field(min_length=1, max_length=10)]
    tenancy_ends_on: date | None = None
    monthly_rent: Money | None = None
    claimed_arrears: Money | None = None


class ArrearsWarningReported(Notice):
    """Mahnung: arrears reported before any termination."""

    TYPE: ClassVar[str] = "de.bleibe.notice.arrears-warning-reported.v1"
    kind: Literal["ARREARS_WARNING"] = "ARREARS_WARNING"
    tenants: Parties
    landlord_kind: LandlordKind = LandlordKind.UNKNOWN
    monthly_rent: Money | None = None
    claimed_arrears: Money | None = None


class EvictionDateNotified(Notice):
    """Räumungstermin (GVGA § 130 III): set, cancelled, stayed or executed. May be the first thing heard of a household."""

    TYPE: ClassVar[str] = "de.bleibe.notice.eviction-date-notified.v1"
    kind: Literal["EVICTION_DATE"] = "EVICTION_DATE"
    status: EvictionStatus = EvictionStatus.SET
    eviction_at: Moment
    served_on: date | None = None
    debtors: Annotated[tuple[Party, ...], Field(max_length=50)] = ()


class ServiceReported(Notice):
    """Zustellung: a defendant was served with the claim. Without names it speaks of every defendant."""

    TYPE: ClassVar[str] = "de.bleibe.notice.service-reported.v1"
    kind: Literal["SERVICE"] = "SERVICE"
    served_on: date
    evidence: Evidence = Evidence.COURT
    defendants: Annotated[tuple[Party, ...], Field(max_length=50)] = ()


class HearingSet(Notice):
    """Termin bestimmt."""

    TYPE: ClassVar[str] = "de.bleibe.notice.hearing-set.v1"
    kind: Literal["HEARING_SET"] = "HEARING_SET"
    hearing_at: Moment


class HearingMoved(Notice):
    """Termin verlegt."""

    TYPE: ClassVar[str] = "de.bleibe.notice.hearing-moved.v1"
    kind: Literal["HEARING_MOVED"] = "HEARING_MOVED"
    hearing_at: Moment
    previous_at: Moment | None = None


class HearingCancelled(Notice):
    """Termin aufgehoben."""

    TYPE: ClassVar[str] = "de.bleibe.notice.hearing-cancelled.v1"
    kind: Literal["HEARING_CANCELLED"] = "HEARING_CANCELLED"
    hearing_at: Moment | None = None


class ProceedingEnded(Notice):
    """Ausgang des Verfahrens (EGGVG § 20 I); a judgment or settlement is a title. A withdrawn suit ends here, too."""

    TYPE: ClassVar[str] = "de.bleibe.notice.proceeding-ended.v1"
    kind: Literal["PROCEEDING_ENDED"] = "PROCEEDING_ENDED"
    outcome: ProceedingOutcome
    decided_on: date
    served_on: date | None = None
    eviction_period_ends_on: date | None = None


class SelfReported(Notice):
    """Selbstmeldung: a household asks for help."""

    TYPE: ClassVar[str] = "de.bleibe.notice.self-reported.v1"
    kind: Literal["SELF_REPORT"] = "SELF_REPORT"
    tenants: Parties
    telephone: Telephone | None = None
    termination_types: Annotated[tuple[TerminationType, ...], Field(max_length=10)] = ()
    message: Text = ""


Content = Annotated[
    SuitFiled
    | TerminationReported
    | ArrearsWarningReported
    | EvictionDateNotified
    | ServiceReported
    | HearingSet
    | HearingMoved
    | HearingCancelled
    | ProceedingEnded
    | SelfReported,
    Field(discriminator="kind"),
]


class NoticeCorrected(Notice):
    """Berichtigung (EGGVG § 20 II): the whole content as it should have been. Counts only from the notice's own source."""

    TYPE: ClassVar[str] = "de.bleibe.notice.corrected.v1"
    corrects: Id
    content: Content


class NoticeRevoked(Notice):
    """Rücknahme (EGGVG § 22 III): the transmission was unlawful. A withdrawn suit is no revocation."""

    TYPE: ClassVar[str] = "de.bleibe.notice.revoked.v1"
    revokes: Id


EVENTS = (
    SuitFiled, TerminationReported, ArrearsWarningReported, EvictionDateNotified, ServiceReported, HearingSet, HearingMoved,
    HearingCancelled, ProceedingEnded, SelfReported, NoticeCorrected, NoticeRevoked,
)  # fmt: skip
