"""What a play came to, in words that are the same in each run: notices, cases, obligations, deadlines, without any id.

Read from intake's statements and from what intake and outreach told the world (their journals). Ids become the names,
addresses and dockets they stand for; what counts events (versions, changes) is left out, and so is the doubt whether two
households are one: of two that came at the same moment it is the second that is asked about.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asyncpg import Connection, Record

from deploy.cli.databases import databases
from deploy.cli.target import Target
from shared.contracts.catalogue import CASES, HOUSEHOLDS, VISITS
from shared.contracts.codes import Banner
from shared.contracts.topics.cases import CaseErased
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.visits import ObligationClosed, ReportCorrected, VisitOwed

_COUNTING = frozenset({"household_version", "changes", "changed_on"})
_NEWEST = "select distinct on (key) key, type, data from journal where topic = $1 and data is not null order by key, n desc"


@dataclass(frozen=True, slots=True)
class Digest:
    """Each part as sorted lines, and one SHA-256 over all."""

    notices: tuple[str, ...]
    cases: tuple[str, ...]
    obligations: tuple[str, ...]
    deadlines: int

    @property
    def sha256(self) -> str:
        """Equal for two plays that came to the same."""
        text = "\n".join([*self.notices, "", *self.cases, "", *self.obligations])
        return hashlib.sha256(text.encode()).hexdigest()


async def digest(system: Target) -> Digest:
    """Of all that the databases hold. Everything has to have settled."""
    async with databases(system, ("intake", "outreach")) as connections:
        intake, outreach = connections["intake"], connections["outreach"]
        names = await _names(intake)
        told = [json.loads(row["data"]) for row in await intake.fetch(_NEWEST, CASES.name) if row["type"] != CaseErased.TYPE]
        for case in told:
            case["banners"] = [each for each in case["banners"] if each != Banner.POSSIBLE_DUPLICATE]
        cases = [_line(_named({name: value for name, value in case.items() if name not in _COUNTING}, names)) for case in told]
        notices = await intake.fetch(
            "select source, type, content::text from statements where source like 'urn:bleibe:partner:%'"
        )
        return Digest(
            tuple(sorted(f"{row['source']} {row['type']} {_line(json.loads(row['content']))}" for row in notices)),
            tuple(sorted(cases)),
            tuple(sorted(await _obligations(outreach, names))),
            sum(len(case["deadlines"]) for case in told),
        )


async def _names(intake: Connection[Record]) -> dict[str, str]:
    """What ids stand for: persons, addresses, court files, and cases by the people they are about."""
    names: dict[str, str] = {}
    for row in await intake.fetch(_NEWEST, HOUSEHOLDS.name):
        entry = HouseholdRecorded.model_validate_json(row["data"])
        for member in entry.members:
            names[str(member.person_id)] = f"{member.family_name}, {member.given_name}"
        for place in entry.addresses:
            names[str(place.address_id)] = f"{place.address.street} {place.address.house_number}"
        for claim in entry.claims:
            if claim.proceeding_id is not None:
                names[str(claim.proceeding_id)] = f"{claim.court_code} {claim.docket}"
    return names


async def _obligations(outreach: Connection[Record], names: Mapping[str, str]) -> list[str]:
    """Each obligation as it was last told, and how it ended."""
    owed: dict[UUID, dict[str, Any]] = {}
    rows = await outreach.fetch("select type, data from journal where topic = $1 and data is not null order by id", VISITS.name)
    for row in rows:
        if row["type"] == VisitOwed.TYPE:
            for each in VisitOwed.model_validate_json(row["data"]).obligations:
                owed[each.obligation_id] = each.model_dump(mode="json") | {"end": owed.get(each.obligation_id, {}).get("end")}
        elif row["type"] == ObligationClosed.TYPE:
            closed = ObligationClosed.model_validate_json(row["data"])
            for one in closed.obligation_ids:
                owed[one]["end"] = [closed.how, closed.reason, closed.closed_on.isoformat()]
        elif row["type"] == ReportCorrected.TYPE:
            for one in ReportCorrected.model_validate_json(row["data"]).reopened_obligation_ids:
                owed[one]["end"] = None
    return [_line(_named(each, names)) for each in owed.values()]


def _named(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401  any part of a JSON value
    """The value with names for ids; ids that stand for nothing are left out, lists are sorted."""
    if isinstance(value, dict):
        return {name: part for name, each in value.items() if (part := _named(each, names)) is not None}
    if isinstance(value, list):
        return sorted((_named(each, names) for each in value), key=_line)
    return names.get(value) if isinstance(value, str) and _is_id(value) else value


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return len(text) == 36


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def difference(one: Digest, other: Digest) -> list[str]:
    """The lines that only one of two plays has, for a person who looks why."""
    lines = []
    for part in ("notices", "cases", "obligations"):
        mine, theirs = Counter(getattr(one, part)), Counter(getattr(other, part))
        lines += [f"- {line}" for line in (mine - theirs)] + [f"+ {line}" for line in (theirs - mine)]
    return lines
