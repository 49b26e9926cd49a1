"""The facts object and the deadlines as JSON: what `bleibe deadlines` and `POST /deadlines` read and write."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.intake.law.explain import Texts, explain, explain_step
from services.intake.law.facts import Facts, Service
from services.intake.law.model import Deadline
from shared.calendar import LANDS
from shared.contracts.codes import Evidence


def _land(code: str) -> str:
    if code not in LANDS:
        raise ValueError(f"no German Land; use one of {', '.join(sorted(LANDS))}")
    return code


Land = Annotated[str, AfterValidator(_land)]
Day = Annotated[date, Field(ge=date(2002, 1, 1), le=date(2099, 12, 31))]


class ServedDocument(BaseModel):
    """Service on one defendant, with what its date rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: Day
    evidence: Evidence


class FactsDocument(BaseModel):
    """The facts of one eviction proceeding. Every key may be left out.

    `served_on` is one date, or a list with one entry per defendant: a date (from the court or a document that was seen),
    an object `{"on": date, "evidence": "COURT" | "DOCUMENT" | "WORD"}`, or null where service is not known.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "filed_on": "2026-11-02",
                    "served_on": ["2026-11-16", "2026-11-23"],
                    "hearing_at": "2027-01-14T09:30:00+01:00",
                    "land": "NW",
                    "landlord_land": "BE",
                    "today": "2026-11-24",
                }
            ]
        },
    )

    filed_on: Day | None = None
    served_on: Day | ServedDocument | Annotated[tuple[Day | ServedDocument | None, ...], Field(max_length=50)] | None = None
    hearing_at: datetime | Day | None = None
    judgment_served_on: Day | None = None
    default_judgment_served_on: Day | None = None
    title_final_on: Day | None = None
    eviction_at: datetime | Day | None = None
    eviction_date_served_on: Day | None = None
    eviction_period_ends_on: Day | None = None
    security_due_on: Day | None = None
    tenancy_ends_on: Day | None = None
    evicted_on: Day | None = None
    received_on: Day | None = None
    land: Land = "NW"
    landlord_land: Land | None = None
    today: Day | None = None
    evidence: dict[str, Evidence] = {}

    @model_validator(mode="after")
    def _plausible(self) -> Self:
        if self.filed_on and any(each and each.on < self.filed_on for each in self.served()):
            raise ValueError("served_on lies before filed_on: a suit is served only after it was filed")
        if unknown := self.evidence.keys() - type(self).model_fields.keys():
            raise ValueError(f"evidence names no fact: {', '.join(sorted(unknown))}")
        return self

    def served(self) -> tuple[Service | None, ...]:
        """Service per defendant."""
        if self.served_on is None:
            return ()
        entries = self.served_on if isinstance(self.served_on, tuple) else (self.served_on,)
        return tuple(
            Service(each.on, each.evidence)
            if isinstance(each, ServedDocument)
            else Service(each, Evidence.DOCUMENT)
            if each
            else None
            for each in entries
        )


def facts_from_json(document: str | bytes | dict[str, Any]) -> Facts:
    """The facts a JSON text or object speaks of.

    Raises:
        pydantic.ValidationError: a key is unknown, a date cannot be read or the dates contradict each other.
    """
    validate, validate_json = FactsDocument.model_validate, FactsDocument.model_validate_json
    read = validate(document) if isinstance(document, dict) else validate_json(document)
    plain = {name: getattr(read, name) for name in FactsDocument.model_fields if name != "served_on"}
    return Facts(served=read.served(), **plain)


def to_json(deadline: Deadline, texts: Texts) -> dict[str, Any]:
    """A deadline as a JSON object: dates ISO 8601, `explanation` and each step in German (de) and English (en)."""
    explanation = explain(deadline, texts)
    return {
        "rule": deadline.rule,
        "date": deadline.date.isoformat(),
        "basis": str(deadline.basis),
        "norm": deadline.norm,
        "rule_version": deadline.rule_version,
        "who": str(deadline.who),
        "passed": deadline.passed,
        "inputs": [{"fact": each.fact, "value": each.value.isoformat(), "source": str(each.source)} for each in deadline.inputs],
        "steps": [
            {"date": step.on.isoformat(), "de": explain_step(step, texts, "de"), "en": explain_step(step, texts, "en")}
            for step in deadline.steps
        ],
        "explanation": {"de": explanation.de, "en": explanation.en},
    }
