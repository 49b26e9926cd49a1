"""Splits and undone merges: what goes, what it is called then, what is refused."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.intake.splitting import came_with, goes_back
from shared.contracts.codes import CaseStatus
from shared.contracts.topics.cases import CaseSplit
from shared.contracts.topics.notices import NoticeCorrected
from shared.messaging.model import Rejected
from tests.unit.intake_office import LANDLORD
from tests.unit.intake_town import Town, ended, ref, seen, terminated, two_cases
from tests.unit.intake_words import days, hearing_set, party, said, stranger, suit


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


@pytest.mark.parametrize("news", [False, True])
def test_a_closed_case_is_given_back_closed_unless_something_new_has_come(news: bool) -> None:
    town = Town()
    into, absorbed = sorted(two_cases(town), key=lambda case: (town.event(case).received_on, case))
    town.told("outcomes", "outreach", ended(absorbed))
    town.merge(into, absorbed)
    docket = next(getattr(each.content, "proceeding", None) for each in town.desk.said_in(into) if absorbed in each.came_with)
    if news:
        town.hear(hearing_set(days(20), proceeding=docket))
    new = town.split(into, goes_back(town.desk.said_in(into), absorbed))
    assert town.event(new).status is (CaseStatus.OPEN if news else CaseStatus.CLOSED)


def test_who_was_kept_apart_from_a_household_is_kept_apart_from_what_leaves_it() -> None:
    town = Town()
    one, other = two_cases(town)
    third = town.hear(suit(stranger(7), proceeding=ref(7)))
    theirs = town.event(third).household_id
    for each in (one, other):
        town.desk.apart.add(frozenset((town.event(each).household_id, theirs)))
    into, absorbed = town.merge(one, other)
    new = town.split(into, came_with(town.desk.said_in(into), absorbed))
    assert frozenset((town.event(new).household_id, theirs)) in town.desk.apart


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
