"""What leaves to the team's tool: created once, then changed with a rising version, at last withdrawn. Pure.

It leaves only with the register's entry that belongs to the case event, whichever of the two came first.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from services.outreach.arranging import next_deadline, with_visits
from services.outreach.casefile import CaseFile, Visit
from shared.contracts.catalogue import ASSIGNMENTS
from shared.contracts.codes import WithdrawReason
from shared.contracts.topics.assignments import (
    Assignment,
    AssignmentChanged,
    AssignmentCreated,
    AssignmentWithdrawn,
    Resident,
)
from shared.contracts.topics.households import AddressRecord, HouseholdRecorded
from shared.messaging.model import Said


def dispatch(
    before: CaseFile | None,
    after: CaseFile,
    register_before: HouseholdRecorded | None,
    register: HouseholdRecorded | None,
    today: date,
) -> tuple[CaseFile, list[Said]]:
    """What the team must learn of the difference between two files, and the file that knows it was told."""
    visits: list[Visit] = []
    said: list[Said] = []
    for visit in after.visits:
        old = before.visit(visit.id) if before else None
        told, says = _dispatch(before, old, after, visit, (register_before, register), today)
        visits.append(told)
        said += says
    return with_visits(after, visits), said


def _dispatch(
    before: CaseFile | None,
    old: Visit | None,
    file: CaseFile,
    visit: Visit,
    registers: tuple[HouseholdRecorded | None, HouseholdRecorded | None],
    today: date,
) -> tuple[Visit, list[Said]]:
    if visit.closed:
        return withdraw(file, visit, WithdrawReason.OBLIGATION_CLOSED)
    content = _content(file, visit, registers[1], today)
    if not visit.pending and before is not None and old is not None:
        visit = replace(visit, pending=content != _content(before, old, registers[0], today))
    if not visit.pending or content is None:
        return visit, []
    said: list[Said] = []
    if visit.sent_to not in (None, visit.team):
        visit, said = withdraw(file, visit, WithdrawReason.REASSIGNED)
    as_new = visit.sent_to is None
    newly = (each.obligation_id for each in content["residents"])
    named = None if visit.named is None else tuple(dict.fromkeys((*visit.named, *newly)))
    visit = replace(visit, version=visit.version + 1, sent_to=visit.team, pending=False, named=named)
    kind = AssignmentCreated if as_new else AssignmentChanged
    event = kind(**content, version=visit.version)
    return visit, [*said, Said(ASSIGNMENTS.of(visit.team), str(file.case.case_id), event)]


def withdraw(file: CaseFile, visit: Visit, reason: WithdrawReason) -> tuple[Visit, list[Said]]:
    """Take back an assignment that has left; one that never left needs no word."""
    if visit.sent_to is None:
        return replace(visit, pending=False), []
    gone = replace(visit, version=visit.version + 1, sent_to=None, pending=False)
    event = AssignmentWithdrawn(case_id=file.case.case_id, visit_id=visit.id, version=gone.version, reason=reason)
    return gone, [Said(ASSIGNMENTS.of(visit.sent_to), str(file.case.case_id), event)]


def assignment(file: CaseFile, visit: Visit, register: HouseholdRecorded | None, today: date) -> Assignment | None:
    """The visit as the team's tool sees it (version 0); None while the register's entry is not there yet."""
    content = _content(file, visit, register, today)
    return None if content is None else Assignment(**content, version=0)


def _content(file: CaseFile, visit: Visit, register: HouseholdRecorded | None, today: date) -> dict[str, Any] | None:
    """All that an assignment tells but its version."""
    case = file.case
    if register is None or register.version < case.household_version:
        return None
    open_there = [owed for owed in file.open_owed if owed.id in visit.obligation_ids]
    members = {member.person_id: member for member in register.members}
    place = _address(register, visit, [owed.person_id for owed in open_there])
    if place is None or not open_there or any(owed.person_id not in members for owed in open_there):
        return None
    soonest = min(open_there, key=lambda owed: owed.due_on)
    return {
        "case_id": case.case_id,
        "visit_id": visit.id,
        "caseworker": visit.caseworker,
        "residents": tuple(
            Resident(
                person_id=owed.person_id,
                obligation_id=owed.id,
                family_name=members[owed.person_id].family_name,
                given_name=members[owed.person_id].given_name,
                language=members[owed.person_id].language,
                telephone=members[owed.person_id].telephone,
            )
            for owed in open_there
        ),
        "address": place.address,
        "district": visit.district,
        "planned_on": visit.on,
        "window": visit.window,
        "promise": soonest.promise,
        "due_on": soonest.due_on,
        "reason": soonest.reason,
        "stage": case.stage,
        "attempts": len(file.tried(tuple(owed.id for owed in open_there))),
        "next_deadline": next_deadline(case, today),
        "banners": case.banners,
        "alarms": visit.alarms,
    }


def _address(register: HouseholdRecorded, visit: Visit, persons: list[object]) -> AddressRecord | None:
    """The visit's address; where the bailiff's date came first only the dwelling is known, and so where they live now."""
    exact = next((each for each in register.addresses if each.address_id == visit.address_id), None)
    lived = (each for each in register.addresses if each.until is None and set(persons) & set(each.person_ids))
    return exact or next(lived, None)
