"""The definitions of the indicators, and when a quarter's figures may be published or corrected."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.indicators import (
    CITY,
    Figure,
    OfferAnswer,
    OutcomeGroup,
    QuarterReport,
    SuitState,
    guarantee_now,
    outcome_group,
    quarters_of,
    report,
    suit_state,
)
from services.reporting.lines import CaseLine, Guarantee, SuitLine, TryLine
from services.reporting.page import Sections
from services.reporting.parts import Ruling
from services.reporting.periods import last_day, quarter_of
from services.reporting.protection import K
from services.reporting.releases import Release, announced, correction, is_settled, may_be_corrected
from shared.contracts.codes import (
    ApplicationDecision,
    ArrearsCause,
    Channel,
    MoneyBand,
    NeedGroup,
    Outcome,
    ReferralState,
)
from shared.contracts.topics.figures import FigurePublished

DAY = date(2026, 7, 6)
Q = "2026Q3"


def case(district: str = "NORD", *suits: SuitLine, received_on: date = DAY) -> CaseLine:
    return CaseLine(district, received_on, Channel.XJUSTIZ, MoneyBand.FROM_1000, suits)


def suit(guarantee: Guarantee = Guarantee.FULFILLED, **more: object) -> SuitLine:
    return replace(SuitLine(DAY, guarantee, due_on=DAY + timedelta(days=7)), **more)  # type: ignore[arg-type]  # a test's own fields


def shown(lines: list[CaseLine], as_of: date = date(2026, 11, 22), quarter: str = Q) -> dict[tuple[str, str, str | None], Figure]:
    return {(f.name, f.district, f.code): f for f in report(lines, quarter, as_of, ("NORD", "MITTE")).figures}


@pytest.mark.parametrize(
    ("guarantee", "due_on", "state"),
    [
        (Guarantee.FULFILLED, None, SuitState.FULFILLED),
        (Guarantee.WAIVED, DAY, SuitState.WAIVED),
        (Guarantee.EXCUSED, None, SuitState.OTHER),
        (Guarantee.UNCOVERED, None, SuitState.OUTSTANDING),
        (Guarantee.OPEN, DAY, SuitState.OUTSTANDING),
        (Guarantee.OPEN, DAY + timedelta(days=1), SuitState.OTHER),
    ],
)
def test_how_a_suit_counts(guarantee: Guarantee, due_on: date | None, state: SuitState) -> None:
    assert suit_state(SuitLine(DAY, guarantee, due_on), DAY) is state


def test_coverage_is_fulfilled_of_due() -> None:
    lines = [case("NORD", suit()) for _ in range(15)] + [case("NORD", suit(Guarantee.OPEN)) for _ in range(5)]
    lines += [case("NORD", suit(Guarantee.WAIVED)) for _ in range(6)]
    figures = shown(lines)
    assert figures["visit_coverage", "NORD", None] == Figure("visit_coverage", "NORD", None, 20, 0.75)
    assert figures["suits", CITY, None].count == 26
    assert figures["suits", "MITTE", None].count == 0


def test_coverage_is_protected_with_its_parts() -> None:
    lines = [case("NORD", suit()) for _ in range(15)] + [case("NORD", suit(Guarantee.OPEN)) for _ in range(2)]
    assert shown(lines)["visit_coverage", "NORD", None] == Figure("visit_coverage", "NORD", protected=True)


def test_overdue_counts_obligations_nobody_tried_since_yesterday() -> None:
    lines = [replace(case(), owed=(DAY, DAY - timedelta(days=1)), uncovered=2), case()]
    now = guarantee_now(lines, DAY)
    assert (now.open, now.overdue, now.uncovered) == (2, 1, 2)


def test_days_and_slack_from_five_cases_on_and_percentiles_from_ten() -> None:
    def after(days: int) -> CaseLine:
        reached = DAY + timedelta(days=days)
        return case("NORD", suit(attempt_on=reached, contact_on=reached, slack=30 - days))

    assert shown([after(days) for days in (1, 2, 3, 4)])["days_to_attempt_median", "NORD", None].protected
    five = shown([after(days) for days in (1, 2, 3, 4, 9)])
    assert five["days_to_attempt_median", "NORD", None].value == 3
    assert five["days_to_attempt_p90", "NORD", None].protected
    ten = shown([after(days) for days in range(1, 11)])
    assert ten["days_to_contact_median", CITY, None].value == 5.5
    assert ten["days_to_contact_p90", CITY, None].value == 9
    assert ten["slack_at_contact_median", CITY, None].value == 24.5
    assert ten["slack_at_contact_p10", CITY, None].value == 21


def test_causes_primary_and_named_and_missing() -> None:
    def assessed(primary: ArrearsCause | None, *more: ArrearsCause) -> CaseLine:
        causes = (*((primary,) if primary else ()), *more)
        return replace(case(), assessed_on=DAY, causes=causes, primary=primary)

    lines = [assessed(ArrearsCause.UNEMPLOYMENT, ArrearsCause.ENERGY_DEBT) for _ in range(12)]
    lines += [assessed(ArrearsCause.ENERGY_DEBT) for _ in range(8)] + [assessed(ArrearsCause.NOT_ASKED) for _ in range(5)]
    figures = shown(lines)
    assert figures["cause_primary", CITY, "ENERGY_DEBT"].count == 8
    assert figures["cause_any", CITY, "ENERGY_DEBT"].count == 20
    assert figures["cause_missing", CITY, None] == Figure("cause_missing", CITY, None, 25, 0.2)
    assert ("cause_further", CITY, "ENERGY_DEBT") not in figures


def test_a_cause_named_further_by_two_cannot_be_subtracted() -> None:
    debt, job = ArrearsCause.ENERGY_DEBT, ArrearsCause.UNEMPLOYMENT
    lines = [replace(case(), assessed_on=DAY, causes=(debt,), primary=debt)] * 20
    lines += [replace(case(), assessed_on=DAY, causes=(job,), primary=job)] * 10
    lines += [replace(case(), assessed_on=DAY, causes=(debt, job), primary=job)] * 2
    figures = shown(lines)
    assert figures["cause_primary", CITY, debt].protected or figures["cause_any", CITY, debt].protected


def test_every_outcome_has_a_group_and_the_single_ones_do_not_tell_what_the_groups_hide() -> None:
    assert {outcome_group(outcome) for outcome in Outcome} == set(OutcomeGroup)
    lines = [replace(case("NORD"), outcome=Outcome.TENANCY_KEPT_INSTALMENTS, ended_on=DAY)] * 9
    lines += [replace(case("MITTE"), outcome=Outcome.ROUGH_SLEEPING, ended_on=DAY)] * 2
    figures = shown(lines)
    assert figures["outcome", CITY, "ROUGH_SLEEPING"].protected
    assert figures["outcome_group", CITY, "LOST"].protected
    assert figures["outcome_group", "MITTE", "LOST"].protected
    assert figures["outcomes", "MITTE", None].protected


def test_offers_and_rulings() -> None:
    def tried(days: int, answer: ReferralState | None) -> TryLine:
        return TryLine(NeedGroup.MONEY, DAY, DAY + timedelta(days=days) if answer else None, answer)

    tries = (
        *[tried(1, ReferralState.ACCEPTED)] * 9,
        *[tried(3, ReferralState.TIMED_OUT)] * 6,
        *[tried(2, ReferralState.REJECTED_BY_PROVIDER)] * 5,
    )
    figures = shown(
        [replace(case(), tries=(*tries, *[tried(0, None)] * 5), rulings=(Ruling(DAY, ApplicationDecision.GRANTED),) * 6)]
    )
    assert figures["offer_acceptance", CITY, None] == Figure("offer_acceptance", CITY, None, 20, 0.45)
    assert figures["offer_answer", CITY, OfferAnswer.PENDING].count == 5
    assert figures["days_pending_median", CITY, None].value == 2
    assert figures["ruling", CITY, "GRANTED"].count == 6


def test_everything_counts_in_the_quarter_of_its_own_day() -> None:
    line = replace(case("NORD", suit()), outcome=Outcome.DECEASED, ended_on=date(2026, 10, 1), assessed_on=date(2027, 1, 1))
    assert quarters_of([line]) == ["2026Q3", "2026Q4", "2027Q1"]
    assert shown([line] * 5)["outcomes", CITY, None].count == 0
    assert shown([line] * 5, quarter="2026Q4")["outcomes", CITY, None].count == 5
    assert shown([line] * 5, quarter="2027Q1")["assessed", CITY, None].count == 5


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_quarter_ends_where_the_next_begins(day: date) -> None:
    quarter = quarter_of(day)
    assert quarter_of(last_day(quarter)) == quarter
    assert quarter_of(last_day(quarter) + timedelta(days=1)) > quarter
    assert day <= last_day(quarter)


lines = st.lists(
    st.builds(
        CaseLine,
        district=st.sampled_from(["NORD", "MITTE", "UNKNOWN"]),
        received_on=st.just(DAY),
        channel=st.sampled_from(Channel),
        arrears=st.sampled_from(MoneyBand),
        suits=st.lists(st.builds(suit, st.sampled_from(Guarantee)), max_size=2).map(tuple),
        assessed_on=st.just(DAY),
        primary=st.sampled_from([None, *list(ArrearsCause)[:4]]),
        outcome=st.sampled_from(Outcome),
        ended_on=st.just(DAY),
    ),
    max_size=60,
)


@given(lines)
def test_no_count_below_five_is_ever_announced(cases: list[CaseLine]) -> None:
    said = announced(report(cases, Q, DAY, ("NORD", "MITTE")))
    figures = [each.data for each in said]
    assert len({each.key for each in said}) == len(said)
    for figure in figures:
        assert isinstance(figure, FigurePublished)
        assert figure.protected == (figure.protected and figure.count is None and figure.share is None and figure.value is None)
        if figure.count is not None and figure.share is None:
            assert figure.count == 0 or figure.count >= K


@given(lines)
def test_every_report_makes_a_page_in_both_languages(cases: list[CaseLine]) -> None:
    made = report(cases, Q, DAY, ("NORD",))
    german = Sections({Q: made}, Q, {"NORD": "Nord"}, "de").all()
    english = Sections({Q: made}, Q, {"NORD": "Nord"}, "en").all()
    assert [each.id for each in german] == [each.id for each in english]
    assert all(len(row[1]) == len(each.table.columns) for each in german for row in each.table.rows)


def numbers(**counts: int | None) -> QuarterReport:
    return QuarterReport(
        Q, DAY, tuple(Figure(name, CITY, None, count, protected=count is None) for name, count in counts.items())
    )


def test_a_quarter_settles_four_weeks_after_its_end() -> None:
    assert not is_settled(Q, date(2026, 10, 28))
    assert is_settled(Q, date(2026, 10, 29))


@pytest.mark.parametrize(
    ("new", "allowed"),
    [
        (numbers(a=20, b=None), False),
        (numbers(a=25, b=None), True),
        (numbers(a=15, b=None), True),
        (numbers(a=24, b=None), False),
        (numbers(a=25, b=30), False),
        (numbers(a=25, b=None, c=9), False),
    ],
)
def test_a_correction_never_tells_of_fewer_than_five(new: QuarterReport, allowed: bool) -> None:
    release = Release(Q, (numbers(a=20, b=None),), sealed=False)
    assert (correction(release, new) is not None) == allowed


def test_a_correction_is_compared_with_every_version() -> None:
    release = Release(Q, (numbers(a=20), numbers(a=26)), sealed=False)
    assert correction(release, numbers(a=21)) is None
    assert correction(release, numbers(a=32)) is not None


def test_what_was_sealed_by_an_erasure_is_not_corrected() -> None:
    released = numbers(a=20)
    assert may_be_corrected(Release(Q, (released,), sealed=False), DAY)
    assert not may_be_corrected(Release(Q, (released,), sealed=True), DAY)
    assert not may_be_corrected(Release(Q, (released,), sealed=False), DAY + timedelta(days=200))


def test_only_what_changed_is_announced_again() -> None:
    said = announced(numbers(a=26, b=7), numbers(a=20, b=7))
    assert [each.key for each in said] == ["a:2026Q3:CITY"]
    assert re.fullmatch(r"[a-z_]+:2026Q3:CITY", said[0].key)
