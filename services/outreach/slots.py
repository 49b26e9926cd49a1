"""A slot kept or moved, and a visit handed back, as caseworkers report it. Pure."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from services.outreach.arranging import Desk, limit, without_slot
from services.outreach.casefile import CaseFile, Visit
from services.outreach.planning import Slot
from services.outreach.report import Effect, Report
from services.outreach.staff import caseworker
from shared.calendar import is_working_day
from shared.contracts.topics.field_reports import HandedBack, SlotReported
from shared.messaging.model import Rejected


def chosen(file: CaseFile, report: Report, desk: Desk) -> Effect:
    """Kept, or moved by the caseworker; from the team's queue the reporting caseworker takes it. Raises Rejected."""
    data = report.data
    assert isinstance(data, SlotReported)
    visit = _open_visit(file, data.visit_id)
    who = caseworker(desk.city, visit.caseworker)
    if who is None or who.absent(data.planned_on):
        who = caseworker(desk.city, data.actor)
    if who is None or who.team != visit.team:
        raise Rejected("actor", "not_a_caseworker_of_the_team")
    if data.planned_on < desk.today:
        raise Rejected("planned_on", "in_the_past")
    if not is_working_day(data.planned_on, desk.city.calendar):
        raise Rejected("planned_on", "no_working_day")
    if who.absent(data.planned_on):
        raise Rejected("planned_on", "caseworker_absent")
    seat = desk.diary.seat(who, data.planned_on, data.window, visit.id)
    if seat is None:
        raise Rejected("window", "slot_taken")
    same = (visit.caseworker, visit.on, visit.window) == (who.id, data.planned_on, data.window)
    seat = visit.seat if same and visit.seat else seat
    desk.diary.book(visit.id, Slot(who.id, data.planned_on, data.window, seat))
    moved = replace(
        visit,
        caseworker=who.id,
        on=data.planned_on,
        window=data.window,
        seat=seat,
        clarification=None,
        agreed_by=limit(file, visit, desk),
    )
    return _with_visit(file, moved), []


def handed_back(file: CaseFile, report: Report, desk: Desk) -> Effect:
    """Somebody else must go. Raises Rejected."""
    data = report.data
    assert isinstance(data, HandedBack)
    visit = _open_visit(file, data.visit_id)
    if visit.caseworker is None:
        raise Rejected("visit_id", "already_in_the_queue")
    desk.diary.release(visit.id)
    given_up = replace(without_slot(visit), caseworker=None, handed_back=(*visit.handed_back, visit.caseworker))
    return _with_visit(file, given_up), []


def _open_visit(file: CaseFile, visit_id: UUID) -> Visit:
    visit = file.visit(visit_id)
    if visit is None:
        raise Rejected("visit_id", "unknown_visit")
    if visit.closed:
        raise Rejected("visit_id", "visit_has_ended")
    return visit


def _with_visit(file: CaseFile, visit: Visit) -> CaseFile:
    return replace(file, visits=tuple(visit if each.id == visit.id else each for each in file.visits))
