"""The legal clock: golden dates, service per defendant, two calendars, and the properties that keep a home safe."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.law import Actor, Deadline, Facts, Service, deadlines, load_rules, switched_on
from services.intake.law.rules import Place, Roll
from services.intake.room import clockwork_of
from shared.calendar import LANDS, NATIONWIDE, NRW, Calendar, is_working_day
from shared.city import load_city
from shared.contracts.codes import Basis, Evidence
from shared.runtime.settings import MUENSTER

RULES = load_rules()
COURT, DOCUMENT, WORD = Evidence.COURT, Evidence.DOCUMENT, Evidence.WORD

days = st.dates(date(2015, 1, 1), date(2039, 12, 31))
services = st.builds(Service, days, st.sampled_from(Evidence))
lands = st.none() | st.sampled_from([*sorted(LANDS), NATIONWIDE])


def iso(text: str) -> date:
    return date.fromisoformat(text)


def one(facts: Facts, rule: str) -> Deadline:
    return next(deadline for deadline in deadlines(facts, RULES) if deadline.rule == rule)


def schonfrist(*served: Service | None, filed_on: date | None = None, landlord_land: str | None = None) -> Deadline:
    return one(Facts(filed_on=filed_on, served=served, landlord_land=landlord_land), "SCHONFRIST_END")


@pytest.mark.parametrize(
    ("served_on", "end"),
    [
        ("2026-11-23", "2027-01-25"),
        ("2026-12-30", "2027-03-01"),
        ("2026-12-31", "2027-03-01"),
        ("2027-12-31", "2028-02-29"),
        ("2026-10-25", "2026-12-28"),
        ("2027-01-26", "2027-03-30"),
        ("2027-03-17", "2027-05-18"),
        ("2027-03-27", "2027-05-28"),
        ("2027-09-01", "2027-11-02"),
        ("2027-03-01", "2027-05-03"),
        ("2027-02-28", "2027-04-28"),
    ],
)
def test_the_schonfrist_ends(served_on: str, end: str) -> None:
    deadline = schonfrist(Service(iso(served_on), COURT))
    assert (deadline.date, deadline.basis) == (iso(end), Basis.EXACT)


@pytest.mark.parametrize(
    ("facts", "rule", "end"),
    [
        (Facts(served=(Service(iso("2026-11-23"), COURT),)), "DEFENCE_NOTICE", "2026-12-07"),
        (Facts(served=(Service(iso("2026-11-23"), COURT),)), "STATEMENT_OF_DEFENCE", "2026-12-21"),
        (Facts(hearing_at=datetime(2027, 1, 13, 23, 30, tzinfo=UTC)), "HEARING", "2027-01-14"),
        (Facts(hearing_at=iso("2027-01-14")), "EVICTION_PERIOD_REQUEST_AT_TRIAL", "2027-01-14"),
        (Facts(default_judgment_served_on=iso("2026-12-11")), "DEFAULT_JUDGMENT_OBJECTION", "2026-12-28"),
        (Facts(judgment_served_on=iso("2027-02-26")), "APPEAL", "2027-03-30"),
        (Facts(eviction_period_ends_on=iso("2027-04-09")), "EVICTION_PERIOD_EXTENSION", "2027-03-25"),
        (Facts(title_final_on=iso("2027-03-26")), "EVICTION_PERIOD_MAX", "2028-03-26"),
        (Facts(eviction_date_served_on=iso("2027-03-05")), "BAILIFF_NOTICE_MIN", "2027-03-26"),
        (Facts(eviction_at=iso("2027-01-15")), "ENFORCEMENT_PROTECTION", "2026-12-31"),
        (Facts(security_due_on=iso("2027-03-26")), "SECURITY_ORDER", "2027-03-26"),
        (Facts(tenancy_ends_on=iso("2027-01-31")), "OBJECTION_ORDINARY", "2026-11-30"),
        (Facts(evicted_on=iso("2027-02-26")), "BELONGINGS_PICKUP", "2027-03-30"),
        (Facts(received_on=iso("2027-02-26")), "PRIVACY_INFO", "2027-03-26"),
    ],
)
def test_every_other_rule(facts: Facts, rule: str, end: str) -> None:
    assert one(facts, rule).date == iso(end)


def test_fifteen_rules_are_in_force_and_the_announced_one_is_not() -> None:
    everything = Facts(
        filed_on=iso("2026-11-02"),
        served=(Service(iso("2026-11-23"), COURT),),
        hearing_at=iso("2027-01-14"),
        judgment_served_on=iso("2027-01-20"),
        default_judgment_served_on=iso("2027-01-20"),
        eviction_at=iso("2027-04-09"),
        eviction_date_served_on=iso("2027-03-01"),
        eviction_period_ends_on=iso("2027-04-01"),
        security_due_on=iso("2027-01-05"),
        tenancy_ends_on=iso("2027-05-31"),
        evicted_on=iso("2027-04-09"),
        received_on=iso("2026-11-04"),
    )
    today = {deadline.rule for deadline in deadlines(everything, RULES)}
    announced = {deadline.rule for deadline in deadlines(everything, switched_on(RULES, "SCHONFRIST_ORDINARY"))}
    assert len(today) == 15
    assert announced - today == {"SCHONFRIST_ORDINARY"}


def test_with_two_defendants_the_last_service_counts_and_the_first_starts_the_defence() -> None:
    served = (Service(iso("2026-11-23"), COURT), Service(iso("2026-11-30"), DOCUMENT))
    assert schonfrist(*served).date == iso("2027-02-01")
    assert schonfrist(*served).basis is Basis.EXACT
    assert one(Facts(served=served), "DEFENCE_NOTICE").date == iso("2026-12-07")


def test_while_one_service_is_unknown_the_earliest_known_date_bounds() -> None:
    deadline = schonfrist(Service(iso("2026-11-23"), COURT), None, filed_on=iso("2026-11-02"))
    assert (deadline.date, deadline.basis) == (iso("2027-01-25"), Basis.LOWER_BOUND)
    # The unknown one may have been served, and have to answer, before the known one.
    assert one(Facts(filed_on=iso("2026-11-02"), served=(Service(iso("2026-11-23"), COURT), None)), "DEFENCE_NOTICE").date == iso(
        "2026-11-16"
    )


def test_without_any_service_the_filing_bounds() -> None:
    deadline = schonfrist(filed_on=iso("2026-11-02"))
    assert (deadline.date, deadline.basis) == (iso("2027-01-04"), Basis.LOWER_BOUND)
    assert [each.fact for each in deadline.inputs] == ["filed_on"]


def test_word_of_mouth_never_moves_the_schonfrist_later() -> None:
    told = schonfrist(Service(iso("2026-11-30"), WORD), filed_on=iso("2026-11-02"))
    assert (told.date, told.basis) == (iso("2027-01-04"), Basis.LOWER_BOUND)
    assert schonfrist(Service(iso("2026-11-30"), WORD)).basis is Basis.LOWER_BOUND


def test_a_landlord_in_berlin_keeps_no_corpus_christi() -> None:
    served = Service(iso("2027-03-27"), COURT)
    assert schonfrist(served).date == iso("2027-05-28")
    assert schonfrist(served, landlord_land="BE").date == iso("2027-05-27")
    assert schonfrist(served, landlord_land="NW").date == iso("2027-05-28")
    assert schonfrist(served, landlord_land=NATIONWIDE).date == iso("2027-05-27")
    assert schonfrist(served, landlord_land=NATIONWIDE).basis is Basis.LOWER_BOUND
    elsewhere = Service(iso("2027-05-13"), COURT)
    assert schonfrist(elsewhere, landlord_land=NATIONWIDE) == schonfrist(elsewhere)


def test_court_periods_know_only_the_court_s_holidays() -> None:
    facts = Facts(served=(Service(iso("2027-05-13"), COURT),), landlord_land="BE")
    assert one(facts, "DEFENCE_NOTICE").date == iso("2027-05-28")


def test_an_eviction_date_by_telephone_is_not_exact() -> None:
    facts = Facts(eviction_at=iso("2027-04-09"), evidence={"eviction_at": WORD})
    deadline = one(facts, "ENFORCEMENT_PROTECTION")
    assert (deadline.date, deadline.basis) == (iso("2027-03-25"), Basis.LOWER_BOUND)


def test_a_clock_that_remembers_tells_a_telephone_call_from_a_letter() -> None:
    clockwork = clockwork_of(load_city(MUENSTER))
    for evidence in (COURT, WORD, COURT):
        facts = Facts(eviction_at=iso("2027-04-09"), evidence={"eviction_at": evidence})
        assert clockwork(facts) == deadlines(facts, RULES)


def test_until_the_judgment_is_final_its_service_bounds_the_longest_eviction_period() -> None:
    deadline = one(Facts(judgment_served_on=iso("2027-02-26")), "EVICTION_PERIOD_MAX")
    assert (deadline.date, deadline.basis) == (iso("2028-02-26"), Basis.LOWER_BOUND)


def test_a_missed_enforcement_protection_leaves_the_door_open() -> None:
    facts = Facts(eviction_at=iso("2027-01-15"), today=iso("2027-01-01"))
    assert one(facts, "ENFORCEMENT_PROTECTION").remark == "ENFORCEMENT_PROTECTION_PASSED"
    on_the_day = Facts(eviction_at=iso("2027-01-15"), today=iso("2026-12-31"))
    assert one(on_the_day, "ENFORCEMENT_PROTECTION").remark is None


def test_an_eviction_date_served_too_late_is_said() -> None:
    facts = Facts(eviction_at=iso("2027-03-20"), eviction_date_served_on=iso("2027-03-01"))
    assert one(facts, "BAILIFF_NOTICE_MIN").remark == "BAILIFF_NOTICE_MIN_TOO_SHORT"


def test_a_rule_applies_from_its_first_to_its_last_day() -> None:
    row = next(rule for rule in RULES if rule.id == "PRIVACY_INFO")
    old = row.model_copy(update={"version": "old", "valid_to": iso("2026-11-30")})
    new = row.model_copy(update={"version": "new", "valid_from": iso("2026-12-01")})

    def version(received_on: str) -> str:
        return deadlines(Facts(received_on=iso(received_on)), (old, new))[0].rule_version

    assert [version("2026-11-30"), version("2026-12-01")] == ["old", "new"]


def test_a_holiday_proclaimed_late_counts() -> None:
    extra: Callable[[str], Calendar] = lambda land: Calendar(land, frozenset({iso("2027-01-25")}))  # noqa: E731  one expression, one name
    facts = Facts(served=(Service(iso("2026-11-23"), COURT),))
    assert next(d for d in deadlines(facts, RULES, extra) if d.rule == "SCHONFRIST_END").date == iso("2027-01-26")


def test_the_city_acts_where_only_it_can() -> None:
    assert one(Facts(received_on=iso("2026-11-04")), "PRIVACY_INFO").who is Actor.CITY


@given(trigger=days, landlord=lands)
def test_rolled_deadlines_fall_on_working_days_on_the_right_side(trigger: date, landlord: str | None) -> None:
    facts = Facts(
        served=(Service(trigger, COURT),),
        judgment_served_on=trigger,
        default_judgment_served_on=trigger,
        eviction_at=trigger,
        eviction_period_ends_on=trigger,
        tenancy_ends_on=trigger,
        evicted_on=trigger,
        landlord_land=landlord,
    )
    rules = {rule.id: rule for rule in RULES}
    for deadline in deadlines(facts, RULES):
        rule, raw = rules[deadline.rule], deadline.steps[1].on
        if rule.roll is Roll.NEXT:
            assert deadline.date >= raw
        elif rule.roll is Roll.PREVIOUS:
            assert deadline.date <= raw < trigger
        else:
            assert deadline.date == raw
            continue
        two = rule.place is Place.LANDLORD and landlord is not None
        assert is_working_day(deadline.date, NRW) or (two and is_working_day(deadline.date, Calendar(landlord or "NW")))


@given(served=st.lists(services, min_size=1, max_size=4), which=st.integers(0, 3), later=st.integers(0, 400))
def test_a_later_service_never_gives_an_earlier_schonfrist(served: list[Service], which: int, later: int) -> None:
    moved = list(served)
    n = which % len(served)
    moved[n] = Service(served[n].on + timedelta(later), served[n].evidence)
    assert schonfrist(*moved).date >= schonfrist(*served).date


@given(
    filed_on=days,
    delays=st.lists(st.integers(0, 200), min_size=1, max_size=4),
    known=st.lists(st.none() | st.tuples(st.sampled_from(Evidence), st.integers(-60, 60)), min_size=4, max_size=4),
    knows_filing=st.booleans(),
)
def test_what_is_half_known_is_never_later_than_the_truth(
    filed_on: date, delays: list[int], known: list[tuple[Evidence, int] | None], knows_filing: bool
) -> None:
    truth = tuple(Service(filed_on + timedelta(delay), COURT) for delay in delays)
    heard = tuple(
        None if what is None else Service(real.on + timedelta(what[1] if what[0] is WORD else 0), what[0])
        for real, what in zip(truth, known, strict=False)
    )
    reliable = any(each is not None and each.evidence is not WORD for each in heard)
    facts = Facts(filed_on=filed_on if knows_filing or not reliable else None, served=heard)
    for rule in ("SCHONFRIST_END",) if facts.filed_on is None else ("SCHONFRIST_END", "DEFENCE_NOTICE"):
        assert one(facts, rule).date <= one(Facts(served=truth), rule).date


@given(served=st.lists(st.none() | services.filter(lambda each: each.evidence is not WORD), max_size=4), word=days, filed_on=days)
def test_hearing_more_by_word_of_mouth_never_helps(served: list[Service | None], word: date, filed_on: date) -> None:
    before = schonfrist(*served, None, filed_on=filed_on)
    after = schonfrist(*served, Service(word, WORD), filed_on=filed_on)
    assert after.date <= before.date
    assert after.basis is Basis.LOWER_BOUND
