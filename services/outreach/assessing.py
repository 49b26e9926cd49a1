"""What a talk brought: causes, needs, advice. The newest talk that stands is the assessment. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

from services.outreach.casefile import CaseFile, Told
from services.outreach.report import Effect
from shared.contracts.topics.assessments import AssessmentRecorded, Cause
from shared.contracts.topics.field_reports import Talk
from shared.messaging.model import Rejected


def talked(file: CaseFile, report_id: UUID, on: date, talk: Talk | None) -> Effect:
    """Keep what a talk brought, and tell it. Raises Rejected unless exactly one cause is primary and none comes twice."""
    if talk is None:
        return file, []
    named = [cause.cause for cause in talk.causes]
    if named and (sum(cause.primary for cause in talk.causes) != 1 or len(set(named)) != len(named)):
        raise Rejected("talk.causes", "one_primary_none_twice")
    told = Told(report_id, on, talk)
    return replace(file, talks=(*file.talks, told)), [assessment(file, report_id, told)]


def assessment(file: CaseFile, report_id: UUID, told: Told | None) -> AssessmentRecorded:
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
