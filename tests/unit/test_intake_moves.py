# ruff: noqa: ANN401  the fields of a fact are anything
"""Merges and splits in any order lose nothing: every statement counts in one case, and what is derived is what was said."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from services.intake.deriving import case_of, derive
from services.intake.desk import Desk
from services.intake.facts import StatementKey
from services.intake.moves import merge
from services.intake.snapshot import CaseState, same
from services.intake.splitting import came_with, goes_back, split
from shared.contracts.codes import CaseChange, CaseStatus, Evidence, LegalFact, Outcome, TerminationType
from shared.contracts.topics.cases import CaseEvent, CaseMerged, CaseReopened, CaseSplit
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.notices import Notice, NoticeCorrected, Party, ProceedingRef, TerminationReported
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.parts import GivenAddress
from shared.contracts.topics.visits import LegalFactSeen
from shared.messaging.model import Rejected, Said
from tests.unit.intake_words import TODAY, days, eviction, heard, hearing_set, party, said, stranger, suit, told
from tests.unit.test_intake_decisions import COURT, JOBCENTER, LANDLORD, a_room

SLIP = GivenAddress(street="Hamer Straße", house_number="12", postcode="48153", place="Münster")
FAR = GivenAddress(street="Wolbecker Straße", house_number="70", postcode="48155", place="Münster")


class Town:
    """Intake in memory, and all it has said."""

    def __init__(self) -> None:
        room, numbers = a_room(), count(1)
        self.desk = Desk(TODAY, room._atlas, room._clockwork, lambda: UUID(int=next(numbers)))
        self.said: list[Said] = []
        self.numbers = count(1_000_000)

    def hear(self, data: BaseModel, partner: str = COURT) -> UUID:
        """A notice; returns its case."""
        message = heard(data, partner, UUID(int=next(self.numbers)))
        self.said += a_room().decide(self.desk, message).said
        case_id = self.desk.statements[message.source, message.id].case_id
        assert case_id is not None
        return case_id

    def told(self, topic: str, by: str, data: BaseModel) -> None:
        self.said += a_room().decide(self.desk, told(topic, by, data, days(0, hour=15))).said

    def merge(self, one: UUID, other: UUID) -> tuple[UUID, UUID]:
        into, absorbed, events = merge(self.desk, one, other)
        self.said += events
        return into, absorbed

    def split(self, case_id: UUID, chosen: Iterable[StatementKey]) -> UUID:
        _, new, events = split(self.desk, case_id, set(chosen))
        self.said += events
        return new

    def event(self, case_id: UUID) -> CaseEvent:
        """The newest state of a case, as a reader has it."""
        return next(each.data for each in reversed(self.said) if each.key == str(case_id) and isinstance(each.data, CaseEvent))

    def notices(self, case_id: UUID) -> list[StatementKey]:
        return [each.key for each in self.desk.said_in(case_id) if isinstance(each.content, Notice)]

    def home(self, household_id: UUID) -> UUID:
        """The household that an id means now."""
        while household_id in self.desk.merged:
            household_id = self.desk.merged[household_id]
        return household_id

    def living(self) -> list[CaseState]:
        return [case for each in self.desk.households for case in self.desk.cases_of(each)]


def ref(n: int) -> ProceedingRef:
    return ProceedingRef(court_code="R2713", docket=f"{n} C 1/26")


def terminated(*tenants: Party) -> TerminationReported:
    types = (TerminationType.EXTRAORDINARY_ARREARS,)
    notice: TerminationReported = said(TerminationReported, tenants=tenants, termination_types=types)
    return notice


def seen(case_id: UUID, **fields: Any) -> LegalFactSeen:
    fields = {"fact": LegalFact.SERVED, "on": days(-3).date(), "evidence": Evidence.DOCUMENT, **fields}
    return LegalFactSeen(case_id=case_id, report_id=uuid4(), **fields)


def two_cases(town: Town) -> tuple[UUID, UUID]:
    """One household heard of twice, in spellings that leave a doubt."""
    one = town.hear(suit(party("Beispiel", "Berta"), proceeding=ref(1)))
    other = town.hear(suit(party("Beyspil", "B.", SLIP), proceeding=ref(2)), JOBCENTER)
    assert one != other
    return one, other


def test_the_case_heard_of_first_survives_and_the_other_ends_its_key() -> None:
    town = Town()
    one, other = two_cases(town)
    into, absorbed = town.merge(other, one)
    assert {into, absorbed} == {one, other}
    ended = [each.data for each in town.said if each.key == str(absorbed)][-1]
    assert isinstance(ended, CaseMerged)
    assert ended.into_case_id == into
    event = town.event(into)
    assert event.absorbed == (absorbed,)
    assert CaseChange.MERGED in event.changes
    assert len(event.proceedings) == 2
    gone = [each for each in town.said if each.topic == "households" and each.data is None]
    assert [each.key for each in gone] == [str(ended.household_id)]


def test_who_is_the_same_goes_by_the_surviving_households_id() -> None:
    town = Town()
    one, other = two_cases(town)
    persons = {case: town.event(case).tenant_ids for case in (one, other)}
    into, absorbed = town.merge(one, other)
    assert town.event(into).tenant_ids == persons[into]
    ended = next(each.data for each in town.said if isinstance(each.data, CaseMerged))
    now = {each.was: each.now for each in ended.replaced}
    assert now[persons[absorbed][0]] == persons[into][0]
    homes = {each.address_id for suit_ in town.event(into).proceedings for each in suit_.defendants}
    assert len(homes) == 1


def test_relatives_of_one_household_stay_two_people() -> None:
    town = Town()
    one = town.hear(suit(party("Beispiel", "Berta"), proceeding=ref(1)))
    other = town.hear(suit(party("Beispiel", "Otto"), proceeding=ref(2)))
    into, _ = town.merge(one, other)
    assert len(town.event(into).tenant_ids) == 2


def test_the_same_suit_told_twice_is_one_proceeding_after_the_merge() -> None:
    town = Town()
    one = town.hear(suit(party("Beispiel", "Berta"), proceeding=None))
    other = town.hear(suit(party("Beyspil", "B.", SLIP), proceeding=ref(2)), JOBCENTER)
    was = {town.event(case).proceedings[0].proceeding_id for case in (one, other)}
    into, absorbed = town.merge(one, other)
    (proceeding,) = town.event(into).proceedings
    ended = next(each.data for each in town.said if isinstance(each.data, CaseMerged))
    renamed = {each.was: each.now for each in (*ended.replaced, *town.event(into).replaced)}
    assert {renamed.get(each, each) for each in was} == {proceeding.proceeding_id}
    assert absorbed in town.event(into).absorbed


def test_a_closed_case_that_absorbs_an_open_one_is_reopened() -> None:
    town = Town()
    one, other = two_cases(town)
    into, absorbed = sorted((one, other), key=lambda case: (town.event(case).received_on, case))
    town.told("outcomes", "outreach", ended(into))
    assert town.event(into).status is CaseStatus.CLOSED
    town.merge(into, absorbed)
    assert isinstance(town.event(into), CaseReopened)


def test_what_names_an_alias_means_the_case_that_it_is_part_of() -> None:
    town = Town()
    one, other = two_cases(town)
    fact_about = town.event(other).proceedings[0].proceeding_id
    into, absorbed = town.merge(one, other)
    town.told("visits", "outreach", seen(absorbed, proceeding_id=fact_about))
    served = [suit_ for suit_ in town.event(into).proceedings if suit_.proceeding_id == fact_about]
    assert served[0].defendants[0].served_on == days(-3).date()


def test_a_fact_about_a_person_who_goes_by_another_id_now_is_about_that_person() -> None:
    town = Town()
    one, other = two_cases(town)
    person = {case: town.event(case).tenant_ids[0] for case in (one, other)}
    suits = {case: town.event(case).proceedings[0].proceeding_id for case in (one, other)}
    into, absorbed = town.merge(one, other)
    town.told("visits", "outreach", seen(absorbed, proceeding_id=suits[absorbed], person_id=person[absorbed]))
    served = {each.proceeding_id: each.defendants[0].served_on for each in town.event(into).proceedings}
    assert served[suits[absorbed]] == days(-3).date()


def test_undoing_a_merge_gives_the_absorbed_case_back_under_a_new_id() -> None:
    town = Town()
    one, other = two_cases(town)
    town.told("visits", "outreach", seen(other))
    before = {case: shape(town, case) for case in (one, other)}
    into, absorbed = town.merge(one, other)
    assert set(town.notices(into)) > came_with(town.desk.said_in(into), absorbed)
    new = town.split(into, came_with(town.desk.said_in(into), absorbed))
    event = town.event(new)
    assert isinstance(event, CaseSplit)
    assert (event.split_from, event.undoes) == (into, absorbed)
    assert town.event(into).split_off == (new,)
    assert {case: shape(town, now) for case, now in ((into, into), (absorbed, new))} == before


def test_an_undone_merge_gives_the_absorbed_ids_to_the_case_given_back() -> None:
    town = Town()
    first, second, third = (town.hear(suit(stranger(n), proceeding=ref(n), received_on=days(n - 9).date())) for n in range(3))
    homes = {case: town.event(case).household_id for case in (first, second, third)}
    town.merge(second, third)
    town.merge(first, second)
    new = town.split(first, came_with(town.desk.said_in(first), second))
    for case in (second, third):
        living = town.desk.living(case)
        assert living is not None
        assert living.id == new
        assert town.desk.merged[homes[case]] == town.event(new).household_id
    third_again = town.split(new, came_with(town.desk.said_in(new), third))
    assert town.desk.living(second) == town.desk.cases[new]
    assert third_again != new


def test_a_merge_is_undone_after_more_was_heard_of_the_absorbed_suit() -> None:
    town = Town()
    one, other = two_cases(town)
    into, absorbed = town.merge(one, other)
    ((source, _),) = came_with(town.desk.said_in(into), absorbed)
    (filed,) = (each for _, each in came_with(town.desk.said_in(into), absorbed))
    docket = town.desk.statements[source, filed].content.proceeding  # type: ignore[attr-defined]  # a suit
    hearing = hearing_set(days(20), proceeding=docket)
    assert town.hear(hearing) == into
    town.hear(said(NoticeCorrected, corrects=filed, content=suit(stranger(1), proceeding=docket)), source.rpartition(":")[2])
    new = town.split(into, goes_back(town.desk.said_in(into), absorbed))
    event = town.event(new)
    assert isinstance(event, CaseSplit)
    assert event.undoes == absorbed
    assert event.proceedings[0].hearing_at == hearing.hearing_at
    assert len(town.notices(new)) == 3


def test_what_goes_beside_an_absorbed_case_makes_it_a_split_and_no_undoing() -> None:
    town = Town()
    one, other = two_cases(town)
    into, absorbed = town.merge(one, other)
    town.hear(suit(party("Beispiel", "Berta"), proceeding=ref(3)))
    (mine,) = [each.key for each in town.desk.said_in(into) if getattr(each.content, "proceeding", None) == ref(3)]
    new = town.split(into, {*came_with(town.desk.said_in(into), absorbed), mine})
    event = town.event(new)
    assert isinstance(event, CaseSplit)
    assert event.undoes is None


def test_an_outcome_said_before_the_merge_was_known_leaves_the_case_open() -> None:
    town = Town()
    into, absorbed = town.merge(*two_cases(town))
    town.told("outcomes", "outreach", ended(into))
    assert town.event(into).status is CaseStatus.OPEN
    town.told("outcomes", "outreach", ended(into, absorbed))
    assert town.event(into).status is CaseStatus.CLOSED


def ended(case_id: UUID, *absorbed: UUID) -> OutcomeRecorded:
    return OutcomeRecorded(case_id=case_id, outcome=Outcome.TENANCY_KEPT_INSTALMENTS, ended_on=TODAY, absorbed=absorbed)


def test_a_split_keeps_the_suit_and_gives_people_new_ids() -> None:
    town = Town()
    case = town.hear(suit(party("Beispiel", "Berta"), proceeding=ref(1)))
    second = town.hear(suit(party("Beispiel", "Berta"), proceeding=ref(2)))
    assert second == case
    before = town.event(case)
    (chosen,) = [each.key for each in town.desk.said_in(case) if getattr(each.content, "proceeding", None) == ref(2)]
    new = town.split(case, [chosen])
    event = town.event(new)
    assert isinstance(event, CaseSplit)
    assert {each.proceeding_id for each in event.proceedings} < {each.proceeding_id for each in before.proceedings}
    assert {each.was: each.now for each in event.replaced}[before.tenant_ids[0]] == event.tenant_ids[0]
    assert event.household_id != town.event(case).household_id


def test_what_was_split_is_never_attached_or_asked_about_by_itself() -> None:
    town = Town()
    case = town.hear(suit(party("Beispiel", "Berta"), proceeding=ref(1)))
    town.hear(suit(party("Beispiel", "Berta"), proceeding=ref(2)))
    (chosen,) = [each.key for each in town.desk.said_in(case) if getattr(each.content, "proceeding", None) == ref(2)]
    new = town.split(case, [chosen])
    assert not town.desk.questions
    assert town.hear(hearing_set(days(20), proceeding=ref(2))) == new
    assert not town.desk.questions
    third = town.hear(terminated(party("Beispiel", "Berta")), LANDLORD)
    assert third not in {case, new}
    assert {each.partner(third) for each in town.desk.questions_of(third)} == {case, new}


@pytest.mark.parametrize(
    ("choose", "rule"),
    [
        (lambda _: [], "nothing_chosen"),
        (lambda keys: keys, "nobody_stays"),
        (lambda keys: keys[:1], "court_file_apart"),
        (lambda _: [("urn:bleibe:partner:nobody", UUID(int=1))], "not_of_this_case"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused_and_changes_nothing(choose: object, rule: str) -> None:
    town = Town()
    case = town.hear(suit(party("Beispiel", "Berta"), proceeding=ref(1)))
    town.hear(hearing_set(days(20), proceeding=ref(1)))
    before = dict(town.desk.statements)
    with pytest.raises(Rejected) as refused:
        town.split(case, choose(town.notices(case)))  # type: ignore[operator]  # a lambda above
    assert refused.value.rule == rule
    assert town.desk.statements == before


def test_a_case_does_not_merge_with_itself_or_with_nothing() -> None:
    town = Town()
    one, other = two_cases(town)
    town.merge(one, other)
    for pair, rule in (((one, other), "same_case"), ((one, UUID(int=0)), "unknown_case")):
        with pytest.raises(Rejected) as refused:
            town.merge(*pair)
        assert refused.value.rule == rule


def shape(town: Town, case_id: UUID) -> object:
    """A case and its people without ids: what it is about."""
    event = town.event(case_id)
    record = town.desk.households[event.household_id].record
    assert record is not None
    names = {each.person_id: (each.family_name, each.given_name) for each in record.members}
    streets = {each.address_id: each.address.street for each in record.addresses}
    return (
        {names[each] for each in event.tenant_ids},
        None if event.dwelling_id is None else streets[event.dwelling_id],
        {
            (
                suit_.filed_on,
                suit_.hearing_at,
                frozenset(
                    (names[each.person_id], each.address_id and streets[each.address_id], each.served_on)
                    for each in suit_.defendants
                ),
            )
            for suit_ in event.proceedings
        },
        frozenset(each.types for each in event.terminations),
        event.eviction and event.eviction.eviction_at,
        {(each.rule, each.on) for each in event.deadlines},
        event.stage,
    )


PEOPLE = [
    party("Beispiel", "Berta"),
    party("Beispiel", "Otto"),
    party("Beyspil", "B.", SLIP),
    party("Öztürk", "Ayşe", FAR),
    party("Oeztuerk", "Ayse", FAR),
    party("Kowalski", "Jan", FAR),
]
people = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2, unique=True)
notices = st.one_of(
    st.builds(lambda who, n: suit(*who, proceeding=n and ref(n)), people, st.sampled_from([None, 1, 2, 3])),
    st.builds(lambda who, n: eviction(days(30), *who, proceeding=ref(n)), people, st.sampled_from([1, 2, 3])),
    st.builds(lambda who: terminated(*who), people),
)
moves = st.one_of(
    st.tuples(st.just("merge"), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("split"), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("undo"), st.integers(0, 9)),
    st.tuples(st.just("fact"), st.integers(0, 9)),
)
steps = st.builds(
    lambda first, then: [*first, *then],
    st.lists(notices, min_size=2, max_size=5),
    st.lists(st.one_of(moves, moves, notices), min_size=2, max_size=8),
)


def play(town: Town, story: list[object]) -> None:
    """Notices, facts, merges and splits, each of whatever cases there are."""
    for step in story:
        cases = sorted(town.living(), key=lambda case: case.id)
        ids = sorted(town.desk.cases)
        if isinstance(step, BaseModel):
            town.hear(step, LANDLORD if isinstance(step, TerminationReported) else COURT)
        elif not ids or not isinstance(step, tuple):
            continue
        elif step[0] == "fact":
            town.told("visits", "outreach", seen(ids[step[1] % len(ids)]))
        else:
            case = cases[step[1] % len(cases)]
            try:
                if step[0] == "merge":
                    town.merge(case.id, ids[step[2] % len(ids)])
                elif step[0] == "split":
                    keys = sorted(town.notices(case.id))
                    town.split(case.id, keys[step[2] % len(keys) :])
                elif case.absorbed:
                    town.split(case.id, goes_back(town.desk.said_in(case.id), case.absorbed[-1]))
            except Rejected:
                pass


@settings(max_examples=80)
@given(steps)
def test_whatever_is_merged_and_split_nothing_is_lost(story: list[object]) -> None:
    town = Town()
    play(town, story)
    living = {case.id: case for case in town.living()}
    for statement in town.desk.statements.values():
        assert statement.case_id in living
    for alias in (each for each in town.desk.cases.values() if each.merged_into is not None):
        assert alias.merged_into in living
        assert living[alias.merged_into].household_id == alias.household_id
        assert alias.household_before is None or town.home(alias.household_before) == alias.household_id
    for case in living.values():
        household = town.desk.households[case.household_id]
        assert case.last is not None
        assert case.last.household_id == household.id
        derived = derive(town.desk, household, town.desk.cases_of(household.id), {})
        _, event, _ = case_of(town.desk, derived, case.id)
        assert same(case.last, event)
        assert derived.state.record == household.record
        assert derived.keys.keys() <= {key for key, by in town.desk.keys.items() if household.id in by}


@settings(max_examples=80)
@given(steps)
def test_the_events_alone_tell_where_every_case_went(story: list[object]) -> None:
    town = Town()
    play(town, story)
    merged = {each.data.case_id: each.data.into_case_id for each in town.said if isinstance(each.data, CaseMerged)}
    came = [each.data for each in town.said if isinstance(each.data, CaseSplit)]

    def now(case_id: UUID) -> UUID:
        while case_id in merged:
            case_id = merged[case_id]
        return case_id

    for case in town.living():
        event = town.event(case.id)
        assert set(event.absorbed) == {each for each in merged if now(each) == case.id}
        assert set(event.split_off) == {each.case_id for each in came if now(each.split_from) == case.id}
        record = town.desk.households[case.household_id].record
        assert isinstance(record, HouseholdRecorded)
        assert set(event.tenant_ids) <= {each.person_id for each in record.members}
    for case_id in merged:
        assert isinstance([each.data for each in town.said if each.key == str(case_id)][-1], CaseMerged)
