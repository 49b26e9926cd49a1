"""Cases erased in the middle of a merge or split: nobody waits for what was emptied, and nobody keeps what is erased."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.codes import (
    AttemptResult,
    Window,
)
from shared.contracts.fields import Event
from shared.contracts.topics.cases import (
    CaseErased,
    CaseEvent,
)
from shared.contracts.topics.field_reports import (
    AttemptReported,
    FieldReport,
)
from shared.messaging.model import Rejected
from tests.unit.outreach_room import MONDAY, changed
from tests.unit.outreach_story import Story, ids, nobody_twice, play, teams_know


def test_erasing_an_alias_forgets_it_and_erasing_the_case_takes_all() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.x, story.gone, story.merged])
    for case in (story.x, story.s):
        town.hear(CaseErased(case_id=case.case_id, household_id=case.household_id), "cases", str(case.case_id))
    assert not town.state.files
    assert not town.state.aliases
    assert town.state.erased_files == {story.x.case_id, story.s.case_id}
    with pytest.raises(Rejected, match="unknown_case"):
        town.decide(story.reports()[1][0], "field-reports.nord-west")


def test_a_new_case_gets_its_part_though_the_old_one_is_erased_before_it_told_of_the_split() -> None:
    story = Story(same=False, undoes=False)
    by = {**story.town.by(story.s), "attempted_on": MONDAY, "window": Window.MORNING, "result": AttemptResult.MET}
    met = AttemptReported(**by, address_id=ids(story.x)[1])
    town = play(story, [changed(story.merged, absorbed=()), met, story.n])
    assert not town.file(story.n).owed
    town.hear(CaseErased(case_id=story.s.case_id, household_id=story.s.household_id), "cases", str(story.s.case_id))
    (owed,) = town.file(story.n).owed
    assert owed.proceeding_id == ids(story.x)[2]
    assert not owed.open


def test_a_new_case_erased_before_the_old_one_told_of_the_split_takes_its_part_with_it() -> None:
    story = Story(same=False, undoes=False)
    town = play(story, [changed(story.merged, absorbed=()), story.n, story.shared_home])
    assert len(town.file(story.s).open_owed) == 2
    play(story, [erased(story.n), changed(story.parted, absorbed=())])
    assert [each.proceeding_id for each in town.file(story.s).owed] == [ids(story.s)[2]]
    teams_know(town)
    nobody_twice(town)
    assert not town.file(story.s).waiting


def erased(case: CaseEvent) -> CaseErased:
    return CaseErased(case_id=case.case_id, household_id=case.household_id)


@st.composite
def paces(draw: st.DrawFn, lines: list[list[Event]], erased_with: UUID | None = None) -> list[Event]:
    """Any order that keeps each key's own.

    Of a case nothing is reported before it is heard of, and of this one nothing once anybody is erased.
    """
    left, heard = [list(line) for line in lines], list[Event]()
    while any(left):
        known = {each.case_id for each in heard if isinstance(each, CaseEvent)}
        known -= {erased_with} if any(isinstance(each, CaseErased) for each in heard) else set()
        free = [line for line in left if line and not (isinstance(line[0], FieldReport) and line[0].case_id not in known)]
        if not free:
            break
        heard.append(draw(st.sampled_from(free)).pop(0))
    return heard


@pytest.mark.parametrize("same", [False, True])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_case_that_gave_a_part_to_one_that_is_erased_goes_on_without_it(same: bool, data: st.DataObject) -> None:
    """Of the keys of X and N only so much was read before they were emptied."""
    story = Story(same)
    x = [story.x, story.gone][: data.draw(st.integers(0, 2), "of X")]
    n = [story.n][: data.draw(st.integers(0, 1), "of N")]
    keys: list[list[Event]] = [[story.s, story.merged, story.parted], [*x, erased(story.x)], [*n, erased(story.n)]]
    town = play(story, data.draw(paces([*keys, *[list[Event](each) for each in story.reports()], [story.home]], story.x.case_id)))
    assert set(town.state.files) == {story.s.case_id}
    file = town.file(story.s)
    assert not file.waiting
    assert file.case.split_off == (story.n.case_id,)
    assert [(each.person_id, each.proceeding_id) for each in file.open_owed] == [(ids(story.s)[0], ids(story.s)[2])]
    assert [each.result for each in file.attempts] == [AttemptResult.NOT_MET]
    assert len(file.contacts) == len(file.consents) == 1
    assert len(file.reports) == 3
    assert not town.state.aliases


@pytest.mark.parametrize("same", [False, True])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_case_split_from_one_that_is_erased_begins(same: bool, data: st.DataObject) -> None:
    """Of the old case's key only so much was read before it was emptied."""
    story = Story(same)
    s = [story.s, story.merged, story.parted][: data.draw(st.integers(0, 3), "of S")]
    keys: list[list[Event]] = [[*s, erased(story.s)], [story.x, story.gone], [story.n]]
    town = play(story, data.draw(paces([*keys, [story.new_home]])))
    assert set(town.state.files) == {story.n.case_id}
    file = town.file(story.n)
    assert not file.waiting
    assert [(each.person_id, each.proceeding_id) for each in file.open_owed] == [(ids(story.n)[0], ids(story.n)[2])]
    assert town.state.aliases == {story.x.case_id: story.n.case_id}
