"""Whose case a notice is: acceptance checks of the field, told with invented people."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from shared.contracts.codes import (
    Answer,
    Banner,
    Basis,
    CaseChange,
    Disclosure,
    EvictionStatus,
    Stage,
    TerminationType,
)
from shared.contracts.topics.cases import CaseEvent, CaseOpened
from shared.contracts.topics.notices import (
    HearingCancelled,
    HearingMoved,
    ProceedingRef,
    SelfReported,
    TerminationReported,
)
from shared.contracts.topics.parts import GivenAddress
from shared.messaging.model import Rejected
from tests.unit.intake_office import (
    BAILIFF,
    COURT,
    ELSEWHERE,
    JOBCENTER,
    LANDLORD,
    SOCIAL_OFFICE,
    TENANT,
    Office,
    corrected,
    event_of,
    revoked,
)
from tests.unit.intake_words import HOME, REF, days, eviction, hearing_set, party, said, service, suit


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
