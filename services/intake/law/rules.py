"""The rule table: effective-dated data. A change of law is a new row, and both versions can be run side by side.

The table lies in this package, not with the city's data, because it is federal law and the same in every city.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from shared.calendar import latest_start, period_end

Trigger = Literal[
    "first_service",
    "last_service",
    "hearing_at",
    "judgment_served_on",
    "default_judgment_served_on",
    "title_final_on",
    "eviction_at",
    "eviction_date_served_on",
    "eviction_period_ends_on",
    "security_due_on",
    "tenancy_ends_on",
    "evicted_on",
    "received_on",
]


class Direction(StrEnum):
    """How the date follows from the trigger."""

    FORWARD = "forward"
    BACKWARD = "backward"
    AS_GIVEN = "as_given"


class Roll(StrEnum):
    """What happens on a day that is no working day."""

    NEXT = "next"
    PREVIOUS = "previous"
    NONE = "none"


class Place(StrEnum):
    """Whose holidays count: the court's Land, or also the Land where the landlord receives a declaration."""

    COURT = "court"
    LANDLORD = "landlord"


class Actor(StrEnum):
    """Who must act."""

    TENANT = "TENANT"
    CITY = "CITY"
    CITY_OR_TENANT = "CITY_OR_TENANT"
    BAILIFF = "BAILIFF"
    NOBODY = "NOBODY"


class Period(BaseModel):
    """A length of time in the units of § 188 BGB."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: Annotated[int, Field(ge=0)] = 0
    weeks: Annotated[int, Field(ge=0)] = 0
    months: Annotated[int, Field(ge=0)] = 0
    years: Annotated[int, Field(ge=0)] = 0

    def after(self, start: date) -> date:
        """The day a period that starts with an event on `start` ends."""
        return period_end(start, days=self.days, weeks=self.weeks, months=self.months, years=self.years)

    def before(self, end: date) -> date:
        """The latest day this long before `end`."""
        return latest_start(end, days=self.days, weeks=self.weeks, months=self.months, years=self.years)

    def parts(self) -> tuple[tuple[str, int], ...]:
        """The units that are not zero."""
        every = (("years", self.years), ("months", self.months), ("weeks", self.weeks), ("days", self.days))
        return tuple((unit, n) for unit, n in every if n)


class Rule(BaseModel):
    """One version of one deadline. `valid_from` None: no first day (an announced rule)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    version: str
    valid_from: date | None = None
    valid_to: date | None = None
    enabled: bool = True
    trigger: Annotated[tuple[Trigger, ...], Field(min_length=1)]
    direction: Direction
    period: Period = Period()
    roll: Roll
    place: Place
    norm: str
    who: Actor
    floor: bool = False

    @model_validator(mode="after")
    def _computable(self) -> Self:
        if (self.direction is Direction.AS_GIVEN) == bool(self.period.parts()):
            raise ValueError(f"rule {self.id} {self.version}: a period belongs to forward and backward rules, and only to them")
        wrong = {Direction.FORWARD: Roll.PREVIOUS, Direction.BACKWARD: Roll.NEXT}
        if self.roll is wrong.get(self.direction):
            raise ValueError(f"rule {self.id} {self.version}: a {self.direction} deadline never rolls to the {self.roll} day")
        return self

    def in_force(self, on: date) -> bool:
        """Whether this version is law for something that begins on a day."""
        return self.enabled and (self.valid_from or date.min) <= on <= (self.valid_to or date.max)

    def overlaps(self, other: Rule) -> bool:
        """Whether both versions could be law on the same day."""
        return (
            self.id == other.id
            and (self.valid_from or date.min) <= (other.valid_to or date.max)
            and (other.valid_from or date.min) <= (self.valid_to or date.max)
        )


def parse_rules(toml: str) -> tuple[Rule, ...]:
    """The rules of a TOML text with a [[rule]] table each.

    Raises:
        ValueError: a row cannot be read, or two enabled versions of a rule are in force on the same day.
    """
    rules = TypeAdapter(tuple[Rule, ...]).validate_python(tomllib.loads(toml).get("rule", []))
    for n, rule in enumerate(rules):
        for other in rules[:n]:
            if rule.enabled and other.enabled and rule.overlaps(other):
                raise ValueError(f"rule {rule.id}: versions {other.version} and {rule.version} are in force on the same day")
    return rules


def load_rules() -> tuple[Rule, ...]:
    """The rules as this version of the program knows them."""
    return parse_rules(files(__package__).joinpath("rules.toml").read_text(encoding="utf-8"))


def switched_on(rules: Iterable[Rule], rule_id: str) -> tuple[Rule, ...]:
    """The same rules with an announced one in force, to compare both versions of the law."""
    return tuple(rule.model_copy(update={"enabled": True}) if rule.id == rule_id else rule for rule in rules)
