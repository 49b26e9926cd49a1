"""Consent (Einwilligung): given by one adult, and withdrawn by the same. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from services.outreach.arranging import Desk
from services.outreach.casefile import CaseFile, Consent
from services.outreach.report import Effect, Report, known_person, not_ahead
from shared.contracts.codes import ConsentForm, ConsentPurpose
from shared.contracts.topics.assessments import ConsentGiven, ConsentWithdrawn
from shared.contracts.topics.field_reports import ConsentReported, ConsentWithdrawalReported
from shared.messaging.model import Rejected


def given(file: CaseFile, report: Report, desk: Desk) -> Effect:
    """Consent for health data is written or electronic (§ 67b II SGB X). Raises Rejected."""
    data = report.data
    assert isinstance(data, ConsentReported)
    not_ahead("given_on", data.given_on, desk)
    known_person(data.person_id, report)
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


def withdrawn(file: CaseFile, report: Report, desk: Desk) -> Effect:
    """Only who gave a consent takes it back. Raises Rejected."""
    data = report.data
    assert isinstance(data, ConsentWithdrawalReported)
    not_ahead("withdrawn_on", data.withdrawn_on, desk)
    consent = next((each for each in file.consents if each.report_id == data.consent_id), None)
    if consent is None:
        raise Rejected("consent_id", "unknown_consent")
    if consent.person_id != data.person_id:
        raise Rejected("person_id", "not_the_one_who_gave_it")
    return withdraw(file, consent, data.withdrawn_on)


def withdraw(file: CaseFile, consent: Consent, on: date) -> Effect:
    """The consent no longer stands; to withdraw it twice changes nothing."""
    if consent.withdrawn:
        return file, []
    consents = tuple(replace(each, withdrawn=True) if each is consent else each for each in file.consents)
    told = ConsentWithdrawn(case_id=file.case.case_id, consent_id=consent.report_id, person_id=consent.person_id, withdrawn_on=on)
    return replace(file, consents=consents), [told]
