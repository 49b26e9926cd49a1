"""What the legal clock is told: dates, and what each rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from shared.contracts.codes import Evidence

_LOCAL = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, slots=True)
class Service:
    """Service of the claim on one defendant (Zustellung; § 253 I, § 261 I ZPO)."""

    on: date
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one proceeding. What is not known is None; what was cancelled is None again.

    `served` has one entry per defendant, None where service is not known. `evidence` says what the other facts rest on,
    by their names; unsaid means a document that was seen. `land` and `landlord_land` are Land codes ("NW"); a landlord of None is
    in `land`, one of NATIONWIDE nobody knows where.
    """

    filed_on: date | None = None
    served: tuple[Service | None, ...] = ()
    hearing_at: date | datetime | None = None
    judgment_served_on: date | None = None
    default_judgment_served_on: date | None = None
    title_final_on: date | None = None
    eviction_at: date | datetime | None = None
    eviction_date_served_on: date | None = None
    eviction_period_ends_on: date | None = None
    security_due_on: date | None = None
    tenancy_ends_on: date | None = None
    evicted_on: date | None = None
    received_on: date | None = None
    land: str = "NW"
    landlord_land: str | None = None
    today: date | None = None
    evidence: Mapping[str, Evidence] = field(default_factory=dict, hash=False)

    def day(self, fact: str) -> date | None:
        """The day of a fact in German time."""
        value: date | datetime | None = getattr(self, fact)
        if not isinstance(value, datetime):
            return value
        return (value.astimezone(_LOCAL) if value.tzinfo else value).date()

    def evidence_of(self, fact: str) -> Evidence:
        """What a fact rests on."""
        return self.evidence.get(fact, Evidence.DOCUMENT)
