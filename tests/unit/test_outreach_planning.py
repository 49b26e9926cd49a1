"""Who goes, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from services import outreach
from services.outreach.arranging import HARD_RULES, Desk, arrange
from services.outreach.planning import Diary, Slot, Wish, propose
from services.outreach.sheet import may_see
from services.outreach.state import finish
from shared.contracts.codes import Alarm, AttemptResult, Banner, ContactKind, ObligationReason, Stage, Window
from shared.runtime.persons import Person, Role
from shared.runtime.texts import Texts
from tests.unit.outreach_room import MONDAY, Town, at, away, changed, city, deadline, heard_on, with_eviction

TUESDAY = MONDAY + timedelta(days=1)


def wish(**more: object) -> Wish:
    fields: dict[str, object] = {
        "visit_id": Town(5).id(),
        "team": "nord-west",
        "district": "NORD",
        "languages": frozenset(),
        "by": MONDAY + timedelta(days=7),
    }
    return Wish(**{**fields, **more})  # type: ignore[arg-type]  # fields come as keywords


def slot(found: Slot | Alarm) -> Slot:
    assert isinstance(found, Slot)
    return found


def test_the_earliest_slot_is_the_next_working_days_morning() -> None:
    found = slot(propose(wish(), city(), Diary(), at(MONDAY)))
    assert (found.on, found.window) == (TUESDAY, Window.MORNING)
    friday = MONDAY + timedelta(days=4)
    assert slot(propose(wish(by=friday + timedelta(days=9)), city(), Diary(), at(friday))).on == MONDAY + timedelta(days=7)


def test_what_is_due_today_is_planned_today_in_a_window_that_has_not_begun() -> None:
    found = slot(propose(wish(by=MONDAY), city(), Diary(), at(MONDAY, 13)))
    assert (found.on, found.window) == (MONDAY, Window.EVENING)


def test_the_district_comes_first_then_the_language_then_the_load() -> None:
    assert slot(propose(wish(district="WEST", languages=frozenset({"es"})), city(), Diary(), at(MONDAY))).caseworker == "fk-08"
    assert slot(propose(wish(languages=frozenset({"sr"})), city(), Diary(), at(MONDAY))).caseworker == "fk-07"
    booked = Diary({"fk-06": {TUESDAY: frozenset({(Window.EVENING, 1)})}})
    assert slot(propose(wish(), city(), booked, at(MONDAY))).caseworker == "fk-07"


def test_nobody_gets_more_visits_a_day_than_their_capacity() -> None:
    town = Town(3)
    diary = Diary()
    for _ in range(30):
        visit = town.id()
        diary.book(visit, slot(propose(wish(visit_id=visit), city(), diary, at(MONDAY))))
    days: dict[tuple[str, date], list[tuple[Window, int]]] = {}
    for booked in diary._slots.values():
        days.setdefault((booked.caseworker, booked.on), []).append((booked.window, booked.seat))
    assert max(len(seats) for seats in days.values()) == 4
    assert all(len(set(seats)) == len(seats) for seats in days.values())


def test_a_seat_that_is_given_back_is_proposed_again_and_a_copy_knows_nothing_of_it() -> None:
    town = Town(3)
    diary, booked = Diary(), {}
    for _ in range(70):
        visit = town.id()
        booked[visit] = slot(propose(wish(visit_id=visit), city(), diary, at(MONDAY)))
        diary.book(visit, booked[visit])
    first, *_ = booked
    copy = diary.copy()
    diary.release(first)
    assert slot(propose(wish(), city(), diary, at(MONDAY))) == booked[first]
    assert slot(propose(wish(), city(), copy, at(MONDAY))).on > booked[first].on


def test_whoever_is_back_has_free_days_again() -> None:
    diary = Diary()
    sick = away("fk-06", "fk-07", last=MONDAY + timedelta(days=9))
    assert slot(propose(wish(current="fk-08"), sick, diary, at(MONDAY))).on == TUESDAY
    assert slot(propose(wish(by=TUESDAY), sick, diary, at(MONDAY))).caseworker == "fk-08"
    assert slot(propose(wish(), city(), diary, at(MONDAY))).caseworker == "fk-06"


def test_a_full_week_ends_in_the_earliest_slot_with_an_alarm() -> None:
    town = Town()
    seen: list[tuple[Alarm, ...]] = []
    for _ in range(70):
        case, _ = town.suit()
        town.hear(case)
        seen.append(town.visit(case).alarms)
    assert seen[0] == ()
    assert seen[-1] == (Alarm.AFTER_PROMISE,)


def test_a_notice_that_comes_after_its_deadline_is_planned_at_once_with_an_alarm() -> None:
    town = Town()
    case, _ = town.suit()
    town.hear(changed(case, deadlines=(deadline("SCHONFRIST_END", MONDAY - timedelta(days=4)),)))
    assert (town.visit(case).on, town.visit(case).alarms) == (TUESDAY, (Alarm.AFTER_DEADLINE,))


def test_a_booked_visit_stays_while_it_is_in_time() -> None:
    town = Town()
    case, _ = town.suit()
    town.hear(case)
    before = town.visit(case)
    hearing = MONDAY + timedelta(days=11)
    town.hear(heard_on(case, hearing, MONDAY))
    assert town.visit(case) == replace(before, deadline_on=hearing)


def test_a_moved_deadline_plans_anew_what_would_be_too_late() -> None:
    town = Town(data=away("fk-06", "fk-07", "fk-08", last=MONDAY + timedelta(days=1)))
    town.on(MONDAY)
    case, _ = town.suit()
    for _ in range(8):
        other, _ = town.suit()
        town.hear(other)
    town.hear(case)
    held = town.visit(case).on
    assert held is not None
    town.state.city = city()
    town.hear(with_eviction(case, held, MONDAY))
    planned = town.visit(case).on
    assert planned is not None
    assert planned < held


def test_the_one_who_knows_the_household_keeps_it() -> None:
    assert slot(propose(wish(current="fk-08"), city(), Diary(), at(MONDAY))).caseworker == "fk-08"


def test_a_sick_caseworkers_visits_go_to_the_deputy() -> None:
    town = Town()
    case, household = town.suit(district="MITTE")
    town.hear(household)
    town.hear(case)
    who = town.visit(case).caseworker
    assert who == "fk-01"
    town.state.city = away(who)
    said = finish(town.state, town.file(case), town.file(case), [], (household, household))
    assert town.visit(case).caseworker == "fk-02"
    assert [each.topic for each in said] == ["assignments.mitte"]
    town.state.city = away(who, "fk-02")
    finish(town.state, town.file(case), town.file(case), [], (household, household))
    assert town.visit(case).caseworker == "fk-04", "her own deputy, fk-01, is ill too"


def test_a_slot_that_passed_without_a_report_is_planned_anew() -> None:
    town = Town()
    case, _ = town.suit()
    town.hear(case)
    planned = town.visit(case).on
    assert planned is not None
    for later, moved in ((1, False), (2, True)):
        now = at(planned + timedelta(days=later))
        file, _ = arrange(town.file(case), None, Desk(now, city(), Diary(), town.id))
        assert (file.visits[0].on != planned) is moved


@pytest.mark.parametrize(
    ("role", "who", "team", "sees"),
    [
        (Role.CASEWORKER, "fk-06", "nord-west", {"fk-06"}),
        (Role.CASEWORKER, "fk-01", "mitte", {"fk-01", "fk-02"}),
        (Role.TEAM_LEAD, None, "nord-west", {"fk-06", "fk-07", "fk-08"}),
        (Role.CASEWORKER, "nobody", None, set()),
    ],
)
def test_a_deputy_sees_the_absent_ones_visits_only_during_cover(
    role: Role, who: str | None, team: str | None, sees: set[str]
) -> None:
    person = Person("p", frozenset({role}), team=team, caseworker_id=who).acting_as(role)
    covered = away("fk-02", last=MONDAY)
    assert may_see(covered, person, MONDAY) == sees
    assert may_see(covered, person, TUESDAY) == sees - {"fk-02"}


def test_every_code_that_a_page_shows_has_its_words() -> None:
    texts = Texts(Path(outreach.__file__).parent / "pages" / "texts.json")
    shown = {
        "alarm": Alarm,
        "banner": Banner,
        "stage": Stage,
        "result": AttemptResult,
        "contact": ContactKind,
        "reason": ObligationReason,
    }
    for prefix, codes in shown.items():
        assert all(texts(f"{prefix}.{code}") for code in codes)
    assert all(texts(f"deadline.{rule}", "en") for rule in (*HARD_RULES, "EVICTION_DATE"))
