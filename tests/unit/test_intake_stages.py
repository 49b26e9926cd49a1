"""What notices and facts make of a case: its stage, deadlines, money, end. Acceptance checks of the field."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from shared.contracts.codes import (
    Banner,
    Basis,
    CaseChange,
    CaseStatus,
    EvictionStatus,
    Evidence,
    HearingStatus,
    LegalFact,
    Origin,
    Outcome,
    ProceedingOutcome,
    Stage,
    TerminationType,
)
from shared.contracts.topics.cases import CaseClosed, CaseReopened, CaseUpdated
from shared.contracts.topics.notices import (
    HearingCancelled,
    HearingMoved,
    ProceedingEnded,
    TerminationReported,
)
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.parts import GivenAddress
from shared.contracts.topics.referrals import UndertakingSent
from tests.unit.intake_office import BAILIFF, ELSEWHERE, JOBCENTER, LANDLORD, SOCIAL_OFFICE, Office, event_of, seen
from tests.unit.intake_words import HOME, REF, TODAY, days, eviction, party, said, service, suit


def test_a_later_service_date_makes_the_deadline_exact(office: Office) -> None:
    office.hear(suit())
    assert office.deadline("SCHONFRIST_END") == (date(2027, 1, 18), Basis.LOWER_BOUND)
    changed = event_of(office.hear(service(date(2026, 11, 23))))
    assert isinstance(changed, CaseUpdated)
    assert {CaseChange.SERVICE, CaseChange.DEADLINES} == set(changed.changes)
    assert changed.stage is Stage.LIS_PENDENS
    assert office.deadline("SCHONFRIST_END") == (date(2027, 1, 25), Basis.EXACT)


@pytest.mark.parametrize(
    ("landlord", "expected"),
    [
        (HOME, ("2027-05-28", Basis.EXACT)),
        (ELSEWHERE, ("2027-05-27", Basis.LOWER_BOUND)),
        (None, ("2027-05-27", Basis.LOWER_BOUND)),
    ],
)
def test_corpus_christi_counts_where_the_landlord_keeps_it_for_sure(
    office: Office, landlord: GivenAddress | None, expected: tuple[str, Basis]
) -> None:
    office.desk.today = date(2027, 4, 1)
    plaintiff = party("Wohnbau", "GmbH", landlord)
    served = party(served_on=date(2027, 3, 27))
    office.hear(suit(served, plaintiffs=(plaintiff,), filed_on=date(2027, 3, 1), received_on=date(2027, 4, 1)))
    on, basis = expected
    assert office.deadline("SCHONFRIST_END") == (date.fromisoformat(on), basis)


def test_of_two_defendants_the_last_service_counts(office: Office) -> None:
    office.hear(suit(party("Beispiel", "Berta"), party("Beispiel", "Bodo")))
    office.hear(service(date(2026, 11, 20), party("Beispiel", "Berta")))
    assert office.deadline("SCHONFRIST_END") == (date(2027, 1, 20), Basis.LOWER_BOUND)
    office.hear(service(date(2026, 11, 26), party("Beispiel", "Bodo", address=None)))
    assert office.deadline("SCHONFRIST_END") == (date(2027, 1, 26), Basis.EXACT)


def test_word_of_mouth_never_moves_a_deadline_later(office: Office) -> None:
    office.hear(suit())
    seen(office, LegalFact.SERVED, date(2026, 11, 27), Evidence.WORD)
    assert office.deadline("SCHONFRIST_END") == (date(2027, 1, 18), Basis.LOWER_BOUND)
    seen(office, LegalFact.SERVED, date(2026, 11, 25))
    assert office.deadline("SCHONFRIST_END") == (date(2027, 1, 25), Basis.EXACT)


def test_who_speaks_for_a_tenant_gives_a_tenants_word(office: Office) -> None:
    office.hear(suit())
    office.hear(service(date(2026, 11, 27), on_behalf_of=Origin.HOUSEHOLD), JOBCENTER)
    (defendant,) = office.case.proceedings[0].defendants
    assert defendant.evidence is Evidence.WORD


def test_missing_money_never_blocks_and_little_money_is_flagged(office: Office) -> None:
    office.hear(suit(monthly_rent="600.00", claimed_arrears="599.99"))
    assert office.case.banners == (Banner.ARREARS_BELOW_THRESHOLD,)
    assert office.case.arrears_months == 0


def test_a_hearing_is_moved_and_cancelled(office: Office) -> None:
    office.hear(suit(hearing_at=days(20)))
    office.hear(said(HearingMoved, proceeding=REF, hearing_at=days(30), previous_at=days(20)))
    office.hear(said(HearingCancelled, proceeding=REF, hearing_at=days(20)))
    assert (office.case.proceedings[0].hearing_at, office.case.stage) == (days(30), Stage.HEARING_SET)
    office.hear(said(HearingCancelled, proceeding=REF))
    assert office.case.proceedings[0].hearing_status is HearingStatus.CANCELLED
    assert (office.case.stage, office.deadline("HEARING")) == (Stage.SUIT_FILED, None)


def test_on_somebodys_word_no_suit_is_over(office: Office) -> None:
    office.hear(suit())
    over = said(
        ProceedingEnded, proceeding=REF, outcome=ProceedingOutcome.WITHDRAWN, decided_on=TODAY, on_behalf_of=Origin.HOUSEHOLD
    )
    office.hear(over, SOCIAL_OFFICE)
    assert (office.case.stage, office.deadline("SCHONFRIST_END")) == (Stage.SUIT_FILED, (date(2027, 1, 18), Basis.LOWER_BOUND))
    office.hear(over.model_copy(update={"on_behalf_of": None}), SOCIAL_OFFICE)
    assert (office.case.stage, office.deadline("SCHONFRIST_END")) == (Stage.WITHDRAWN, None)


def test_a_title_with_an_eviction_period(office: Office) -> None:
    office.hear(suit())
    judged: dict[str, Any] = {"outcome": ProceedingOutcome.JUDGMENT, "decided_on": TODAY, "served_on": TODAY}
    office.hear(said(ProceedingEnded, proceeding=REF, **judged))
    assert (office.case.stage, office.deadline("APPEAL")) == (Stage.TITLE, (date(2027, 1, 4), Basis.EXACT))
    office.hear(said(ProceedingEnded, proceeding=REF, **judged, eviction_period_ends_on=date(2027, 2, 28)))
    extension = office.deadline("EVICTION_PERIOD_EXTENSION")
    assert (office.case.stage, extension) == (Stage.EVICTION_PERIOD, (date(2027, 2, 12), Basis.EXACT))
    office.hear(eviction(days(0, hour=8), proceeding=REF, status=EvictionStatus.EXECUTED), BAILIFF)
    assert (office.case.stage, office.case.status) == (Stage.EVICTED, CaseStatus.OPEN)


def test_a_stayed_eviction_makes_room_for_a_new_date(office: Office) -> None:
    office.hear(suit())
    office.hear(eviction(days(20), proceeding=REF), BAILIFF)
    office.hear(eviction(days(20), proceeding=REF, status=EvictionStatus.STAYED))
    assert (office.case.stage, office.deadline("ENFORCEMENT_PROTECTION")) == (Stage.STAYED, None)
    first = office.case.eviction
    seen(office, LegalFact.EVICTION_DATE, days(50).date())
    assert office.case.stage is Stage.EVICTION_DATE_SET
    assert first is not None
    assert office.case.eviction is not None
    assert office.case.eviction.eviction_id != first.eviction_id


def test_a_paper_at_the_door_proves_a_suit_nobody_reported(office: Office) -> None:
    office.hear(
        said(TerminationReported, tenants=(party(),), termination_types=(TerminationType.EXTRAORDINARY_ARREARS,)), LANDLORD
    )
    assert (office.case.stage, office.case.proceedings) == (Stage.TERMINATED, ())
    seen(office, LegalFact.SERVED, date(2026, 11, 30))
    assert office.case.stage is Stage.LIS_PENDENS
    (found,) = office.case.proceedings
    assert len(found.defendants) == 1
    office.hear(suit(received_on=TODAY))
    assert [each.proceeding_id for each in office.case.proceedings] == [found.proceeding_id]


@pytest.mark.parametrize(
    ("received", "types", "stage", "banners"),
    [
        (date(2027, 1, 18), (TerminationType.EXTRAORDINARY_ARREARS,), Stage.HEALED, ()),
        (date(2027, 1, 19), (TerminationType.EXTRAORDINARY_ARREARS,), Stage.SUIT_FILED, ()),
        (date(2027, 1, 18), (TerminationType.ORDINARY_OWN_USE,), Stage.SUIT_FILED, ()),
        (
            date(2027, 1, 18),
            (TerminationType.EXTRAORDINARY_ARREARS, TerminationType.ORDINARY_BREACH),
            Stage.HEALED,
            (Banner.ORDINARY_TERMINATION_REMAINS,),
        ),
    ],
)
def test_an_undertaking_heals_when_the_landlord_has_it_in_time(
    office: Office, received: date, types: tuple[TerminationType, ...], stage: Stage, banners: tuple[Banner, ...]
) -> None:
    office.hear(suit(termination_types=types))
    case_id = office.case.case_id
    undertaking = {"case_id": case_id, "referral_id": uuid4(), "provider": "sozialamt", "sent_on": received}
    office.told("referrals", "referral", UndertakingSent.model_validate(undertaking))
    assert office.case.stage is Stage.SUIT_FILED
    office.told("referrals", "referral", UndertakingSent.model_validate({**undertaking, "received_by_landlord_on": received}))
    assert (office.case.stage, office.case.banners, office.case.status) == (stage, banners, CaseStatus.OPEN)


def test_an_outcome_closes_and_only_a_new_threat_reopens(office: Office) -> None:
    office.hear(suit(), JOBCENTER)
    outcome = OutcomeRecorded(case_id=office.case.case_id, outcome=Outcome.TENANCY_KEPT_INSTALMENTS, ended_on=TODAY)
    assert isinstance(event_of(office.told("outcomes", "outreach", outcome)), CaseClosed)
    office.hear(suit(), SOCIAL_OFFICE)
    office.hear(said(ProceedingEnded, proceeding=REF, outcome=ProceedingOutcome.WITHDRAWN, decided_on=TODAY))
    assert office.case.status is CaseStatus.CLOSED
    reopened = event_of(office.hear(eviction(days(30), party()), BAILIFF))
    assert isinstance(reopened, CaseReopened)
    assert CaseChange.REOPENED in reopened.changes
