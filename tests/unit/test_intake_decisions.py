# ruff: noqa: ANN401  the fields of a notice are anything
"""What intake makes of notices: acceptance checks of the field, told with invented people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from services.intake.desk import Desk
from services.intake.room import IntakeRoom
from shared.city import load_city
from shared.contracts.codes import (
    Answer,
    Banner,
    Basis,
    CaseChange,
    CaseStatus,
    Disclosure,
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
from shared.contracts.topics.cases import CaseClosed, CaseEvent, CaseOpened, CaseReopened, CaseUpdated
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.notices import (
    HearingCancelled,
    HearingMoved,
    NoticeCorrected,
    NoticeRevoked,
    ProceedingEnded,
    ProceedingRef,
    SelfReported,
    TerminationReported,
)
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.parts import GivenAddress
from shared.contracts.topics.referrals import UndertakingSent
from shared.contracts.topics.visits import LegalFactSeen, ReportCorrected
from shared.messaging.model import Decision, Rejected
from shared.runtime.settings import MUENSTER
from tests.unit.intake_words import HOME, REF, TODAY, days, eviction, heard, hearing_set, party, said, service, suit, told

ELSEWHERE = GivenAddress(street="Königsallee", house_number="1", postcode="40212", place="Düsseldorf")
COURT, JOBCENTER, SOCIAL_OFFICE, BAILIFF, LANDLORD, TENANT = (
    "ag-muenster", "jobcenter", "sozialamt", "gerichtsvollzieher", "wohnungsgesellschaft", "selbstmeldung",
)  # fmt: skip


@cache
def a_room() -> IntakeRoom:
    return IntakeRoom(load_city(MUENSTER), new_id=uuid4)


@dataclass
class Office:
    """Intake with everything in memory."""

    desk: Desk

    @classmethod
    def open(cls) -> Office:
        room = a_room()
        numbers = count(1)
        return cls(Desk(TODAY, room._atlas, room._clockwork, lambda: UUID(int=next(numbers))))

    def hear(self, data: BaseModel, partner: str = COURT, message_id: UUID | None = None) -> Decision:
        return a_room().decide(self.desk, heard(data, partner, message_id))

    def told(self, topic: str, by: str, data: BaseModel) -> Decision:
        return a_room().decide(self.desk, told(topic, by, data, days(0, hour=15)))

    @property
    def case(self) -> CaseEvent:
        """The one case; one that a revocation emptied for good does not count."""
        known = [case.last for case in self.desk.cases.values() if case.last]
        (case,) = [each for each in known if each.tenant_ids or len(known) == 1]
        return case

    @property
    def household(self) -> HouseholdRecorded:
        (household,) = self.desk.households.values()
        assert household.record is not None
        return household.record

    def deadline(self, rule: str) -> tuple[date, Basis] | None:
        return next(((each.on, each.basis) for each in self.case.deadlines if each.rule == rule), None)


@pytest.fixture
def office() -> Office:
    return Office.open()


def event_of(decision: Decision) -> CaseEvent:
    return next(one.data for one in decision.said if isinstance(one.data, CaseEvent))


def corrected(of: UUID, content: Any, **fields: Any) -> NoticeCorrected:
    notice: NoticeCorrected = said(NoticeCorrected, corrects=of, content=content, **fields)
    return notice


def revoked(of: UUID) -> NoticeRevoked:
    notice: NoticeRevoked = said(NoticeRevoked, revokes=of)
    return notice


def termination() -> TerminationReported:
    types = (TerminationType.EXTRAORDINARY_ARREARS,)
    notice: TerminationReported = said(TerminationReported, tenants=(party(),), termination_types=types)
    return notice


def seen(office: Office, fact: LegalFact, on: date, evidence: Evidence = Evidence.DOCUMENT) -> Decision:
    report = LegalFactSeen(case_id=office.case.case_id, report_id=uuid4(), fact=fact, on=on, evidence=evidence)
    return office.told("visits", "outreach", report)


def test_the_same_suit_from_two_offices_is_one_case(office: Office) -> None:
    first = office.hear(suit(), JOBCENTER)
    second = office.hear(suit(proceeding=ProceedingRef(court_code="R2713", docket="05 C 0123/2026")), SOCIAL_OFFICE)
    assert first.answer is second.answer is Answer.ACCEPTED
    assert isinstance(event_of(first), CaseOpened)
    assert not any(isinstance(one.data, CaseEvent) for one in second.said)
    assert len(office.desk.said_in(office.case.case_id)) == 2


@pytest.mark.parametrize("in_order", [(JOBCENTER, SOCIAL_OFFICE), (SOCIAL_OFFICE, JOBCENTER)])
@pytest.mark.parametrize("ids", [(1, 2), (2, 1)])
def test_of_two_spellings_at_one_moment_neither_arrival_nor_chance_decides(
    office: Office, in_order: tuple[str, str], ids: tuple[int, int]
) -> None:
    written = {JOBCENTER: ("5 C 123/26", ids[0]), SOCIAL_OFFICE: ("05 C 0123/2026", ids[1])}
    for partner in in_order:
        docket, number = written[partner]
        office.hear(suit(proceeding=ProceedingRef(court_code="R2713", docket=docket)), partner, UUID(int=number))
    (claim,) = office.household.claims
    assert claim.docket == "05 C 0123/2026"


def test_the_same_household_without_a_court_file_is_one_case(office: Office) -> None:
    spelled = GivenAddress(street="Hammerstr.", house_number="12", place="Münster")
    office.hear(
        said(TerminationReported, tenants=(party(),), termination_types=(TerminationType.EXTRAORDINARY_ARREARS,)), LANDLORD
    )
    office.hear(suit(party("BEISPIEL", "Berta", spelled)))
    assert office.case.stage is Stage.SUIT_FILED
    assert len(office.household.members) == 1


def test_a_bailiffs_date_as_the_first_thing_heard_of(office: Office) -> None:
    opened = event_of(office.hear(eviction(days(30), party(), proceeding=REF), BAILIFF))
    assert isinstance(opened, CaseOpened)
    assert opened.stage is Stage.EVICTION_DATE_SET
    assert len(opened.proceedings[0].defendants) == 1
    assert office.deadline("ENFORCEMENT_PROTECTION") == (date(2026, 12, 17), Basis.EXACT)


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


@pytest.mark.parametrize(("partner", "answer"), [(COURT, Answer.FORWARDED), (LANDLORD, None)])
def test_outside_the_city_no_case_is_opened(office: Office, partner: str, answer: Answer | None) -> None:
    notice = suit(party(address=ELSEWHERE))
    if answer is None:
        with pytest.raises(Rejected, match="outside_city"):
            office.hear(notice, partner)
    else:
        assert office.hear(notice, partner).answer is answer
    assert not office.desk.cases
    assert not office.desk.statements


def test_a_separated_partner_elsewhere_stays_in_the_case_and_is_not_found_by_the_other(office: Office) -> None:
    office.hear(suit(party("Beispiel", "Berta"), party("Beispiel", "Bodo", ELSEWHERE), dwelling=HOME))
    by_place = {record.address.place: record for record in office.household.addresses}
    assert by_place["Münster"].disclosure is Disclosure.HOUSEHOLD
    assert by_place["Düsseldorf"].disclosure is Disclosure.PERSON_ONLY
    assert [each.in_city for each in office.case.proceedings[0].defendants] == [True, False]


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


def test_what_names_only_a_court_file_waits_for_its_suit(office: Office) -> None:
    decision = office.hear(hearing_set(days(20)))
    assert (decision.answer, decision.said, office.desk.cases) == (Answer.ACCEPTED, (), {})
    opened = event_of(office.hear(suit()))
    assert opened.stage is Stage.HEARING_SET
    assert CaseChange.HEARING in opened.changes


@pytest.mark.parametrize(
    ("notice", "field", "rule"),
    [
        (suit(party(address=None)), "defendants.0.address", "missing"),
        (said(SelfReported, tenants=(party(address=None),)), "tenants.0.address", "missing"),
        (hearing_set(days(20), proceeding=None), "proceeding", "missing"),
        (suit(filed_on=days(1).date()), "filed_on", "in_the_future"),
        (suit(lis_pendens_on=date(2026, 11, 17)), "lis_pendens_on", "before_filing"),
        (suit(party(served_on=date(2026, 11, 1))), "defendants.0.served_on", "before_filing"),
        (suit(filed_on=date(1926, 11, 18)), "filed_on", "implausible_date"),
        (eviction(datetime(9999, 12, 31, tzinfo=days(0).tzinfo), party()), "eviction_at", "implausible_date"),
        (service(days(2).date()), "served_on", "in_the_future"),
        (corrected(uuid4(), suit(filed_on=days(1).date())), "content.filed_on", "in_the_future"),
    ],
)
def test_a_rejection_names_field_and_rule(office: Office, notice: BaseModel, field: str, rule: str) -> None:
    partner = TENANT if isinstance(notice, SelfReported) else BAILIFF if field == "eviction_at" else COURT
    with pytest.raises(Rejected) as refused:
        office.hear(notice, partner)
    assert (refused.value.field, refused.value.rule) == (field, rule)
    assert not office.desk.statements


def test_a_partner_files_only_what_it_is_registered_for(office: Office) -> None:
    with pytest.raises(Rejected, match="kind_not_allowed"):
        office.hear(suit(), BAILIFF)


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


def test_a_corrected_report_takes_its_fact_with_it(office: Office) -> None:
    office.hear(suit())
    report = LegalFactSeen(
        case_id=office.case.case_id, report_id=uuid4(), fact=LegalFact.SERVED, on=date(2026, 11, 30), evidence=Evidence.DOCUMENT
    )
    first = event_of(office.told("visits", "outreach", report))
    office.told("visits", "outreach", ReportCorrected(case_id=report.case_id, report_id=uuid4(), corrects=report.report_id))
    assert (first.stage, office.case.stage) == (Stage.LIS_PENDENS, Stage.SUIT_FILED)


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


def test_a_second_dwelling_is_a_second_case_of_the_household(office: Office) -> None:
    other = GivenAddress(street="Warendorfer Straße", house_number="3", postcode="48145", place="Münster")
    office.hear(suit())
    second = suit(party(), proceeding=ProceedingRef(court_code="R2713", docket="9 C 1/26"), dwelling=other)
    assert isinstance(event_of(office.hear(second)), CaseOpened)
    assert (len(office.desk.cases), len(office.desk.households)) == (2, 1)


def test_people_of_two_households_in_one_suit_are_flagged(office: Office) -> None:
    for n, given_name in enumerate(("Berta", "Bodo")):
        office.hear(suit(party("Beispiel", given_name), proceeding=ProceedingRef(court_code="R2713", docket=f"{n + 1} C 1/26")))
    office.hear(suit(party("Beispiel", "Berta"), party("Beispiel", "Bodo"), proceeding=REF))
    flagged = [case for case in office.desk.cases.values() if case.last and Banner.POSSIBLE_DUPLICATE in case.last.banners]
    assert (len(flagged), len(office.desk.cases)) == (1, 2)


SUIT_ID, SERVICE_ID = UUID(int=1001), UUID(int=1002)
STORY: list[tuple[str, UUID, BaseModel]] = [
    (COURT, SUIT_ID, suit(party("Beispiel", "Berta"), party("Beispiel", "Bodo"), received_on=days(-9).date())),
    (JOBCENTER, UUID(int=1003), suit(received_on=days(-8).date(), filed_on=date(2026, 11, 17), monthly_rent="500.00")),
    (COURT, SERVICE_ID, service(date(2026, 11, 24), received_on=days(-6).date())),
    (COURT, UUID(int=1004), hearing_set(days(10), received_on=days(-5).date())),
    (COURT, UUID(int=1005), said(HearingMoved, days(-4).date(), proceeding=REF, hearing_at=days(17))),
    (COURT, UUID(int=1006), corrected(SERVICE_ID, service(date(2026, 11, 25)), received_on=days(-3).date())),
    (JOBCENTER, UUID(int=1007), revoked(UUID(int=1003))),
    (COURT, UUID(int=1008), said(HearingCancelled, days(-2).date(), proceeding=REF, hearing_at=days(10))),
    (BAILIFF, UUID(int=1009), eviction(days(40), proceeding=REF, received_on=days(-2).date())),
    (BAILIFF, UUID(int=1010), eviction(days(40), proceeding=REF, status=EvictionStatus.CANCELLED, received_on=days(-1).date())),
]


def outline(case: CaseEvent) -> object:
    """The case without its random ids."""
    return (
        case.stage,
        case.status,
        case.arrears,
        case.received_on,
        case.banners,
        [(each.rule, each.on, each.basis) for each in case.deadlines],
        [(each.filed_on, each.hearing_at, each.hearing_status, each.outcome, len(each.defendants)) for each in case.proceedings],
        sorted(str(served.served_on) for each in case.proceedings for served in each.defendants),
        case.eviction and (case.eviction.eviction_at, case.eviction.status, case.eviction.received_on),
    )


@given(st.permutations(STORY))
def test_any_order_of_messages_gives_the_same_case(story: list[tuple[str, UUID, BaseModel]]) -> None:
    office, straight = Office.open(), Office.open()
    for partner, message_id, notice in STORY:
        straight.hear(notice, partner, message_id)
    for partner, message_id, notice in story:
        office.hear(notice, partner, message_id)
    assert outline(office.case) == outline(straight.case)
    assert straight.case.stage is Stage.HEARING_SET
