"""Notices and reports corrected or revoked: what rests on them goes, in whatever order it comes."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

from shared.contracts.codes import (
    Answer,
    CaseChange,
    CaseStatus,
    Evidence,
    LegalFact,
    Stage,
)
from shared.contracts.topics.cases import CaseClosed
from shared.contracts.topics.notices import (
    ProceedingRef,
)
from shared.contracts.topics.visits import LegalFactSeen, ReportCorrected
from tests.unit.intake_office import COURT, JOBCENTER, SOCIAL_OFFICE, Office, corrected, event_of, revoked
from tests.unit.intake_words import TODAY, days, hearing_set, suit


def test_a_revoked_notice_leaves_nothing_behind(office: Office) -> None:
    notice = uuid4()
    office.hear(suit(), message_id=notice)
    closed = event_of(office.hear(revoked(notice)))
    assert isinstance(closed, CaseClosed)
    assert {CaseChange.REVOCATION, CaseChange.CLOSED} <= set(closed.changes)
    assert (closed.proceedings, closed.tenant_ids, closed.deadlines) == ((), (), ())
    assert (office.household.members, office.household.addresses, office.household.claims) == ((), (), ())
    assert not office.desk.keys


def test_a_revocation_takes_only_what_rests_on_its_notice_alone(office: Office) -> None:
    notice = uuid4()
    office.hear(suit(monthly_rent="700.00"), JOBCENTER, notice)
    office.hear(suit(), SOCIAL_OFFICE)
    office.hear(revoked(notice), JOBCENTER)
    assert office.case.status is CaseStatus.OPEN
    assert len(office.case.proceedings[0].defendants) == 1
    assert office.household.claims[0].monthly_rent is None


def test_a_revocation_counts_from_the_notices_own_source_alone_and_may_overtake_it(office: Office) -> None:
    notice = uuid4()
    assert office.hear(revoked(notice), JOBCENTER).answer is Answer.ACCEPTED
    office.hear(suit(), COURT, notice)
    assert office.case.status is CaseStatus.OPEN
    other = Office.open()
    other.hear(revoked(notice))
    assert other.hear(suit(), message_id=notice).answer is Answer.ACCEPTED
    assert not other.desk.cases


def test_a_correction_may_overtake_its_notice_and_be_corrected_itself(office: Office) -> None:
    notice, first = uuid4(), uuid4()
    office.hear(corrected(first, suit(filed_on=date(2026, 11, 16)), received_on=TODAY))
    office.hear(corrected(notice, suit(filed_on=date(2026, 11, 17)), received_on=days(-1).date()), message_id=first)
    office.hear(suit(received_on=days(-2).date()), message_id=notice)
    assert office.case.proceedings[0].filed_on == date(2026, 11, 16)


def test_a_corrected_court_file_is_still_the_same_proceeding(office: Office) -> None:
    notice = uuid4()
    office.hear(suit(), message_id=notice)
    before = office.case.proceedings[0].proceeding_id
    right = ProceedingRef(court_code="R2713", docket="7 C 9/26")
    office.hear(corrected(notice, suit(proceeding=right)))
    assert office.case.proceedings[0].proceeding_id == before
    office.hear(hearing_set(days(20), proceeding=right))
    assert office.case.stage is Stage.HEARING_SET


def test_a_corrected_report_takes_its_fact_with_it(office: Office) -> None:
    office.hear(suit())
    report = LegalFactSeen(
        case_id=office.case.case_id, report_id=uuid4(), fact=LegalFact.SERVED, on=date(2026, 11, 30), evidence=Evidence.DOCUMENT
    )
    first = event_of(office.told("visits", "outreach", report))
    office.told("visits", "outreach", ReportCorrected(case_id=report.case_id, report_id=uuid4(), corrects=report.report_id))
    assert (first.stage, office.case.stage) == (Stage.LIS_PENDENS, Stage.SUIT_FILED)
