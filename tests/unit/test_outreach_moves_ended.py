"""Merged cases of which one had ended: which outcome counts for what."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.contracts.codes import (
    AttemptResult,
    CaseStatus,
    Outcome,
)
from shared.contracts.topics.cases import (
    CaseReopened,
)
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.messaging.model import Rejected
from tests.unit.outreach_room import MONDAY, changed
from tests.unit.outreach_story import Story, ids, play


def test_how_the_absorbed_case_ended_closes_nothing_and_comes_back_with_it() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.x, story.reports()[1][0], story.town.outcome(story.x)])
    play(story, [story.merged, story.gone])
    assert town.file(story.s).outcome is None
    play(story, [story.n, story.parted])
    assert isinstance(town.file(story.n).outcome, OutcomeRecorded)


def test_a_closed_case_with_an_open_one_is_reopened_by_intakes_word() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.reports()[0][0].model_copy(update={"result": AttemptResult.MET})])
    play(story, [town.outcome(story.s, Outcome.TENANCY_KEPT_INSTALMENTS), changed(story.s, status=CaseStatus.CLOSED)])
    reopened = CaseReopened(**dict(story.merged))
    play(story, [story.x, reopened, story.gone])
    assert town.file(story.s).outcome is None
    assert len(town.file(story.s).open_owed) == 1


def test_a_case_closed_here_that_intake_knew_open_is_open_with_the_duties_of_the_one_it_absorbed() -> None:
    story = Story(same=False)
    met = story.reports()[0][0].model_copy(update={"result": AttemptResult.MET})
    town = play(story, [story.s, story.x, met, story.town.outcome(story.s)])
    (ended,) = town.events(OutcomeRecorded)
    assert isinstance(ended, OutcomeRecorded)
    assert not ended.absorbed
    play(story, [story.merged, story.gone])
    assert town.file(story.s).outcome is None
    assert [each.proceeding_id for each in town.file(story.s).open_owed] == [ids(story.x)[2]]
    with pytest.raises(Rejected, match="open_obligation"):
        town.decide(story.town.outcome(story.s))


def test_an_outcome_names_the_cases_it_ends_and_outlasts_a_state_that_does_not_know_it_yet() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.x, story.merged, story.gone])
    met = [line[0].model_copy(update={"result": AttemptResult.MET}) for line in story.reports()]
    play(story, [*met, story.town.outcome(story.s), changed(story.merged, changed_on=MONDAY + timedelta(days=1))])
    (ended,) = town.events(OutcomeRecorded)
    assert isinstance(ended, OutcomeRecorded)
    assert ended.absorbed == (story.x.case_id,)
    assert town.file(story.s).outcome == ended
