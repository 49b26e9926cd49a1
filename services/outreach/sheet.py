"""What a caseworker reads of a visit: who lives there, what was tried, which deadline comes next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.outreach.arranging import next_deadline
from services.outreach.assignment import assignment
from services.outreach.casefile import Attempt, CaseFile, Contact, Visit
from services.outreach.staff import caseworker, covered_by, of_team
from shared.city import City
from shared.contracts.codes import ObligationReason, Stage
from shared.contracts.topics.assignments import Assignment, NextDeadline
from shared.contracts.topics.households import HouseholdRecorded
from shared.runtime.persons import Person, Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One visit on the sheet; `assignment` is None while the household's names and address have not come yet."""

    case_id: UUID
    visit: Visit
    assignment: Assignment | None
    stage: Stage
    reason: ObligationReason
    due_on: date
    tried: tuple[Attempt, ...]
    contacts: tuple[Contact, ...]
    deadline: NextDeadline | None


def entry(visit_id: UUID, file: CaseFile, register: HouseholdRecorded | None, today: date) -> Entry:
    """A visit as the sheet shows it. Raises StopIteration for a visit of another file."""
    visit = next(each for each in file.visits if each.id == visit_id)
    owed = min((each for each in file.open_owed if each.id in visit.obligation_ids), key=lambda each: each.due_on)
    return Entry(
        case_id=file.case.case_id,
        visit=visit,
        assignment=assignment(file, visit, register, today),
        stage=file.case.stage,
        reason=owed.reason,
        due_on=owed.due_on,
        tried=tuple(sorted(file.tried(visit.obligation_ids), key=lambda attempt: attempt.on)),
        contacts=tuple(sorted(file.contacts, key=lambda contact: contact.on)),
        deadline=next_deadline(file.case, today),
    )


def may_see(city: City, person: Person, today: date) -> frozenset[str]:
    """Whose visits somebody may read: the team lead the team's, a caseworker their own and, during cover, the absent one's."""
    if person.acting is Role.TEAM_LEAD and person.team is not None:
        return frozenset(each.id for each in of_team(city, person.team))
    me = caseworker(city, person.caseworker_id)
    return frozenset((me.id, *covered_by(city, me.id, today))) if me else frozenset()
