"""What a split takes along, and what reports that name the old case find."""

from __future__ import annotations

from collections import Counter

import pytest

from shared.contracts.codes import (
    AttemptResult,
    NeedGroup,
    ObligationClose,
    ReferralState,
    Window,
)
from shared.contracts.topics.field_reports import (
    AttemptReported,
    ReportCorrection,
)
from shared.contracts.topics.referrals import ReferralChanged, ReferralsGivenUp
from shared.contracts.topics.visits import (
    VisitsGivenUp,
)
from tests.unit.outreach_room import MONDAY, changed
from tests.unit.outreach_story import Story, ids, play


@pytest.mark.parametrize("same", [False, True])
def test_a_merge_undone_gives_back_what_each_had(same: bool) -> None:
    story = Story(same)
    before = play(story, [story.s, story.x, *(each for line in story.reports() for each in line)])
    had = {
        case_id: Counter(each.closing and each.closing.how for each in file.owed) for case_id, file in before.state.files.items()
    }
    play(story, [story.gone, story.merged, story.parted, story.n])
    s, n = before.file(story.s), before.file(story.n)
    assert Counter(each.closing and each.closing.how for each in n.owed) == had[story.x.case_id]
    standing = [each for each in s.owed if not each.void]
    assert Counter(each.closing and each.closing.how for each in standing) == had[story.s.case_id]
    assert [each.result for each in s.attempts] == [AttemptResult.NOT_MET]
    assert [each.result for each in n.attempts] == [AttemptResult.MET]
    assert before.state.aliases == {story.x.case_id: story.n.case_id}


def test_a_report_by_the_old_case_finds_what_a_split_took_along() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.x, story.gone, story.merged])
    visit = next(each for each in town.file(story.s).visits if each.address_id == ids(story.x)[1])
    play(story, [story.n, story.parted])
    by = {**town.by(story.s), "attempted_on": MONDAY, "window": Window.MORNING, "result": AttemptResult.MET}
    play(story, [AttemptReported(**by, visit_id=visit.id)])
    assert not town.file(story.n).open_owed
    assert town.file(story.s).open_owed


def test_a_split_without_a_merge_takes_the_suit_and_what_was_tried_for_it() -> None:
    story = Story(same=False, undoes=False)
    both = changed(story.merged, absorbed=())
    by = {**story.town.by(story.s), "attempted_on": MONDAY, "window": Window.MORNING}
    town = play(story, [both, AttemptReported(**by, address_id=ids(story.x)[1], result=AttemptResult.MET)])
    play(story, [changed(story.parted, absorbed=()), story.n])
    s, n = town.file(story.s), town.file(story.n)
    assert [each.proceeding_id for each in s.owed] == [ids(story.s)[2]]
    assert [(each.proceeding_id, each.closing and each.closing.how) for each in n.owed] == [
        (ids(story.x)[2], ObligationClose.MET)
    ]
    (given_up,) = town.events(VisitsGivenUp)
    assert isinstance(given_up, VisitsGivenUp)
    assert len(given_up.report_ids) == 1
    assert not s.attempts


def test_an_attempt_for_both_suits_is_known_to_both_cases() -> None:
    story = Story(same=False, undoes=False)
    suits = (*story.s.proceedings, *story.x.proceedings)
    town = play(story, [changed(story.s, proceedings=suits)])
    by = {**town.by(story.s), "attempted_on": MONDAY, "window": Window.MORNING, "result": AttemptResult.MET}
    play(story, [AttemptReported(**by)])
    play(story, [story.n, changed(story.parted, absorbed=())])
    for case in (story.s, story.n):
        assert len(town.file(case).attempts) == 1
        assert not town.file(case).open_owed
    report = town.file(story.s).attempts[0].report_id
    play(story, [ReportCorrection(**town.by(story.s), corrects=report)])
    for case in (story.s, story.n):
        assert not town.file(case).attempts
        assert len(town.file(case).open_owed) == 1


def test_referrals_that_another_case_took_over_are_shown_with_it() -> None:
    story = Story(same=False, undoes=False)
    town = play(story, [changed(story.merged, absorbed=())])
    referral, given_up = town.id(), {"case_id": story.s.case_id, "to_case_id": story.n.case_id}
    state = {"group": NeedGroup.MONEY, "state": ReferralState.ESCALATED, "try_number": 1, "changed_on": MONDAY}
    town.hear(ReferralChanged(case_id=story.s.case_id, referral_id=referral, **state), "referrals")
    town.hear(ReferralsGivenUp(**given_up, referral_ids=(referral,)), "referrals")
    assert [each.id for each in town.file(story.s).referrals] == [referral]
    play(story, [changed(story.parted, absorbed=()), story.n])
    town.hear(ReferralsGivenUp(**given_up, referral_ids=(referral,)), "referrals")
    assert not town.file(story.s).referrals
    assert [each.id for each in town.file(story.n).referrals] == [referral]
