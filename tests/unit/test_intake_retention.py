"""When a household's time is over, what outlives it, and what goes with a revoked notice."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.facts import Rank, Statement
from services.intake.law.healing import Healing
from services.intake.retention import Kept, cut_off, due, healings, names_somebody, words
from services.intake.revoking import rest_of, revoked_with
from services.intake.snapshot import CaseState, HouseholdState
from shared.contracts.codes import CaseStatus, Channel, ProceedingOutcome, Stage, TerminationType
from shared.contracts.fields import Event
from shared.contracts.topics.cases import CaseUpdated, ProceedingFact, TerminationFact
from shared.contracts.topics.households import AddressRecord, HouseholdRecorded, Member
from shared.contracts.topics.notices import NoticeCorrected, NoticeRevoked
from shared.contracts.topics.parts import Address
from tests.unit.intake_words import NOW, TODAY, party, said, suit

DAYS = st.dates(date(2015, 1, 1), date(2040, 1, 1))
CLOSED = Kept(closed=True, changed_on=date(2023, 3, 1))


@pytest.mark.parametrize(
    ("today", "over"),
    [(date(2026, 3, 1), False), (date(2026, 3, 2), True)],  # three years to the day, and the day after
)
def test_a_household_goes_when_the_period_after_its_last_change_is_over(today: date, *, over: bool) -> None:
    assert due([CLOSED], 36, today) is over


@pytest.mark.parametrize(
    "beside",
    [
        Kept(closed=False, changed_on=date(2010, 1, 1)),
        Kept(closed=True, changed_on=date(2026, 3, 1)),
        Kept(closed=True, changed_on=date(2010, 1, 1), held=True),
    ],
    ids=["open", "closed lately", "on hold"],
)
def test_one_case_keeps_the_whole_household(beside: Kept) -> None:
    assert due([CLOSED], 36, date(2030, 1, 1))
    assert not due([CLOSED, beside], 36, date(2026, 3, 2))


@given(DAYS, DAYS, st.integers(1, 120))
def test_the_cut_off_is_the_rule_seen_from_today(changed_on: date, today: date, months: int) -> None:
    assert due([Kept(closed=True, changed_on=changed_on)], months, today) == (changed_on <= cut_off(today, months))


@given(st.lists(st.builds(Kept, st.booleans(), DAYS, st.booleans()), min_size=1, max_size=4), DAYS, st.integers(1, 120))
def test_what_is_due_stays_due_until_somebody_stops_it(cases: list[Kept], today: date, months: int) -> None:
    if due(cases, months, today):
        assert due(cases, months, today + timedelta(days=400))
        assert due(cases[1:], months, today)
        assert not due([*cases, Kept(closed=True, changed_on=date(2000, 1, 1), held=True)], months, today)


def test_a_healed_termination_is_known_by_its_day_and_by_the_newest_notice_that_it_could_heal() -> None:
    case = CaseUpdated(
        case_id=uuid4(),
        household_id=uuid4(),
        household_version=1,
        status=CaseStatus.CLOSED,
        stage=Stage.NONE,
        received_on=TODAY,
        channel=Channel.PARTNER_JSON,
        changes=(),
        changed_on=TODAY,
        terminations=tuple(
            TerminationFact(termination_id=uuid4(), types=(kind,), received_on=on)
            for kind, on in (
                (TerminationType.EXTRAORDINARY_ARREARS, date(2026, 1, 5)),
                (TerminationType.EXTRAORDINARY_ARREARS, date(2026, 2, 5)),
                (TerminationType.ORDINARY_OWN_USE, date(2026, 2, 20)),
                (TerminationType.EXTRAORDINARY_ARREARS, date(2026, 6, 1)),
            )
        ),
        proceedings=tuple(
            ProceedingFact(proceeding_id=uuid4(), channel=Channel.PARTNER_JSON, received_on=TODAY, outcome=outcome, outcome_on=on)
            for outcome, on in ((ProceedingOutcome.HEALED, date(2026, 3, 1)), (ProceedingOutcome.WITHDRAWN, date(2026, 4, 1)))
        ),
    )
    assert healings(case) == (Healing(date(2026, 2, 5), date(2026, 3, 1)),)


def record(*names: str) -> HouseholdRecorded:
    people = [Member(person_id=uuid4(), family_name=name, given_name="Berta") for name in names]
    home = Address(street="Hammer Straße", house_number="12", postcode="48153", place="Münster")
    where = AddressRecord(address_id=uuid4(), person_ids=tuple(each.person_id for each in people), address=home)
    return HouseholdRecorded(household_id=uuid4(), version=1, members=tuple(people), addresses=(where,))


def test_a_message_is_about_the_household_where_it_names_a_member_and_the_postcode() -> None:
    assert words(record("Müller")) == [("Müller", "Berta", "48153")]
    assert words(None) == []


@pytest.mark.parametrize(
    ("reason", "names"),
    [("Art. 17, Frau Müller-Lüdenscheidt", True), ("Antrag von MUELLER", True), ("Art. 17, Antrag vom 3. März", False)],
)
def test_a_reason_that_names_somebody_is_known(reason: str, *, names: bool) -> None:
    assert names_somebody(reason, record("Müller")) is names


SOURCE, CASE, OTHER = "urn:bleibe:partner:ag-muenster", uuid4(), uuid4()


def statement(content: Event, refers_to: UUID | None = None, case_id: UUID = CASE, source: str = SOURCE) -> Statement:
    return Statement(source, uuid4(), content, Rank.COURT, TODAY, NOW, case_id, refers_to)


def revocation(of: Statement, source: str = SOURCE) -> Statement:
    return statement(said(NoticeRevoked, revokes=of.id), of.id, source=source)


def test_with_a_revoked_notice_go_its_corrections_and_its_revocation() -> None:
    notice, beside = statement(suit()), statement(suit())
    corrected = statement(said(NoticeCorrected, corrects=notice.id, content=suit()), notice.id)
    again = statement(said(NoticeCorrected, corrects=corrected.id, content=suit()), corrected.id)
    revoked = revocation(notice)
    everything = [notice, beside, corrected, again, revoked]
    assert revoked_with(everything, [notice.key]) == {notice.key, corrected.key, again.key, revoked.key}


def test_a_revoked_correction_goes_without_what_it_corrected() -> None:
    notice = statement(suit())
    corrected = statement(said(NoticeCorrected, corrects=notice.id, content=suit()), notice.id)
    revoked = revocation(corrected)
    assert revoked_with([notice, corrected, revoked], [corrected.key]) == {corrected.key, revoked.key}


def test_what_its_own_source_did_not_revoke_stays_whoever_agreed() -> None:
    notice = statement(suit())
    foreign = revocation(notice, source="urn:bleibe:partner:jobcenter")
    assert revoked_with([notice, foreign], [notice.key]) == set()


def household(case: CaseState) -> HouseholdState:
    entry = record("Beispiel")
    ids = {"person|beispiel berta": entry.members[0].person_id, "person|fremd franz": uuid4()}
    return HouseholdState(id=case.household_id, ids=ids, record=entry)


def test_a_case_that_rested_on_the_notice_alone_goes_with_it() -> None:
    case = CaseState(id=CASE, household_id=uuid4())
    notice = statement(suit())
    rest = rest_of(household(case), [case], [notice, revocation(notice)], [notice.key])
    assert rest.nothing
    assert rest.emptied == (case,)


def test_another_notice_keeps_the_case_and_who_nobody_names_any_more_is_forgotten() -> None:
    case, second = CaseState(id=CASE, household_id=uuid4()), CaseState(id=OTHER, household_id=uuid4())
    notice, beside = statement(suit(party("Fremd", "Franz"))), statement(suit())
    alone = statement(suit(), case_id=OTHER)
    everything = [notice, beside, alone, revocation(notice), statement(said(NoticeRevoked, revokes=alone.id), alone.id, OTHER)]
    rest = rest_of(household(case), [case, second], everything, [notice.key, alone.key])
    assert not rest.nothing
    assert rest.emptied == (second,)
    assert rest.household.ids.keys() == {"person|beispiel berta"}
