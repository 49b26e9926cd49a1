"""What a field report changes in a case's file, and what is told of it. Pure; raises Rejected before anything changed.

Notes never come this far: the room keeps them apart, and no event carries one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.outreach.arranging import Desk, limit, without_slot
from services.outreach.casefile import Attempt, CaseFile, Consent, Contact, ReportRef, Told, Visit, Waiver
from services.outreach.planning import Slot
from services.outreach.staff import caseworker
from services.outreach.visits import CLARIFY, reopened, settle
from shared.calendar import is_working_day
from shared.contracts.codes import (
    AttemptResult,
    Banner,
    ConsentForm,
    ConsentPurpose,
    ContactKind,
    Evidence,
    WaiverReason,
)
from shared.contracts.fields import Event
from shared.contracts.topics.assessments import AssessmentRecorded, Cause, ConsentGiven, ConsentWithdrawn
from shared.contracts.topics.field_reports import (
    AttemptReported,
    ConsentReported,
    ConsentWithdrawalReported,
    ContactReported,
    FieldReport,
    HandedBack,
    LegalFactReported,
    OutcomeReported,
    ReportCorrection,
    SlotReported,
    Talk,
    WaiverReported,
)
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.visits import ContactMade, LegalFactSeen, ReportCorrected, VisitAttempted
from shared.messaging.model import Rejected

Effect = tuple[CaseFile, list[Event]]

_NO_WAIVER = frozenset({WaiverReason.NOTICE_REVOKED, WaiverReason.CASE_ERASED})
"""These void an obligation by themselves; nobody waives for them."""


@dataclass(frozen=True, slots=True)
class Report:
    """A field report: its id, who sent it, and the persons whom its case knows."""

    id: UUID
    sender: str
    data: FieldReport
    persons: frozenset[UUID]


def take(file: CaseFile, report: Report, desk: Desk) -> Effect:
    """The file after the report, visits not yet arranged, and what to tell.

    Raises:
        Rejected: the report breaks a rule; names field and rule.
    """
    effect = _EFFECTS[type(report.data)]
    after, said = effect(file, report, desk)
    after = replace(after, reports=(*after.reports, ReportRef(report.id, report.sender, report.data.TYPE)))
    return after, said


def _attempt(file: CaseFile, report: Report, desk: Desk) -> Effect:
    data = report.data
    assert isinstance(data, AttemptReported)
    _not_ahead("attempted_on", data.attempted_on, desk)
    ids = _concerned(file, data)
    talked = _talk(file, report.id, data.attempted_on, data.talk)
    attempt = Attempt(report.id, ids, data.attempted_on, data.window, data.result, data.information_handed_over)
    unclear = data.result if data.result in CLARIFY else None
    visits = tuple(
        replace(without_slot(visit), clarification=unclear) if _goes_to(visit, ids) else visit for visit in file.visits
    )
    told = VisitAttempted(
        case_id=file.case.case_id,
        report_id=report.id,
        visit_id=data.visit_id,
        obligation_ids=ids,
        attempted_on=data.attempted_on,
        window=data.window,
        result=data.result,
        information_handed_over=data.information_handed_over,
    )
    after, ends = settle(replace(talked[0], attempts=(*file.attempts, attempt), visits=visits), desk.city.visits.attempts)
    return after, [told, *ends, *talked[1]]


def _concerned(file: CaseFile, data: AttemptReported) -> tuple[UUID, ...]:
    """The obligations an attempt speaks of: its visit's; or the open ones at its address; or all open ones."""
    if data.visit_id is not None:
        visit = file.visit(data.visit_id)
        if visit is None:
            raise Rejected("visit_id", "unknown_visit")
        void = {owed.id for owed in file.owed if owed.void}
        return tuple(each for each in visit.obligation_ids if each not in void)
    if data.address_id is None:
        return tuple(owed.id for owed in file.open_owed)
    if all(owed.address_id != data.address_id for owed in file.owed):
        raise Rejected("address_id", "unknown_address")
    return tuple(owed.id for owed in file.open_owed if owed.address_id == data.address_id)


def _goes_to(visit: Visit, obligation_ids: tuple[UUID, ...]) -> bool:
    return not visit.closed and bool(set(visit.obligation_ids) & set(obligation_ids))


def _contact(file: CaseFile, report: Report, desk: Desk) -> Effect:
    data = report.data
    assert isinstance(data, ContactReported)
    _not_ahead("contacted_on", data.contacted_on, desk)
    after, said = _talk(file, report.id, data.contacted_on, data.talk)
    contact = Contact(report.id, data.contact, data.contacted_on, data.reached)
    told = ContactMade(
        case_id=file.case.case_id,
        report_id=report.id,
        kind=data.contact,
        contacted_on=data.contacted_on,
        reached=data.reached,
    )
    return replace(after, contacts=(*file.contacts, contact)), [told, *said]


def _talk(file: CaseFile, report_id: UUID, on: date, talk: Talk | None) -> Effect:
    if talk is None:
        return file, []
    named = [cause.cause for cause in talk.causes]
    if named and (sum(cause.primary for cause in talk.causes) != 1 or len(set(named)) != len(named)):
        raise Rejected("talk.causes", "one_primary_none_twice")
    told = Told(report_id, on, talk)
    return replace(file, talks=(*file.talks, told)), [_assessment(file, report_id, told)]


def _assessment(file: CaseFile, report_id: UUID, told: Told | None) -> AssessmentRecorded:
    """The assessment as the last standing talk left it; empty where none stands."""
    talk = told.talk if told else Talk()
    assert told is not None or file.talks
    return AssessmentRecorded(
        case_id=file.case.case_id,
        report_id=report_id,
        assessed_on=told.on if told else file.talks[-1].on,
        district=file.case.district,
        topics=talk.topics,
        causes=tuple(Cause(cause=each.cause, primary=each.primary, asserted_by=each.asserted_by) for each in talk.causes),
        needs=talk.needs,
        household_type=talk.household_type,
        benefit=talk.benefit,
        languages=talk.languages,
    )


def _legal_fact(file: CaseFile, report: Report, desk: Desk) -> Effect:
    data = report.data
    assert isinstance(data, LegalFactReported)
    del desk  # a hearing or an eviction lies ahead, a service behind: any day may be right
    if data.evidence is Evidence.COURT:
        raise Rejected("evidence", "document_or_word")
    _known_person(data.person_id, report)
    known = {proceeding.proceeding_id for proceeding in file.case.proceedings}
    if data.proceeding_id is not None and data.proceeding_id not in known:
        raise Rejected("proceeding_id", "unknown_proceeding")
    told = LegalFactSeen(
        case_id=file.case.case_id,
        report_id=report.id,
        fact=data.fact,
        on=data.on,
        evidence=data.evidence,
        person_id=data.person_id,
        proceeding_id=data.proceeding_id,
    )
    return file, [told]


def _consent(file: CaseFile, report: Report, desk: Desk) -> Effect:
    data = report.data
    assert isinstance(data, ConsentReported)
    _not_ahead("given_on", data.given_on, desk)
    _known_person(data.person_id, report)
    if data.purpose is ConsentPurpose.HEALTH_DATA and data.form is ConsentForm.ORAL:
        raise Rejected("form", "written_or_electronic")
    told = ConsentGiven(
        case_id=file.case.case_id,
        consent_id=report.id,
        person_id=data.person_id,
        purpose=data.purpose,
        form=data.form,
        given_on=data.given_on,
    )
    consent = Consent(report.id, data.person_id, data.purpose)
    return replace(file, consents=(*file.consents, consent)), [told]


def _consent_withdrawn(file: CaseFile, report: Report, desk: Desk) -> Effect:
    data = report.data
    assert isinstance(data, ConsentWithdrawalReported)
    _not_ahead("withdrawn_on", data.withdrawn_on, desk)
    consent = next((each for each in file.consents if each.report_id == data.consent_id), None)
    if consent is None:
        raise Rejected("consent_id", "unknown_consent")
    if consent.person_id != data.person_id:
        raise Rejected("person_id", "not_the_one_who_gave_it")
    return _withdraw_consent(file, consent, data.withdrawn_on)


def _withdraw_consent(file: CaseFile, consent: Consent, on: date) -> Effect:
    if consent.withdrawn:
        return file, []
    consents = tuple(replace(each, withdrawn=True) if each is consent else each for each in file.consents)
    told = ConsentWithdrawn(case_id=file.case.case_id, consent_id=consent.report_id, person_id=consent.person_id, withdrawn_on=on)
    return replace(file, consents=consents), [told]


def _slot(file: CaseFile, report: Report, desk: Desk) -> Effect:
    """Kept, or moved by the caseworker; from the team's queue the reporting caseworker takes it."""
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


def _handed_back(file: CaseFile, report: Report, desk: Desk) -> Effect:
    data = report.data
    assert isinstance(data, HandedBack)
    visit = _open_visit(file, data.visit_id)
    if visit.caseworker is None:
        raise Rejected("visit_id", "already_in_the_queue")
    desk.diary.release(visit.id)
    given_up = replace(without_slot(visit), caseworker=None, handed_back=(*visit.handed_back, visit.caseworker))
    return _with_visit(file, given_up), []


def _waiver(file: CaseFile, report: Report, desk: Desk) -> Effect:
    data = report.data
    assert isinstance(data, WaiverReported)
    if data.second_person.casefold() == data.actor.casefold():
        raise Rejected("second_person", "second_person")
    if data.reason in _NO_WAIVER:
        raise Rejected("reason", "not_for_a_waiver")
    open_ids = {owed.id for owed in file.open_owed}
    if not set(data.obligation_ids) <= open_ids:
        raise Rejected("obligation_ids", "not_an_open_obligation")
    if data.reason is WaiverReason.HOUSEHOLD_WANTS_NO_VISIT and not _spoke(file):
        raise Rejected("reason", "contact_first")
    waiver = Waiver(report.id, data.obligation_ids, data.reason, data.occurred_on or data.received())
    return settle(replace(file, waivers=(*file.waivers, waiver)), desk.city.visits.attempts)


def _spoke(file: CaseFile) -> bool:
    """Whether the household itself could say so: at the door, on the telephone or in the office."""
    direct = (ContactKind.TELEPHONE, ContactKind.OFFICE)
    at_door = (AttemptResult.MET, AttemptResult.REFUSED_AT_DOOR)
    return any(each.reached and each.kind in direct for each in file.contacts) or any(
        each.result in at_door for each in file.attempts
    )


def _correction(file: CaseFile, report: Report, desk: Desk) -> Effect:
    """An earlier report of the same sender no longer counts: what rested on it alone is undone."""
    data = report.data
    assert isinstance(data, ReportCorrection)
    wrong = next((each for each in file.reports if (each.id, each.sender) == (data.corrects, report.sender)), None)
    if wrong is None:
        raise Rejected("corrects", "unknown_report")
    if wrong.type not in _CORRECTABLE:
        raise Rejected("corrects", "report_the_new_state_instead")
    without = replace(
        file,
        attempts=tuple(each for each in file.attempts if each.report_id != wrong.id),
        waivers=tuple(each for each in file.waivers if each.report_id != wrong.id),
        contacts=tuple(each for each in file.contacts if each.report_id != wrong.id),
        talks=tuple(each for each in file.talks if each.report_id != wrong.id),
        reports=tuple(each for each in file.reports if each.id != wrong.id),
        visits=tuple(_clear(visit, file, wrong.id) for visit in file.visits),
    )
    said: list[Event] = []
    if len(without.talks) != len(file.talks):
        said.append(_assessment(file, report.id, without.talks[-1] if without.talks else None))
    consent = next((each for each in file.consents if each.report_id == wrong.id), None)
    if consent is not None:
        without, withdrawn = _withdraw_consent(without, consent, desk.today)
        said += withdrawn
    after, ends = settle(without, desk.city.visits.attempts)
    told = ReportCorrected(
        case_id=file.case.case_id,
        report_id=report.id,
        corrects=wrong.id,
        reopened_obligation_ids=reopened(file, after),
    )
    return after, [told, *ends, *said]


def _clear(visit: Visit, file: CaseFile, report_id: UUID) -> Visit:
    """A clarification falls with the attempt that asked for it."""
    wrong = next((each for each in file.attempts if each.report_id == report_id), None)
    asked = wrong is not None and wrong.result is visit.clarification and _goes_to(visit, wrong.obligation_ids)
    return replace(visit, clarification=None) if asked else visit


def _outcome(file: CaseFile, report: Report, desk: Desk) -> Effect:
    data = report.data
    assert isinstance(data, OutcomeReported)
    _not_ahead("ended_on", data.ended_on, desk)
    if file.open_owed:
        raise Rejected("outcome", "open_obligation")
    remains = Banner.ORDINARY_TERMINATION_REMAINS in file.case.banners
    if data.outcome.startswith("TENANCY_KEPT_") and remains and not data.ordinary_termination_settled:
        raise Rejected("ordinary_termination_settled", "ordinary_termination_remains")
    told = OutcomeRecorded(
        case_id=file.case.case_id, outcome=data.outcome, ended_on=data.ended_on, revises=file.outcome is not None
    )
    return replace(file, outcome=told), [told]


def _not_ahead(field: str, day: date, desk: Desk) -> None:
    if day > desk.today:
        raise Rejected(field, "in_the_future")


def _known_person(person_id: UUID | None, report: Report) -> None:
    if person_id is not None and person_id not in report.persons:
        raise Rejected("person_id", "unknown_person")


def _open_visit(file: CaseFile, visit_id: UUID) -> Visit:
    visit = file.visit(visit_id)
    if visit is None:
        raise Rejected("visit_id", "unknown_visit")
    if visit.closed:
        raise Rejected("visit_id", "visit_has_ended")
    return visit


def _with_visit(file: CaseFile, visit: Visit) -> CaseFile:
    return replace(file, visits=tuple(visit if each.id == visit.id else each for each in file.visits))


_EFFECTS: dict[type[FieldReport], Callable[[CaseFile, Report, Desk], Effect]] = {
    AttemptReported: _attempt,
    ContactReported: _contact,
    LegalFactReported: _legal_fact,
    ConsentReported: _consent,
    ConsentWithdrawalReported: _consent_withdrawn,
    SlotReported: _slot,
    HandedBack: _handed_back,
    WaiverReported: _waiver,
    ReportCorrection: _correction,
    OutcomeReported: _outcome,
}

_CORRECTABLE = frozenset(
    kind.TYPE for kind in (AttemptReported, ContactReported, LegalFactReported, ConsentReported, WaiverReported)
)
"""The others are put right by the next report of their kind."""
