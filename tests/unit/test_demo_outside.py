"""The simulated caseworkers and providers: what they do hangs on names and the seed, never on ids or on who was asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

from deploy.demo.digest import Digest, difference
from deploy.demo.fieldwork import FieldWork, Home
from deploy.demo.helpers import Helpers
from deploy.demo.letters import Letter
from deploy.local.system import MUENSTER
from shared.calendar import next_working_day
from shared.city import load_city
from shared.contracts.codes import (
    AttemptResult,
    HouseholdType,
    Need,
    NeedGroup,
    ObligationReason,
    Outcome,
    Promise,
    Stage,
    TransmissionBasis,
    Window,
    WithdrawReason,
)
from shared.contracts.topics.assignments import AssignmentChanged, AssignmentCreated, AssignmentWithdrawn, Resident
from shared.contracts.topics.field_reports import AttemptReported, OutcomeReported, SlotReported, WaiverReported
from shared.contracts.topics.handovers import HandedPerson, HandoverMade
from shared.contracts.topics.offers import OfferMade
from shared.contracts.topics.parts import Address
from shared.contracts.topics.replies import ApplicationAnswered, OfferAccepted
from shared.runtime.clock import BERLIN

CITY = load_city(MUENSTER)
MONDAY = date(2026, 11, 23)
DOOR = ("Musterfrau", "Erika", "Hammer Straße", "1")


def at(day: date, hour: int = 12) -> datetime:
    return datetime.combine(day, time(hour), BERLIN)


def assignment(**changes: Any) -> AssignmentCreated:  # noqa: ANN401  the fields of an assignment
    family, given, street, number = DOOR
    person = Resident(person_id=uuid4(), obligation_id=uuid4(), family_name=family, given_name=given)
    fields: dict[str, Any] = {
        "case_id": uuid4(), "visit_id": uuid4(), "version": 1, "caseworker": "fk-01", "residents": (person,),
        "address": Address(street=street, house_number=number), "district": "MITTE", "planned_on": date(2026, 11, 24),
        "window": Window.MORNING, "promise": Promise.WD5, "due_on": date(2026, 11, 30), "reason": ObligationReason.SUIT,
        "stage": Stage.SUIT_FILED,
    }  # fmt: skip
    return AssignmentCreated(**(fields | changes))


def worked(home: Home, days: int, **changes: Any) -> list[Letter]:  # noqa: ANN401  the fields of an assignment
    """All letters of so many days; outreach answers each report by keeping the visit open."""
    field_work = FieldWork(1, CITY, {DOOR: home})
    given = assignment(**changes)
    field_work.hear("mitte", given)
    letters, day = [], MONDAY
    for version in range(2, days + 2):
        letters += list(field_work.slots(at(day)))
        letters += list(field_work.reports(at(day, 19)))
        field_work.hear("mitte", AssignmentChanged(**{**dict(given), "version": version}))
        day = next_working_day(day)
    return letters


def of(letters: Iterable[Letter], kind: type) -> list[Any]:
    return [each.data for each in letters if isinstance(each.data, kind)]


def test_first_visit_keeps_the_promise_and_no_slot_is_chosen_twice() -> None:
    letters = worked(Home(results=(AttemptResult.MET,)), 1, due_on=MONDAY)
    (slot,) = of(letters, SlotReported)
    assert slot.planned_on == MONDAY
    field_work = FieldWork(1, CITY, {})
    field_work.hear("mitte", assignment())
    assert len(list(field_work.slots(at(MONDAY)))) == 1
    assert list(field_work.slots(at(MONDAY))) == []


def test_three_attempts_differ_in_weekday_and_window() -> None:
    attempts = of(worked(Home(results=(AttemptResult.NOT_MET,)), 15), AttemptReported)[:3]
    assert len({each.attempted_on.weekday() for each in attempts}) == 3
    assert len({each.window for each in attempts}) == 3


def test_what_happens_at_a_door_is_the_same_under_other_ids() -> None:
    def story(letters: list[Letter]) -> list[Any]:
        return [(each.attempted_on, each.window, each.result) for each in of(letters, AttemptReported)]

    assert story(worked(Home(), 20)) == story(worked(Home(), 20, planned_on=date(2026, 11, 27), window=Window.EVENING))


def test_whoever_moved_out_is_waived_by_two_persons() -> None:
    (waiver,) = of(worked(Home(moved_out=True), 10), WaiverReported)
    assert waiver.second_person != waiver.actor


def test_withdrawn_visit_is_not_made() -> None:
    field_work = FieldWork(1, CITY, {})
    given = assignment()
    field_work.hear("mitte", given)
    list(field_work.slots(at(MONDAY)))
    gone = AssignmentWithdrawn(case_id=given.case_id, visit_id=given.visit_id, version=2, reason=WithdrawReason.OBLIGATION_CLOSED)
    field_work.hear("mitte", gone)
    assert list(field_work.reports(at(MONDAY + timedelta(days=10), 19))) == []


def test_refused_outcome_is_reported_again() -> None:
    field_work = FieldWork(1, CITY, {DOOR: Home(outcome=Outcome.CONTACT_LOST, over_on=MONDAY)})
    field_work.hear("mitte", assignment())
    (first,) = [each for each in field_work.reports(at(MONDAY, 19)) if isinstance(each.data, OutcomeReported)]
    assert of(field_work.reports(at(MONDAY, 19)), OutcomeReported) == [], "it waits for its answer"
    field_work.answer(first.id, accepted=False, today=MONDAY)
    (again,) = of(field_work.reports(at(date(2026, 11, 30), 19)), OutcomeReported)
    assert again.ended_on == date(2026, 11, 30)


def offered(referral: UUID) -> OfferMade:
    return OfferMade(
        referral_id=referral, service="mietschulden", group=NeedGroup.MONEY, district="MITTE",
        household_type=HouseholdType.SINGLE, answer_by=date(2026, 11, 25),
    )  # fmt: skip


def handed(referral: UUID, basis: TransmissionBasis) -> HandoverMade:
    person = HandedPerson(person_id=uuid4(), family_name="Musterfrau", given_name="Erika")
    return HandoverMade(
        referral_id=referral, case_id=uuid4(), basis=basis, need=Need.ARREARS_ASSUMPTION, persons=(person,), address=None
    )


def decisions(office: str) -> list[Any]:
    helpers, referral = Helpers(1, CITY), uuid4()
    helpers.hear(office, offered(referral))
    helpers.hear(office, handed(referral, TransmissionBasis.SGB10_69_1_1))
    helpers.consider(MONDAY)
    days = [MONDAY + timedelta(days=n) for n in range(10)]
    return [(each.data.model_dump(exclude={"actor", "referral_id"})) for day in days for each in helpers.replies(at(day))]


def test_application_is_decided_alike_whichever_office_was_asked() -> None:
    assert decisions("jobcenter-leistungen") == decisions("wohnraumsicherung")
    assert decisions("jobcenter-leistungen")


def test_undertaking_of_a_story_arrives_on_its_day() -> None:
    last = date(2026, 12, 21)
    helpers, referral = Helpers(1, CITY, {"Musterfrau": last}), uuid4()
    helpers.hear("jobcenter-leistungen", offered(referral))
    helpers.hear("jobcenter-leistungen", handed(referral, TransmissionBasis.SGB10_69_1_1))
    helpers.consider(MONDAY)
    letters = [each.data for n in range(40) for each in helpers.replies(at(MONDAY + timedelta(days=n)))]
    assert isinstance(letters[0], ApplicationAnswered)
    assert [getattr(each, "received_by_landlord_on", None) for each in letters] == [None, None, last]


def test_silence_is_waited_for_and_an_answer_ends_the_waiting() -> None:
    helpers, referral = Helpers(1, CITY), uuid4()
    helpers.hear("caritas", offered(referral))
    helpers.consider(MONDAY)
    assert helpers.waiting
    replies = [each for n in range(5) for each in helpers.replies(at(MONDAY + timedelta(days=n)))]
    assert helpers.waiting is (replies == [])
    assert not any(isinstance(each.data, OfferAccepted) for each in helpers.replies(at(MONDAY)))


def test_digests_tell_what_differs() -> None:
    one, other = Digest(("a", "b"), ("c",), (), 1), Digest(("a",), ("c", "d"), (), 1)
    assert one.sha256 != other.sha256
    assert difference(one, other) == ["- b", "+ d"]
