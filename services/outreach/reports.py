"""What a field report changes in a case's file, and what is told of it. Pure; raises Rejected before anything changed.

Notes never come this far: the room keeps them apart, and no event carries one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from services.outreach import consents, slots
from services.outreach.arranging import Desk, without_slot
from services.outreach.assessing import assessment, talked
from services.outreach.casefile import Attempt, CaseFile, Contact, ReportRef, Visit, Waiver
from services.outreach.report import Effect, Report, known_person, not_ahead
from services.outreach.visits import CLARIFY, reopened, settle
from shared.contracts.codes import AttemptResult, Banner, ContactKind, Evidence, WaiverReason
from shared.contracts.fields import Event
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
    WaiverReported,
)
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.visits import ContactMade, LegalFactSeen, ReportCorrected, VisitAttempted
from shared.messaging.model import Rejected

_NO_WAIVER = frozenset({WaiverReason.NOTICE_REVOKED, WaiverReason.CASE_ERASED})
"""These void an obligation by themselves; nobody waives for them."""


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
    not_ahead("attempted_on", data.attempted_on, desk)
    ids = _concerned(file, data)
    brought = talked(file, report.id, data.attempted_on, data.talk)
    attempt = Attempt(report.id, ids, data.attempted_on, data.window, data.result, data.information_handed_over)
    unclear = data.result if data.result in CLARIFY else None
    roots = file.roots()
    concerned = tuple(dict.fromkeys((*ids, *(roots[each] for each in ids))))
    visits = tuple(
        replace(without_slot(visit), clarification=unclear) if _goes_to(visit, concerned) else visit for visit in file.visits
    )
    told = VisitAttempted(
        case_id=file.case.case_id,
        report_id=report.id,
        visit_id=data.visit_id,
        obligation_ids=concerned,
        attempted_on=data.attempted_on,
        window=data.window,
        result=data.result,
        information_handed_over=data.information_handed_over,
    )
    after, ends = settle(replace(brought[0], attempts=(*file.attempts, attempt), visits=visits), desk.city.visits.attempts)
    return after, [told, *ends, *brought[1]]


def _concerned(file: CaseFile, data: AttemptReported) -> tuple[UUID, ...]:
    """The obligations an attempt speaks of: its visit's; or the open ones at its address; or all open ones."""
    if data.visit_id is not None:
        visit = file.visit(data.visit_id)
        if visit is None:
            raise Rejected("visit_id", "unknown_visit")
        roots, void = file.roots(), {owed.id for owed in file.owed if owed.void and not owed.doubles}
        return tuple(each for each in visit.obligation_ids if each not in void and _known_at_the_door(visit, (each, roots[each])))
    if data.address_id is None:
        return tuple(owed.id for owed in file.open_owed)
    if all(owed.address_id != data.address_id for owed in file.owed):
        raise Rejected("address_id", "unknown_address")
    return tuple(owed.id for owed in file.open_owed if owed.address_id == data.address_id)


def _known_at_the_door(visit: Visit, same: tuple[UUID, ...]) -> bool:
    """Whether an assignment of the visit has named one of these. Of a visit that never left, who reports it knows from elsewhere.

    On which day it did is not asked: inputs that are read again after a database was lost are decided later than they came.
    """
    return not visit.version or visit.named is None or bool(set(visit.named) & set(same))


def _goes_to(visit: Visit, obligation_ids: tuple[UUID, ...]) -> bool:
    return not visit.closed and bool(set(visit.obligation_ids) & set(obligation_ids))


def _contact(file: CaseFile, report: Report, desk: Desk) -> Effect:
    data = report.data
    assert isinstance(data, ContactReported)
    not_ahead("contacted_on", data.contacted_on, desk)
    after, said = talked(file, report.id, data.contacted_on, data.talk)
    contact = Contact(report.id, data.contact, data.contacted_on, data.reached)
    told = ContactMade(
        case_id=file.case.case_id,
        report_id=report.id,
        kind=data.contact,
        contacted_on=data.contacted_on,
        reached=data.reached,
    )
    return replace(after, contacts=(*file.contacts, contact)), [told, *said]


def _legal_fact(file: CaseFile, report: Report, desk: Desk) -> Effect:
    data = report.data
    assert isinstance(data, LegalFactReported)
    del desk  # a hearing or an eviction lies ahead, a service behind: any day may be right
    if data.evidence is Evidence.COURT:
        raise Rejected("evidence", "document_or_word")
    known_person(data.person_id, report)
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


def _waiver(file: CaseFile, report: Report, desk: Desk) -> Effect:
    data = report.data
    assert isinstance(data, WaiverReported)
    if data.second_person.casefold() == data.actor.casefold():
        raise Rejected("second_person", "second_person")
    if data.reason in _NO_WAIVER:
        raise Rejected("reason", "not_for_a_waiver")
    roots, still_open = file.roots(), {owed.id for owed in file.open_owed}
    if not {roots.get(each) for each in data.obligation_ids} <= still_open:
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
        said.append(assessment(file, report.id, without.talks[-1] if without.talks else None))
    consent = next((each for each in file.consents if each.report_id == wrong.id), None)
    if consent is not None:
        without, gone = consents.withdraw(without, consent, desk.today)
        said += gone
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
    not_ahead("ended_on", data.ended_on, desk)
    if file.open_owed:
        raise Rejected("outcome", "open_obligation")
    remains = Banner.ORDINARY_TERMINATION_REMAINS in file.case.banners
    if data.outcome.startswith("TENANCY_KEPT_") and remains and not data.ordinary_termination_settled:
        raise Rejected("ordinary_termination_settled", "ordinary_termination_remains")
    told = OutcomeRecorded(
        case_id=file.case.case_id,
        outcome=data.outcome,
        ended_on=data.ended_on,
        revises=file.outcome is not None,
        absorbed=file.absorbed,
    )
    return replace(file, outcome=told), [told]


_EFFECTS: dict[type[FieldReport], Callable[[CaseFile, Report, Desk], Effect]] = {
    AttemptReported: _attempt,
    ContactReported: _contact,
    LegalFactReported: _legal_fact,
    ConsentReported: consents.given,
    ConsentWithdrawalReported: consents.withdrawn,
    SlotReported: slots.chosen,
    HandedBack: slots.handed_back,
    WaiverReported: _waiver,
    ReportCorrection: _correction,
    OutcomeReported: _outcome,
}

_CORRECTABLE = frozenset(
    kind.TYPE for kind in (AttemptReported, ContactReported, LegalFactReported, ConsentReported, WaiverReported)
)
"""The others are put right by the next report of their kind."""
