"""The demo's raw material: court timelines, arrears, names and addresses (origin: deploy/demo/data/README.md)."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from shared.city import UNKNOWN, City
from shared.contracts.topics.parts import GivenAddress

DATA = Path(__file__).parent / "data"
INHABITANTS = {"MITTE": 131, "WEST": 64, "NORD": 31, "OST": 24, "SUEDOST": 33, "HILTRUP": 39, UNKNOWN: 30}
"""Thousands (31 December 2023), and a share of addresses whose district nobody knows."""

_TIME = re.compile(r"(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a docket: days after filing, what happened, how it ended, and at what time of the day."""

    day: int
    what: str
    result: str | None
    at: time


@dataclass(frozen=True, slots=True)
class Timeline:
    """A real court case in the order of its docket."""

    name: str
    defendants: int
    landlord: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """What was owed in a real case; None where the source does not say."""

    reason: str
    rent: Decimal | None
    arrears: Decimal | None
    months: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """Invented names that go together, and how often they are taken."""

    language: str
    share: int
    family: tuple[str, ...]
    given: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """All of it. `addresses` by district."""

    timelines: tuple[Timeline, ...]
    profiles: tuple[Profile, ...]
    groups: tuple[Group, ...]
    landlords: dict[str, tuple[str, ...]]
    addresses: dict[str, tuple[GivenAddress, ...]]


def load_material(city: City, folder: Path = DATA) -> Material:
    """Read the folder, and the city's streets."""
    names: dict[str, Any] = json.loads((folder / "names.json").read_text("utf-8"))
    with (
        (folder / "court_timelines.jsonl").open(encoding="utf-8") as lines,
        (folder / "arrears_profiles.csv").open(encoding="utf-8", newline="") as rows,
    ):
        return Material(
            tuple(timeline(json.loads(line)) for line in lines),
            tuple(profile(row) for row in csv.DictReader(rows)),
            tuple(
                Group(each["language"], each["share"], tuple(each["family"]), tuple(each["given"])) for each in names["groups"]
            ),
            {kind: tuple(each) for kind, each in names["landlords"].items()},
            _addresses(city),
        )


def timeline(record: dict[str, Any]) -> Timeline:
    """One line of court_timelines.jsonl."""
    steps = (Step(each["day"], each["step"], each.get("result"), office_time(each.get("time"))) for each in record["steps"])
    return Timeline(record["case"], record["defendants"], record["landlord"], tuple(sorted(steps, key=lambda step: step.day)))


def profile(row: dict[str, str]) -> Profile:
    """One row of arrears_profiles.csv; arrears that only months tell are reckoned from the rent."""
    rent, arrears, months = amount(row["tenant_monthly_rent"]), amount(row["amount_owed_at_filing"]), row["months_of_rent_owed"]
    count = int(months) if months.strip().isdigit() else None
    if arrears is None and rent is not None and count is not None:
        arrears = rent * count
    return Profile(row["reason"].strip().casefold(), rent, arrears, count)


def amount(text: str) -> Decimal | None:
    """A sum as somebody typed it ("$3,187.75"); None where it says nothing."""
    try:
        return Decimal(re.sub(r"[$,\s]", "", text)).quantize(Decimal("0.01"))
    except InvalidOperation:
        return None


def office_time(text: str | None) -> time:
    """A court's hour: "01:30 PM" is 13:30; "10:30 PM", which no court means, is 10:30. 09:00 where nothing is said."""
    found = _TIME.search(text or "09:00")
    hour, minute = (int(part) for part in found.groups()) if found else (9, 0)
    return time(hour + 12 if hour < 7 else hour, minute)


def _addresses(city: City) -> dict[str, tuple[GivenAddress, ...]]:
    found: dict[str, list[GivenAddress]] = {district: [] for district in INHABITANTS}
    for district, street, number in _numbers(city):
        found[district].append(GivenAddress(street=street, house_number=number, place=city.name))
    return {district: tuple(each) for district, each in found.items()}


def _numbers(city: City) -> Iterator[tuple[str, str, str]]:
    for street in city.streets:
        for number in street.numbers:
            yield street.district or UNKNOWN, street.street, number
